/** Calls that change a contract, and contracts made by a transaction of their own. */
import type { Abi, TransactionReceipt } from 'viem'
import type { Hex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import { asking, type Chain, type Contract, requireCode } from './client.js'
import type { GasPayer } from './gas-payer.js'
import { withKnownErrors } from './reverts.js'
import { type Fees, sendTransaction } from './transactions.js'

export interface WriteOptions {
  readonly gasLimit?: bigint
  readonly value?: bigint
  readonly fees?: Fees
  readonly signal?: AbortSignal
}

/** An estimate is what the call costs now; in the next block it may cost a little more. */
const ESTIMATE_PERCENT = 110n

/**
 * Send a transaction and wait until it is confirmed.
 *
 * @throws UnavailableError `CHAIN_REVERTED`, naming the contract's error; `GAS_PAYER_POOR`;
 *   `TRANSACTION_DISPLACED`; `RECEIPT_MISSING`; `CONTRACT_MISSING`; `RPC_…`
 * @throws InterruptedError
 */
export async function writeContract(
  chain: Chain,
  gasPayer: GasPayer,
  contract: Contract<Abi>,
  functionName: string,
  args: readonly unknown[],
  { gasLimit, value, fees, signal }: WriteOptions = {},
): Promise<TransactionReceipt> {
  const call = `${functionName} of ${contract.what}`
  const { address: to, abi } = contract
  // Estimated before it is sent, so that a revert is known with its reason and costs nothing.
  const gas =
    gasLimit ?? (await estimateCall(chain, gasPayer.address, contract, functionName, args, value))
  const data = chain.viem.encodeFunctionData({ abi, functionName, args })
  const request = { call, to, data, gas, fees, signal, ...(value !== undefined && { value }) }
  const receipt = await sendTransaction(chain, gasPayer, request)
  if (receipt.status === 'success') return receipt
  // What it reverted with is not in a receipt: the same call at the same block says it.
  await asking(chain, call, () =>
    chain.client.simulateContract({
      address: to,
      abi: withKnownErrors(abi),
      functionName,
      args,
      account: gasPayer.address,
      blockNumber: receipt.blockNumber,
      ...(value !== undefined && { value }),
    }),
  )
  throw reverted(call, receipt)
}

/**
 * What a call would cost now; nothing is sent.
 *
 * @throws UnavailableError `CHAIN_REVERTED`, naming the contract's error; `CONTRACT_MISSING`; `RPC_…`
 */
export async function estimateCall(
  chain: Chain,
  account: Hex,
  { what, address, abi }: Contract<Abi>,
  functionName: string,
  args: readonly unknown[],
  value?: bigint,
): Promise<bigint> {
  await requireCode(chain, what, address)
  const estimate = await asking({ ...chain, payer: account }, `${functionName} of ${what}`, () =>
    chain.client.estimateContractGas({
      address,
      abi: withKnownErrors(abi),
      functionName,
      args,
      account,
      ...(value !== undefined && { value }),
    }),
  )
  return (estimate * ESTIMATE_PERCENT) / 100n
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
  const data = chain.viem.encodeDeployData({ abi, bytecode, args })
  const { contractAddress } = await writeData(chain, gasPayer, `deployment of ${what}`, { data })
  return String(contractAddress).toLowerCase() as Hex
}

/**
 * Send bytes to an address, or make a contract of them.
 *
 * @throws as `writeContract`
 */
export async function writeData(
  chain: Chain,
  gasPayer: GasPayer,
  call: string,
  { to, data, fees }: { readonly to?: Hex; readonly data: Hex; readonly fees?: Fees | undefined },
): Promise<TransactionReceipt> {
  const target = to === undefined ? {} : { to }
  const { address: payer } = gasPayer
  const estimate = await asking({ ...chain, payer }, call, () =>
    chain.client.estimateGas({ account: payer, data, ...target }),
  )
  const gas = (estimate * ESTIMATE_PERCENT) / 100n
  const receipt = await sendTransaction(chain, gasPayer, { call, data, gas, fees, ...target })
  if (receipt.status !== 'success') throw reverted(call, receipt)
  return receipt
}

function reverted(call: string, { transactionHash }: TransactionReceipt): UnavailableError {
  return new UnavailableError('CHAIN_REVERTED', {
    call,
    error: `in transaction ${transactionHash}`,
  })
}
