import chalk from 'chalk'
import { BaseCommand } from '../base-command.js'
import { type Hex, rotateSigner } from '../core/index.js'
import { openRegistration, registerFlags } from '../register-flags.js'
import { createNextSigner, loadSigner } from '../state.js'
import { watch } from '../terminal.js'

interface Rotation {
  readonly previous: Hex
  readonly current: Hex
  readonly txHash: Hex
}

export default class Rotate extends BaseCommand {
  static override summary = 'make a new signer, register it, and only then switch to it'
  static override description =
    'The old signer stays until the new one is confirmed and readable in the registry, and whenever anything fails. Its proofs stay valid until its registration expires.'
  static override examples = [
    '<%= config.bin %> rotate --rpc-url https://… --registry 0x… --keystore payer.json --password-file password.txt',
  ]
  static override flags = registerFlags

  async run(): Promise<Rotation> {
    const { flags } = await this.parse(Rotate)
    const { options, allowDisk } = await openRegistration(flags, (text) => this.remark(text))
    const { address: previous } = await loadSigner(flags, allowDisk)
    const { signer, adopt } = createNextSigner(flags, allowDisk)
    const signal = this.interrupted
    const { txHash } = await watch('Rotate', this.isSilent(), (onStep) =>
      rotateSigner({ ...options, address: signer.address, signal, onStep }, adopt),
    )
    if (options.provider.simulated) this.log(chalk.yellow('SIMULATED, fit for development only'))
    this.log(`previous     ${previous}`)
    this.log(`current      ${signer.address}`)
    this.log(`transaction  ${txHash}`)
    return { previous, current: signer.address, txHash }
  }
}
