/**
 * Bodies of requests that are in memory, from their first byte to the answer: no more of them than the
 * server can bear, whoever sends them and however slowly. What is streamed to a disk is not among them.
 */
import { Transform } from 'node:stream'
import type { FastifyReply, FastifyRequest, RequestPayload } from 'fastify'
import { UnavailableError } from '../errors.js'
import { mediaTypeOf, visitorOf } from './route.js'
import { Shares } from './shares.js'

const RETRY_SECONDS = 2

export class BodyBudget {
  readonly #shares: Shares
  readonly #releases = new WeakMap<FastifyRequest, () => void>()

  constructor(sizeBytes: number) {
    this.#shares = new Shares(sizeBytes)
  }

  /** @throws UnavailableError `BODIES_FULL`, or the stream that it gives does, when there is no room */
  meter(request: FastifyRequest, reply: FastifyReply, body: RequestPayload): RequestPayload {
    const { 'content-length': length, 'transfer-encoding': coding } = request.headers
    const hasBody = length !== undefined || coding !== undefined
    if (!hasBody || mediaTypeOf(request) === 'multipart/form-data') return body
    const { tenant } = visitorOf(request)
    // Refused before it is read, a client gets the answer for certain.
    if (!this.#shares.has(tenant, Number(length ?? 0))) throw full()
    let takenBytes = 0
    let isOver = false
    const metered = new Transform({
      transform: (chunk: Uint8Array, _encoding, done) => {
        // Nobody reads what comes after the answer.
        if (isOver) return done()
        if (!this.#shares.take(tenant, chunk.length)) return done(full())
        takenBytes += chunk.length
        done(null, chunk)
      },
    })
    const release = () => {
      isOver = true
      this.#shares.giveBack(tenant, takenBytes)
      takenBytes = 0
    }
    this.#releases.set(request, release)
    reply.raw.once('close', release)
    // Whoever reads hears of errors as long as it reads; later ones must not end the process.
    metered.on('error', () => {})
    // A pipe does not pass on that a client went away.
    body.once('close', () => {
      if (!body.readableEnded) metered.destroy(new Error('the connection ended within the body'))
    })
    return body.pipe(metered)
  }

  /** The body is not needed any more, though there is no answer yet. */
  release(request: FastifyRequest): void {
    request.body = undefined
    this.#releases.get(request)?.()
  }
}

function full(): UnavailableError {
  return new UnavailableError('BODIES_FULL', { retryAfterSeconds: RETRY_SECONDS })
}
