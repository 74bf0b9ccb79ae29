/**
 * Events of a registry and its policy, as they come. When a reorganisation takes blocks away, their
 * events come again, marked as removed, newest first; then those of the blocks that replaced them.
 */
import type { Abi, Log } from 'viem'
import type { Hex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import { pause } from '../pause.js'
import { measurementPolicyAbi, teeProverRegistryAbi } from './abi.js'
import { asking, type Chain, requireCode } from './client.js'
import { findPolicy } from './measurement-policy.js'

export interface RegistryEvent {
  readonly event: string
  readonly args: Readonly<Record<string, unknown>>
  readonly contract: Hex
  readonly blockNumber: number
  readonly blockHash: Hex
  readonly txHash: Hex
  readonly logIndex: number
  /** It was told before, and its block is not on the chain any more. */
  readonly removed?: true
}

export interface WatchOptions {
  readonly chain: Chain
  readonly registry: Hex
  /** The first block to look at; default: the newest. */
  readonly fromBlock?: bigint
  /** The last one; default: none, it goes on. */
  readonly toBlock?: bigint
  readonly pollMs: number
  readonly signal: AbortSignal
}

interface SeenBlock {
  readonly number: bigint
  readonly hash: Hex
  readonly events: readonly RegistryEvent[]
}

/** Public RPCs refuse larger ranges. */
const MAX_RANGE = 1_000n
/** No reorganisation goes deeper. */
const MAX_SEEN = 512

const ABI: Abi = [...teeProverRegistryAbi, ...measurementPolicyAbi]

/** @throws UnavailableError `CONTRACT_MISSING`, `RPC_…` */
export async function* watchRegistry(options: WatchOptions): AsyncGenerator<RegistryEvent> {
  const { chain, registry, fromBlock, toBlock, pollMs, signal } = options
  await requireCode(chain, 'the registry', registry)
  const addresses = await addressesOf(chain, registry)
  const head = () =>
    asking(chain, 'eth_blockNumber', () => chain.client.getBlockNumber({ cacheTime: 0 }))
  let next = fromBlock ?? (await head())
  const seen: SeenBlock[] = []
  while (!signal.aborted) {
    for (;;) {
      const last = seen.at(-1)
      if (last === undefined || (await hashOf(chain, last.number)) === last.hash) break
      seen.pop()
      next = last.number
      for (const event of last.events.toReversed()) yield { ...event, removed: true }
    }
    const newest = await head()
    const end = toBlock !== undefined && toBlock < newest ? toBlock : newest
    while (next <= end && !signal.aborted) {
      const to = next + MAX_RANGE - 1n < end ? next + MAX_RANGE - 1n : end
      const blocks = await readBlocks(chain, addresses, next, to)
      // A block that went away meanwhile is looked at again.
      if (blocks === undefined) break
      for (const block of blocks) yield* block.events
      seen.push(...blocks)
      seen.splice(0, Math.max(0, seen.length - MAX_SEEN))
      next = to + 1n
    }
    if (toBlock !== undefined && next > toBlock) return
    await pause(pollMs, signal)
  }
}

/** Blocks with events, and the last one of the range; undefined if that is not there any more. */
async function readBlocks(
  chain: Chain,
  addresses: Hex[],
  fromBlock: bigint,
  toBlock: bigint,
): Promise<SeenBlock[] | undefined> {
  const hash = await hashOf(chain, toBlock)
  if (hash === undefined) return undefined
  const logs = await asking(chain, 'eth_getLogs', () =>
    chain.client.getLogs({ address: addresses, fromBlock, toBlock }),
  )
  const blocks = new Map<bigint, { number: bigint; hash: Hex; events: RegistryEvent[] }>()
  for (const log of logs) {
    const event = describe(chain, log)
    if (event === undefined) continue
    const { blockNumber: number, blockHash } = log
    const block = blocks.get(number) ?? { number, hash: blockHash, events: [] }
    block.events.push(event)
    blocks.set(number, block)
  }
  if (!blocks.has(toBlock)) blocks.set(toBlock, { number: toBlock, hash, events: [] })
  return [...blocks.values()]
}

/** Undefined for what none of our contracts emits. */
function describe({ viem }: Chain, log: Log<bigint, number, false>): RegistryEvent | undefined {
  try {
    const { eventName, args } = viem.decodeEventLog({
      abi: ABI,
      data: log.data,
      topics: log.topics,
    })
    return {
      event: String(eventName),
      args: Object.fromEntries(Object.entries(args ?? {}).map(([k, v]) => [k, plain(v)])),
      contract: log.address.toLowerCase() as Hex,
      blockNumber: Number(log.blockNumber),
      blockHash: log.blockHash,
      txHash: log.transactionHash,
      logIndex: log.logIndex,
    }
  } catch (error) {
    if (error instanceof viem.BaseError) return undefined
    throw error
  }
}

/** As JSON has it: numbers, and hex in lower case. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  return typeof value === 'string' && value.startsWith('0x') ? value.toLowerCase() : value
}

async function addressesOf(chain: Chain, registry: Hex): Promise<Hex[]> {
  try {
    return [registry, await findPolicy(chain, registry)]
  } catch (error) {
    const isOlder = error instanceof UnavailableError && error.code === 'POLICY_MISSING'
    if (isOlder) return [registry]
    throw error
  }
}

async function hashOf(chain: Chain, blockNumber: bigint): Promise<Hex | undefined> {
  const { viem, client } = chain
  return asking(chain, 'eth_getBlockByNumber', () =>
    client.getBlock({ blockNumber }).then(
      ({ hash }) => hash,
      (error) => {
        if (error instanceof viem.BlockNotFoundError) return undefined
        throw error
      },
    ),
  )
}
