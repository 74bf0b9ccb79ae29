/**
 * Deploys registry and multi-proof, and on the development chain an attestation contract for
 * simulated quotes, which is refused anywhere else.
 */

import type { Hex } from '../bytes.js'
import { InputError } from '../errors.js'
import { multiProofAbi, simulatedAttestationAbi, teeProverRegistryAbi } from './abi.js'
import {
  multiProofBytecode,
  simulatedAttestationBytecode,
  teeProverRegistryBytecode,
} from './bytecode.js'
import { type Chain, DEVELOPMENT_CHAIN_ID, deployContract, requireCode } from './client.js'
import type { GasPayer } from './gas-payer.js'

/** Layouts of an attestation contract's output, as the contracts number them. */
export const OUTPUT_LAYOUTS = { 'v1.0': 0, 'v1.1': 1 } as const
export type OutputLayout = keyof typeof OUTPUT_LAYOUTS

/** What stands for Intel's root: the public key of a development root, or a contract that has it. */
export type AttestationChoice =
  | { readonly simulatedRoot: { readonly x: bigint; readonly y: bigint } }
  | { readonly contract: Hex }

export interface Deployment {
  readonly chainId: number
  readonly attestation: Hex
  readonly registry: Hex
  readonly multiProof: Hex
}

export interface DeployOptions {
  readonly chain: Chain
  readonly gasPayer: GasPayer
  readonly attestation: AttestationChoice
  readonly layout: OutputLayout
  /** Owner of both contracts; default: the gas payer. */
  readonly owner?: Hex
  readonly onStep?: (contract: string) => void
}

/**
 * @throws InputError `SIMULATED_CHAIN` a simulated root on a chain that is not the development one
 * @throws UnavailableError the chain did not take a deployment
 */
export async function deployContracts(options: DeployOptions): Promise<Deployment> {
  const { chain, gasPayer, layout, onStep } = options
  const owner = options.owner ?? gasPayer.address
  const layoutNumber = OUTPUT_LAYOUTS[layout]
  onStep?.('attestation')
  const attestation = await attestationContract(options, layoutNumber)
  onStep?.('registry')
  const registry = await deployContract(chain, gasPayer, {
    what: 'TEEProverRegistry',
    abi: teeProverRegistryAbi,
    bytecode: teeProverRegistryBytecode,
    args: [owner, attestation, layoutNumber],
  })
  onStep?.('multiProof')
  const multiProof = await deployContract(chain, gasPayer, {
    what: 'MultiProof',
    abi: multiProofAbi,
    bytecode: multiProofBytecode,
    args: [owner, registry],
  })
  return { chainId: chain.chainId, attestation, registry, multiProof }
}

async function attestationContract(options: DeployOptions, layoutNumber: number): Promise<Hex> {
  const { chain, gasPayer, attestation } = options
  if ('contract' in attestation) {
    await requireCode(chain, 'the attestation contract', attestation.contract)
    return attestation.contract
  }
  if (chain.chainId !== DEVELOPMENT_CHAIN_ID) {
    throw new InputError('SIMULATED_CHAIN', { chainId: chain.chainId })
  }
  const { x, y } = attestation.simulatedRoot
  return deployContract(chain, gasPayer, {
    what: 'SimulatedAttestation',
    abi: simulatedAttestationAbi,
    bytecode: simulatedAttestationBytecode,
    args: [x, y, layoutNumber],
  })
}
