/** Transactions arrive, once, whatever RPC and chain do meanwhile: on a real anvil. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Anvil, anvilGasPayer, startAnvil } from '../../../src/anvil.js'
import { fromHex, type Hex } from '../../../src/core/bytes.js'
import { type Chain, type ChainOptions, connectChain } from '../../../src/core/chain/client.js'
import { createGasPayer, type GasPayer } from '../../../src/core/chain/gas-payer.js'
import { sendTransaction } from '../../../src/core/chain/transactions.js'
import { askRpc } from '../../support/ask-rpc.js'
import { CUT, type RpcProxy, startRpcProxy } from '../../support/rpc-proxy.js'

const TARGET: Hex = `0x${'77'.repeat(20)}`
const SEND = 'eth_sendRawTransaction'

let anvil: Anvil
let rpc: RpcProxy
let gasPayer: GasPayer

beforeAll(async () => {
  anvil = await startAnvil()
  rpc = await startRpcProxy(anvil.rpcUrl)
  gasPayer = await anvilGasPayer()
})
beforeEach(() => ask('evm_setAutomine', [true]))
afterEach(() => {
  rpc.tamper = () => undefined
  rpc.swallow = () => false
})
afterAll(async () => {
  await rpc.stop()
  await anvil.stop()
})

const ask = (method: string, params: readonly unknown[] = []) =>
  askRpc(anvil.rpcUrl, method, params)
const mine = () => ask('anvil_mine', ['0x1'])
const connect = (options: Partial<ChainOptions> = {}) =>
  connectChain({ rpcUrl: rpc.url, timeoutMs: 5_000, txTimeoutMs: 20_000, ...options })

function send(chain: Chain, value = 1n, more = {}) {
  const request = { call: 'a transfer', to: TARGET, data: '0x' as const, gas: 21_000n, value }
  return sendTransaction(chain, gasPayer, { ...request, ...more })
}

async function balance(): Promise<bigint> {
  return BigInt(await ask('eth_getBalance', [TARGET, 'latest']))
}

/** What reached the RPC, as hashes would tell them apart. */
function recordSent(): string[] {
  const sent: string[] = []
  rpc.tamper = (method, _result, params) => {
    if (method === SEND) sent.push(params[0])
    return undefined
  }
  return sent
}

describe('an RPC that fails while sending', () => {
  it.each([
    ['cuts the connection after it took the transaction', () => ({ cut: true })],
    ['says that it refused what it took', () => ({ cut: false })],
  ])('%s: it is sent once', async (_name, choose) => {
    const { cut } = choose()
    const before = await balance()
    rpc.tamper = (method) => {
      if (method !== SEND) return undefined
      return cut ? CUT : new Error('internal error')
    }
    const { status } = await send(await connect(), 5n)
    expect([status, await balance()]).toEqual(['success', before + 5n])
  })

  it('refuses what it took, and then does not answer for a while: it is sent once', async () => {
    const before = await balance()
    let failures = 0
    rpc.tamper = (method) => {
      if (method === SEND) return new Error('internal error')
      return method === 'eth_getTransactionByHash' && failures++ < 1 ? new Error('busy') : undefined
    }
    const { status } = await send(await connect(), 3n)
    expect([status, await balance()]).toEqual(['success', before + 3n])
  })

  it('swallows the transaction: it is sent again', async () => {
    const before = await balance()
    let swallowed = 0
    rpc.swallow = (method) => method === SEND && swallowed++ < 3
    const { status } = await send(await connect(), 7n)
    expect([status, await balance()]).toEqual(['success', before + 7n])
    expect(swallowed).toBeGreaterThan(3)
  })

  it('fails while the receipt is waited for: what counts is the chain', async () => {
    let failures = 0
    rpc.tamper = (method) =>
      method === 'eth_getTransactionReceipt' && failures++ < 2 ? new Error('busy') : undefined
    expect((await send(await connect())).status).toBe('success')
  })
})

describe('a chain that does not mine it', () => {
  it('dropped it: it is sent again', async () => {
    await ask('evm_setAutomine', [false])
    const sent = recordSent()
    const sending = send(await connect())
    await until(() => sent.length === 1)
    await ask('anvil_dropAllTransactions')
    await until(() => sent.length === 2)
    expect(sent[1]).toBe(sent[0])
    await mine()
    expect((await sending).status).toBe('success')
  })

  it('finds it too cheap: it is replaced by one that pays more, with the same nonce', async () => {
    await ask('evm_setAutomine', [false])
    const sent = recordSent()
    const chain = await connect({ replaceAfterMs: 300 })
    const sending = send(chain)
    await until(() => sent.length >= 3)
    await mine()
    const receipt = await sending
    expect(receipt.status).toBe('success')
    const [first, ...later] = sent.map((raw) => chain.viem.parseTransaction(raw as Hex))
    for (const replacement of later) {
      expect(replacement.nonce).toBe(first?.nonce)
      expect(replacement.maxFeePerGas).toBeGreaterThan(first?.maxFeePerGas ?? 0n)
    }
  })

  it('mines the transaction that was replaced: that one counts', async () => {
    await ask('evm_setAutomine', [false])
    let sends = 0
    rpc.swallow = (method) => method === SEND && ++sends > 1
    const sending = send(await connect({ replaceAfterMs: 300 }))
    await until(() => sends >= 2)
    await mine()
    expect((await sending).status).toBe('success')
  })

  it('never does, and nobody waits any more: it is left', async () => {
    await ask('evm_setAutomine', [false])
    const chain = await connect()
    const abort = new AbortController()
    const sending = send(chain, 1n, { signal: abort.signal })
    const refused = expect(sending).rejects.toMatchObject({
      code: 'INTERRUPTED',
      message: expect.stringMatching(/ 0x[0-9a-f]{64} was sent and may still be mined/),
    })
    setTimeout(() => abort.abort(), 300)
    await refused
    const sent = recordSent()
    await expect(send(chain, 1n, { signal: abort.signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    })
    expect(sent).toEqual([])
    await mine()
  })

  it('never does: the error names the transaction', async () => {
    await ask('evm_setAutomine', [false])
    const chain = await connect({ txTimeoutMs: 600 })
    await expect(send(chain)).rejects.toMatchObject({
      code: 'RECEIPT_MISSING',
      details: { txHash: expect.stringMatching(/^0x[0-9a-f]{64}$/) },
    })
    await mine()
  })

  it('mines another one with its nonce: that is said', async () => {
    await ask('evm_setAutomine', [false])
    const sent = recordSent()
    const chain = await connect()
    const sending = send(chain)
    await until(() => sent.length === 1)
    const { nonce = 0 } = chain.viem.parseTransaction(sent[0] as Hex)
    const rival = await gasPayer.signTransaction({
      ...{ type: 'eip1559', chainId: 31337, nonce, to: TARGET, gas: 21_000n },
      ...{ maxFeePerGas: 10n ** 12n, maxPriorityFeePerGas: 10n ** 11n },
    })
    await ask(SEND, [rival])
    await mine()
    await expect(sending).rejects.toMatchObject({
      code: 'TRANSACTION_DISPLACED',
      details: { nonce },
    })
  })
})

describe('nonces', () => {
  it('lets transactions of one payer follow each other', async () => {
    const chain = await connect()
    const before = await balance()
    await Promise.all([send(chain, 1n), send(chain, 2n), send(chain, 3n)])
    expect((await balance()) - before).toBe(6n)
  })

  it('takes another one if somebody was faster', async () => {
    const stale = await ask('eth_getTransactionCount', [gasPayer.address, 'latest'])
    await send(await connect())
    let lies = 0
    rpc.tamper = (method, _result, params) =>
      method === 'eth_getTransactionCount' && params[1] === 'pending' && lies++ < 1
        ? stale
        : undefined
    expect((await send(await connect())).status).toBe('success')
    expect(lies).toBe(2)
  })
})

describe('confirmations', () => {
  it('waits until the block is as deep as asked for', async () => {
    const chain = await connect({ confirmations: 3 })
    const sent = recordSent()
    let isDone = false
    const sending = send(chain).finally(() => {
      isDone = true
    })
    await until(() => sent.length === 1)
    await mine()
    await later()
    expect(isDone).toBe(false)
    await mine()
    expect((await sending).status).toBe('success')
  })

  it('a reorganisation takes its block away: it is mined again, and that counts', async () => {
    const before = await balance()
    const sent = recordSent()
    const sending = send(await connect({ confirmations: 3 }), 9n)
    await until(() => sent.length === 1)
    await later()
    await ask('anvil_reorg', [1, []])
    expect(await balance()).toBe(before)
    await until(() => sent.length >= 2)
    expect(sent[1]).toBe(sent[0])
    await mine()
    await mine()
    const { status, blockHash } = await sending
    expect(status).toBe('success')
    expect(await balance()).toBe(before + 9n)
    expect((await ask('eth_getBlockByHash', [blockHash, false])).hash).toBe(blockHash)
  })
})

describe('prices', () => {
  it('pays no more than it is told', async () => {
    const sent = recordSent()
    const chain = await connect()
    await send(chain, 1n, { fees: { gasPrice: 3n * 10n ** 9n, priorityGasPrice: 5n } })
    expect(chain.viem.parseTransaction(sent[0] as Hex)).toMatchObject({
      maxFeePerGas: 3n * 10n ** 9n,
      maxPriorityFeePerGas: 5n,
    })
    await send(chain, 1n, { fees: { gasPrice: 2n * 10n ** 9n, priorityGasPrice: 5n * 10n ** 9n } })
    expect(chain.viem.parseTransaction(sent[1] as Hex).maxPriorityFeePerGas).toBe(2n * 10n ** 9n)
  })

  it('does not raise what it is told to pay at most', async () => {
    await ask('evm_setAutomine', [false])
    const sent = recordSent()
    const fees = { gasPrice: 3n * 10n ** 9n }
    const sending = send(await connect({ replaceAfterMs: 100 }), 1n, { fees })
    await later()
    await later()
    await mine()
    expect((await sending).status).toBe('success')
    expect(new Set(sent).size).toBe(1)
  })

  it('speaks to chains that know one price only', async () => {
    rpc.tamper = (method, block) => {
      if (method !== 'eth_getBlockByNumber') return undefined
      const { baseFeePerGas: _baseFee, ...older } = block
      return older
    }
    const { status, type } = await send(await connect())
    expect([status, type]).toEqual(['success', 'legacy'])
  })

  it('says that the payer is poor, and what else a node refuses', async () => {
    const poor = await createGasPayer(fromHex(`0x${'78'.repeat(32)}`))
    const chain = await connect()
    const request = { call: 'a transfer', to: TARGET, data: '0x' as const, gas: 21_000n }
    await expect(sendTransaction(chain, poor, request)).rejects.toMatchObject({
      code: 'GAS_PAYER_POOR',
    })
    await expect(send(chain, 1n, { gas: 10n })).rejects.toMatchObject({ code: 'RPC_FAILED' })
  })
})

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error('it did not happen')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Longer than two polls. */
function later(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 600))
}
