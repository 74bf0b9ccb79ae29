/**
 * The few requests of the S3 protocol that blobs need, with bounds on time and size. An answer is not
 * believed: what it says is about liveness, and whoever reads an object hashes it.
 *
 * Source: Amazon S3 API Reference 2006-03-01; signatures are version 4, by aws4fetch.
 */
import { AwsV4Signer } from 'aws4fetch'
import { fromHex, type Hex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import { pause } from '../pause.js'
import { type Listing, parseListing, reasonOfRefusal, reasonOfSilence } from './s3-answers.js'
import { type HttpAnswer, type HttpRequest, sendHttp } from './s3-http.js'

export interface S3Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export interface S3Options {
  readonly bucket: string
  /** Before every name, with its slash at the end; may be empty. */
  readonly prefix: string
  readonly region: string
  /** Of a store that is not Amazon's; it is addressed by path. */
  readonly endpoint?: string | undefined
  readonly credentials: S3Credentials
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
  /** For an answer to begin; the bytes of a blob get more. */
  readonly timeoutMs?: number
}

export interface S3Body {
  /** Again for each attempt. */
  readonly open: () => HttpRequest['body']
  readonly bytes: number
  readonly hash: Hex
}

const DEFAULT_TIMEOUT_MS = 10_000
const RETRY_DELAYS_MS = [200, 1_000]
/** What a connection must carry, or it is as good as none. */
const SLOWEST_BYTES_PER_MS = 1024
/** A page of a list has at most 1000 names; an error is shorter. */
const MAX_TEXT_BYTES = 4 * 2 ** 20
const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])
const EMPTY_HASH = '0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const EMPTY: S3Body = { open: () => new Uint8Array(), bytes: 0, hash: EMPTY_HASH }

interface Request<T> {
  readonly method: 'GET' | 'PUT' | 'HEAD' | 'DELETE'
  readonly name: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: S3Body
  /** Of an answer with status 200 to 299. */
  readonly read: (answer: HttpAnswer, grant: (bytes: number) => void) => Promise<T>
}

export class S3Client {
  readonly #options: S3Options
  readonly #base: string
  readonly #prefix: string

  constructor(options: S3Options) {
    const { bucket, prefix, region, endpoint } = options
    this.#options = options
    // A certificate of Amazon's is good for one label, so names with dots are addressed by path.
    const host = bucket.includes('.')
      ? `s3.${region}.amazonaws.com/${bucket}`
      : `${bucket}.s3.${region}.amazonaws.com`
    this.#base = endpoint === undefined ? `https://${host}` : `${bare(endpoint)}/${bucket}`
    this.#prefix = prefix
  }

  /** Durable when the promise resolves: S3 answers once it has stored it, and what arrived has this hash. */
  async put(name: string, body: S3Body): Promise<void> {
    const checksum = btoa(String.fromCharCode(...fromHex(body.hash)))
    const headers = { 'x-amz-checksum-sha256': checksum, 'content-type': BINARY }
    await this.#require({ method: 'PUT', name, headers, body, read: drain })
  }

  /** @returns undefined if it is not there, or has more than `maxBytes` */
  get(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const read = (answer: HttpAnswer, grant: (bytes: number) => void) =>
      readObject(answer, maxBytes, grant)
    return this.#send({ method: 'GET', name, read })
  }

  /** Makes it as young as a new one, by copying it onto itself. @returns false if it is not there */
  async touch(name: string): Promise<boolean> {
    const { bucket } = this.#options
    const headers = {
      'x-amz-copy-source': `/${bucket}/${this.#prefix}${name}`,
      'x-amz-metadata-directive': 'REPLACE',
      'content-type': BINARY,
    }
    const read = async (answer: HttpAnswer) => {
      // A copy that fails after it has begun is answered with status 200.
      const text = await readText(answer)
      if (/<Error\b/.test(text)) throw new UnavailableError('STORE_UNAVAILABLE', COPY_FAILED)
      return true
    }
    const isThere = await this.#send({ method: 'PUT', name, headers, body: EMPTY, read })
    return isThere ?? false
  }

  /** When it was written, in milliseconds since 1970. @returns undefined if it is not there */
  writtenAtMs(name: string): Promise<number | undefined> {
    const read = async ({ header }: HttpAnswer) => Date.parse(header('last-modified') ?? '')
    return this.#send({ method: 'HEAD', name, read })
  }

  /** It need not be there. */
  async remove(name: string): Promise<void> {
    await this.#send({ method: 'DELETE', name, read: drain })
  }

  /** A page of what begins with the prefix. @param token - of the page before */
  async list(token: string | undefined): Promise<Listing> {
    const query = {
      'list-type': '2',
      prefix: this.#prefix,
      ...(token !== undefined && { 'continuation-token': token }),
    }
    const read = async (answer: HttpAnswer) => parseListing(await readText(answer), this.#prefix)
    return this.#require({ method: 'GET', name: BUCKET, query, read })
  }

  /** Whether it can be reached, and written to. */
  async check(name: string): Promise<void> {
    await this.put(name, EMPTY)
  }

  async #require<T>(request: Request<T>): Promise<T> {
    const found = await this.#send(request)
    if (found === undefined) throw new UnavailableError('STORE_UNAVAILABLE', NOT_FOUND)
    return found
  }

  /** @returns undefined if it is not there @throws UnavailableError `STORE_UNAVAILABLE` */
  async #send<T>(request: Request<T>): Promise<T | undefined> {
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#attempt(request)
      if (outcome.reason === undefined) return outcome.value
      const { reason, isPassing, cause } = outcome
      const delayMs = RETRY_DELAYS_MS[attempt]
      if (!isPassing || delayMs === undefined) {
        throw new UnavailableError('STORE_UNAVAILABLE', { reason }, cause)
      }
      await pause(delayMs)
    }
  }

  async #attempt<T>(request: Request<T>): Promise<Attempt<T>> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS } = this.#options
    const abort = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const grant = (bytes: number) => {
      clearTimeout(timer)
      timer = setTimeout(() => abort.abort(), timeoutMs + bytes / SLOWEST_BYTES_PER_MS)
    }
    grant(request.body?.bytes ?? 0)
    try {
      const answer = await this.#ask(request, abort.signal)
      if (answer.status >= 200 && answer.status < 300) {
        return { value: await request.read(answer, grant) }
      }
      return await refusalOf(answer)
    } catch (error) {
      if (error instanceof UnavailableError) throw error
      const reason = reasonOfSilence(abort.signal.aborted ? undefined : error)
      return { reason, isPassing: true, cause: error }
    } finally {
      clearTimeout(timer)
      // Whatever of the answer was not read.
      abort.abort()
    }
  }

  async #ask<T>(request: Request<T>, signal: AbortSignal): Promise<HttpAnswer> {
    const { credentials, region, nowMs } = this.#options
    const { method, name, query = {}, body = EMPTY } = request
    const path = name === BUCKET ? '' : `${this.#prefix}${name}`
    const search = new URLSearchParams(query).toString()
    const { url, headers } = await new AwsV4Signer({
      method,
      url: `${this.#base}/${path}${search && `?${search}`}`,
      headers: { ...request.headers, 'x-amz-content-sha256': body.hash.slice(2) },
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey,
      ...(credentials.sessionToken !== undefined && { sessionToken: credentials.sessionToken }),
      service: 's3',
      region,
      datetime: new Date(nowMs()).toISOString().replace(/[:-]|\.\d{3}/g, ''),
    }).sign()
    headers.set('content-length', String(body.bytes))
    return sendHttp({
      method,
      url,
      headers: Object.fromEntries(headers),
      body: body.open(),
      signal,
    })
  }
}

type Attempt<T> =
  | { readonly value: T | undefined; readonly reason?: undefined }
  | { readonly reason: string; readonly isPassing: boolean; readonly cause?: unknown }

const BUCKET = ''
const BINARY = 'application/octet-stream'
const NOT_FOUND = { reason: 'S3 says that it is not there' }
const COPY_FAILED = { reason: 'S3 does not copy the object' }

async function refusalOf<T>(answer: HttpAnswer): Promise<Attempt<T>> {
  const { status } = answer
  const text = await readText(answer)
  const { reason, code } = reasonOfRefusal(status, text, answer.header('x-amz-bucket-region'))
  if (status === 404 && code !== 'NoSuchBucket') return { value: undefined }
  return { reason, isPassing: RETRIED_STATUSES.has(status) || code === 'RequestTimeout' }
}

function bare(endpoint: string): string {
  return endpoint.replace(/\/+$/, '')
}

async function drain(answer: HttpAnswer): Promise<true> {
  await readText(answer)
  return true
}

async function readText({ body }: HttpAnswer): Promise<string> {
  const parts: string[] = []
  const decoder = new TextDecoder()
  let total = 0
  for await (const chunk of body) {
    total += chunk.length
    if (total > MAX_TEXT_BYTES) {
      const reason = `S3 answers with more than ${MAX_TEXT_BYTES} bytes`
      throw new UnavailableError('STORE_UNAVAILABLE', { reason })
    }
    parts.push(decoder.decode(chunk, { stream: true }))
  }
  return parts.join('')
}

/** No more than it states, nor than it may have. */
async function readObject(
  { header, body }: HttpAnswer,
  maxBytes: number,
  grant: (bytes: number) => void,
): Promise<Uint8Array | undefined> {
  const stated = Number(header('content-length') ?? Number.NaN)
  if (!Number.isSafeInteger(stated) || stated < 0 || stated > maxBytes) return undefined
  grant(stated)
  const bytes = new Uint8Array(stated)
  let have = 0
  for await (const chunk of body) {
    if (have + chunk.length > stated) return undefined
    bytes.set(chunk, have)
    have += chunk.length
  }
  return have === stated ? bytes : undefined
}
