/**
 * Requests to a server, and its answers: bounded, typed, asked again while the server is full or away for a
 * while. What they mean is for the client.
 */
import { Backoff } from '../backoff.js'
import {
  InputError,
  InterruptedError,
  printable,
  restoreError,
  Sp1TeeError,
  UnavailableError,
} from '../errors.js'
import { pause } from '../pause.js'

const MAX_ANSWER_BYTES = 96 * 2 ** 20
const MAX_TEXT_LENGTH = 2_000
/** Waits for room in a full queue, before giving up. */
const MAX_ATTEMPTS = 20
/** A server that has answered once may be away for so long, as when it is restarted. */
const DEFAULT_PATIENCE_MS = 60_000
const FIRST_RETRY_MS = 200
const LONGEST_RETRY_MS = 5_000
/** It did not take the request, and may a little later. */
const PASSING_CODES = ['SERVER_DRAINING', 'SIGNER_NOT_READY', 'STORE_UNAVAILABLE', 'INTERRUPTED']
/** What a proxy says while the server behind it is away. */
const GATEWAY_STATUSES = [502, 503, 504]
/** Of a connection that never was, so that nothing can have been sent. */
const UNSENT_REASONS = [
  'ECONNREFUSED',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
]

export interface ServerOptions {
  /** Sent with every request; only over HTTPS, or to this machine, is it safe from others. */
  readonly apiKey?: string
  /** How long a server that has answered before may be away. */
  readonly patienceMs?: number
}

interface Answer {
  readonly status: number
  /** Undefined if it is no JSON. */
  readonly body: unknown
  readonly retryAfterSeconds: number
}

export interface AskOptions {
  readonly signal?: AbortSignal | undefined
  readonly json?: unknown
  readonly form?: FormData
  readonly binary?: Uint8Array
  readonly idempotencyKey?: string
  /** Not to be asked again once it may have reached the server, which may have done it. */
  readonly isOnce?: boolean
}

export interface ServerConnection {
  /**
   * @returns the answer's JSON
   * @throws Sp1TeeError the server's problem, with its code
   * @throws UnavailableError `SERVER_UNREACHABLE`, `SERVER_ANSWER`
   * @throws InterruptedError
   */
  readonly ask: (method: string, path: string, options: AskOptions) => Promise<unknown>
  /** A problem as an error with its own code, in the server's words. */
  readonly errorOf: (problem: unknown, status?: number) => Sp1TeeError
  /** @throws UnavailableError `SERVER_ANSWER` */
  readonly textField: (value: unknown, name: string) => string
  /**
   * Work on what the server answered: what is refused of it is the server's fault, not the caller's.
   *
   * @throws UnavailableError `SERVER_ANSWER` in place of an InputError
   */
  readonly reading: <T>(work: () => T | Promise<T>) => Promise<T>
  /** @throws UnavailableError `SERVER_ANSWER` */
  readonly unusable: (reason: string) => never
}

export function connectServer(
  url: string,
  { apiKey, patienceMs = DEFAULT_PATIENCE_MS }: ServerOptions,
): ServerConnection {
  const base = url.replace(/\/+$/, '')
  const origin = URL.canParse(url) ? new URL(url).origin : 'the given URL'
  let hasAnswered = false
  return { ask, errorOf, textField, reading, unusable }

  async function ask(method: string, path: string, options: AskOptions): Promise<unknown> {
    let fullTimes = 0
    let patienceLeftMs = patienceMs
    const backoff = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS)
    for (;;) {
      const retryMs = backoff.next()
      const answer = await send(method, path, options).catch((error) => {
        if (patienceLeftMs > 0 && isBreak(error, options)) return undefined
        throw error
      })
      if (answer !== undefined) {
        const { status, body, retryAfterSeconds } = answer
        if (isSuccess(status)) return body === undefined ? unusable('it is no JSON') : body
        const error = errorOf(body, status)
        if (options.isOnce) throw error
        if (status === 429 && ++fullTimes < MAX_ATTEMPTS) {
          await untilAskedAgain(1000 * retryAfterSeconds, options.signal)
          continue
        }
        if (patienceLeftMs <= 0 || !isPassing(answer, error)) throw error
      }
      patienceLeftMs -= retryMs
      await untilAskedAgain(retryMs, options.signal)
    }
  }

  /** A server that never answered is a wrong URL rather than one that restarts. */
  function isBreak(error: unknown, { isOnce = false }: AskOptions): boolean {
    if (!(error instanceof UnavailableError) || error.code !== 'SERVER_UNREACHABLE') return false
    return hasAnswered && (!isOnce || UNSENT_REASONS.includes(String(error.details.reason)))
  }

  function isPassing({ status, body }: Answer, { code }: Sp1TeeError): boolean {
    const isGateways = GATEWAY_STATUSES.includes(status) && !isProblem(body)
    return hasAnswered && (isGateways || PASSING_CODES.includes(code))
  }

  async function send(
    method: string,
    path: string,
    { signal, json, form, binary, idempotencyKey }: AskOptions,
  ): Promise<Answer> {
    const type = json !== undefined ? 'application/json' : 'application/octet-stream'
    const body = json !== undefined ? JSON.stringify(json) : (form ?? binary)
    try {
      const response = await fetch(`${base}${path}`, {
        method,
        redirect: 'error',
        headers: {
          // Of a form, fetch knows it.
          ...(body !== undefined && form === undefined && { 'content-type': type }),
          ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
          ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        },
        ...(body !== undefined && { body }),
        ...(signal !== undefined && { signal }),
      })
      const { status } = response
      const retryAfterSeconds = Math.min(Number(response.headers.get('retry-after')) || 1, 60)
      const answer = await readJson(response)
      if (isSuccess(status) || knownProblem(answer) !== undefined) hasAnswered = true
      return { status, body: answer, retryAfterSeconds }
    } catch (error) {
      if (signal?.aborted) throw interrupted()
      if (error instanceof Sp1TeeError) throw error
      const { cause = error } = error as { cause?: unknown }
      const { code } = cause as { code?: unknown }
      const reason = typeof code === 'string' ? code : 'the connection failed'
      throw new UnavailableError('SERVER_UNREACHABLE', { url: origin, reason }, error)
    }
  }

  async function readJson(response: Response): Promise<unknown> {
    const decoder = new TextDecoder()
    let text = ''
    let size = 0
    // Not every browser iterates over a stream.
    const reader = response.body?.getReader()
    for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
      size += read.value.length
      if (size > MAX_ANSWER_BYTES) {
        await reader?.cancel()
        unusable('it is too long')
      }
      text += decoder.decode(read.value, { stream: true })
    }
    try {
      return JSON.parse(text)
    } catch {
      return undefined
    }
  }

  function errorOf(problem: unknown, status?: number): Sp1TeeError {
    const known = knownProblem(problem)
    if (known !== undefined) return known
    const reason = isProblem(problem) ? `${problem.code}: ${problem.detail}` : `HTTP ${status}`
    return new UnavailableError('SERVER_ANSWER', { url: origin, reason: serverText(reason) })
  }

  function textField(value: unknown, name: string): string {
    const field = (Object(value) as Record<string, unknown>)[name]
    return typeof field === 'string' ? field : unusable(`its field ${name} is missing`)
  }

  async function reading<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      // The first sentence says what is wrong; the rest is advice for whoever passed a file.
      const [reason = ''] = error.message.split(/\.(?:$| (?=\p{Lu}))/u)
      return unusable(reason, error)
    }
  }

  function unusable(reason: string, cause?: unknown): never {
    throw new UnavailableError('SERVER_ANSWER', { url: origin, reason: serverText(reason) }, cause)
  }
}

interface Problem {
  readonly code: string
  readonly detail: string
  readonly details?: unknown
}

function isProblem(value: unknown): value is Problem {
  const { code, detail } = Object(value) as Record<string, unknown>
  return typeof code === 'string' && typeof detail === 'string'
}

/** A problem with a code of ours, as an error. */
function knownProblem(value: unknown): Sp1TeeError | undefined {
  if (!isProblem(value)) return undefined
  const { code, detail, details } = value
  return restoreError({
    code,
    message: serverText(detail),
    details: typeof details === 'object' ? { ...details } : {},
  })
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

/** A server's text on its way to a terminal. */
export function serverText(text: string): string {
  return printable(text, MAX_TEXT_LENGTH)
}

/** @throws InterruptedError */
export async function untilAskedAgain(
  delayMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  await pause(delayMs, signal)
  if (signal?.aborted) throw interrupted()
}

function interrupted(): InterruptedError {
  return new InterruptedError({ during: "waiting for the server's answer" })
}
