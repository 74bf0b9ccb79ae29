/**
 * A request for a proof in two parts: `request`, JSON, and then what may be large and is passed on as it
 * comes: `stdin`, an SP1Stdin in bincode, or `sealed`, program and stdin encrypted.
 */
import type { Multipart, MultipartFile } from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import { UnavailableError } from '../errors.js'
import {
  checkProofRequest,
  MULTIPART_PROOF_REQUEST,
  type ProofRequest,
  SEALED_PROOF_REQUEST,
  type SealedProofRequest,
} from './proof-request.js'
import { malformed } from './route.js'

const MAX_REQUEST_BYTES = 16 * 1024

/** Whoever does not read the second part to its end tells it so, by `return` of an iterator. */
export type MultipartRequest =
  | { readonly asked: ProofRequest; readonly stdin: AsyncIterable<Uint8Array> }
  | { readonly asked: SealedProofRequest; readonly sealed: AsyncIterable<Uint8Array> }

/**
 * @param maxStdinBytes - above it reading the second part throws `BODY_TOO_LARGE`
 * @throws InputError `REQUEST_MALFORMED`
 */
export async function readMultipart(
  request: FastifyRequest,
  maxStdinBytes: number,
): Promise<MultipartRequest> {
  try {
    return await readParts(request, maxStdinBytes)
  } catch (error) {
    discardRest(request)
    throw error
  }
}

async function readParts(
  request: FastifyRequest,
  maxStdinBytes: number,
): Promise<MultipartRequest> {
  const limits = { parts: 2, fieldSize: MAX_REQUEST_BYTES, fileSize: maxStdinBytes }
  const parts = request.parts({ limits })
  const next = async () => (await parsing(() => parts.next())).value as Multipart | undefined
  const first = await next()
  if (first?.type !== 'field' || first.fieldname !== 'request' || first.valueTruncated) {
    return malformed('its first part is no field `request` of at most 16 KiB')
  }
  const value = parsed(first.value)
  const isSealed = Object.hasOwn(Object(value), 'private')
  const name = isSealed ? 'sealed' : 'stdin'
  const second = await next()
  if (second?.type !== 'file' || second.fieldname !== name) {
    return malformed(`its second part is no file \`${name}\``)
  }
  const pieces = chunksOf(second, maxStdinBytes)
  const chunks: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => pieces.next(),
      return: async () => {
        discardRest(request)
        return { done: true, value: undefined }
      },
    }),
  }
  return isSealed
    ? { asked: checkProofRequest(SEALED_PROOF_REQUEST, value), sealed: chunks }
    : { asked: checkProofRequest(MULTIPART_PROOF_REQUEST, value), stdin: chunks }
}

function parsed(value: unknown): unknown {
  // The parser itself takes a part whose type is JSON.
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return malformed('its part `request` is no JSON')
  }
}

async function* chunksOf({ file }: MultipartFile, limitBytes: number): AsyncGenerator<Uint8Array> {
  const chunks = file[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  for (;;) {
    const { done, value } = await parsing(() => chunks.next())
    if (done === true) break
    yield value
  }
  if (file.truncated) throw new UnavailableError('BODY_TOO_LARGE', { limitBytes })
}

/** Else the connection would wait for it to be read, and could not be used again. */
function discardRest({ raw }: FastifyRequest): void {
  raw.unpipe()
  raw.resume()
}

/** What the parser throws is about the client's bytes, or its connection. */
async function parsing<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    const { message } = error as Error
    return malformed(`its multipart body cannot be read (${message.slice(0, 100)})`)
  }
}
