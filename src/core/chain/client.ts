/**
 * A chain by its RPC: what is read and sent, with every failure as a typed error. Nothing a chain
 * says is trusted further than that a transaction was or was not mined.
 */
import type {
  Abi,
  ContractFunctionRevertedError,
  PublicClient,
  TransactionReceipt,
  WalletClient,
} from 'viem'
import { fromHex, type Hex, isHex } from '../bytes.js'
import { Sp1TeeError, UnavailableError } from '../errors.js'
import type { GasPayer } from './gas-payer.js'

export const DEFAULT_RPC_TIMEOUT_MS = 45_000
/** Blocks a transaction must be deep; public chains reorganise, a development chain does not. */
export const DEVELOPMENT_CHAIN_ID = 31337

export interface ChainOptions {
  readonly rpcUrl: string
  readonly timeoutMs?: number
  /** The chain the caller means; another one is an error. */
  readonly chainId?: number
  /** Default: 1 on the development chain, 2 elsewhere. */
  readonly confirmations?: number
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
}

/**
 * @throws UnavailableError `RPC_UNREACHABLE`, `RPC_FAILED`, `CHAIN_MISMATCH`
 */
export async function connectChain(options: ChainOptions): Promise<Chain> {
  const { rpcUrl, timeoutMs = DEFAULT_RPC_TIMEOUT_MS } = options
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
  return { viem, chainId, client, rpcOrigin, rpcUrl, timeoutMs, confirmations }
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
    chain.client.readContract({ address, abi, functionName, args }),
  )
}

/**
 * Send a transaction and wait until it is confirmed.
 *
 * @throws UnavailableError `CHAIN_REVERTED`, naming the contract's error; `GAS_PAYER_POOR`;
 *   `RECEIPT_MISSING`; `CONTRACT_MISSING`; `RPC_…`
 */
export async function writeContract(
  chain: Chain,
  gasPayer: GasPayer,
  { what, address, abi }: Contract<Abi>,
  functionName: string,
  args: readonly unknown[],
  options: { readonly gasLimit?: bigint; readonly value?: bigint } = {},
): Promise<TransactionReceipt> {
  await requireCode(chain, what, address)
  const call = `${functionName} of ${what}`
  const wallet = walletOf(chain, gasPayer)
  const hash = await asking({ ...chain, payer: gasPayer.address }, call, async () =>
    wallet.writeContract({
      address,
      abi,
      functionName,
      args,
      account: gasPayer,
      chain: wallet.chain ?? null,
      // Estimated before it is sent, so that a revert is known with its reason and costs nothing.
      gas: options.gasLimit ?? (await estimate()),
      ...(options.value !== undefined && { value: options.value }),
    }),
  )
  return confirm(chain, call, hash)

  function estimate(): Promise<bigint> {
    const value = options.value === undefined ? {} : { value: options.value }
    return chain.client.estimateContractGas({
      address,
      abi,
      functionName,
      args,
      account: gasPayer,
      ...value,
    })
  }
}

/** @returns the new contract's address, once it is confirmed. */
export async function deployContract(
  chain: Chain,
  gasPayer: GasPayer,
  {
    what,
    abi,
    bytecode,
    args,
  }: { what: string; abi: Abi; bytecode: Hex; args: readonly unknown[] },
): Promise<Hex> {
  const wallet = walletOf(chain, gasPayer)
  const call = `deployment of ${what}`
  const hash = await asking({ ...chain, payer: gasPayer.address }, call, () =>
    wallet.deployContract({ abi, bytecode, args, account: gasPayer, chain: wallet.chain ?? null }),
  )
  const { contractAddress } = await confirm(chain, call, hash)
  if (!contractAddress) throw new UnavailableError('CHAIN_REVERTED', { call, error: 'no address' })
  return contractAddress.toLowerCase() as Hex
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
    return new UnavailableError('CHAIN_REVERTED', { call, error: revertText(revert) }, error)
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

/** The contract's own error with its arguments: `ReferenceBlockStale(7)`. */
function revertText({ data, reason, signature }: ContractFunctionRevertedError): string {
  if (data !== undefined) {
    return `${data.errorName}(${(data.args ?? []).map(argumentText).join(', ')})`
  }
  return reason ?? (signature === undefined ? 'no reason given' : `unknown error ${signature}`)
}

/** Bytes that are text are shown as text: attestation contracts give their reasons so. */
function argumentText(value: unknown): string {
  if (!isHex(value) || value.length === 2) return String(value)
  const text = String.fromCharCode(...fromHex(value))
  return /^[ -~]+$/.test(text) ? text : value
}

async function confirm(chain: Chain, call: string, hash: Hex): Promise<TransactionReceipt> {
  const { client, confirmations, timeoutMs } = chain
  const receipt = await client
    .waitForTransactionReceipt({ hash, confirmations, timeout: timeoutMs, pollingInterval: 200 })
    .catch((error) => {
      const facts = { txHash: hash, timeoutSeconds: timeoutMs / 1000 }
      throw new UnavailableError('RECEIPT_MISSING', facts, error)
    })
  if (receipt.status !== 'success') {
    throw new UnavailableError('CHAIN_REVERTED', { call, error: `in transaction ${hash}` })
  }
  return receipt
}

function walletOf({ viem, chainId, rpcUrl, timeoutMs }: Chain, account: GasPayer): WalletClient {
  const chain = viem.defineChain({
    id: chainId,
    name: `chain ${chainId}`,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  })
  return viem.createWalletClient({
    account,
    chain,
    transport: viem.http(rpcUrl, { timeout: timeoutMs, retryCount: 1 }),
  })
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : 'the given URL'
}
