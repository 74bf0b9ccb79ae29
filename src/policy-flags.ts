/** What the commands of topic `policy` share: their flags, and what they open. */
import { Flags } from '@oclif/core'
import {
  addressFlag,
  findRegistry,
  loadGasPayer,
  openChain,
  payerFlags,
  rpcFlags,
  transactionOptions,
} from './chain-flags.js'
import type { Chain, Hex, PolicyChange, PolicyWorkload } from './core/index.js'

export const registryFlags = {
  ...rpcFlags,
  registry: Flags.string({
    description: 'the registry whose policy is meant',
    helpValue: '0xADDRESS',
    env: 'SP1_TEE_REGISTRY',
  }),
}

export const policyChangeFlags = { ...registryFlags, ...payerFlags }

type RegistryFlagValues = Parameters<typeof openChain>[0] & {
  readonly registry?: string | undefined
}

export async function openRegistry(
  flags: RegistryFlagValues,
): Promise<{ readonly chain: Chain; readonly registry: Hex }> {
  const registry = addressFlag('--registry', await findRegistry(flags))
  return { registry, chain: await openChain(flags) }
}

/** Everything a change of the policy needs but the workload. */
export async function openPolicyChange(
  flags: RegistryFlagValues &
    Parameters<typeof loadGasPayer>[0] &
    Parameters<typeof transactionOptions>[0],
  remark: (text: string) => void,
): Promise<Omit<PolicyChange, 'workloadId'>> {
  const transaction = transactionOptions(flags)
  const gasPayer = await loadGasPayer(flags, remark)
  return { ...(await openRegistry(flags)), gasPayer, ...transaction }
}

/** A line for people. */
export function formatWorkload({ workloadId, state, commit, sourceUrl }: PolicyWorkload): string {
  return [workloadId, state.padEnd(8), commit, sourceUrl].join('  ').trimEnd()
}
