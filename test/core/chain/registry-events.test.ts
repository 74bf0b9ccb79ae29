/** Events of registry and policy as they come, reorganisations included, on a real anvil. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Anvil, anvilGasPayer, startAnvil } from '../../../src/anvil.js'
import type { Hex } from '../../../src/core/bytes.js'
import { type Chain, connectChain } from '../../../src/core/chain/client.js'
import { type Deployment, deployContracts } from '../../../src/core/chain/deploy.js'
import type { GasPayer } from '../../../src/core/chain/gas-payer.js'
import { allowWorkload, revokeWorkload } from '../../../src/core/chain/measurement-policy.js'
import {
  type RegistryEvent,
  type WatchOptions,
  watchRegistry,
} from '../../../src/core/chain/registry-events.js'
import { askRpc } from '../../support/ask-rpc.js'

let anvil: Anvil
let chain: Chain
let gasPayer: GasPayer
let contracts: Deployment
const abort = new AbortController()

beforeAll(async () => {
  anvil = await startAnvil()
  chain = await connectChain({ rpcUrl: anvil.rpcUrl })
  gasPayer = await anvilGasPayer()
  const attestation = { simulatedRoot: { x: 1n, y: 2n } }
  contracts = await deployContracts({ chain, gasPayer, attestation, layout: 'v1.1' })
})
afterAll(async () => {
  abort.abort()
  await anvil.stop()
})

const workload = (i: number): Hex => `0x${i.toString(16).padStart(64, '0')}`
const blockNumber = async () => BigInt(await askRpc(anvil.rpcUrl, 'eth_blockNumber'))

function allow(i: number) {
  const { registry } = contracts
  const metadata = { commit: 'c0ffee', sourceUrl: '', next: false }
  return allowWorkload({ chain, registry, gasPayer, workloadId: workload(i), ...metadata })
}

function watchIt(more: Partial<WatchOptions>) {
  const { signal } = abort
  return watchRegistry({ chain, registry: contracts.registry, pollMs: 20, signal, ...more })
}

async function take(events: AsyncGenerator<RegistryEvent>, count: number) {
  const taken: RegistryEvent[] = []
  while (taken.length < count) {
    const { value, done } = await events.next()
    if (done) break
    taken.push(value)
  }
  return taken
}

const names = (events: readonly RegistryEvent[]) =>
  events.map(({ event, removed }) => (removed ? `- ${event}` : event))

it('tells what happened between two blocks, and ends', async () => {
  const toBlock = await blockNumber()
  const events = await take(watchIt({ fromBlock: 0n, toBlock }), 100)
  expect(names(events)).toEqual(
    expect.arrayContaining(['AttestationImplSet', 'RegistryBound', 'AcceptedTcbStatusesSet']),
  )
  const bound = events.find(({ event }) => event === 'RegistryBound')
  expect(bound).toMatchObject({
    contract: contracts.policy,
    args: { registry: contracts.registry },
  })
  expect(JSON.parse(JSON.stringify(bound))).toEqual(bound)
})

it('tells what happens from now on', async () => {
  const events = watchIt({ fromBlock: (await blockNumber()) + 1n })
  const first = events.next()
  const { txHash } = await allow(1)
  const { value } = await first
  expect(value).toMatchObject({
    event: 'WorkloadAllowed',
    args: { workloadId: workload(1), index: 1, commit: 'c0ffee' },
    txHash,
  })
  expect(names(await take(events, 1))).toEqual(['WorkloadStateSet'])
  await revokeWorkload({ chain, registry: contracts.registry, gasPayer, workloadId: workload(1) })
  const [revoked, state] = await take(events, 2)
  expect(names([revoked, state] as RegistryEvent[])).toEqual([
    'WorkloadRevoked',
    'WorkloadStateSet',
  ])
  expect(state?.args).toEqual({ index: 1, state: 2 })
  await events.return(undefined)
})

it('takes back what a reorganisation took away, newest first', async () => {
  const events = watchIt({ fromBlock: (await blockNumber()) + 1n })
  await allow(2)
  await allow(3)
  const before = await take(events, 4)
  await askRpc(anvil.rpcUrl, 'anvil_reorg', [2, []])
  await askRpc(anvil.rpcUrl, 'anvil_mine', ['0x1'])
  const after = await take(events, 4)
  expect(after).toEqual(before.toReversed().map((event) => ({ ...event, removed: true })))
  await allow(4)
  expect((await take(events, 1))[0]?.args).toMatchObject({ workloadId: workload(4) })
  await events.return(undefined)
})

it('needs a registry', async () => {
  const nowhere = watchIt({ registry: `0x${'11'.repeat(20)}` })
  await expect(nowhere.next()).rejects.toMatchObject({ code: 'CONTRACT_MISSING' })
})

it('ends when it is told to', async () => {
  const stop = new AbortController()
  const events = watchIt({ fromBlock: (await blockNumber()) + 1n, signal: stop.signal })
  const next = events.next()
  stop.abort()
  expect((await next).done).toBe(true)
})
