/** What `serve --dev` brings up on this machine: a chain, its contracts, and who pays on it. */
import { type Anvil, anvilGasPayer } from './anvil.js'
import {
  allowWorkload,
  connectChain,
  type Deployment,
  deployContracts,
  type RegisterOptions,
} from './core/index.js'
import { openProvider, readSimulatedRoot } from './state.js'
import { measureThisMachine } from './workload-flags.js'

export interface Development {
  readonly deployment: Deployment
  readonly registration: Omit<RegisterOptions, 'address'>
}

/** Contracts that take this machine's simulated quotes and workload, and all a registration needs. */
export async function deployDevelopment(
  { rpcUrl }: Anvil,
  flags: { readonly 'state-dir'?: string | undefined },
  remark: (text: string) => void,
): Promise<Development> {
  const chain = await connectChain({ rpcUrl })
  const provider = await openProvider({ ...flags, provider: 'simulated' }, remark)
  const gasPayer = await anvilGasPayer()
  const attestation = { simulatedRoot: await readSimulatedRoot(provider) }
  const deployment = await deployContracts({ chain, gasPayer, attestation, layout: 'v1.1' })
  const { registry } = deployment
  const machine = { ...flags, provider: 'simulated' }
  const { workloadId } = await measureThisMachine(machine, {
    warn: remark,
    signal: new AbortController().signal,
  })
  const metadata = { commit: '', sourceUrl: '', next: false }
  await allowWorkload({ chain, registry, gasPayer, workloadId, ...metadata })
  return { deployment, registration: { chain, registry, provider, gasPayer } }
}
