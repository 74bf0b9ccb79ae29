/** What `serve --dev` brings up on this machine: a chain, its contracts, and who pays on it. */
import { type Anvil, anvilGasPayer } from './anvil.js'
import {
  connectChain,
  type Deployment,
  deployContracts,
  type RegisterOptions,
} from './core/index.js'
import { openProvider, readSimulatedRoot } from './state.js'

export interface Development {
  readonly deployment: Deployment
  readonly registration: Omit<RegisterOptions, 'address'>
}

/** Contracts that take the simulated quotes of this machine, and all a registration with them needs. */
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
  return { deployment, registration: { chain, registry: deployment.registry, provider, gasPayer } }
}
