import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.js'
import { type PolicyChangeResult, revokeWorkload } from '../../core/index.js'
import { openPolicyChange, policyChangeFlags } from '../../policy-flags.js'
import { watch } from '../../terminal.js'
import { parseWorkloadId } from '../../workload-flags.js'

export default class PolicyRevoke extends BaseCommand {
  static override summary = 'take trust from a workload and all its signers, for ever'
  static override description =
    'Effective with the transaction: no proof of any of its signers is accepted any more. The gas payer is the policy’s owner or guardian.'
  static override examples = [
    '<%= config.bin %> policy revoke 0x… --rpc-url https://… --deployment deployment.json --keystore guardian.json --password-file password.txt',
  ]
  static override args = {
    workload: Args.string({ description: 'the workload id', required: true }),
  }
  static override flags = policyChangeFlags

  async run(): Promise<PolicyChangeResult> {
    const { args, flags } = await this.parse(PolicyRevoke)
    const workloadId = parseWorkloadId('WORKLOAD', args.workload)
    const options = await openPolicyChange(flags, (text) => this.remark(text))
    const result = await watch('Revoke', this.isSilent(), () =>
      revokeWorkload({ ...options, workloadId }),
    )
    this.log(`workload     ${result.workloadId}`)
    this.log(`state        ${result.state}`)
    this.log(`transaction  ${result.txHash}`)
    return result
  }
}
