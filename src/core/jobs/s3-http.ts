/**
 * One request, by node:http rather than fetch: that would copy each piece of an upload, and follow
 * redirects, and unpack what is smaller than it says.
 */
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'

export interface HttpRequest {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** A piece is not used any more when the next one is asked for. */
  readonly body: AsyncIterable<Uint8Array> | Uint8Array
  readonly signal: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  header(name: string): string | undefined
  readonly body: AsyncIterable<Uint8Array>
}

/** @throws what the socket throws, with its code; an AbortError when `signal` aborts */
export async function sendHttp(asked: HttpRequest): Promise<HttpAnswer> {
  const { url, method, headers, signal, body } = asked
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  const request = send(url, { method, headers, signal })
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve)
    // Also of a socket that breaks after the answer; who reads that hears of it.
    request.on('error', reject)
  })
  const [response] = await Promise.all([answer, writeBody(request, body, answer)])
  const { statusCode: status = 0, headers: received } = response
  const header = (name: string) => {
    const value = received[name]
    return typeof value === 'string' ? value : undefined
  }
  return { status, header, body: response }
}

/** Until it is written, or refused before its end. */
async function writeBody(
  request: ClientRequest,
  body: HttpRequest['body'],
  answer: Promise<unknown>,
): Promise<void> {
  if (body instanceof Uint8Array) {
    request.end(body)
    return
  }
  let isAnswered = false
  const settle = () => {
    isAnswered = true
  }
  // Who waits for the answer hears of its failure.
  const answered = answer.then(settle, settle)
  for await (const chunk of body) {
    const written = new Promise<void>((resolve, reject) => {
      request.write(chunk, (error) => (error ? reject(error) : resolve()))
    })
    // What an answer did not wait for may fail.
    written.catch(() => {})
    await Promise.race([written, answered])
    if (isAnswered) return
  }
  request.end()
}
