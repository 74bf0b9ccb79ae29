import { Flags } from '@oclif/core'
import { BaseCommand, invalidFlag } from '../base-command.js'
import {
  addressFlag,
  connectionFlags,
  loadGasPayer,
  openChain,
  payerFlags,
  rpcFlags,
  transactionOptions,
} from '../chain-flags.js'
import {
  type AttestationChoice,
  attestationWarnings,
  type Deployment,
  deployContracts,
  encodeDeployment,
  findAttestation,
  fromHex,
  type Hex,
  InputError,
  isHex,
  OUTPUT_LAYOUTS,
  type OutputLayout,
  type PlannedStep,
  planDeployment,
} from '../core/index.js'
import { writeOutput } from '../files.js'
import { openProvider, readSimulatedRoot } from '../state.js'
import { watch } from '../terminal.js'

const SALT_BYTES = 32
const KNOWN = 'known'

type DeployResult = Deployment & { readonly dryRun?: true; readonly steps?: readonly PlannedStep[] }

export default class Deploy extends BaseCommand {
  static override summary = 'deploy the policy, the registry and the multi-proof contract'
  static override description =
    'Their addresses follow from code and arguments, the gas payer among them: after a failure the same command goes on where it stopped. With --attestation they use a deployed DCAP attestation contract. With --simulated, on a development chain only, one that takes the simulated quotes of this machine. Then allow a workload with `policy allow`.'
  static override examples = [
    '<%= config.bin %> deploy --rpc-url http://127.0.0.1:8545 --keystore payer.json --password-file password.txt --simulated --out deployment.json',
    '<%= config.bin %> deploy --rpc-url https://… --attestation known --guardian 0x… --account payer --password-file password.txt --dry-run',
  ]
  static override flags = {
    // Not --deployment: a file that is named in the config file may be the one to be written.
    preset: rpcFlags.preset,
    ...connectionFlags,
    ...payerFlags,
    attestation: Flags.string({
      description: `a deployed DCAP attestation contract; ${KNOWN}: that of Automata on this chain`,
      helpValue: `0xADDRESS|${KNOWN}`,
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
    owner: Flags.string({
      description: 'owner of the contracts; default: the gas payer',
      helpValue: '0xADDRESS',
    }),
    guardian: Flags.string({
      description: 'may revoke workloads and signers, besides the owner; default: nobody',
      helpValue: '0xADDRESS',
    }),
    gateway: Flags.string({
      description: "SP1's verifier gateway, for programs that need SP1 proofs too",
      helpValue: '0xADDRESS',
    }),
    salt: Flags.string({
      description: '32 bytes; another one gives other addresses',
      helpValue: '0xHEX',
    }),
    out: Flags.string({
      description: 'file for the addresses, which other commands take with --deployment',
      helpValue: 'FILE',
    }),
    'dry-run': Flags.boolean({ description: 'print the addresses, and send nothing' }),
  }

  async run(): Promise<DeployResult> {
    const { flags } = await this.parse(Deploy)
    const addresses = (['owner', 'guardian', 'gateway'] as const).flatMap((name) => {
      const value = flags[name]
      return value === undefined ? [] : [[name, addressFlag(`--${name}`, value)] as const]
    })
    const named = {
      ...(Object.fromEntries(addresses) as { owner?: Hex; guardian?: Hex; gateway?: Hex }),
      ...(flags.salt !== undefined && { salt: parseSalt(flags.salt) }),
      ...transactionOptions(flags),
    }
    const simulatedRoot = flags.simulated ? await this.#simulatedRoot(flags) : undefined
    const gasPayer = await loadGasPayer(flags, (text) => this.remark(text))
    const chain = await openChain(flags)
    const { layout } = flags
    const attestation: AttestationChoice = simulatedRoot
      ? { simulatedRoot }
      : { contract: attestationAddress(flags.attestation, chain.chainId, layout) }
    if ('contract' in attestation) {
      for (const warning of attestationWarnings(chain.chainId, attestation.contract)) {
        this.remark(warning)
      }
    }
    const options = { ...named, chain, gasPayer, attestation, layout }
    if (flags['dry-run']) return this.#preview(options)
    const deployment = await watch('Deploy', this.isSilent(), (onStep) =>
      deployContracts({ ...options, onStep }),
    )
    if (flags.out !== undefined) await writeOutput(flags.out, encodeDeployment(deployment))
    this.#show(deployment)
    return deployment
  }

  async #preview(options: Parameters<typeof planDeployment>[0]): Promise<DeployResult> {
    const { deployment, steps } = await planDeployment(options)
    for (const { contract, address, isDone } of steps) {
      this.log(`${isDone ? 'is there' : 'to do   '}  ${address}  ${contract}`)
    }
    this.log('nothing was sent')
    return { ...deployment, dryRun: true, steps }
  }

  #show(deployment: Deployment): void {
    for (const [name, value] of Object.entries(deployment)) {
      this.log(`${name.padEnd(15)} ${value}`)
    }
  }

  async #simulatedRoot(flags: { 'state-dir'?: string | undefined }) {
    const provider = await openProvider({ ...flags, provider: 'simulated' }, () => {})
    return readSimulatedRoot(provider)
  }
}

function attestationAddress(value: string | undefined, chainId: number, layout: OutputLayout): Hex {
  if (value !== KNOWN) return addressFlag('--attestation', value)
  const known = findAttestation(chainId, layout)
  if (known === undefined) throw new InputError('DEPLOYMENT_UNKNOWN', { chainId, layout })
  return known
}

function parseSalt(value: string): Hex {
  if (isHex(value) && fromHex(value).length === SALT_BYTES) return value
  return invalidFlag('--salt', 'takes 32 bytes: 0x and 64 hex digits')
}
