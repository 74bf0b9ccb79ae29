/**
 * Transactions that arrive. Each is signed here, so its hash is known before it is sent: an RPC that
 * fails while sending cannot hide whether it was taken. Until one with its nonce is deep enough, it is
 * sent again when it was dropped, replaced by one that pays more when nothing happens, and looked for
 * again when a reorganisation takes its block away.
 */
import type { TransactionReceipt } from 'viem'
import type { Hex } from '../bytes.js'
import { InterruptedError, UnavailableError } from '../errors.js'
import { pause } from '../pause.js'
import { asking, type Chain } from './client.js'
import type { GasPayer } from './gas-payer.js'

export interface Fees {
  /** Most to pay for a unit of gas, in wei; default: estimated. */
  readonly gasPrice?: bigint
  /** Most of that to give to whoever builds the block; default: estimated. */
  readonly priorityGasPrice?: bigint
}

export interface TransactionRequest {
  /** What it does, for people. */
  readonly call: string
  /** Undefined: it creates a contract. */
  readonly to?: Hex
  readonly data: Hex
  readonly gas: bigint
  readonly value?: bigint
  readonly fees?: Fees | undefined
  /** Nobody waits any more; what was sent may still arrive. */
  readonly signal?: AbortSignal | undefined
}

interface GasPrice {
  readonly maxFeePerGas: bigint
  readonly maxPriorityFeePerGas: bigint
  /** The chain knows one price only, the first of the two. */
  readonly isSingle: boolean
}

interface Attempt {
  readonly hash: Hex
  readonly raw: Hex
}

/** Nodes take a replacement that pays at least 10 % more. */
const RAISE_PERCENT = 125n
const MAX_RAISES = 8
const POLL_MS = 250
/** So often a receipt is asked for whose transaction should be mined: 2 s. */
const RECEIPT_QUESTIONS = 8
/** Others with the same key may take a nonce between the question and the transaction. */
const MAX_NONCES = 3

/**
 * Send, and wait until it is `chain.confirmations` deep.
 *
 * @returns the receipt, whose status may be that it reverted.
 * @throws UnavailableError `GAS_PAYER_POOR`, `TRANSACTION_DISPLACED`, `RECEIPT_MISSING`, `RPC_…`
 * @throws InterruptedError
 */
export async function sendTransaction(
  chain: Chain,
  gasPayer: GasPayer,
  request: TransactionRequest,
): Promise<TransactionReceipt> {
  for (let used = 1; ; used++) {
    if (request.signal?.aborted) {
      throw interrupted(request, 'Nothing was sent; run the command again.')
    }
    const sending = new Sending(chain, gasPayer, request)
    const outcome = await sending.begin()
    if (outcome === 'sent') return sending.settle()
    if (used === MAX_NONCES) throw sending.displaced()
  }
}

class Sending {
  readonly #chain: Chain
  readonly #payer: GasPayer
  readonly #request: TransactionRequest
  readonly #attempts: Attempt[] = []
  #nonce = 0
  #price: GasPrice = { maxFeePerGas: 0n, maxPriorityFeePerGas: 0n, isSingle: false }
  #isDisplaced = false

  constructor(chain: Chain, payer: GasPayer, request: TransactionRequest) {
    this.#chain = chain
    this.#payer = payer
    this.#request = request
  }

  /** @returns `taken` if somebody else used the nonce in the meantime; nothing was sent then. */
  async begin(): Promise<'sent' | 'taken'> {
    this.#nonce = await this.#countOf('pending')
    this.#price = await this.#estimatePrice()
    await this.#sign()
    await this.#send()
    return this.#isDisplaced ? 'taken' : 'sent'
  }

  async settle(): Promise<TransactionReceipt> {
    const { txTimeoutMs, replaceAfterMs, confirmations, client } = this.#chain
    const startedAt = performance.now()
    // Who says how much to pay at most is not made to pay more.
    const mayRaise = this.#request.fees?.gasPrice === undefined
    let raisedAt = startedAt
    let lastFailure: unknown
    while (performance.now() - startedAt < txTimeoutMs) {
      try {
        const receipt = await this.#findReceipt()
        if (receipt !== undefined) {
          const head = await client.getBlockNumber({ cacheTime: 0 })
          if (head - receipt.blockNumber + 1n >= BigInt(confirmations)) return receipt
        } else if (await this.#isTaken()) {
          throw this.displaced()
        } else if (
          mayRaise &&
          performance.now() - raisedAt >= replaceAfterMs &&
          this.#attempts.length <= MAX_RAISES
        ) {
          raisedAt = performance.now()
          this.#price = raise(this.#price)
          await this.#sign()
          await this.#send()
        } else if (!(await this.#isKnown())) {
          await this.#send()
        }
      } catch (error) {
        if (error instanceof UnavailableError && !error.code.startsWith('RPC_')) throw error
        // An RPC that fails now may answer later: what counts is the chain.
        lastFailure = error
      }
      await pause(POLL_MS, this.#request.signal)
      if (this.#request.signal?.aborted) {
        const { hash } = this.#last()
        const outcome = `${hash} was sent and may still be mined: look for it before you run the command again.`
        throw interrupted(this.#request, outcome)
      }
    }
    const facts = { txHash: this.#last().hash, timeoutSeconds: txTimeoutMs / 1000 }
    throw new UnavailableError('RECEIPT_MISSING', facts, lastFailure)
  }

  displaced(): UnavailableError {
    const facts = { address: this.#payer.address, nonce: this.#nonce, txHash: this.#last().hash }
    return new UnavailableError('TRANSACTION_DISPLACED', facts)
  }

  async #sign(): Promise<void> {
    const { viem, chainId } = this.#chain
    const { to, data, gas, value = 0n } = this.#request
    const { maxFeePerGas, maxPriorityFeePerGas, isSingle } = this.#price
    const target = to === undefined ? {} : { to }
    const common = { chainId, nonce: this.#nonce, data, gas, value, ...target }
    const raw = await this.#payer.signTransaction(
      isSingle
        ? { type: 'legacy', ...common, gasPrice: maxFeePerGas }
        : { type: 'eip1559', ...common, maxFeePerGas, maxPriorityFeePerGas },
    )
    this.#attempts.push({ raw, hash: viem.keccak256(raw) })
  }

  /**
   * A connection that fails says nothing of whether the transaction arrived. An RPC that refuses it is
   * believed only if the chain does not know it.
   */
  async #send(): Promise<void> {
    const { viem, client } = this.#chain
    const { raw } = this.#last()
    try {
      await client.sendRawTransaction({ serializedTransaction: raw })
    } catch (error) {
      const refusal =
        error instanceof viem.BaseError
          ? error.walk((cause) => cause instanceof viem.RpcRequestError)
          : null
      if (refusal === null) return
      const fate = await this.#fateOfRefused()
      if (fate === 'taken') this.#isDisplaced = true
      else if (fate === 'lost') await this.#refuse(error)
    }
  }

  async #fateOfRefused(): Promise<'alive' | 'taken' | 'lost'> {
    try {
      if (await this.#isKnown()) return 'alive'
      if (this.#attempts.length > 1) {
        // A raise that is refused, as by a poor payer, leaves the transaction before it.
        this.#attempts.pop()
        return 'alive'
      }
      if (await this.#isTaken()) return 'taken'
      return (await this.#findReceipt()) === undefined ? 'lost' : 'alive'
    } catch {
      // An RPC that does not answer proves nothing; who waits for the receipt will see.
      return 'alive'
    }
  }

  #refuse(error: unknown): Promise<never> {
    const { viem } = this.#chain
    const { details } = error as { details?: unknown }
    // Nodes have no code for it.
    if (viem.InsufficientFundsError.nodeMessage.test(String(details).toLowerCase())) {
      throw new UnavailableError('GAS_PAYER_POOR', { address: this.#payer.address }, error)
    }
    return asking(this.#chain, 'eth_sendRawTransaction', () => Promise.reject(error))
  }

  /**
   * Whether the nonce was used, and not by one of ours. Nodes know of a block's nonces a moment before
   * they know its receipts, and not all nodes behind an RPC at the same time.
   */
  async #isTaken(): Promise<boolean> {
    if ((await this.#countOf('latest')) <= this.#nonce) return false
    for (let asked = 0; asked < RECEIPT_QUESTIONS; asked++) {
      if ((await this.#findReceipt()) !== undefined) return false
      await pause(POLL_MS)
    }
    return true
  }

  async #findReceipt(): Promise<TransactionReceipt | undefined> {
    const { viem, client } = this.#chain
    const find = (hash: Hex) =>
      client.getTransactionReceipt({ hash }).catch((error) => {
        if (error instanceof viem.TransactionReceiptNotFoundError) return undefined
        throw error
      })
    for (const { hash } of this.#attempts) {
      const receipt = await asking(this.#chain, 'eth_getTransactionReceipt', () => find(hash))
      if (receipt !== undefined) return receipt
    }
    return undefined
  }

  async #isKnown(): Promise<boolean> {
    const { viem, client } = this.#chain
    const { hash } = this.#last()
    return asking(this.#chain, 'eth_getTransactionByHash', () =>
      client.getTransaction({ hash }).then(
        () => true,
        (error) => {
          if (error instanceof viem.TransactionNotFoundError) return false
          throw error
        },
      ),
    )
  }

  #countOf(blockTag: 'pending' | 'latest'): Promise<number> {
    const { address } = this.#payer
    return asking(this.#chain, 'eth_getTransactionCount', () =>
      this.#chain.client.getTransactionCount({ address, blockTag }),
    )
  }

  async #estimatePrice(): Promise<GasPrice> {
    const { gasPrice, priorityGasPrice } = this.#request.fees ?? {}
    const { viem, client } = this.#chain
    const estimated = await asking(this.#chain, 'eth_feeHistory', () =>
      client.estimateFeesPerGas().catch((error) => {
        if (error instanceof viem.Eip1559FeesNotSupportedError) return undefined
        throw error
      }),
    )
    if (estimated === undefined) {
      const single =
        gasPrice ?? (await asking(this.#chain, 'eth_gasPrice', () => client.getGasPrice()))
      return { maxFeePerGas: single, maxPriorityFeePerGas: single, isSingle: true }
    }
    const maxFeePerGas = gasPrice ?? estimated.maxFeePerGas
    const wanted = priorityGasPrice ?? estimated.maxPriorityFeePerGas
    const maxPriorityFeePerGas = wanted < maxFeePerGas ? wanted : maxFeePerGas
    return { maxFeePerGas, maxPriorityFeePerGas, isSingle: false }
  }

  #last(): Attempt {
    return this.#attempts[this.#attempts.length - 1] as Attempt
  }
}

function interrupted({ call }: TransactionRequest, outcome: string): InterruptedError {
  return new InterruptedError({ during: `the transaction for ${call}`, outcome })
}

function raise({ maxFeePerGas, maxPriorityFeePerGas, isSingle }: GasPrice): GasPrice {
  const raised = (price: bigint) => (price * RAISE_PERCENT) / 100n + 1n
  return {
    maxFeePerGas: raised(maxFeePerGas),
    maxPriorityFeePerGas: raised(maxPriorityFeePerGas),
    isSingle,
  }
}
