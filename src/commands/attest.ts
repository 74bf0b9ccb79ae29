import { Flags } from '@oclif/core'
import chalk from 'chalk'
import { BaseCommand, invalidFlag } from '../base-command.js'
import { openChain, rpcFlags } from '../chain-flags.js'
import {
  computeReportData,
  ERROR_TABLES,
  encodeCollateral,
  fromHex,
  type Hex,
  isHex,
  judgeQuote,
  latestReference,
  openCollateral,
  parseTdQuote,
  type QuoteProvider,
  type QuoteVerdict,
  type Reference,
  type TdQuote,
  toHex,
} from '../core/index.js'
import { writeOutput } from '../files.js'
import { fetchCollateralOf, formatChecks, pccsFlags, readRoot } from '../quote-flags.js'
import { keyFlags, loadSigner, openProvider, providerFlags, simulateFlags } from '../state.js'
import { watch } from '../terminal.js'

const REPORT_DATA_BYTES = 64
/** Of a quote that refers to no block. */
const NO_BLOCK: Reference = { blockNumber: 0n, blockHash: `0x${'00'.repeat(32)}` }

/** What a relying party compares: hex of the quote body's fields. */
type Measurements = Readonly<Record<(typeof MEASUREMENTS)[number], Hex>>
const MEASUREMENTS = [
  'mrtd',
  'rtmr0',
  'rtmr1',
  'rtmr2',
  'rtmr3',
  'mrConfigId',
  'mrOwner',
  'mrOwnerConfig',
  'mrSeam',
  'tdAttributes',
  'xfam',
] as const

interface Attestation {
  readonly provider: string
  readonly simulated: boolean
  readonly reportData: Hex
  readonly reference: { readonly blockNumber: number; readonly blockHash: Hex } | null
  readonly quote: Hex
  readonly quoteFile?: string
  readonly collateralFile?: string
  /** Where the quote's report data are the hash of it, as on Azure. */
  readonly runtimeData?: Hex
  readonly runtimeDataFile?: string
  /** With --check. */
  readonly verdict?: QuoteVerdict
  readonly measurements: Measurements
}

type CollateralOutFlags = Parameters<typeof fetchCollateralOf>[1] & {
  readonly 'collateral-out'?: string | undefined
  readonly check: boolean
}

export default class Attest extends BaseCommand {
  static override summary = 'get a quote that binds the signer to this machine'
  static override description =
    "The quote's report data hold the signer's address and, with --rpc-url, the newest block; without one no registry takes it. --report-data asks for other bytes; for local use only."
  static override examples = [
    '<%= config.bin %> attest --out quote.bin',
    '<%= config.bin %> attest --check --collateral-out collateral.json',
    '<%= config.bin %> attest --provider simulated --json',
    '<%= config.bin %> attest --rpc-url https://…',
  ]
  static override flags = {
    ...providerFlags,
    ...keyFlags,
    ...rpcFlags,
    'report-data': Flags.string({
      description: 'report data instead of the signer; for local use only',
      helpValue: '0xHEX',
    }),
    out: Flags.string({ description: 'file for the quote, binary', helpValue: 'FILE' }),
    'collateral-out': Flags.string({
      description: 'file for the collateral that the quote is verified with',
      helpValue: 'FILE',
    }),
    'runtime-data-out': Flags.string({
      description: 'file for the runtime data that bind the report data to the quote, on Azure',
      helpValue: 'FILE',
    }),
    check: Flags.boolean({
      description: 'verify the quote at once; exits with code 5 if not valid',
    }),
    ...pccsFlags,
    ...simulateFlags,
  }

  async run(): Promise<Attestation> {
    const { flags } = await this.parse(Attest)
    const provider = await openProvider(flags, (message) => this.remark(message))
    const given = flags['report-data']
    const reference = given === undefined ? await this.#reference(flags) : undefined
    const reportData =
      reference === undefined
        ? checkReportData(given)
        : computeReportData(await this.#signer(flags, provider), reference)
    const { quote: bytes, runtimeData } = await watch('Quote', this.isSilent(), () =>
      provider.attest(reportData, this.interrupted),
    )
    if (flags.out !== undefined) await writeOutput(flags.out, bytes)
    const quote = parseTdQuote(bytes)
    const measurements = measurementsOf(quote)
    this.#print(provider, toHex(reportData), measurements)
    this.log(`quote          ${flags.out ?? toHex(bytes)}`)
    const runtimeDataOut = flags['runtime-data-out']
    if (runtimeData !== undefined) {
      if (runtimeDataOut !== undefined) await writeOutput(runtimeDataOut, runtimeData)
      this.log(`runtime data   ${runtimeDataOut ?? toHex(runtimeData)}`)
    } else if (runtimeDataOut !== undefined) {
      this.remark('There are no runtime data: the quote itself carries the report data.')
    }
    const verdict = await this.#collateral(quote, provider, flags)
    return {
      provider: provider.name,
      simulated: provider.simulated,
      reportData: toHex(reportData),
      reference:
        reference === undefined
          ? null
          : { ...reference, blockNumber: Number(reference.blockNumber) },
      quote: toHex(bytes),
      ...(flags.out !== undefined && { quoteFile: flags.out }),
      ...(flags['collateral-out'] !== undefined && { collateralFile: flags['collateral-out'] }),
      ...(runtimeData !== undefined && {
        runtimeData: toHex(runtimeData),
        ...(runtimeDataOut !== undefined && { runtimeDataFile: runtimeDataOut }),
      }),
      ...(verdict !== undefined && { verdict }),
      measurements,
    }
  }

  /** Gets and writes the collateral if it is asked for; the verdict, if that is. */
  async #collateral(
    quote: TdQuote,
    provider: QuoteProvider,
    flags: CollateralOutFlags,
  ): Promise<QuoteVerdict | undefined> {
    const out = flags['collateral-out']
    if (out === undefined && !flags.check) return undefined
    const collateral =
      provider.collateral === undefined
        ? await watch('Collateral', this.isSilent(), () =>
            fetchCollateralOf(quote, flags, this.interrupted),
          )
        : openCollateral(provider.collateral())
    if (out !== undefined) {
      await writeOutput(out, encodeCollateral(collateral))
      this.log(`collateral     ${out}`)
    }
    if (!flags.check) return undefined
    const root = await readRoot(provider.rootCertificatePath)
    const verdict = judgeQuote({ quote, collateral, root, now: new Date() })
    this.log(formatChecks(verdict.checks))
    this.log(verdict.valid ? chalk.green('valid') : chalk.red('not valid'))
    if (!verdict.valid) process.exitCode = ERROR_TABLES.rejected.exitCode
    return verdict
  }

  async #reference(flags: Parameters<typeof openChain>[0]): Promise<Reference> {
    if (flags['rpc-url'] !== undefined) return latestReference(await openChain(flags))
    this.remark('The quote refers to no block, so it cannot be registered.')
    return NO_BLOCK
  }

  async #signer(
    flags: { 'state-dir'?: string | undefined; 'insecure-key-on-disk': boolean },
    provider: QuoteProvider,
  ): Promise<Hex> {
    const allowDisk = flags['insecure-key-on-disk'] || provider.simulated
    const { address } = await loadSigner(flags, allowDisk)
    this.log(`signer         ${address}`)
    return address
  }

  #print(provider: QuoteProvider, reportData: Hex, measurements: Measurements): void {
    if (provider.simulated) {
      this.log(
        `provider       ${chalk.yellow(`${provider.name}: SIMULATED, fit for development only`)}`,
      )
      this.log(`root           ${provider.rootCertificatePath}`)
    } else {
      this.log(`provider       ${provider.name}`)
    }
    this.log(`report data    ${reportData}`)
    for (const [name, value] of Object.entries(measurements)) {
      this.log(`${name.padEnd(14)} ${value}`)
    }
  }
}

function checkReportData(text: string | undefined): Uint8Array {
  const bytes = isHex(text) ? fromHex(text) : undefined
  if (bytes?.length === REPORT_DATA_BYTES) return bytes
  return invalidFlag('--report-data', `takes 0x and ${2 * REPORT_DATA_BYTES} hex digits`)
}

function measurementsOf({ body }: TdQuote): Measurements {
  const entries = MEASUREMENTS.map((name) => [name, toHex(body[name])] as const)
  return Object.fromEntries(entries) as Measurements
}
