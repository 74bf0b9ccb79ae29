import { Flags } from '@oclif/core'
import chalk from 'chalk'
import { BaseCommand } from '../base-command.js'
import { addressFlag, loadGasPayer, openChain, payerFlags, rpcFlags } from '../chain-flags.js'
import { type Registration, registerSigner } from '../core/index.js'
import { keyFlags, loadSigner, openProvider, providerFlags } from '../state.js'
import { watch } from '../terminal.js'

export default class Register extends BaseCommand {
  static override summary = 'attest the signer and register it on a chain'
  static override description =
    'Gets a quote over the signer and the newest block, sends it to the registry, waits until it is confirmed, and reads it back. The gas payer is another key than the signer.'
  static override examples = [
    '<%= config.bin %> register --rpc-url https://… --registry 0x… --keystore payer.json --password-file password.txt',
  ]
  static override flags = {
    ...rpcFlags,
    ...payerFlags,
    ...providerFlags,
    ...keyFlags,
    registry: Flags.string({
      description: 'the registry contract',
      helpValue: '0xADDRESS',
      env: 'SP1_TEE_REGISTRY',
    }),
    value: Flags.integer({
      description: "wei sent along for the attestation's fee; the rest comes back",
      min: 0,
      default: 0,
    }),
  }

  async run(): Promise<Registration> {
    const { flags } = await this.parse(Register)
    const registry = addressFlag('--registry', flags.registry)
    const gasPayer = await loadGasPayer(flags, (text) => this.remark(text))
    const provider = await openProvider(flags, (text) => this.remark(text))
    const allowDisk = flags['insecure-key-on-disk'] || provider.simulated
    const { address } = await loadSigner(flags, allowDisk)
    const chain = await openChain(flags)
    const gasLimit = flags['gas-limit']
    const registration = await watch('Register', this.isSilent(), (show) =>
      registerSigner({
        chain,
        registry,
        address,
        provider,
        gasPayer,
        signal: this.interrupted,
        onStep: show,
        ...(gasLimit !== undefined && { gasLimit: BigInt(gasLimit) }),
        ...(flags.value > 0 && { value: BigInt(flags.value) }),
      }),
    )
    if (provider.simulated) this.log(chalk.yellow('SIMULATED, fit for development only'))
    this.log(`signer       ${registration.address}`)
    this.log(`transaction  ${registration.txHash}`)
    this.log(`block        ${registration.blockNumber}`)
    this.log(`expires      ${new Date(registration.expiresAt * 1000).toISOString()}`)
    return registration
  }
}
