/**
 * Quotes from services: dstack's guest agent, by its Unix socket, and any HTTP service that answers
 * `GET /{report data in hex}` with a quote, as Flashbots' do. What they give is checked as any
 * device's answer is; a service on another machine quotes that machine.
 *
 * Source: Dstack-TEE/dstack sdk/curl/api.md and sdk/js; flashbots/op-rbuilder
 * crates/op-rbuilder/src/flashtestations.
 */
import { fromHex, isHex, toHex } from '../bytes.js'
import { InputError, UnavailableError } from '../errors.js'
import {
  createProvider,
  errnoOf,
  type ProviderSource,
  type QuoteProvider,
  throwIfAborted,
} from './provider.js'

/** Where dstack's agent listens, the usual place first. */
export const DSTACK_SOCKETS = [
  '/var/run/dstack.sock',
  '/run/dstack.sock',
  '/var/run/dstack/dstack.sock',
  '/run/dstack/dstack.sock',
] as const
/** The name in a request that goes to a socket; nobody resolves it. */
const DSTACK_URL = 'http://dstack/GetQuote'
const MAX_REASON_CHARACTERS = 200

export interface ServiceRequest {
  readonly url: string
  readonly socketPath?: string
  /** JSON, to be posted; without it, the URL is got. */
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface ServiceAnswer {
  readonly status: number
  readonly body: Uint8Array
}

/** What the providers need of the world. Failures are errors with an errno name as their `code`. */
export interface QuoteService {
  exists(path: string): Promise<boolean>
  request(request: ServiceRequest, signal: AbortSignal | undefined): Promise<ServiceAnswer>
}

export interface DstackOptions {
  readonly service: QuoteService
  /** In place of the usual ones. */
  readonly socket?: string
}

export function createDstackSource({ service, socket }: DstackOptions): ProviderSource {
  const candidates = socket === undefined ? DSTACK_SOCKETS : [socket]
  const find = async () => {
    for (const path of candidates) if (await service.exists(path)) return path
    return undefined
  }
  const missing = () => {
    const reason = `there is no dstack socket (${candidates[0]})`
    return new UnavailableError('TDX_DEVICE_MISSING', { reason })
  }
  return {
    name: 'dstack',
    simulated: false,
    probe: async () => ((await find()) === undefined ? missing() : undefined),
    async open() {
      const path = await find()
      if (path === undefined) throw missing()
      return createDstackProvider(service, path)
    },
  }
}

export interface HttpOptions {
  readonly service: QuoteService
  /** Of the service, without the report data; without a URL there is none. */
  readonly url?: string
}

/** @throws InputError `FLAG_INVALID` the URL is none */
export function createHttpSource({ service, url }: HttpOptions): ProviderSource {
  if (url !== undefined && !isHttpUrl(url)) {
    throw new InputError('FLAG_INVALID', { flag: '--provider-url', reason: 'takes an http(s) URL' })
  }
  const missing = () => {
    const reason = 'no quote service is named (--provider-url)'
    return new UnavailableError('TDX_DEVICE_MISSING', { reason })
  }
  return {
    name: 'http',
    simulated: false,
    probe: async () => (url === undefined ? missing() : undefined),
    async open() {
      if (url === undefined) throw missing()
      return createHttpProvider(service, url)
    },
  }
}

function createDstackProvider(service: QuoteService, socketPath: string): QuoteProvider {
  return createProvider({
    name: 'dstack',
    simulated: false,
    async request(reportData, signal) {
      const body = JSON.stringify({ report_data: toHex(reportData).slice(2) })
      const where = { provider: 'dstack', address: socketPath }
      const answer = await ask(service, { url: DSTACK_URL, socketPath, body }, where, signal)
      return readDstackAnswer(answer, where)
    },
  })
}

function createHttpProvider(service: QuoteService, base: string): QuoteProvider {
  const { origin, pathname } = new URL(base)
  const where = { provider: 'http', address: `${origin}${pathname}` }
  return createProvider({
    name: 'http',
    simulated: false,
    request(reportData, signal) {
      const url = new URL(base)
      url.pathname = `${pathname.replace(/\/$/, '')}/${toHex(reportData).slice(2)}`
      return ask(service, { url: url.href }, where, signal)
    },
  })
}

/** Who is asked, for errors. */
export interface Where {
  readonly provider: string
  /** Without credentials. */
  readonly address: string
}

async function ask(
  service: QuoteService,
  request: ServiceRequest,
  where: Where,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  return requireOk(await send(service, request, where, signal), where)
}

/** @throws UnavailableError `QUOTE_SERVICE_UNREACHABLE` */
export async function send(
  service: QuoteService,
  request: ServiceRequest,
  where: Where,
  signal: AbortSignal | undefined,
): Promise<ServiceAnswer> {
  try {
    return await service.request(request, signal)
  } catch (error) {
    throwIfAborted(signal)
    const reason = errnoOf(error)
    if (reason === undefined) throw error
    throw new UnavailableError('QUOTE_SERVICE_UNREACHABLE', { ...where, reason }, error)
  }
}

/** @throws UnavailableError `QUOTE_SERVICE_ANSWER`, with what the service said */
export function requireOk({ status, body }: ServiceAnswer, where: Where): Uint8Array {
  if (status === 200) return body
  const said = printable(new TextDecoder().decode(body))
  const reason = `status ${status}${said === '' ? '' : ` (${said})`}`
  throw new UnavailableError('QUOTE_SERVICE_ANSWER', { ...where, reason })
}

function readDstackAnswer(body: Uint8Array, where: Where): Uint8Array {
  const refuse = (reason: string, cause?: unknown) =>
    new UnavailableError('QUOTE_SERVICE_ANSWER', { ...where, reason }, cause)
  let answer: { quote?: unknown; error?: unknown } | null
  try {
    answer = JSON.parse(new TextDecoder().decode(body))
  } catch (error) {
    throw refuse('it is not JSON', error)
  }
  // The agent reports what failed in the body, with status 200.
  if (answer?.error !== undefined) throw refuse(printable(String(answer.error)))
  const hex = `0x${String(answer?.quote).replace(/^0x/, '')}`
  if (!isHex(hex)) throw refuse('it holds no quote')
  return fromHex(hex)
}

export function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

/** What a service says, on one line, and without what would steer a terminal. */
export function printable(text: string): string {
  return text
    .replaceAll(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, MAX_REASON_CHARACTERS)
}
