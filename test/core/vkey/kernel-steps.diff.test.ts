/** Each kernel by itself against the plain version of its step. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  BABYBEAR_GENERATOR,
  BABYBEAR_P,
  fromMontgomery,
  invert,
  power,
  reduce,
  rootOfUnity,
  toMontgomery,
} from '../../../src/core/vkey/field.js'
import {
  createKernelPool,
  type KernelCall,
  type KernelPool,
} from '../../../src/core/vkey/kernel-pool.js'
import { extendColumn, reverseBits } from '../../../src/core/vkey/merkle.js'
import { compress, permute } from '../../../src/core/vkey/poseidon2.js'
import { writeConstants } from '../../../src/core/vkey/poseidon2-constants.js'

const CONSTANTS = 1024
const BLOCKS = 4096
const DATA = 8192

let pool: KernelPool
beforeAll(() => {
  pool = createKernelPool({
    bytes: 2 ** 20,
    threads: 1,
    prepare: ({ buffer }) => writeConstants(buffer, CONSTANTS),
    attach: () => ({ name: 'attach', args: [CONSTANTS, BLOCKS] }),
  })
})
afterAll(() => pool.close())

const call = (name: KernelCall['name'], ...args: number[]) => pool.run([{ name, args }], () => {})
const words = (address: number) => new Uint32Array(pool.memory.buffer, address)

const EDGES = [
  0,
  1,
  2,
  BABYBEAR_P - 1,
  BABYBEAR_P - 2,
  (BABYBEAR_P - 1) / 2,
  2 ** 16,
  0x7fff_8000 % BABYBEAR_P,
]
const anyElement = fc.oneof(fc.integer({ min: 0, max: BABYBEAR_P - 1 }), fc.constantFrom(...EDGES))
const manyOf = <T>(arbitrary: fc.Arbitrary<T>, length: number) =>
  fc.array(arbitrary, { minLength: length, maxLength: length })

/** Fills the table and gives its address; squares of the base lie before it. */
async function powers(at: number, log2: number, first: bigint, base: bigint): Promise<number> {
  const table = at + 128
  words(at).set(Array.from({ length: log2 }, (_, i) => toMontgomery(power(base, 2n ** BigInt(i)))))
  await call('fillPowers', table, log2, toMontgomery(first), at)
  return table
}

describe('fillPowers', () => {
  it('writes powers in bit-reversed order', async () => {
    for (let log2 = 0; log2 <= 6; log2++) {
      const table = words(await powers(DATA, log2, 5n, 31n))
      for (let i = 0; i < 2 ** log2; i++) {
        const expected = 5n * power(31n, BigInt(reverseBits(i, log2)))
        expect(fromMontgomery(table[i])).toBe(Number(reduce(expected)))
      }
    }
  })
})

describe('extend', () => {
  async function extendByKernel(columns: readonly (readonly number[])[]): Promise<number[][]> {
    const rows = columns[0].length
    const log2 = Math.log2(rows)
    const scale = reduce(invert(BigInt(rows)) * 2n ** 32n)
    const inverseTwiddles = await powers(DATA, log2 - 1, 1n, invert(rootOfUnity(log2)))
    const scales = await powers(DATA + 2 ** 16, log2, scale, BABYBEAR_GENERATOR)
    const twiddles = await powers(DATA + 2 ** 17, log2, 1n, rootOfUnity(log2 + 1))
    const quad = 2 ** 19
    const input = words(quad + 16 * rows)
    columns.forEach((column, c) => {
      column.forEach((value, row) => {
        input[4 * row + c] = value
      })
    })
    await call('extend', quad, rows, inverseTwiddles, scales, twiddles)
    const output = words(quad)
    return columns.map((_, c) =>
      Array.from({ length: 2 * rows }, (_, row) => fromMontgomery(output[4 * row + c])),
    )
  }

  it.each([2, 3, 4, 5])('is the plain extension of random columns of 2^%i rows', async (log2) => {
    await fc.assert(
      fc.asyncProperty(manyOf(manyOf(anyElement, 2 ** log2), 4), async (columns) => {
        expect(await extendByKernel(columns)).toEqual(columns.map(extendColumn))
      }),
      { numRuns: 10 },
    )
  })

  // Above 1,024 rows it recurses, in steps of four.
  it.each([10, 11, 12, 13])('is the plain extension of columns of 2^%i rows', async (log2) => {
    const columns = fc.sample(manyOf(manyOf(anyElement, 2 ** log2), 4), { numRuns: 1, seed: log2 })
    expect(await extendByKernel(columns[0])).toEqual(columns[0].map(extendColumn))
  })
})

const ROWS = 16
const STATES = DATA
const OTHERS = DATA + 2 ** 16

/** Arrays of words, one array for each word of a state. */
function writeStates(at: number, states: readonly (readonly number[])[]): void {
  states.forEach((state, row) => {
    state.forEach((element, word) => {
      words(at)[word * ROWS + row] = toMontgomery(BigInt(element))
    })
  })
}

function readStates(at: number, length: number): number[][] {
  return Array.from({ length: ROWS }, (_, row) =>
    Array.from({ length }, (_, word) => fromMontgomery(words(at)[word * ROWS + row])),
  )
}

describe('absorb', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('is a step of the sponge with %i columns', async (count) => {
    const anyStep = fc.tuple(
      manyOf(manyOf(anyElement, 16), ROWS),
      manyOf(manyOf(anyElement, 8), ROWS),
      fc.boolean(),
    )
    await fc.assert(
      fc.asyncProperty(anyStep, async ([states, rows, isFirst]) => {
        writeStates(STATES, states)
        rows.forEach((row, r) => {
          row.forEach((element, column) => {
            const quad = OTHERS + Math.floor(column / 4) * ROWS * 16
            words(quad)[4 * r + (column % 4)] = toMontgomery(BigInt(element))
          })
        })
        await call('absorb', STATES, ROWS, OTHERS, count, Number(isFirst), 0, ROWS)
        const expected = states.map((state, r) => {
          const kept = isFirst ? state.map(() => 0) : state
          return permute([...rows[r].slice(0, count), ...kept.slice(count)].map(BigInt)).map(Number)
        })
        expect(readStates(STATES, 16)).toEqual(expected)
      }),
      { numRuns: 5 },
    )
  })
})

describe('compress', () => {
  it('is the digest of two digests, in the rows asked for and no others', async () => {
    const anyDigests = manyOf(manyOf(anyElement, 8), ROWS)
    await fc.assert(
      fc.asyncProperty(anyDigests, anyDigests, async (left, right) => {
        writeStates(STATES, left)
        writeStates(OTHERS, right)
        await call('compress', STATES, ROWS, OTHERS, ROWS, 8, 16)
        const expected = left.map((digest, row) =>
          row < 8 ? digest : compress(digest, right[row]),
        )
        expect(readStates(STATES, 8)).toEqual(expected)
      }),
      { numRuns: 20 },
    )
  })
})
