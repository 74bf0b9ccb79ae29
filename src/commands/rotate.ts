import { BaseCommand } from '../base-command.js'
import { type Hex, rotateSigner } from '../core/index.js'
import { openRegistration, registerFlags } from '../register-flags.js'
import { openClient, serverFlags } from '../server-flags.js'
import { createNextSigner, keyFlags, loadSigner } from '../state.js'
import { SIMULATED, watch } from '../terminal.js'

interface Rotation {
  readonly previous: Hex
  readonly current: Hex
  readonly txHash: Hex
}

type ShowStep = (step: string) => void

export default class Rotate extends BaseCommand {
  static override summary = 'make a new signer, register it, and only then switch to it'
  static override description =
    'The old signer stays until the new one is confirmed and readable in the registry, and whenever anything fails. Its proofs stay valid until its registration expires. With --url a running server does this with its own signer; it takes that from its own machine only.'
  static override examples = [
    '<%= config.bin %> rotate --rpc-url https://… --registry 0x… --keystore payer.json --password-file password.txt',
    '<%= config.bin %> rotate --url http://127.0.0.1:3000',
  ]
  static override flags = { ...registerFlags, ...keyFlags, ...serverFlags }

  async run(): Promise<Rotation> {
    const { flags } = await this.parse(Rotate)
    const client = openClient(flags)
    const rotation = await watch('Rotate', this.isSilent(), (show) =>
      client === undefined ? this.#rotateHere(flags, show) : client.rotate(this.interrupted),
    )
    this.log(`previous     ${rotation.previous}`)
    this.log(`current      ${rotation.current}`)
    this.log(`transaction  ${rotation.txHash}`)
    return rotation
  }

  async #rotateHere(
    flags: Parameters<typeof openRegistration>[0] & { 'insecure-key-on-disk': boolean },
    onStep: ShowStep,
  ): Promise<Rotation> {
    const options = await openRegistration(flags, (text) => this.remark(text))
    const allowDisk = flags['insecure-key-on-disk'] || options.provider.simulated
    const { address: previous } = await loadSigner(flags, allowDisk)
    const { signer, adopt } = createNextSigner(flags, allowDisk)
    const registration = { ...options, address: signer.address, signal: this.interrupted, onStep }
    const { txHash } = await rotateSigner(registration, adopt)
    if (options.provider.simulated) this.log(SIMULATED)
    return { previous, current: signer.address, txHash }
  }
}
