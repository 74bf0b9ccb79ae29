/**
 * Registration of a signer: a quote over a recent block, sent to the registry, confirmed, and read
 * back. Uses only the calls that the first registry deployed has, too.
 */
import { type Hex, toHex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import type { Attestation } from '../signer/attestation.js'
import type { QuoteProvider } from '../tdx/provider.js'
import { encodeQuote, parseTdQuote } from '../tdx/quote.js'
import { computeReportData, type Reference } from '../tdx/report-data.js'
import { teeProverRegistryAbi } from './abi.js'
import { asking, type Chain, readContract } from './client.js'
import type { GasPayer } from './gas-payer.js'
import { estimateCall, type WriteOptions, writeContract } from './write.js'
import type { ZkCalldata } from './zk-calldata.js'

export interface Registration {
  readonly address: Hex
  readonly txHash: Hex
  readonly blockNumber: number
  /** Seconds since 1970, by the chain's clock. */
  readonly expiresAt: number
}

/** With what the registry was shown, so that others can judge it, too; not if that was a proof. */
export interface AttestedRegistration extends Registration {
  readonly attestation?: Attestation
}

export type RegistrationStep = 'quote' | 'transaction' | 'check'

/** What a registration would do, if it were sent now. */
export interface RegistrationPreview {
  readonly address: Hex
  readonly dryRun: true
  readonly gas: number
}

export interface RegisterOptions extends WriteOptions {
  readonly chain: Chain
  readonly registry: Hex
  /** The signer to register; it signs nothing here. */
  readonly address: Hex
  readonly provider: QuoteProvider
  /** Pays for the transaction; must not be the signer. */
  readonly gasPayer: GasPayer
  /** Register by this proof, made elsewhere over a quote of this signer's, and not by a quote. */
  readonly zkCalldata?: ZkCalldata
  readonly onStep?: (step: RegistrationStep) => void
}

interface Call {
  readonly functionName: 'register' | 'registerWithZkProof'
  readonly args: readonly unknown[]
  readonly attestation?: Attestation
}

/**
 * @throws UnavailableError no quote (6), or the chain did not take it (7)
 */
export async function registerSigner(options: RegisterOptions): Promise<AttestedRegistration> {
  const { chain, address, gasPayer, onStep } = options
  const registry = registryAt(options.registry)
  const { functionName, args, attestation } = await prepare(options)
  onStep?.('transaction')
  const receipt = await writeContract(chain, gasPayer, registry, functionName, args, options)

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
    ...(attestation !== undefined && { attestation }),
  }
}

/**
 * All of a registration but the transaction: what the registry and the attestation contract would say.
 *
 * @throws as `registerSigner`
 */
export async function previewRegistration(options: RegisterOptions): Promise<RegistrationPreview> {
  const { chain, address, gasPayer, value, onStep } = options
  const registry = registryAt(options.registry)
  const { functionName, args } = await prepare(options)
  onStep?.('check')
  const gas = await estimateCall(chain, gasPayer.address, registry, functionName, args, value)
  return { address, dryRun: true, gas: Number(gas) }
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
  const registry = registryAt(registryAddress)
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

/** The attestation contract that a registry asks; also of the first registries. */
export async function attestationOf(chain: Chain, registryAddress: Hex): Promise<Hex> {
  const registry = registryAt(registryAddress)
  const address = await readContract(chain, registry, 'dcapAttestationVerifier')
  return String(address).toLowerCase() as Hex
}

async function prepare(options: RegisterOptions): Promise<Call> {
  const { chain, address, provider, gasPayer, zkCalldata, signal, onStep } = options
  if (gasPayer.address.toLowerCase() === address) {
    throw new UnavailableError('GAS_PAYER_IS_SIGNER', { address })
  }
  if (zkCalldata !== undefined) {
    const { reference, output, zkCoprocessor, proof } = zkCalldata
    const args = [dataOf(address, reference), output, zkCoprocessor, proof]
    return { functionName: 'registerWithZkProof', args }
  }
  onStep?.('quote')
  const reference = await latestReference(chain)
  const reportData = computeReportData(address, reference)
  const quote = toHex(withoutPadding(await provider.quote(reportData, signal)))
  const { blockHash } = reference
  return {
    functionName: 'register',
    args: [dataOf(address, reference), quote],
    attestation: {
      quote,
      reportData: toHex(reportData),
      reference: { blockNumber: Number(reference.blockNumber), blockHash },
    },
  }
}

function dataOf(proverAddress: Hex, { blockNumber, blockHash }: Reference) {
  return { referenceBlockNumber: blockNumber, referenceBlockHash: blockHash, proverAddress }
}

function registryAt(address: Hex) {
  return { what: 'the registry', address, abi: teeProverRegistryAbi }
}

/** Platforms pad quotes with kilobytes of zeros, which cost gas and say nothing. */
function withoutPadding(quote: Uint8Array): Uint8Array {
  return encodeQuote({ ...parseTdQuote(quote), trailingZeroBytes: 0 })
}
