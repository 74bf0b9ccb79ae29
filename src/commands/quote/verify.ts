import { Args, Flags } from '@oclif/core'
import chalk from 'chalk'
import { BaseCommand } from '../../base-command.js'
import { rpcFlags } from '../../chain-flags.js'
import {
  checkEventLog,
  checkRuntimeData,
  ERROR_TABLES,
  judgeQuote,
  type QuoteVerdict,
} from '../../core/index.js'
import { readInput } from '../../files.js'
import { readPolicy } from '../../policy-file.js'
import {
  atFlags,
  collateralFlags,
  eventLogFlags,
  formatChecks,
  openCollateral,
  parseTime,
  quoteArg,
  readEventLog,
  readQuote,
  readRoot,
  rootFlags,
  runtimeDataFlags,
} from '../../quote-flags.js'
import { SIMULATED } from '../../terminal.js'

export default class QuoteVerify extends BaseCommand {
  static override summary = 'verify a quote completely, and say why'
  static override description =
    "Checks certificates, revocation lists, Intel's statements, signatures and levels, then the policy; without one, the platform must be up to date and not debuggable. Exits with code 5 if the quote is not valid. docs/dcap.md names the source of each check."
  static override examples = [
    '<%= config.bin %> quote verify quote.bin',
    '<%= config.bin %> quote verify quote.bin --collateral collateral.json --at 2026-11-23T12:00:00Z',
    '<%= config.bin %> quote verify quote.bin --policy policy.yaml --eventlog ccel.bin',
  ]
  static override args = { quote: Args.string(quoteArg) }
  static override flags = {
    policy: Flags.string({
      description: 'what is accepted, JSON or YAML (schemas/policy.schema.json)',
      helpValue: 'FILE',
      env: 'SP1_TEE_POLICY',
    }),
    ...collateralFlags,
    ...rpcFlags,
    ...rootFlags,
    ...atFlags,
    ...eventLogFlags,
    ...runtimeDataFlags,
  }

  async run(): Promise<QuoteVerdict> {
    const { args, flags } = await this.parse(QuoteVerify)
    const now = parseTime(flags.at)
    const root = await readRoot(flags.root)
    const policy = flags.policy === undefined ? undefined : await readPolicy(flags.policy)
    const eventLog = await readEventLog(flags.eventlog)
    const quote = await readQuote(args.quote)
    const collateral = await openCollateral(quote, flags, {
      signal: this.interrupted,
      isSilent: this.isSilent(),
    })
    const judged = judgeQuote({
      ...{ quote, collateral, now, root },
      ...(policy !== undefined && { policy }),
    })
    const replayed = eventLog === undefined ? judged : checkEventLog(judged, quote, eventLog)
    const path = flags['runtime-data']
    const verdict =
      path === undefined ? replayed : checkRuntimeData(replayed, quote, await readInput(path))
    this.log(formatChecks(verdict.checks))
    if (verdict.expires !== undefined) this.log(`collateral valid until ${verdict.expires}`)
    if (verdict.simulated) this.log(SIMULATED)
    if (verdict.valid && policy?.workloads === undefined) {
      this.remark('The policy pins no workload, so any genuine TD passes: see `quote measure`.')
    }
    this.log(verdict.valid ? chalk.green('valid') : chalk.red('not valid'))
    if (!verdict.valid) process.exitCode = ERROR_TABLES.rejected.exitCode
    return verdict
  }
}
