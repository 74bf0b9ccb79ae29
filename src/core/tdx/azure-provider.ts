/**
 * Quotes on Azure, where a paravisor (HCL) is between the TD and its guest: the guest writes what it
 * wants bound into one NV index of its vTPM, the paravisor answers in another one with a TDREPORT and
 * runtime data, and Azure's metadata service (IMDS) makes a quote of the TDREPORT.
 *
 * The report data of such a quote are the SHA-256 of the runtime data, which name the guest's bytes.
 * Who reads the quote alone, as a registry does, learns nothing of them; `quote` refuses therefore.
 *
 * Source: kinvolk/azure-cvm-tooling az-cvm-vtpm/src/{vtpm,imds.rs}; Microsoft's client does the same.
 */
import { equalBytes, fromBase64, toBase64 } from '../bytes.js'
import { InputError, UnavailableError } from '../errors.js'
import { type HclReport, isRuntimeDataBound, parseHclReport } from './hcl-report.js'
import { createIndirectProvider, errnoOf, type ProviderSource, throwIfAborted } from './provider.js'
import { REPORT_DATA_BYTES } from './quote.js'
import {
  isHttpUrl,
  printable,
  type QuoteService,
  requireOk,
  type ServiceAnswer,
  send,
} from './service-providers.js'
import { encodeTdReport } from './td-report.js'

const NAME = 'azure'
/** What the paravisor says, and what it is asked to bind. */
const HCL_REPORT_INDEX = '0x1400001'
const REPORT_DATA_INDEX = '0x1400002'
/** For which the paravisor takes to see a write, by Microsoft's own client. */
const REPORT_DELAY_MS = 3_000
const MAX_WAITS = 3
const IMDS_URL = 'http://169.254.169.254'
const IMDS_PATH = '/acc/tdquote'
const IMDS_HEADERS = { Accept: 'application/json', Metadata: 'true' }
/** What IMDS asks its callers to try again, and how patiently. */
const IMDS_RETRIED: ReadonlySet<number> = new Set([429, 500, 502, 503, 504])
const IMDS_DELAYS_MS = [1_000, 2_000, 4_000]
const OWNER = ['-C', 'o'] as const

/** One of tpm2-tools, run to its end. Not installed is an error with code `ENOENT`. */
export type RunTpmTool = (
  tool: string,
  args: readonly string[],
  options: { readonly input?: Uint8Array; readonly signal: AbortSignal | undefined },
) => Promise<{
  /** Undefined if a signal ended it. */
  readonly exitCode: number | undefined
  readonly stdout: Uint8Array
  readonly stderr: string
}>

export interface AzureOptions {
  readonly runTool: RunTpmTool
  readonly service: QuoteService
  /** Returns early when aborted. */
  readonly sleep: (delayMs: number, signal: AbortSignal | undefined) => Promise<void>
  /** In place of Azure's own address. */
  readonly imdsUrl?: string
}

/** @throws InputError `FLAG_INVALID` the URL is none */
export function createAzureSource(options: AzureOptions): ProviderSource {
  const { imdsUrl = IMDS_URL } = options
  if (!isHttpUrl(imdsUrl)) {
    throw new InputError('FLAG_INVALID', { flag: '--provider-url', reason: 'takes an http(s) URL' })
  }
  return {
    name: NAME,
    simulated: false,
    probe: () => probe(options),
    open: async () =>
      createIndirectProvider({
        name: NAME,
        simulated: false,
        request: (reportData, signal) => inTurn(() => request(options, reportData, signal)),
      }),
  }
}

/** The indexes are the machine's: two requests at once would read each other's answers. */
let queue: Promise<unknown> = Promise.resolve()
function inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
  const result = queue.then(task, task)
  queue = result
  return result
}

async function probe({ runTool }: AzureOptions): Promise<UnavailableError | undefined> {
  const missing = (reason: string) => new UnavailableError('TDX_DEVICE_MISSING', { reason })
  try {
    const indexes = await listIndexes(runTool, undefined)
    if (indexes.has(HCL_REPORT_INDEX)) return undefined
    return missing(`the TPM has no report of Azure's paravisor (NV index ${HCL_REPORT_INDEX})`)
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
    return missing(`there is no TPM to be read by tpm2-tools (${String(error.details.reason)})`)
  }
}

async function request(
  options: AzureOptions,
  reportData: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<{ quote: Uint8Array; runtimeData: Uint8Array }> {
  await writeReportData(options.runTool, reportData, signal)
  const { tdReport, runtimeData } = await awaitReport(options, reportData, signal)
  const quote = await askImds(options, encodeTdReport(tdReport), signal)
  return { quote, runtimeData }
}

async function writeReportData(
  runTool: RunTpmTool,
  reportData: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const run = (tool: string, args: readonly string[], input?: Uint8Array) =>
    runOrThrow(runTool, tool, [...args, REPORT_DATA_INDEX], input, signal)
  const isThere = (await listIndexes(runTool, signal)).has(REPORT_DATA_INDEX)
  const size = isThere ? sizeOf(await run('tpm2_nvreadpublic', [])) : undefined
  if (isThere && size !== REPORT_DATA_BYTES) await run('tpm2_nvundefine', OWNER)
  if (size !== REPORT_DATA_BYTES) {
    const attributes = ['-s', String(REPORT_DATA_BYTES), '-a', 'ownerwrite|ownerread']
    await run('tpm2_nvdefine', [...OWNER, ...attributes])
  }
  await run('tpm2_nvwrite', [...OWNER, '-i', '-'], reportData)
}

/** @returns the paravisor's report on exactly these bytes. */
async function awaitReport(
  { runTool, sleep }: AzureOptions,
  reportData: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<HclReport> {
  for (let waits = 1; ; waits++) {
    await sleep(REPORT_DELAY_MS, signal)
    throwIfAborted(signal)
    const args = [...OWNER, HCL_REPORT_INDEX]
    const report = parseReport(await runOrThrow(runTool, 'tpm2_nvread', args, undefined, signal))
    // It may be the answer to an earlier request still, or to somebody else's.
    if (equalBytes(report.userData, reportData)) return report
    if (waits === MAX_WAITS) {
      const waitedSeconds = (MAX_WAITS * REPORT_DELAY_MS) / 1000
      throw new UnavailableError('HCL_REPORT_STALE', { waitedSeconds })
    }
  }
}

function parseReport(bytes: Uint8Array): HclReport {
  let report: HclReport
  try {
    report = parseHclReport(bytes)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw unusable(`${error.code} in its ${String(error.details.field)}`, bytes, error)
  }
  if (isRuntimeDataBound(report)) return report
  throw unusable('its TDREPORT is not bound to its runtime data', bytes)
}

function unusable(reason: string, { length }: Uint8Array, cause?: unknown) {
  const facts = { provider: NAME, bytes: length, reason: `of its HCL report, ${reason}` }
  return new UnavailableError('QUOTE_UNUSABLE', facts, cause)
}

async function askImds(
  options: AzureOptions,
  tdReport: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const { service, imdsUrl = IMDS_URL } = options
  const url = `${imdsUrl.replace(/\/+$/, '')}${IMDS_PATH}`
  const where = { provider: NAME, address: `${new URL(url).origin}${new URL(url).pathname}` }
  const body = JSON.stringify({ report: toBase64Url(tdReport) })
  const post = () => send(service, { url, body, headers: IMDS_HEADERS }, where, signal)
  const answer = requireOk(await patiently(post, options, signal), where)
  const refuse = (reason: string, cause?: unknown) =>
    new UnavailableError('QUOTE_SERVICE_ANSWER', { ...where, reason }, cause)
  let json: { quote?: unknown } | null
  try {
    json = JSON.parse(new TextDecoder().decode(answer))
  } catch (error) {
    throw refuse('it is not JSON', error)
  }
  const quote = fromBase64Url(json?.quote)
  if (quote === undefined) throw refuse('it holds no quote')
  return quote
}

async function patiently(
  post: () => Promise<ServiceAnswer>,
  { sleep }: AzureOptions,
  signal: AbortSignal | undefined,
): Promise<ServiceAnswer> {
  for (let attempt = 0; ; attempt++) {
    const answer = await post()
    const delayMs = IMDS_DELAYS_MS[attempt]
    if (!IMDS_RETRIED.has(answer.status) || delayMs === undefined) return answer
    await sleep(delayMs, signal)
    throwIfAborted(signal)
  }
}

/** As tpm2_getcap prints them: `- 0x1400001`, without leading zeros. */
async function listIndexes(
  runTool: RunTpmTool,
  signal: AbortSignal | undefined,
): Promise<Set<string>> {
  const output = await runOrThrow(runTool, 'tpm2_getcap', ['handles-nv-index'], undefined, signal)
  const text = new TextDecoder().decode(output)
  return new Set(
    Array.from(text.matchAll(/^\s*-\s+0x0*([0-9a-f]+)\s*$/gim), ([, hex]) => `0x${hex}`),
  )
}

/** Of an index, as tpm2_nvreadpublic prints it. */
function sizeOf(output: Uint8Array): number {
  return Number(/^\s*size:\s*(\d+)\s*$/m.exec(new TextDecoder().decode(output))?.[1] ?? 0)
}

async function runOrThrow(
  runTool: RunTpmTool,
  tool: string,
  args: readonly string[],
  input: Uint8Array | undefined,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  throwIfAborted(signal)
  let outcome: Awaited<ReturnType<RunTpmTool>>
  try {
    outcome = await runTool(tool, args, { signal, ...(input !== undefined && { input }) })
  } catch (error) {
    throwIfAborted(signal)
    const reason = errnoOf(error)
    if (reason === undefined) throw error
    throw new UnavailableError('VTPM_FAILED', { tool, reason: describeErrno(reason) }, error)
  }
  throwIfAborted(signal)
  if (outcome.exitCode === 0) return outcome.stdout
  // Of the tool itself; those of the libraries below it begin with `ERROR:` and a module.
  const line = outcome.stderr.split('\n').find((text) => text.startsWith('ERROR: '))
  const reason = printable(line?.slice('ERROR: '.length) ?? `exit code ${outcome.exitCode}`)
  throw new UnavailableError('VTPM_FAILED', { tool, reason })
}

function describeErrno(errno: string): string {
  return errno === 'ENOENT' ? 'it is not installed' : errno
}

function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

function fromBase64Url(text: unknown): Uint8Array | undefined {
  if (typeof text !== 'string' || !/^[A-Za-z0-9_-]+={0,2}$/.test(text)) return undefined
  const digits = text.replace(/=+$/, '')
  if (digits.length % 4 === 1) return undefined
  return fromBase64(digits.replaceAll('-', '+').replaceAll('_', '/'))
}
