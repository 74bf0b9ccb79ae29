/**
 * Who may send work, and how much: API keys, of which only hashes are kept, and addresses that sign
 * their requests (EIP-191). Each caller is a tenant; nobody sees another one's jobs.
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes, equalBytes, fromHex, type Hex, isHex, toHex } from '../bytes.js'
import { InputError, UnavailableError } from '../errors.js'
import { sha256 } from '../sha256.js'
import { recoverAddress } from '../signer/signer.js'

/** A signed request is good for so long, either way of its time. */
const SIGNATURE_SECONDS = 300
const DEFAULT_REQUESTS_PER_MINUTE = 600
const MAX_HEADER_LENGTH = 512
const MAX_NAME_LENGTH = 64
const MAX_ENTRIES = 10_000
const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '[::1]']

export interface ApiKey {
  /** Whose it is; no secret. */
  readonly name: string
  /** SHA-256 of the key's text. */
  readonly hash: Hex
  readonly requestsPerMinute: number
  /** May do what only the operator may. */
  readonly operator: boolean
}

export interface AccessOptions {
  readonly keys: readonly ApiKey[]
  /** Addresses, lower case, that may sign requests. */
  readonly addresses: readonly Hex[]
  /** False lets anybody in who shows nothing. What is shown must be right all the same. */
  readonly isRequired: boolean
  /** Whether who shows nothing and comes from this machine is the operator. Not where a proxy may stand in front. */
  readonly trustsThisMachine?: boolean
  /**
   * What clients call this server, as their Host header has it, lower case: signed requests are for these
   * and no others. Default: the names of the address it listens on.
   */
  readonly publicHosts?: readonly string[] | undefined
  /** Seconds since 1970. */
  readonly nowSeconds: () => number
}

export interface Visitor {
  readonly tenant: string
  /** True, false, or undefined where the place it comes from decides. */
  readonly isOperator: boolean | undefined
}

/** Spends and refills evenly: a minute's worth at once, then so many a second. */
interface Bucket {
  tokens: number
  atSeconds: number
}

/** Whoever shows nothing. */
export const NOBODY: Visitor = { tenant: '', isOperator: false }

export class Access {
  readonly #options: AccessOptions
  readonly #buckets = new Map<string, Bucket>()
  #hosts: readonly string[]

  constructor(options: AccessOptions) {
    this.#options = options
    this.#hosts = options.publicHosts ?? []
  }

  /** @param url - where it listens, and so what it is called if nothing else is given */
  onListening(url: string): void {
    if (this.#options.publicHosts === undefined) this.#hosts = hostsOf(new URL(url))
  }

  /**
   * @param host - that the request was sent to, as it says
   * @throws UnavailableError `KEY_REQUIRED`, `RATE_LIMITED`
   */
  identify(authorization: string | undefined, host: string): Visitor {
    if (authorization === undefined) {
      const { isRequired, trustsThisMachine } = this.#options
      if (isRequired) throw new UnavailableError('KEY_REQUIRED', {})
      return trustsThisMachine ? { ...NOBODY, isOperator: undefined } : NOBODY
    }
    const [scheme = '', credential = ''] = authorization.slice(0, MAX_HEADER_LENGTH).split(' ')
    switch (scheme.toLowerCase()) {
      case 'bearer':
        return this.#byKey(credential)
      case 'eip191':
        return this.#bySignature(credential, host)
      default:
        throw new UnavailableError('KEY_REQUIRED', {})
    }
  }

  /** An address that has signed something itself. @throws UnavailableError `KEY_REQUIRED`, `RATE_LIMITED` */
  admit(address: Hex | undefined): Visitor {
    if (address === undefined || !this.#options.addresses.includes(address)) {
      throw new UnavailableError('KEY_REQUIRED', {})
    }
    this.#spend(address, DEFAULT_REQUESTS_PER_MINUTE)
    return { tenant: address, isOperator: false }
  }

  get hasAddresses(): boolean {
    return this.#options.addresses.length > 0
  }

  #byKey(text: string): Visitor {
    const hash = sha256(new TextEncoder().encode(text))
    const key = this.#options.keys.find((known) => equalBytes(fromHex(known.hash), hash))
    if (key === undefined) throw new UnavailableError('KEY_REQUIRED', {})
    this.#spend(key.name, key.requestsPerMinute)
    return { tenant: key.name, isOperator: key.operator }
  }

  /** `SECONDS:0xSIGNATURE` over `signedText`. */
  #bySignature(credential: string, host: string): Visitor {
    const [seconds = '', signature = ''] = credential.split(':')
    const isRecent = Math.abs(Number(seconds) - this.#options.nowSeconds()) <= SIGNATURE_SECONDS
    // Whoever relays a request chooses its Host header, so a name of another server proves nothing here.
    const isForUs = this.#hosts.includes(host.toLowerCase())
    if (!/^\d{1,12}$/.test(seconds) || !isRecent || !isForUs || !isHex(signature)) {
      throw new UnavailableError('KEY_REQUIRED', {})
    }
    const text = new TextEncoder().encode(signedText(host, Number(seconds)))
    return this.admit(recoverAddress(hashMessage(text), fromHex(signature)))
  }

  #spend(name: string, perMinute: number): void {
    const now = this.#options.nowSeconds()
    const bucket = this.#buckets.get(name) ?? { tokens: perMinute, atSeconds: now }
    const refill = (Math.max(now - bucket.atSeconds, 0) * perMinute) / 60
    bucket.tokens = Math.min(bucket.tokens + refill, perMinute)
    bucket.atSeconds = now
    this.#buckets.set(name, bucket)
    if (bucket.tokens < 1) {
      const retryAfterSeconds = Math.ceil(((1 - bucket.tokens) * 60) / perMinute)
      throw new UnavailableError('RATE_LIMITED', { retryAfterSeconds })
    }
    bucket.tokens--
  }
}

/** True for what a Host header holds: a name or an address, in brackets if it has colons, and maybe a port. */
export function isHost(text: string): boolean {
  return /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/i.test(text) && URL.canParse(`http://${text}`)
}

/** As clients write them: the scheme's own port is left out. */
function hostsOf({ host, hostname, port }: URL): readonly string[] {
  if (!isLoopback(hostname)) return [host]
  return [hostname, ...LOOPBACK_NAMES].map((name) => (port === '' ? name : `${name}:${port}`))
}

/** True for an address of this machine alone, and the one name that nobody else resolves. */
export function isLoopback(host: string): boolean {
  return /^(localhost|\[::1\]|::1|(::ffff:)?127(\.\d{1,3}){3})$/.test(host)
}

/** What an address signs to be let in: it is for this server, and soon worth nothing. */
export function signedText(host: string, seconds: number): string {
  return `sp1-tee request to ${host} at ${seconds}`
}

/** The digest of `personal_sign` (EIP-191, version 0x45). */
export function hashMessage(message: Uint8Array): Uint8Array {
  const prefix = `\x19Ethereum Signed Message:\n${message.length}`
  return keccak_256(concatBytes(new TextEncoder().encode(prefix), message))
}

/**
 * Keys and addresses as their file has them: `{"keys": [{name, hash, requestsPerMinute?, operator?}],
 * "addresses": ["0x…"]}`.
 *
 * @throws InputError `KEYS_MALFORMED`
 */
export function parseAccess(text: string): Pick<AccessOptions, 'keys' | 'addresses'> {
  const { keys = [], addresses = [], ...rest } = asObject(readJson(text))
  refuseUnknown(rest)
  if (!Array.isArray(keys) || keys.length > MAX_ENTRIES) return malformed('"keys" is no list')
  if (!Array.isArray(addresses) || addresses.length > MAX_ENTRIES) {
    return malformed('"addresses" is no list')
  }
  const parsed = keys.map(parseKey)
  if (new Set(parsed.map(({ name }) => name)).size !== parsed.length) {
    malformed('two keys have the same name')
  }
  return { keys: parsed, addresses: addresses.map((address) => parseHash(address, 20, 'address')) }
}

function parseKey(value: unknown): ApiKey {
  const { name, hash, requestsPerMinute, operator = false, ...rest } = asObject(value)
  refuseUnknown(rest)
  if (typeof name !== 'string' || !/^[\w.@-]+$/.test(name) || name.length > MAX_NAME_LENGTH) {
    return malformed(`a name is not 1 to ${MAX_NAME_LENGTH} of A-Z a-z 0-9 _ . @ -`)
  }
  const rate = requestsPerMinute ?? DEFAULT_REQUESTS_PER_MINUTE
  if (!Number.isInteger(rate) || (rate as number) < 1) {
    return malformed('"requestsPerMinute" is no positive number')
  }
  if (typeof operator !== 'boolean') return malformed('"operator" is neither true nor false')
  return {
    name,
    hash: parseHash(hash, 32, 'hash'),
    requestsPerMinute: rate as number,
    operator,
  }
}

function parseHash(value: unknown, bytes: number, what: string): Hex {
  const hex = typeof value === 'string' && !value.startsWith('0x') ? `0x${value}` : value
  if (!isHex(hex) || hex.length !== 2 + 2 * bytes) {
    return malformed(`${what === 'hash' ? 'a "hash" is no SHA-256' : 'an address is none'}`)
  }
  return toHex(fromHex(hex))
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return malformed('it is no JSON')
  }
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>
  }
  return malformed('an object is expected')
}

function refuseUnknown(rest: object): void {
  const [field] = Object.keys(rest)
  if (field !== undefined) malformed(`${JSON.stringify(field.slice(0, 40))} is unknown`)
}

function malformed(reason: string): never {
  throw new InputError('KEYS_MALFORMED', { reason })
}
