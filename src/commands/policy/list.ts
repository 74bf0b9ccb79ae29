import { BaseCommand } from '../../base-command.js'
import { listWorkloads, type PolicyWorkload } from '../../core/index.js'
import { formatWorkload, openRegistry, registryFlags } from '../../policy-flags.js'
import { watch } from '../../terminal.js'

export default class PolicyList extends BaseCommand {
  static override summary = 'list the workloads that a registry’s policy knows'
  static override description =
    'Each with its state: next (it may register signers that are not valid yet), allowed, or revoked, which is for ever.'
  static override examples = [
    '<%= config.bin %> policy list --rpc-url https://… --deployment deployment.json',
  ]
  static override flags = registryFlags

  async run(): Promise<PolicyWorkload[]> {
    const { flags } = await this.parse(PolicyList)
    const { chain, registry } = await openRegistry(flags)
    const workloads = await watch('Policy', this.isSilent(), () => listWorkloads(chain, registry))
    for (const workload of workloads) this.log(formatWorkload(workload))
    if (workloads.length === 0) this.log('no workload: nothing can register')
    return workloads
  }
}
