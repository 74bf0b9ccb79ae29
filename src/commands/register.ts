import { BaseCommand } from '../base-command.js'
import { type Registration, registerSigner } from '../core/index.js'
import { openRegistration, registerFlags } from '../register-flags.js'
import { keyFlags, loadSigner } from '../state.js'
import { SIMULATED, watch } from '../terminal.js'

export default class Register extends BaseCommand {
  static override summary = 'attest the signer and register it on a chain'
  static override description =
    'Gets a quote over the signer and the newest block, sends it to the registry, waits until it is confirmed, and reads it back. The gas payer is another key than the signer.'
  static override examples = [
    '<%= config.bin %> register --rpc-url https://… --registry 0x… --keystore payer.json --password-file password.txt',
  ]
  static override flags = { ...registerFlags, ...keyFlags }

  async run(): Promise<Registration> {
    const { flags } = await this.parse(Register)
    const options = await openRegistration(flags, (text) => this.remark(text))
    const allowDisk = flags['insecure-key-on-disk'] || options.provider.simulated
    const { address } = await loadSigner(flags, allowDisk)
    const signal = this.interrupted
    const registration = await watch('Register', this.isSilent(), (onStep) =>
      registerSigner({ ...options, address, signal, onStep }),
    )
    if (options.provider.simulated) this.log(SIMULATED)
    this.log(`signer       ${registration.address}`)
    this.log(`transaction  ${registration.txHash}`)
    this.log(`block        ${registration.blockNumber}`)
    this.log(`expires      ${new Date(registration.expiresAt * 1000).toISOString()}`)
    return registration
  }
}
