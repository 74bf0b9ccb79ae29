import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.js'
import {
  type PolicySettings,
  type PolicyWorkload,
  readPolicySettings,
  readWorkload,
} from '../../core/index.js'
import { formatWorkload, openRegistry, registryFlags } from '../../policy-flags.js'
import { watch } from '../../terminal.js'
import { parseWorkloadId } from '../../workload-flags.js'

export default class PolicyShow extends BaseCommand {
  static override summary = 'show what a registry accepts, or what it says of one workload'
  static override examples = [
    '<%= config.bin %> policy show --rpc-url https://… --deployment deployment.json',
    '<%= config.bin %> policy show 0x… --rpc-url https://… --registry 0x…',
  ]
  static override args = {
    workload: Args.string({ description: 'a workload id; without one, the settings' }),
  }
  static override flags = registryFlags

  async run(): Promise<PolicySettings | PolicyWorkload> {
    const { args, flags } = await this.parse(PolicyShow)
    const id = args.workload && parseWorkloadId('WORKLOAD', args.workload)
    const { chain, registry } = await openRegistry(flags)
    if (id) {
      const workload = await watch('Policy', this.isSilent(), () =>
        readWorkload(chain, registry, id),
      )
      this.log(formatWorkload(workload))
      return workload
    }
    const settings = await watch('Policy', this.isSilent(), () =>
      readPolicySettings(chain, registry),
    )
    for (const [name, value] of Object.entries(settings)) {
      this.log(`${name.padEnd(21)} ${Array.isArray(value) ? value.join(', ') : value}`)
    }
    return settings
  }
}
