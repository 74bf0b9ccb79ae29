/** A process that computes keys all day must not grow by it. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { commitTraces } from '../../../src/core/vkey/commitment.js'
import { planMemory } from '../../../src/core/vkey/commitment-memory.js'
import { turn } from '../../../src/core/vkey/kernel-pool.js'

const MIB = 2 ** 20
const COLUMNS = 16
const LOG_HEIGHT = 15

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Resident memory once everything that can be given back is. */
async function residentMib(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    collectGarbage()
    await turn()
  }
  return process.memoryUsage().rss / MIB
}

describe('memory of kernels', () => {
  const columns = Array.from({ length: COLUMNS }, (_, column) => (row: number) => row * column)
  const trace = { rows: 2 ** LOG_HEIGHT, padding: 'zeroes', columns } as const

  it.each([1, 2])('is given back, on %i threads', async (threads) => {
    const group = { logHeight: LOG_HEIGHT, columns: [], rowHashes: undefined }
    const mibEach = planMemory([group], threads).bytes / MIB
    const compute = () => commitTraces([{ logHeight: LOG_HEIGHT, trace }], { threads })
    for (let i = 0; i < 3; i++) await compute()
    const before = await residentMib()
    const rounds = 20
    for (let i = 0; i < rounds; i++) await compute()
    const grown = (await residentMib()) - before
    // Threads come and go with some garbage of their own; the memory of a few rounds would be more.
    expect(grown).toBeLessThan((rounds * mibEach) / 4)
  })

  it('of the largest shapes is below 1.5 GiB, of the usual ones below 256 MiB', () => {
    const bytesOf = (...shape: [logHeight: number, columns: number][]) => {
      const groups = shape.map(([logHeight, count]) => ({
        logHeight,
        columns: Array.from({ length: count }, () => ({
          column: () => 0,
          rows: 0,
          padding: 'zeroes' as const,
        })),
        rowHashes: undefined,
      }))
      return planMemory(groups, 2).bytes
    }
    expect(bytesOf([19, 43], [16, 11])).toBeLessThan(256 * MIB)
    expect(bytesOf([22, 43], [16, 11])).toBeLessThan(1536 * MIB)
    expect(bytesOf([22, 37], [21, 6], [16, 11])).toBeLessThan(1536 * MIB)
  })
})
