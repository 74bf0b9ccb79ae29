/**
 * Fetches the collateral of a quote from Intel's provisioning service (PCS), or from a cache of it
 * (PCCS). What comes is parsed and not believed: verification checks every signature, so that a
 * server may withhold and delay, and nothing else.
 *
 * Source: Intel PCS API version 4; the PCCS of intel/SGXDataCenterAttestationPrimitives.
 */
import { InputError, InterruptedError, UnavailableError } from '../errors.js'
import { pause } from '../pause.js'
import {
  type Collateral,
  type CollateralDocuments,
  hexWithoutPrefix,
  MAX_COLLATERAL_BYTES,
  openFetched,
} from './collateral.js'
import type { CollateralKey } from './collateral-key.js'

export const INTEL_PCS_URL = 'https://api.trustedservices.intel.com'
/** Where Intel's root certificate says that its list is; Intel's PCS itself does not serve it. */
const INTEL_ROOT_CRL_URL = 'https://certificates.trustedservices.intel.com/IntelSGXRootCA.der'
/** What some write behind a PCCS's address; the paths below begin with it. */
const API_PATH = /\/(?:sgx|tdx)\/certification\/v\d+\/?$/
const RETRY_DELAYS_MS = [1_000, 2_000, 4_000]
/** A server that asks for more patience than this is not waited for. */
const MAX_RETRY_AFTER_MS = 30_000
export const DEFAULT_COLLATERAL_TIMEOUT_MS = 30_000
const RETRIED_STATUSES: ReadonlySet<number> = new Set([429, 500, 502, 503, 504])

export interface CollateralFetchOptions {
  readonly fetch: typeof globalThis.fetch
  /** Returns early when aborted. */
  readonly sleep?: (delayMs: number, signal: AbortSignal | undefined) => Promise<void>
  /** Of a PCCS; Intel's PCS without one. */
  readonly pccsUrl?: string
  /** Of one request. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/**
 * @throws UnavailableError `PCS_UNREACHABLE`, `PCS_ANSWER`, `PCS_PLATFORM_UNKNOWN`
 * @throws InterruptedError `signal` was aborted
 */
export async function fetchCollateral(
  key: CollateralKey,
  options: CollateralFetchOptions,
): Promise<Collateral> {
  const base = baseOf(options.pccsUrl)
  const urls = urlsOf(key, base)
  const [tcbInfo, qeIdentity, pckCrl, rootCrl] = await Promise.all([
    request(urls.tcbInfo, options),
    request(urls.qeIdentity, options),
    request(urls.pckCrl, options),
    request(urls.rootCrl, options),
  ])
  const info = statementOf(tcbInfo, 'tcbInfo')
  const identity = statementOf(qeIdentity, 'enclaveIdentity')
  const documents: CollateralDocuments = {
    pck_crl_issuer_chain: chainOf(pckCrl, 'SGX-PCK-CRL-Issuer-Chain'),
    root_ca_crl: crlOf(rootCrl),
    pck_crl: crlOf(pckCrl),
    // The second name is that of version 3 of the API, which some caches still use.
    tcb_info_issuer_chain: chainOf(tcbInfo, 'TCB-Info-Issuer-Chain', 'SGX-TCB-Info-Issuer-Chain'),
    tcb_info: info.text,
    tcb_info_signature: info.signature,
    qe_identity_issuer_chain: chainOf(qeIdentity, 'SGX-Enclave-Identity-Issuer-Chain'),
    qe_identity: identity.text,
    qe_identity_signature: identity.signature,
  }
  return openFetched(documents, base)
}

interface Answer {
  /** Without credentials and query. */
  readonly url: string
  readonly headers: Headers
  readonly body: Uint8Array
}

function urlsOf({ tee, fmspc, ca }: CollateralKey, base: string) {
  const isIntel = base === INTEL_PCS_URL
  return {
    tcbInfo: `${base}/${tee}/certification/v4/tcb?fmspc=${fmspc}`,
    qeIdentity: `${base}/${tee}/certification/v4/qe/identity`,
    pckCrl: `${base}/sgx/certification/v4/pckcrl?ca=${ca}&encoding=der`,
    rootCrl: isIntel ? INTEL_ROOT_CRL_URL : `${base}/sgx/certification/v4/rootcacrl`,
  }
}

function baseOf(pccsUrl = INTEL_PCS_URL): string {
  const bare = pccsUrl.replace(API_PATH, '').replace(/\/+$/, '')
  if (!/^https?:$/.test(urlOf(bare)?.protocol ?? '')) {
    throw new InputError('FLAG_INVALID', { flag: '--pccs-url', reason: 'takes an http(s) URL' })
  }
  return bare
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined
}

async function request(url: string, options: CollateralFetchOptions): Promise<Answer> {
  const { sleep = pause, signal } = options
  for (let attempt = 0; ; attempt++) {
    throwIfAborted(signal)
    const outcome = await tryOnce(url, options)
    if ('body' in outcome) return outcome
    const delayMs = RETRY_DELAYS_MS[attempt]
    const { error, retryAfterMs } = outcome
    const waitMs = Math.max(delayMs ?? 0, retryAfterMs ?? 0)
    if (retryAfterMs === undefined || delayMs === undefined || waitMs > MAX_RETRY_AFTER_MS) {
      throw error
    }
    await sleep(waitMs, signal)
  }
}

interface Failure {
  readonly error: UnavailableError
  /** How long to wait before it is tried again; undefined if that would not help. */
  readonly retryAfterMs?: number
}

async function tryOnce(
  url: string,
  { fetch, timeoutMs = DEFAULT_COLLATERAL_TIMEOUT_MS, signal }: CollateralFetchOptions,
): Promise<Answer | Failure> {
  const shown = withoutCredentials(url)
  const deadline = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(withoutUser(url), {
      redirect: 'error',
      headers: authorizationOf(url),
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    })
    const { status, headers } = response
    if (status === 200) return { url: shown, headers, body: await readBounded(response, shown) }
    await response.body?.cancel()
    return refusalOf(url, status, headers)
  } catch (error) {
    if (error instanceof UnavailableError) return { error }
    throwIfAborted(signal)
    const reason = deadline.aborted ? `no answer within ${timeoutMs / 1000} s` : reasonOf(error)
    return {
      error: new UnavailableError('PCS_UNREACHABLE', { url: shown, reason }, error),
      retryAfterMs: 0,
    }
  }
}

function refusalOf(url: string, status: number, headers: Headers): Failure {
  const shown = withoutCredentials(url)
  if (status === 404 && url.includes('/tcb?')) {
    const fmspc = urlOf(url)?.searchParams.get('fmspc') ?? ''
    return { error: new UnavailableError('PCS_PLATFORM_UNKNOWN', { url: shown, fmspc }) }
  }
  const error = new UnavailableError('PCS_ANSWER', { url: shown, reason: `status ${status}` })
  if (!RETRIED_STATUSES.has(status)) return { error }
  const seconds = Number(headers.get('retry-after') ?? 0)
  return { error, retryAfterMs: Number.isFinite(seconds) ? Math.max(0, seconds * 1000) : 0 }
}

async function readBounded(response: Response, url: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let total = 0
  for await (const chunk of response.body ?? []) {
    total += chunk.length
    if (total > MAX_COLLATERAL_BYTES) {
      const reason = `more than ${MAX_COLLATERAL_BYTES} bytes`
      throw new UnavailableError('PCS_ANSWER', { url, reason })
    }
    chunks.push(chunk)
  }
  const body = new Uint8Array(total)
  let offset = 0
  for (const chunk of chunks) {
    body.set(chunk, offset)
    offset += chunk.length
  }
  return body
}

/** A chain of certificates from a header, where it is URL-encoded. */
function chainOf({ url, headers }: Answer, ...names: readonly string[]): string {
  const value = names.map((name) => headers.get(name)).find((found) => found !== null)
  if (value === undefined || value === null) {
    throw new UnavailableError('PCS_ANSWER', { url, reason: `no header ${names[0]}` })
  }
  try {
    return decodeURIComponent(value)
  } catch (error) {
    const reason = `header ${names[0]} is not URL-encoded`
    throw new UnavailableError('PCS_ANSWER', { url, reason }, error)
  }
}

/** DER as it is, or as hex, which caches give. */
function crlOf({ body, url }: Answer): string {
  if (body.length === 0) throw new UnavailableError('PCS_ANSWER', { url, reason: 'an empty CRL' })
  const text = new TextDecoder('latin1').decode(body).trim()
  return /^[0-9a-fA-F]+$/.test(text) ? text : hexWithoutPrefix(body)
}

/**
 * The signed text, cut out of the answer exactly as it is there: writing the JSON again would give
 * other bytes than those that are signed.
 */
function statementOf(
  { body, url }: Answer,
  name: 'tcbInfo' | 'enclaveIdentity',
): { text: string; signature: string } {
  const answer = new TextDecoder('utf-8').decode(body).trim()
  const match =
    /^\{\s*"(\w+)"\s*:\s*(\{[\s\S]*\})\s*,\s*"signature"\s*:\s*"([0-9a-fA-F]{128})"\s*\}$/.exec(
      answer,
    )
  if (match === null || match[1] !== name) {
    throw new UnavailableError('PCS_ANSWER', { url, reason: `no signed ${name}` })
  }
  return { text: match[2]!, signature: match[3]! }
}

function withoutCredentials(url: string): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

/** fetch takes no user in a URL; a PCCS behind a proxy may want one. */
function withoutUser(url: string): string {
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  return bare.href
}

function authorizationOf(url: string): Record<string, string> {
  const { username, password } = new URL(url)
  if (username === '') return {}
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { Authorization: `Basic ${btoa(user)}` }
}

/** Of an error of fetch, which says "fetch failed" and keeps the reason to itself. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as {
    cause?: { code?: string; message?: string }
    message?: string
  }
  return cause?.code ?? cause?.message ?? message ?? 'unknown'
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new InterruptedError({ during: 'fetching collateral' })
}
