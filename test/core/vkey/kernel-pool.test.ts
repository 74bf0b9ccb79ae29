/** What the system may not give: fewer threads make the same key, no memory is an error with a code. */
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Program } from '../../../src/core/riscv/program.js'
import { commitTraces } from '../../../src/core/vkey/commitment.js'
import { digestImage, digestImagePlainly } from '../../../src/core/vkey/image-digest.js'
import { commitPlainly } from '../../../src/core/vkey/merkle.js'

const system = vi.hoisted(() => ({ threads: 0, refusal: '' }))

vi.mock('node:worker_threads', async (original) => {
  const actual = await original<typeof import('node:worker_threads')>()
  class LimitedWorker extends actual.Worker {
    constructor(...given: ConstructorParameters<typeof Worker>) {
      if (system.threads === 0) {
        throw Object.assign(new Error('Worker initialization failure: EAGAIN'), {
          code: system.refusal,
        })
      }
      system.threads--
      super(...given)
    }
  }
  return { ...actual, Worker: LimitedWorker }
})

const ROWS = Array.from({ length: 16 }, (_, row) =>
  Array.from({ length: 9 }, (_, i) => row * 31 + i),
)
const TRACE = {
  rows: ROWS.length,
  padding: 'zeroes',
  columns: ROWS[0]?.map((_, i) => (row: number) => ROWS[row]?.[i] ?? 0) ?? [],
} as const
const commit = () => commitTraces([{ logHeight: 4, trace: TRACE }], { threads: 3 })

afterEach(() => vi.unstubAllGlobals())
beforeEach(() => {
  system.refusal = 'ERR_WORKER_INIT_FAILED'
})

it.each([0, 1, 2])('a commitment is computed with %i of three threads', async (threads) => {
  system.threads = threads
  expect(await commit()).toEqual(commitPlainly([ROWS]))
  expect(system.threads).toBe(0)
})

it.each([0, 1])('points of memory are added up with %i of two threads', async (threads) => {
  system.threads = threads
  const imageAddresses = Uint32Array.from({ length: 20 }, (_, i) => 0x20_0800 + 4 * i)
  const imageWords = imageAddresses.map((address) => Math.imul(address, 0x9e37_79b1))
  const program = { imageAddresses, imageWords } as Program
  expect(await digestImage(program, { threads: 2 })).toEqual(digestImagePlainly(program))
  expect(system.threads).toBe(0)
})

it('another failure to start a thread is one', async () => {
  system.refusal = 'ERR_OUT_OF_RANGE'
  await expect(commit()).rejects.toMatchObject({ code: 'ERR_OUT_OF_RANGE' })
})

it('no memory', async () => {
  class NoMemory {
    constructor() {
      throw new RangeError('WebAssembly.Memory(): could not allocate memory')
    }
  }
  vi.stubGlobal('WebAssembly', Object.create(WebAssembly, { Memory: { value: NoMemory } }))
  await expect(commit()).rejects.toMatchObject({
    code: 'MEMORY_UNAVAILABLE',
    details: { mib: 1 },
    exitCode: 8,
  })
})
