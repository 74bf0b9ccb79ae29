/** What `register`, `rotate` and `serve` share: their flags, and what they need before they begin. */
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
import { attestationOf, attestationWarnings, type RegisterOptions } from './core/index.js'
import { openProvider, providerFlags } from './state.js'

export const registerFlags = {
  ...rpcFlags,
  ...payerFlags,
  ...providerFlags,
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

type FlagValues = Parameters<typeof openChain>[0] &
  Parameters<typeof loadGasPayer>[0] &
  Parameters<typeof transactionOptions>[0] &
  Parameters<typeof openProvider>[0] & {
    readonly registry?: string | undefined
    readonly value: number
  }

/** Everything a registration needs but the signer. */
export async function openRegistration(
  flags: FlagValues,
  remark: (text: string) => void,
): Promise<Omit<RegisterOptions, 'address'>> {
  const registry = addressFlag('--registry', await findRegistry(flags))
  const transaction = transactionOptions(flags)
  const gasPayer = await loadGasPayer(flags, remark)
  const provider = await openProvider(flags, remark)
  const chain = await openChain(flags)
  const attestation = await attestationOf(chain, registry)
  for (const warning of attestationWarnings(chain.chainId, attestation)) remark(warning)
  return {
    chain,
    registry,
    provider,
    gasPayer,
    ...transaction,
    ...(flags.value > 0 && { value: BigInt(flags.value) }),
  }
}
