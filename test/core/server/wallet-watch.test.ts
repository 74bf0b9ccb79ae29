/** The gas payer's balance: asked now and then, one question at a time, never waited for. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { UnavailableError } from '../../../src/core/errors.js'
import { WalletWatch } from '../../../src/core/server/wallet-watch.js'

const outage = new UnavailableError('RPC_UNREACHABLE', { url: 'x', reason: 'y' })
let wallet: WalletWatch
beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  wallet.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

const watch = (ask: () => Promise<bigint>, onFailure: (error: unknown) => void = () => {}) => {
  wallet = new WalletWatch({ ask, nowMs: Date.now, onFailure })
  wallet.start()
}

it('asks once a minute, however often it is read', async () => {
  const ask = vi.fn(async () => 5n)
  watch(ask)
  expect(wallet.wei).toBeUndefined()
  await vi.advanceTimersByTimeAsync(59_999)
  for (let i = 0; i < 100; i++) expect(wallet.wei).toBe(5n)
  expect(ask).toHaveBeenCalledTimes(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(ask).toHaveBeenCalledTimes(2)
})

it('has one question open at most, and forgets an answer that is old', async () => {
  let answers = 0
  const ask = vi.fn(() => (answers++ === 0 ? Promise.resolve(7n) : new Promise<bigint>(() => {})))
  watch(ask)
  await vi.advanceTimersByTimeAsync(599_999)
  expect([wallet.wei, ask.mock.calls.length]).toEqual([7n, 2])
  await vi.advanceTimersByTimeAsync(1)
  expect(wallet.wei).toBeUndefined()
})

it('tells of a chain that does not answer, and goes on', async () => {
  let isOut = true
  const failures: unknown[] = []
  const ask = async () => {
    if (isOut) throw outage
    return 9n
  }
  watch(ask, (error) => failures.push(error))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(failures).toEqual([outage, outage])
  isOut = false
  await vi.advanceTimersByTimeAsync(60_000)
  expect(wallet.wei).toBe(9n)
})
