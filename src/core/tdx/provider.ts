/**
 * Where quotes come from: what every provider promises, the checks that hold all of them to it, and
 * how one is chosen. A simulated provider is chosen by its name only.
 */
import { abbreviateHex } from '../bytes.js'
import { InputError, InterruptedError, UnavailableError } from '../errors.js'
import { parseTdQuote, REPORT_DATA_BYTES, type TdQuote } from './quote.js'
import type { SimulatedCollateral } from './simulated-collateral.js'
import { isSimulatedQuote } from './simulated-mark.js'

export interface QuoteProvider {
  readonly name: string
  /** True if its quotes are made up: fit for development, refused under Intel's root. */
  readonly simulated: boolean
  /** Where to find the root that simulated quotes verify under. */
  readonly rootCertificatePath?: string
  /** The collateral of simulated quotes; Intel has none for them. */
  readonly collateral?: () => SimulatedCollateral
  /**
   * @param reportData - 64 bytes, copied at once.
   * @param signal - heeded between steps; a request that the host works on is waited for.
   * @returns a quote that parses and carries exactly this report data, as the device gave it.
   * @throws UnavailableError no such quote could be had.
   */
  quote(reportData: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>
}

export interface ProviderDefinition extends Omit<QuoteProvider, 'quote'> {
  /** The provider's own part; what it returns is checked. */
  request(reportData: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array>
}

/** All providers are made here, so that none can forget the checks. */
export function createProvider({ request, ...rest }: ProviderDefinition): QuoteProvider {
  return {
    ...rest,
    async quote(asked, signal) {
      if (asked.length !== REPORT_DATA_BYTES) {
        throw new InputError('REPORT_DATA_LENGTH', { have: asked.length })
      }
      throwIfAborted(signal)
      const reportData = asked.slice()
      const quote = await request(reportData, signal)
      checkAnswer(quote, reportData, rest)
      return quote
    },
  }
}

/** One way to get quotes on this machine, not opened yet. */
export interface ProviderSource {
  readonly name: string
  readonly simulated: boolean
  /** Why it cannot be used here, undefined if it can. Makes no quote. */
  probe(): Promise<UnavailableError | undefined>
  open(): Promise<QuoteProvider>
}

export const AUTO_PROVIDER = 'auto'

/**
 * @param choice - a source's name, or `auto`: the first source that works here and is not simulated.
 * @param sources - in order of preference.
 * @throws InputError `PROVIDER_UNKNOWN`
 * @throws UnavailableError what the source's probe said; `TDX_DEVICE_MISSING` if `auto` found none.
 */
export async function selectProvider(
  choice: string,
  sources: readonly ProviderSource[],
): Promise<QuoteProvider> {
  if (choice === AUTO_PROVIDER) return selectRealProvider(sources)
  const source = sources.find(({ name }) => name === choice)
  if (source === undefined) {
    const known = [AUTO_PROVIDER, ...sources.map(({ name }) => name)].join(', ')
    throw new InputError('PROVIDER_UNKNOWN', { provider: choice, known })
  }
  const obstacle = await source.probe()
  if (obstacle !== undefined) throw obstacle
  return source.open()
}

async function selectRealProvider(sources: readonly ProviderSource[]): Promise<QuoteProvider> {
  const missing: string[] = []
  let obstacle: UnavailableError | undefined
  for (const source of sources.filter(({ simulated }) => !simulated)) {
    const reason = await source.probe()
    if (reason === undefined) return source.open()
    if (reason.code === 'TDX_DEVICE_MISSING') {
      missing.push(`${source.name}: ${String(reason.details.reason)}`)
    } else obstacle ??= reason
  }
  // A device that is there and cannot be used says more than those that are not.
  const reason = missing.length === 0 ? 'there is no provider to try' : missing.join('; ')
  throw obstacle ?? new UnavailableError('TDX_DEVICE_MISSING', { reason })
}

/** @throws InterruptedError */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new InterruptedError({ during: 'the quote request' })
}

/** The name of a system call's error, `ENOENT` and the like; undefined for any other error. */
export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined
}

function checkAnswer(
  bytes: Uint8Array,
  reportData: Uint8Array,
  { name, simulated }: Pick<QuoteProvider, 'name' | 'simulated'>,
): void {
  const quote = parseAnswer(bytes, name)
  const offset = reportData.findIndex((byte, i) => byte !== quote.body.reportData[i])
  if (offset !== -1) {
    // Report data often begin with zeros: show where they differ.
    const asked = abbreviateHex(reportData.subarray(offset, offset + 8))
    const got = abbreviateHex(quote.body.reportData.subarray(offset, offset + 8))
    throw new UnavailableError('QUOTE_FOREIGN', { provider: name, offset, asked, got })
  }
  const isSimulated = isSimulatedQuote(quote)
  if (isSimulated !== simulated) {
    throw new UnavailableError('QUOTE_SIMULATION', { provider: name, simulated: isSimulated })
  }
}

function parseAnswer(bytes: Uint8Array, provider: string): TdQuote {
  try {
    return parseTdQuote(bytes)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const { code, details } = error
    const reason = bytes.length === 0 ? 'there are none' : `${code} in its ${String(details.field)}`
    const facts = { provider, bytes: bytes.length, reason }
    throw new UnavailableError('QUOTE_UNUSABLE', facts, error)
  }
}
