import { Flags } from '@oclif/core'
import { BaseCommand } from '../base-command.js'
import { addressFlag, loadGasPayer, openChain, payerFlags, rpcFlags } from '../chain-flags.js'
import {
  type AttestationChoice,
  type Deployment,
  deployContracts,
  OUTPUT_LAYOUTS,
  type OutputLayout,
} from '../core/index.js'
import { openProvider, readSimulatedRoot } from '../state.js'
import { watch } from '../terminal.js'

export default class Deploy extends BaseCommand {
  static override summary = 'deploy the registry and the multi-proof contract'
  static override description =
    'With --attestation they use a deployed DCAP attestation contract. With --simulated, on a development chain only, one that takes the simulated quotes of this machine.'
  static override examples = [
    '<%= config.bin %> deploy --rpc-url http://127.0.0.1:8545 --keystore payer.json --password-file password.txt --simulated',
  ]
  static override flags = {
    ...rpcFlags,
    ...payerFlags,
    attestation: Flags.string({
      description: 'a deployed DCAP attestation contract',
      helpValue: '0xADDRESS',
      exactlyOne: ['attestation', 'simulated'],
    }),
    simulated: Flags.boolean({
      description: "take this machine's simulated quotes; chain 31337 only",
    }),
    layout: Flags.option({
      description: "layout of the attestation contract's output",
      options: Object.keys(OUTPUT_LAYOUTS) as OutputLayout[],
      default: 'v1.1' as OutputLayout,
    })(),
    owner: Flags.string({ description: 'owner of the contracts; default: the gas payer' }),
  }

  async run(): Promise<Deployment> {
    const { flags } = await this.parse(Deploy)
    const attestation: AttestationChoice =
      flags.attestation === undefined
        ? { simulatedRoot: await this.#simulatedRoot(flags) }
        : { contract: addressFlag('--attestation', flags.attestation) }
    const gasPayer = await loadGasPayer(flags, (text) => this.remark(text))
    const chain = await openChain(flags)
    const deployment = await watch('Deploy', this.isSilent(), (show) =>
      deployContracts({
        chain,
        gasPayer,
        attestation,
        layout: flags.layout,
        ...(flags.owner !== undefined && { owner: addressFlag('--owner', flags.owner) }),
        onStep: show,
      }),
    )
    for (const [name, value] of Object.entries(deployment)) this.log(`${name.padEnd(12)} ${value}`)
    return deployment
  }

  async #simulatedRoot(flags: { 'state-dir'?: string | undefined }) {
    const provider = await openProvider({ ...flags, provider: 'simulated' }, () => {})
    return readSimulatedRoot(provider)
  }
}
