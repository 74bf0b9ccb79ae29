/** The account that pays for transactions: a key apart from every signer's. */
import type { PrivateKeyAccount } from 'viem/accounts'
import { type Hex, toHex } from '../bytes.js'
import { InputError } from '../errors.js'
import { asking, type Chain } from './client.js'

export type GasPayer = PrivateKeyAccount

/** @throws InputError `FLAG_INVALID` the bytes are no secp256k1 key */
export async function createGasPayer(secretKey: Uint8Array): Promise<GasPayer> {
  const { privateKeyToAccount } = await import('viem/accounts')
  try {
    return privateKeyToAccount(toHex(secretKey))
  } catch {
    // Not as a cause: the library's message may hold the key.
    throw new InputError('FLAG_INVALID', {
      flag: 'The gas payer’s key',
      reason: 'is no secp256k1 key',
    })
  }
}

/** What an account can spend, in wei. @throws UnavailableError `RPC_…` */
export function fetchBalance(chain: Chain, address: Hex): Promise<bigint> {
  return asking(chain, 'eth_getBalance', () => chain.client.getBalance({ address }))
}
