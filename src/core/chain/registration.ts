/**
 * Registration of a signer: a quote over a recent block, sent to the registry, confirmed, and read
 * back. Uses only the calls that the first registry deployed has, too.
 */
import { type Hex, toHex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import type { QuoteProvider } from '../tdx/provider.js'
import { encodeQuote, parseTdQuote } from '../tdx/quote.js'
import { computeReportData, type Reference } from '../tdx/report-data.js'
import { teeProverRegistryAbi } from './abi.js'
import { asking, type Chain, readContract, writeContract } from './client.js'
import type { GasPayer } from './gas-payer.js'

export interface Registration {
  readonly address: Hex
  readonly txHash: Hex
  readonly blockNumber: number
  /** Seconds since 1970, by the chain's clock. */
  readonly expiresAt: number
}

export interface RegisterOptions {
  readonly chain: Chain
  readonly registry: Hex
  /** The signer to register; it signs nothing here. */
  readonly address: Hex
  readonly provider: QuoteProvider
  /** Pays for the transaction; must not be the signer. */
  readonly gasPayer: GasPayer
  readonly gasLimit?: bigint
  /** Sent along, for the attestation's fee; the registry returns the rest. */
  readonly value?: bigint
  readonly signal?: AbortSignal
  readonly onStep?: (step: 'quote' | 'transaction' | 'check') => void
}

/**
 * @throws UnavailableError no quote (6), or the chain did not take it (7)
 */
export async function registerSigner(options: RegisterOptions): Promise<Registration> {
  const { chain, address, provider, gasPayer, gasLimit, value, signal, onStep } = options
  if (gasPayer.address.toLowerCase() === address) {
    throw new UnavailableError('GAS_PAYER_IS_SIGNER', { address })
  }
  const registry = { what: 'the registry', address: options.registry, abi: teeProverRegistryAbi }
  onStep?.('quote')
  const reference = await latestReference(chain)
  const quote = await provider.quote(computeReportData(address, reference), signal)

  onStep?.('transaction')
  const data = {
    referenceBlockNumber: reference.blockNumber,
    referenceBlockHash: reference.blockHash,
    proverAddress: address,
  }
  const args = [data, toHex(withoutPadding(quote))]
  const receipt = await writeContract(chain, gasPayer, registry, 'register', args, {
    ...(gasLimit !== undefined && { gasLimit }),
    ...(value !== undefined && { value }),
  })

  onStep?.('check')
  const expiresAt = await findRegistration(chain, registry.address, address)
  if (expiresAt === undefined) {
    throw new UnavailableError('REGISTRATION_UNREADABLE', { address, registry: registry.address })
  }
  return {
    address,
    txHash: receipt.transactionHash,
    blockNumber: Number(receipt.blockNumber),
    expiresAt,
  }
}

/**
 * @returns when the registration of a signer expires, in seconds since 1970 by the chain's clock;
 *   undefined if the registry does not list the signer, or does not any more
 * @throws UnavailableError `CONTRACT_MISSING`, `CONTRACT_OTHER`, `RPC_…`
 */
export async function findRegistration(
  chain: Chain,
  registryAddress: Hex,
  signer: Hex,
): Promise<number | undefined> {
  const registry = { what: 'the registry', address: registryAddress, abi: teeProverRegistryAbi }
  const isListed = await readContract(chain, registry, 'verifyAttestedProver', [signer])
  if (isListed !== true) return undefined
  const registeredAt = (await readContract(chain, registry, 'attestedProvers', [signer])) as bigint
  const validity = (await readContract(chain, registry, 'attestValiditySeconds')) as bigint
  return Number(registeredAt + validity)
}

/**
 * Register a new signer and only then switch to it, so that no proof is ever signed by a key the
 * registry does not know. If the registration fails the old signer stays.
 *
 * @param switchTo - makes the new signer the one that signs; called when it is confirmed and readable
 */
export async function rotateSigner(
  options: RegisterOptions,
  switchTo: () => Promise<void>,
): Promise<Registration> {
  const registration = await registerSigner(options)
  await switchTo()
  return registration
}

/** The newest block; a quote that names it was made after it. */
export async function latestReference(chain: Chain): Promise<Reference> {
  const block = await asking(chain, 'eth_getBlockByNumber', () =>
    chain.client.getBlock({ blockTag: 'latest' }),
  )
  return { blockNumber: block.number, blockHash: block.hash }
}

/** Platforms pad quotes with kilobytes of zeros, which cost gas and say nothing. */
function withoutPadding(quote: Uint8Array): Uint8Array {
  return encodeQuote({ ...parseTdQuote(quote), trailingZeroBytes: 0 })
}
