import { Flags } from '@oclif/core'
import { BaseCommand, invalidFlag } from '../base-command.js'
import {
  parseZkCalldata,
  previewRegistration,
  type Registration,
  type RegistrationPreview,
  registerSigner,
  type ZkCalldata,
} from '../core/index.js'
import { readInput } from '../files.js'
import { openRegistration, registerFlags } from '../register-flags.js'
import { keyFlags, loadSigner } from '../state.js'
import { formatCount, SIMULATED, watch } from '../terminal.js'

export default class Register extends BaseCommand {
  static override summary = 'attest the signer and register it on a chain'
  static override description =
    'Gets a quote over the signer and the newest block, sends it to the registry, waits until it is confirmed, and reads it back. The gas payer is another key than the signer. --dry-run asks what the registry would say and sends nothing. --via zk sends a proof, made elsewhere over a quote that attest gave, that the quote was verified.'
  static override examples = [
    '<%= config.bin %> register --rpc-url https://… --registry 0x… --keystore payer.json --password-file password.txt',
    '<%= config.bin %> register --dry-run --rpc-url https://… --deployment deployment.json --keystore payer.json --password-file password.txt',
  ]
  static override flags = {
    ...registerFlags,
    ...keyFlags,
    'dry-run': Flags.boolean({
      description: 'ask the contracts what they would say, and send nothing',
    }),
    via: Flags.option({
      description: 'have the quote verified by the attestation contract, or a proof of that',
      options: ['onchain', 'zk'] as const,
      default: 'onchain' as const,
    })(),
    'zk-calldata': Flags.string({
      description: 'what the DCAP prover made, with --via zk',
      helpValue: 'FILE',
    }),
  }

  async run(): Promise<Registration | RegistrationPreview> {
    const { flags } = await this.parse(Register)
    const zkCalldata = await readCalldata(flags.via, flags['zk-calldata'])
    const opened = await openRegistration(flags, (text) => this.remark(text))
    const options = { ...opened, ...(zkCalldata !== undefined && { zkCalldata }) }
    const allowDisk = flags['insecure-key-on-disk'] || options.provider.simulated
    const { address } = await loadSigner(flags, allowDisk)
    const signal = this.interrupted
    if (flags['dry-run']) {
      const preview = await watch('Register (dry run)', this.isSilent(), (onStep) =>
        previewRegistration({ ...options, address, signal, onStep }),
      )
      if (options.provider.simulated) this.log(SIMULATED)
      this.log(`signer       ${preview.address}`)
      this.log(`gas          ${formatCount(preview.gas)}`)
      this.log('the registry would take it; nothing was sent')
      return preview
    }
    const { attestation: _, ...registration } = await watch('Register', this.isSilent(), (onStep) =>
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

async function readCalldata(
  via: 'onchain' | 'zk',
  path: string | undefined,
): Promise<ZkCalldata | undefined> {
  if (via === 'zk' && path === undefined)
    invalidFlag('--zk-calldata', 'must be given with --via zk')
  if (via === 'onchain' && path !== undefined)
    invalidFlag('--zk-calldata', 'goes only with --via zk')
  return path === undefined ? undefined : parseZkCalldata(await readInput(path), path)
}
