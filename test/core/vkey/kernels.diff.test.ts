/** The kernels against the plain versions, which say what they compute. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commitTraces } from '../../../src/core/vkey/commitment.js'
import { BABYBEAR_P, fromMontgomery, toMontgomery } from '../../../src/core/vkey/field.js'
import { createKernelPool, type KernelPool } from '../../../src/core/vkey/kernel-pool.js'
import { commitPlainly, type Matrix } from '../../../src/core/vkey/merkle.js'
import { permute } from '../../../src/core/vkey/poseidon2.js'
import { writeConstants } from '../../../src/core/vkey/poseidon2-constants.js'

/** The ends of the range are where a missing correction shows. */
const anyElement = fc.oneof(
  fc.integer({ min: 0, max: BABYBEAR_P - 1 }),
  fc.constantFrom(0, 1, 2, BABYBEAR_P - 1, BABYBEAR_P - 2, (BABYBEAR_P - 1) / 2),
  // Where 16-bit limbs carry.
  fc.constantFrom(0x7fff, 0x8000, 0xffff, 0x3bff_8000, 0x3c00_7fff, 0x77ff_7fff, 0x77ff_8000),
)
const anyMontgomeryWord = anyElement
const manyOf = <T>(arbitrary: fc.Arbitrary<T>, length: number) =>
  fc.array(arbitrary, { minLength: length, maxLength: length })

describe('permutation', () => {
  const CONSTANTS = 1024
  const BLOCKS = 4096
  const VECTORS_PER_BLOCK = 66
  let pool: KernelPool
  beforeAll(async () => {
    pool = await createKernelPool({
      bytes: 8192,
      threads: 1,
      prepare: ({ buffer }) => writeConstants(buffer, CONSTANTS),
      attach: () => ({ name: 'attach', args: [CONSTANTS, BLOCKS] }),
    })
  })
  afterAll(() => pool.close())

  /** Eight states of words in Montgomery form, four to a block, one to a lane. */
  async function permuteByKernel(states: readonly (readonly number[])[]): Promise<number[][]> {
    const words = new Uint32Array(pool.memory.buffer, BLOCKS)
    const at = (state: number, element: number) =>
      4 * (VECTORS_PER_BLOCK * Math.floor(state / 4) + element) + (state % 4)
    states.forEach((state, s) => {
      state.forEach((word, e) => {
        words[at(s, e)] = word
      })
    })
    await pool.run([{ name: 'permuteBlocks', args: [] }], () => {})
    return states.map((state, s) => state.map((_, e) => words[at(s, e)]))
  }

  it('is that of the plain version, and canonical', async () => {
    await fc.assert(
      fc.asyncProperty(manyOf(manyOf(anyMontgomeryWord, 16), 8), async (states) => {
        const expected = states.map((state) =>
          permute(state.map((word) => BigInt(fromMontgomery(word)))).map(toMontgomery),
        )
        expect(await permuteByKernel(states)).toEqual(expected)
      }),
      { numRuns: 50 },
    )
  })
})

describe('commitment', () => {
  async function expectSame(matrices: readonly Matrix[], threads: number): Promise<void> {
    const traces = matrices.map((matrix) => ({
      logHeight: Math.log2(matrix.length),
      trace: {
        rows: matrix.length,
        padding: 'zeroes' as const,
        columns: matrix[0].map((_, column) => (row: number) => matrix[row][column]),
      },
    }))
    expect(await commitTraces(traces, { threads })).toEqual(commitPlainly(matrices))
  }

  const matrix = (logHeight: number, columns: number): Matrix =>
    Array.from({ length: 2 ** logHeight }, (_, row) =>
      Array.from(
        { length: columns },
        (_, column) => (row * 7919 + column * 104_729) ** 2 % BABYBEAR_P,
      ),
    )

  for (let columns = 1; columns <= 17; columns++) {
    it(`of ${columns} columns`, () => expectSame([matrix(2, columns)], 1))
  }
  // Transforms of more than 1,024 rows recurse.
  for (const logHeight of [3, 4, 5, 6, 7, 10, 11]) {
    it(`of 2^${logHeight} rows`, () => expectSame([matrix(logHeight, 1)], 1))
  }
  it('of equal heights', () => expectSame([matrix(3, 6), matrix(3, 5)], 1))
  it('of two heights', () => expectSame([matrix(4, 3), matrix(2, 9)], 1))
  it('of three heights', () => expectSame([matrix(5, 2), matrix(4, 9), matrix(2, 1)], 1))
  it('of rows padded with the first', async () => {
    const [first, second, third] = matrix(2, 3)
    const columns = first.map((_, i) => (row: number) => [first, second, third][row][i])
    const trace = { rows: 3, padding: 'first row', columns } as const
    const commitment = await commitTraces([{ logHeight: 3, trace }], { threads: 1 })
    const padding = new Array<typeof first>(5).fill(first)
    expect(commitment).toEqual(commitPlainly([[first, second, third, ...padding]]))
  })
  it('of extreme values', () =>
    expectSame([matrix(4, 9).map((row) => row.map(() => BABYBEAR_P - 1))], 1))
  it('on worker threads', () => expectSame([matrix(5, 33), matrix(3, 11)], 3))

  it('of random traces', async () => {
    const anyTrace = fc
      .tuple(fc.integer({ min: 2, max: 4 }), fc.integer({ min: 1, max: 5 }))
      .chain(([logHeight, columns]) => manyOf(manyOf(anyElement, columns), 2 ** logHeight))
    await fc.assert(
      fc.asyncProperty(fc.array(anyTrace, { minLength: 1, maxLength: 3 }), async (traces) => {
        const ordered = [...traces].sort((a, b) => b.length - a.length)
        await expectSame(ordered, 1)
      }),
      { numRuns: 20 },
    )
  })
})
