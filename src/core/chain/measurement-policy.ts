/** The measurement policy of a registry: what it says, and changes by its owner or guardian. */
import type { Hex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import { measurementPolicyAbi, teeProverRegistryAbi } from './abi.js'
import { type Chain, readContract } from './client.js'
import { OUTPUT_LAYOUTS, type OutputLayout, ZERO_ADDRESS } from './deploy.js'
import type { GasPayer } from './gas-payer.js'
import { type WriteOptions, writeContract } from './write.js'

const STATES = ['unknown', 'next', 'allowed', 'revoked'] as const
export type WorkloadState = (typeof STATES)[number]

export interface PolicyWorkload {
  readonly workloadId: Hex
  readonly state: WorkloadState
  /** Seconds since 1970, by the chain's clock; 0 if it is not known. */
  readonly changedAt: number
  readonly commit: string
  readonly sourceUrl: string
}

export interface PolicySettings {
  readonly policy: Hex
  readonly registry: Hex
  readonly owner: Hex
  readonly guardian: Hex
  readonly version: number
  readonly acceptedStatuses: readonly string[]
  readonly validityDelaySeconds: number
  readonly attestation: Hex
  readonly layout: OutputLayout
  readonly attestValiditySeconds: number
  readonly maxBlockNumberDiff: number
  readonly workloads: number
}

/** By their numbers on chain; Intel's spelling. */
const TCB_STATUSES = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'ConfigurationNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'Revoked',
  'Unrecognized',
  'TDRelaunchAdvised',
  'TDRelaunchAdvisedConfigurationNeeded',
] as const

/** @throws UnavailableError `POLICY_MISSING` the registry is one of the first */
export async function findPolicy(chain: Chain, registry: Hex): Promise<Hex> {
  try {
    const policy = await readContract(chain, registryAt(registry), 'policy')
    return String(policy).toLowerCase() as Hex
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
    const isOlder = error.code === 'CHAIN_REVERTED' || error.code === 'RPC_FAILED'
    throw isOlder ? new UnavailableError('POLICY_MISSING', { registry }, error) : error
  }
}

export async function readPolicySettings(chain: Chain, registry: Hex): Promise<PolicySettings> {
  const policy = await findPolicy(chain, registry)
  const ofPolicy = (name: string) => readContract(chain, policyAt(policy), name)
  const ofRegistry = (name: string) => readContract(chain, registryAt(registry), name)
  const [owner, guardian, attestation] = await Promise.all([
    ofPolicy('owner'),
    ofPolicy('guardian'),
    ofRegistry('dcapAttestationVerifier'),
  ])
  const accepted = Number(await ofPolicy('acceptedTcbStatuses'))
  const layoutNumber = await ofRegistry('outputLayout')
  const layouts = Object.keys(OUTPUT_LAYOUTS) as OutputLayout[]
  return {
    policy,
    registry,
    owner: lowerCase(owner),
    guardian: lowerCase(guardian),
    version: Number(await ofPolicy('version')),
    acceptedStatuses: TCB_STATUSES.filter((_, number) => ((accepted >> number) & 1) === 1),
    validityDelaySeconds: Number(await ofPolicy('validityDelaySeconds')),
    attestation: lowerCase(attestation),
    layout: layouts.find((name) => OUTPUT_LAYOUTS[name] === layoutNumber) as OutputLayout,
    attestValiditySeconds: Number(await ofRegistry('attestValiditySeconds')),
    maxBlockNumberDiff: Number(await ofRegistry('maxBlockNumberDiff')),
    workloads: Number(await ofPolicy('workloadCount')),
  }
}

/** All workloads, in the order in which they came. */
export async function listWorkloads(chain: Chain, registry: Hex): Promise<PolicyWorkload[]> {
  const policy = policyAt(await findPolicy(chain, registry))
  const count = Number(await readContract(chain, policy, 'workloadCount'))
  const workloads: PolicyWorkload[] = []
  for (let position = 0; position < count; position++) {
    const id = (await readContract(chain, policy, 'workloadIdAt', [BigInt(position)])) as Hex
    workloads.push(await readWorkloadAt(chain, policy.address, id))
  }
  return workloads
}

export async function readWorkload(
  chain: Chain,
  registry: Hex,
  workloadId: Hex,
): Promise<PolicyWorkload> {
  return readWorkloadAt(chain, await findPolicy(chain, registry), workloadId)
}

export interface PolicyChange extends WriteOptions {
  readonly chain: Chain
  readonly registry: Hex
  readonly gasPayer: GasPayer
  readonly workloadId: Hex
}

export interface PolicyChangeResult {
  readonly workloadId: Hex
  readonly state: WorkloadState
  readonly txHash: Hex
}

/**
 * @param next - let it register signers that are not valid before it is allowed
 * @throws UnavailableError `POLICY_MISSING`, and as `writeContract`
 */
export async function allowWorkload(
  options: PolicyChange & {
    readonly commit: string
    readonly sourceUrl: string
    readonly next: boolean
  },
): Promise<PolicyChangeResult> {
  const { workloadId, commit, sourceUrl, next } = options
  const functionName = next ? 'preregister' : 'allow'
  return change(options, functionName, [workloadId, commit, sourceUrl], next ? 'next' : 'allowed')
}

/** For ever. @throws as `allowWorkload` */
export function revokeWorkload(options: PolicyChange): Promise<PolicyChangeResult> {
  return change(options, 'revoke', [options.workloadId], 'revoked')
}

async function change(
  options: PolicyChange,
  functionName: string,
  args: readonly unknown[],
  state: WorkloadState,
): Promise<PolicyChangeResult> {
  const { chain, registry, gasPayer, workloadId } = options
  const policy = policyAt(await findPolicy(chain, registry))
  const receipt = await writeContract(chain, gasPayer, policy, functionName, args, options)
  return { workloadId, state, txHash: receipt.transactionHash }
}

async function readWorkloadAt(chain: Chain, policy: Hex, id: Hex): Promise<PolicyWorkload> {
  const { state, changedAt, commit, sourceUrl } = (await readContract(
    chain,
    policyAt(policy),
    'workloadOf',
    [id],
  )) as { state: number; changedAt: number; commit: string; sourceUrl: string }
  const known = STATES[state] ?? 'unknown'
  return { workloadId: id, state: known, changedAt: Number(changedAt), commit, sourceUrl }
}

function policyAt(address: Hex) {
  return { what: 'the policy', address, abi: measurementPolicyAbi }
}

function registryAt(address: Hex) {
  return { what: 'the registry', address, abi: teeProverRegistryAbi }
}

function lowerCase(address: unknown): Hex {
  return String(address ?? ZERO_ADDRESS).toLowerCase() as Hex
}
