/**
 * A chain by its RPC: what is read and sent, with every failure as a typed error. Nothing a chain
 * says is trusted further than that a transaction was or was not mined.
 */
import type { Abi, PublicClient } from 'viem'
import type { Hex } from '../bytes.js'
import { Sp1TeeError, UnavailableError } from '../errors.js'
import { describeRevert, withKnownErrors } from './reverts.js'

export const DEFAULT_RPC_TIMEOUT_MS = 45_000
export const DEFAULT_TX_TIMEOUT_MS = 300_000
/** Blocks of most chains come faster; a transaction that is still not in one pays too little. */
const DEFAULT_REPLACE_AFTER_MS = 45_000
/** Blocks a transaction must be deep; public chains reorganise, a development chain does not. */
export const DEVELOPMENT_CHAIN_ID = 31337

export interface ChainOptions {
  readonly rpcUrl: string
  readonly timeoutMs?: number
  /** The chain the caller means; another one is an error. */
  readonly chainId?: number
  /** Default: 1 on the development chain, 2 elsewhere. */
  readonly confirmations?: number
  /** How long to wait for a transaction to be as deep as that. */
  readonly txTimeoutMs?: number
  /** How long to wait until a transaction is replaced by one that pays more. */
  readonly replaceAfterMs?: number
}

/** Loaded with the first chain: it takes 0.2 s, which commands without a chain need not wait for. */
type Viem = typeof import('viem')

export interface Chain {
  readonly viem: Viem
  readonly chainId: number
  readonly client: PublicClient
  /** The RPC's origin: a URL may hold credentials, which no error shows. */
  readonly rpcOrigin: string
  readonly rpcUrl: string
  readonly timeoutMs: number
  readonly confirmations: number
  readonly txTimeoutMs: number
  readonly replaceAfterMs: number
}

/**
 * @throws UnavailableError `RPC_UNREACHABLE`, `RPC_FAILED`, `CHAIN_MISMATCH`
 */
export async function connectChain(options: ChainOptions): Promise<Chain> {
  const {
    rpcUrl,
    timeoutMs = DEFAULT_RPC_TIMEOUT_MS,
    txTimeoutMs = DEFAULT_TX_TIMEOUT_MS,
    replaceAfterMs = DEFAULT_REPLACE_AFTER_MS,
  } = options
  const rpcOrigin = originOf(rpcUrl)
  const viem = await import('viem')
  const { createPublicClient, http } = viem
  const client = createPublicClient({
    transport: http(rpcUrl, { timeout: timeoutMs, retryCount: 1 }),
  })
  const chainId = await asking({ viem, rpcOrigin }, 'eth_chainId', () => client.getChainId())
  if (options.chainId !== undefined && options.chainId !== chainId) {
    throw new UnavailableError('CHAIN_MISMATCH', { expected: options.chainId, actual: chainId })
  }
  const confirmations = options.confirmations ?? (chainId === DEVELOPMENT_CHAIN_ID ? 1 : 2)
  const times = { timeoutMs, txTimeoutMs, replaceAfterMs }
  return { viem, chainId, client, rpcOrigin, rpcUrl, confirmations, ...times }
}

export interface Contract<A extends Abi> {
  /** What it is, for people. */
  readonly what: string
  readonly address: Hex
  readonly abi: A
}

/**
 * Call a function that changes nothing.
 *
 * @throws UnavailableError `CONTRACT_MISSING`, `CONTRACT_OTHER`, `CHAIN_REVERTED`, `RPC_…`
 */
export async function readContract(
  chain: Chain,
  { what, address, abi }: Contract<Abi>,
  functionName: string,
  args: readonly unknown[] = [],
): Promise<unknown> {
  await requireCode(chain, what, address)
  return asking(chain, `${functionName} of ${what}`, () =>
    chain.client.readContract({ address, abi: withKnownErrors(abi), functionName, args }),
  )
}

/** @throws UnavailableError `CONTRACT_MISSING` */
export async function requireCode(chain: Chain, what: string, address: Hex): Promise<void> {
  const code = await asking(chain, 'eth_getCode', () => chain.client.getCode({ address }))
  if (code === undefined || code === '0x')
    throw new UnavailableError('CONTRACT_MISSING', { what, address })
}

/**
 * Runs a request; what the RPC or a contract answers badly becomes a typed error.
 *
 * @param call - what was asked, for people
 */
export async function asking<T>(
  { viem, rpcOrigin, payer = '' }: Pick<Chain, 'viem' | 'rpcOrigin'> & { readonly payer?: string },
  call: string,
  request: () => Promise<T>,
): Promise<T> {
  try {
    return await request()
  } catch (error) {
    throw typed(error, { viem, url: rpcOrigin, call, payer })
  }
}

function typed(
  error: unknown,
  { viem, url, call, payer }: { viem: Viem; url: string; call: string; payer: string },
): unknown {
  if (error instanceof Sp1TeeError || !(error instanceof viem.BaseError)) return error
  const find = <E extends Error>(kind: new (...args: never[]) => E) =>
    error.walk((cause) => cause instanceof kind) as E | null
  const revert = find(viem.ContractFunctionRevertedError)
  if (revert !== null) {
    return new UnavailableError('CHAIN_REVERTED', { call, ...describeRevert(revert) }, error)
  }
  if (find(viem.TimeoutError) !== null) {
    return new UnavailableError('RPC_UNREACHABLE', { url, reason: 'it took too long' }, error)
  }
  const request = find(viem.HttpRequestError)
  if (request !== null && request.status === undefined) {
    return new UnavailableError('RPC_UNREACHABLE', { url, reason: 'the connection failed' }, error)
  }
  if (find(viem.InsufficientFundsError) !== null) {
    return new UnavailableError('GAS_PAYER_POOR', { address: payer }, error)
  }
  return new UnavailableError('RPC_FAILED', { method: call, reason: error.shortMessage }, error)
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'the given URL'
}
