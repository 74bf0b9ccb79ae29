import { Args, Flags } from '@oclif/core'
import { BaseCommand, invalidFlag } from '../../base-command.js'
import { POLICY_SCHEMA, parseTdQuote, type Workload, workloadOf } from '../../core/index.js'
import { readTdQuote } from '../../quote-flags.js'
import { openProvider, providerFlags } from '../../state.js'
import { SIMULATED, watch } from '../../terminal.js'

const REPORT_DATA_BYTES = 64
const NAME = new RegExp(POLICY_SCHEMA.properties.workloads.items.properties.name.pattern)

export default class QuoteMeasure extends BaseCommand {
  static override summary = "print a policy's entry for this machine, or for a quote"
  static override description =
    'The entry pins everything that was measured. Take out the fields that may change (rtmr3, or what a host decides), and the workload id with them.'
  static override examples = [
    '<%= config.bin %> quote measure quote.bin > policy.yaml',
    '<%= config.bin %> quote measure --provider configfs --name v1.2.0',
  ]
  static override args = {
    quote: Args.string({ description: 'the quote; without one, this machine gives it' }),
  }
  static override flags = {
    ...providerFlags,
    name: Flags.string({ description: 'a name for the entry', helpValue: 'NAME' }),
  }

  async run(): Promise<Workload> {
    const { args, flags } = await this.parse(QuoteMeasure)
    const { body } =
      args.quote === undefined ? await this.#quoteThisMachine(flags) : await readTdQuote(args.quote)
    const { name } = flags
    if (name !== undefined && !NAME.test(name)) {
      invalidFlag('--name', 'takes 1 to 200 characters of printable ASCII, as policies do')
    }
    const entry = { ...(name !== undefined && { name }), ...workloadOf(body) }
    const lines = Object.entries(entry).map(
      ([field, value], i) => `${i === 0 ? '  - ' : '    '}${field}: ${JSON.stringify(value)}`,
    )
    this.log(['version: 1', 'workloads:', ...lines].join('\n'))
    return entry
  }

  async #quoteThisMachine(flags: Parameters<typeof openProvider>[0]) {
    const provider = await openProvider(flags, (message) => this.remark(message))
    if (provider.simulated) this.remark(SIMULATED)
    // Zeros bind no signer: nobody can register with this quote.
    const { quote } = await watch('Quote', this.isSilent(), () =>
      provider.attest(new Uint8Array(REPORT_DATA_BYTES), this.interrupted),
    )
    return parseTdQuote(quote)
  }
}
