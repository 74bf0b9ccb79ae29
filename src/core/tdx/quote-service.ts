/**
 * Requests to a service that makes quotes, over HTTP: by URL, or by a Unix socket. The edge behind
 * `QuoteService`; decides nothing.
 */
import { access } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { concatBytes } from '../bytes.js'
import type { QuoteService } from './service-providers.js'

/** Longer than the 30 s for which a kernel waits for its host. */
const TIMEOUT_MS = 60_000
/** What the newest kernels allow a quote to have, twice, as hex. */
const MAX_ANSWER_BYTES = 32 * 2 ** 20

export const LOCAL_QUOTE_SERVICE: QuoteService = {
  async exists(path) {
    try {
      await access(path)
      return true
    } catch {
      // Whatever keeps us from it, it is not there for us.
      return false
    }
  },

  request({ url, socketPath, body, headers = {} }, signal) {
    const deadline = AbortSignal.timeout(TIMEOUT_MS)
    const send = url.startsWith('https:') ? httpsRequest : httpRequest
    return new Promise((resolve, reject) => {
      const outgoing = send(
        url,
        {
          method: body === undefined ? 'GET' : 'POST',
          signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
          // An idle connection would keep the process alive.
          agent: false,
          ...(socketPath !== undefined && { socketPath }),
          headers: {
            ...headers,
            // Without a charset: Azure's service refuses one.
            ...(body !== undefined && { 'Content-Type': 'application/json' }),
          },
        },
        (incoming) => {
          const chunks: Uint8Array[] = []
          let total = 0
          incoming.on('data', (chunk: Uint8Array) => {
            total += chunk.length
            if (total <= MAX_ANSWER_BYTES) chunks.push(chunk)
            else incoming.destroy(Object.assign(new RangeError('too much'), { code: 'EFBIG' }))
          })
          incoming.on('error', reject)
          incoming.on('end', () =>
            resolve({ status: incoming.statusCode ?? 0, body: concatBytes(...chunks) }),
          )
        },
      )
      outgoing.on('error', (error) => {
        if (!deadline.aborted) reject(error)
        else reject(Object.assign(new Error('no answer', { cause: error }), { code: 'ETIMEDOUT' }))
      })
      outgoing.end(body)
    })
  },
}
