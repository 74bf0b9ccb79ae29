/**
 * Where quotes come from: what every provider promises, the checks that hold all of them to it, and
 * how one is chosen. A simulated provider is chosen by its name only.
 */
import { abbreviateHex } from '../bytes.js'
import { InputError, InterruptedError, UnavailableError } from '../errors.js'
import { computeRuntimeDataHash, parseUserData } from './hcl-report.js'
import { parseTdQuote, REPORT_DATA_BYTES, type TdQuote } from './quote.js'
import type { SimulatedCollateral } from './simulated-collateral.js'
import { isSimulatedQuote } from './simulated-mark.js'

/** What a provider answers: a quote, and what binds the bytes asked for to it. */
export interface Evidence {
  /** As the device gave it. */
  readonly quote: Uint8Array
  /**
   * JSON that names the bytes asked for (`user-data`); the quote's report data are its SHA-256 and
   * zeros. Absent where the report data are the bytes themselves.
   */
  readonly runtimeData?: Uint8Array
}

export interface QuoteProvider {
  readonly name: string
  /** True if its quotes are made up: fit for development, refused under Intel's root. */
  readonly simulated: boolean
  /** What of a quote is bound to the bytes asked for: its report data, or runtime data beside it. */
  readonly binding: 'reportData' | 'runtimeData'
  /** Where to find the root that simulated quotes verify under. */
  readonly rootCertificatePath?: string
  /** The collateral of simulated quotes; Intel has none for them. */
  readonly collateral?: () => SimulatedCollateral
  /**
   * @param reportData - 64 bytes, copied at once.
   * @param signal - heeded between steps; a request that the host works on is waited for.
   * @returns a quote that parses and is bound to exactly these bytes.
   * @throws UnavailableError no such quote could be had.
   */
  attest(reportData: Uint8Array, signal?: AbortSignal): Promise<Evidence>
  /**
   * The same for those who read report data from the quote alone, as contracts do.
   *
   * @throws UnavailableError `REPORT_DATA_INDIRECT` this provider's quotes need their runtime data
   */
  quote(reportData: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>
}

interface Definition<Answer> extends Omit<QuoteProvider, 'attest' | 'binding' | 'quote'> {
  /** The provider's own part; what it returns is checked. */
  request(reportData: Uint8Array, signal: AbortSignal | undefined): Promise<Answer>
}
export type ProviderDefinition = Definition<Uint8Array>
export type IndirectProviderDefinition = Definition<Required<Evidence>>

/** All providers are made here, so that none can forget the checks. */
export function createProvider({ request, ...rest }: ProviderDefinition): QuoteProvider {
  const quote: QuoteProvider['quote'] = async (asked, signal) => {
    const reportData = copyReportData(asked, signal)
    const answer = await request(reportData, signal)
    checkAnswer(answer, reportData, rest)
    return answer
  }
  return {
    ...rest,
    binding: 'reportData',
    attest: async (...args) => ({ quote: await quote(...args) }),
    quote,
  }
}

/** A provider whose quotes are bound to what was asked for by runtime data beside them. */
export function createIndirectProvider({
  request,
  ...rest
}: IndirectProviderDefinition): QuoteProvider {
  return {
    ...rest,
    binding: 'runtimeData',
    async attest(asked, signal) {
      const reportData = copyReportData(asked, signal)
      const { quote, runtimeData } = await request(reportData, signal)
      checkBytes(parseUserData(runtimeData), reportData, rest)
      checkAnswer(quote, computeRuntimeDataHash(runtimeData), rest)
      return { quote, runtimeData }
    },
    async quote() {
      throw new UnavailableError('REPORT_DATA_INDIRECT', { provider: rest.name })
    },
  }
}

function copyReportData(asked: Uint8Array, signal: AbortSignal | undefined): Uint8Array {
  if (asked.length !== REPORT_DATA_BYTES) {
    throw new InputError('REPORT_DATA_LENGTH', { have: asked.length })
  }
  throwIfAborted(signal)
  return asked.slice()
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
  checkBytes(quote.body.reportData, reportData, { name })
  const isSimulated = isSimulatedQuote(quote)
  if (isSimulated !== simulated) {
    throw new UnavailableError('QUOTE_SIMULATION', { provider: name, simulated: isSimulated })
  }
}

function checkBytes(
  actual: Uint8Array,
  expected: Uint8Array,
  { name }: Pick<QuoteProvider, 'name'>,
): void {
  const offset = expected.findIndex((byte, i) => byte !== actual[i])
  if (offset === -1) return
  // Report data often begin with zeros: show where they differ.
  const asked = abbreviateHex(expected.subarray(offset, offset + 8))
  const got = abbreviateHex(actual.subarray(offset, offset + 8))
  throw new UnavailableError('QUOTE_FOREIGN', { provider: name, offset, asked, got })
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
