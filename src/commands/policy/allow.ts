import { Args, Flags } from '@oclif/core'
import { BaseCommand, invalidFlag } from '../../base-command.js'
import { allowWorkload, type Hex, type PolicyChangeResult } from '../../core/index.js'
import { openPolicyChange, policyChangeFlags } from '../../policy-flags.js'
import { providerFlags } from '../../state.js'
import { SIMULATED, watch } from '../../terminal.js'
import { measureThisMachine, parseWorkloadId, workloadIdOfQuote } from '../../workload-flags.js'

export default class PolicyAllow extends BaseCommand {
  static override summary = 'let a workload register signers'
  static override description =
    'The workload is named by its id, or taken from a quote, or from this machine. With --next its signers can register and are not valid before it is allowed: so an image can be changed without a gap. The gas payer is the policy’s owner.'
  static override examples = [
    '<%= config.bin %> policy allow 0x… --commit c0ffee --source https://example.org/image --rpc-url https://… --deployment deployment.json --keystore owner.json --password-file password.txt',
    '<%= config.bin %> policy allow --quote quote.bin --next --rpc-url https://… --registry 0x… --account owner --password-file password.txt',
  ]
  static override args = {
    workload: Args.string({ description: 'a workload id, as `quote measure` prints it' }),
  }
  static override flags = {
    ...policyChangeFlags,
    ...providerFlags,
    quote: Flags.string({ description: 'a quote of the workload', helpValue: 'FILE' }),
    commit: Flags.string({ description: 'the commit it was built from', default: '' }),
    source: Flags.string({ description: 'where its source is', helpValue: 'URL', default: '' }),
    next: Flags.boolean({ description: 'pre-register it: its signers are not valid yet' }),
  }

  async run(): Promise<PolicyChangeResult> {
    const { args, flags } = await this.parse(PolicyAllow)
    const workloadId = await this.#workload(args.workload, flags)
    const options = await openPolicyChange(flags, (text) => this.remark(text))
    const { commit, source: sourceUrl, next } = flags
    const result = await watch('Allow', this.isSilent(), () =>
      allowWorkload({ ...options, workloadId, commit, sourceUrl, next }),
    )
    this.log(`workload     ${result.workloadId}`)
    this.log(`state        ${result.state}`)
    this.log(`transaction  ${result.txHash}`)
    return result
  }

  async #workload(
    id: string | undefined,
    flags: Parameters<typeof measureThisMachine>[0] & { readonly quote?: string | undefined },
  ): Promise<Hex> {
    if (id !== undefined && flags.quote !== undefined) {
      invalidFlag('--quote', 'does not go with a workload id')
    }
    if (id !== undefined) return parseWorkloadId('WORKLOAD', id)
    if (flags.quote !== undefined) return workloadIdOfQuote(flags.quote)
    const warn = (text: string) => this.remark(text)
    const signal = this.interrupted
    const { workloadId, simulated } = await measureThisMachine(flags, { warn, signal })
    if (simulated) this.remark(SIMULATED)
    return workloadId
  }
}
