/**
 * Deploys policy, registry and multi-proof, and on the development chain an attestation contract for
 * simulated quotes, which is refused anywhere else. Addresses follow from code and arguments, so a
 * deployment that failed half-way goes on where it stopped.
 */
import type { Abi } from 'viem'
import type { Hex } from '../bytes.js'
import { InputError } from '../errors.js'
import {
  automataCollateralProbeAbi,
  measurementPolicyAbi,
  multiProofAbi,
  simulatedAttestationAbi,
  teeProverRegistryAbi,
} from './abi.js'
import {
  automataCollateralProbeBytecode,
  measurementPolicyBytecode,
  multiProofBytecode,
  simulatedAttestationBytecode,
  teeProverRegistryBytecode,
} from './bytecode.js'
import { type Chain, DEVELOPMENT_CHAIN_ID, readContract, requireCode } from './client.js'
import {
  deployPlanned,
  isDeployed,
  type PlannedContract,
  planContract,
  requireDeployer,
} from './create2.js'
import type { GasPayer } from './gas-payer.js'
import type { Fees } from './transactions.js'
import { writeContract } from './write.js'

/** Layouts of an attestation contract's output, as the contracts number them. */
export const OUTPUT_LAYOUTS = { 'v1.0': 0, 'v1.1': 1 } as const
export type OutputLayout = keyof typeof OUTPUT_LAYOUTS

export const ZERO_ADDRESS: Hex = `0x${'00'.repeat(20)}`
const ZERO_SALT: Hex = `0x${'00'.repeat(32)}`

/** What stands for Intel's root: the public key of a development root, or a contract that has it. */
export type AttestationChoice =
  | { readonly simulatedRoot: { readonly x: bigint; readonly y: bigint } }
  | { readonly contract: Hex }

export interface Deployment {
  readonly chainId: number
  readonly attestation: Hex
  readonly policy: Hex
  readonly registry: Hex
  readonly multiProof: Hex
  /** Tells refused quotes from missing collateral; only with Automata's contracts of v1.1. */
  readonly collateralProbe?: Hex
}

export interface DeployOptions {
  readonly chain: Chain
  readonly gasPayer: GasPayer
  readonly attestation: AttestationChoice
  readonly layout: OutputLayout
  /** Owner of all contracts; default: the gas payer. */
  readonly owner?: Hex
  /** May revoke, besides the owner. */
  readonly guardian?: Hex
  /** SP1's verifier gateway, for programs whose rule wants SP1 proofs. */
  readonly gateway?: Hex
  /** 32 bytes; another one gives other addresses. */
  readonly salt?: Hex
  readonly fees?: Fees
  readonly onStep?: (contract: string) => void
}

export interface PlannedStep {
  readonly contract: string
  readonly address: Hex
  /** It is there already. */
  readonly isDone: boolean
}

interface Plan {
  readonly deployment: Deployment
  readonly contracts: readonly PlannedContract[]
}

/**
 * @throws InputError `SIMULATED_CHAIN` a simulated root on a chain that is not the development one
 * @throws UnavailableError `DEPLOYER_MISSING`; the chain did not take a deployment
 */
export async function deployContracts(options: DeployOptions): Promise<Deployment> {
  const { chain, gasPayer, fees, onStep } = options
  const { deployment, contracts } = await plan(options)
  for (const contract of contracts) {
    onStep?.(contract.what)
    if (!(await isDeployed(chain, contract))) await deployPlanned(chain, gasPayer, contract, fees)
  }
  onStep?.('the policy’s registry')
  const policy = {
    what: 'MeasurementPolicy',
    address: deployment.policy,
    abi: measurementPolicyAbi,
  }
  if ((await readContract(chain, policy, 'registry')) === ZERO_ADDRESS) {
    const more = fees === undefined ? {} : { fees }
    await writeContract(chain, gasPayer, policy, 'bindRegistry', [deployment.registry], more)
  }
  return deployment
}

/** What `deployContracts` would do; nothing is sent. Throws as that does. */
export async function planDeployment(
  options: DeployOptions,
): Promise<{ readonly deployment: Deployment; readonly steps: readonly PlannedStep[] }> {
  const { deployment, contracts } = await plan(options)
  const steps: PlannedStep[] = []
  for (const contract of contracts) {
    const { what, address } = contract
    steps.push({ contract: what, address, isDone: await isDeployed(options.chain, contract) })
  }
  return { deployment, steps }
}

async function plan(options: DeployOptions): Promise<Plan> {
  const { chain, gasPayer, layout, salt = ZERO_SALT } = options
  const { guardian = ZERO_ADDRESS, gateway = ZERO_ADDRESS } = options
  const deployer = gasPayer.address.toLowerCase() as Hex
  const owner = options.owner ?? deployer
  await requireDeployer(chain)
  const contracts: PlannedContract[] = []
  const add = (what: string, abi: Abi, bytecode: Hex, args: readonly unknown[]): Hex => {
    const planned = planContract(chain, salt, { what, abi, bytecode, args })
    contracts.push(planned)
    return planned.address
  }

  const attestation = await planAttestation(options, add)
  const hasProbe = 'contract' in options.attestation && layout === 'v1.1'
  const probe = hasProbe
    ? add(
        'AutomataCollateralProbe',
        automataCollateralProbeAbi,
        automataCollateralProbeBytecode,
        [],
      )
    : ZERO_ADDRESS
  const policy = add('MeasurementPolicy', measurementPolicyAbi, measurementPolicyBytecode, [
    owner,
    guardian,
    deployer,
  ])
  const registry = add('TEEProverRegistry', teeProverRegistryAbi, teeProverRegistryBytecode, [
    owner,
    attestation,
    OUTPUT_LAYOUTS[layout],
    policy,
    probe,
  ])
  const multiProof = add('MultiProof', multiProofAbi, multiProofBytecode, [
    owner,
    registry,
    gateway,
  ])
  const { chainId } = chain
  const deployment = { chainId, attestation, policy, registry, multiProof }
  return { contracts, deployment: { ...deployment, ...(hasProbe && { collateralProbe: probe }) } }
}

async function planAttestation(
  { chain, attestation, layout }: DeployOptions,
  add: (what: string, abi: Abi, bytecode: Hex, args: readonly unknown[]) => Hex,
): Promise<Hex> {
  if ('contract' in attestation) {
    await requireCode(chain, 'the attestation contract', attestation.contract)
    return attestation.contract
  }
  if (chain.chainId !== DEVELOPMENT_CHAIN_ID) {
    throw new InputError('SIMULATED_CHAIN', { chainId: chain.chainId })
  }
  const { x, y } = attestation.simulatedRoot
  return add('SimulatedAttestation', simulatedAttestationAbi, simulatedAttestationBytecode, [
    x,
    y,
    OUTPUT_LAYOUTS[layout],
  ])
}
