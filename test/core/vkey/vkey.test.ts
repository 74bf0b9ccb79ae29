import { describe, expect, it } from 'vitest'
import type { Program } from '../../../src/core/riscv/program.js'
import { commitPlainly } from '../../../src/core/vkey/merkle.js'
import { hashElements } from '../../../src/core/vkey/poseidon2.js'
import type { Chip, VkeyRecipe } from '../../../src/core/vkey/recipe.js'
import { RECIPE_3_4_0 } from '../../../src/core/vkey/recipe-3.4.0.js'
import { RECIPE_5_2_4 } from '../../../src/core/vkey/recipe-5.2.4.js'
import { computeVkey } from '../../../src/core/vkey/vkey.js'

const PROGRAM: Program = {
  instructionWords: Uint32Array.of(0x0031_00b3, 0xfff1_0093, 0x0000_0073),
  pcBase: 0x20_0800,
  pcStart: 0x20_0804,
  imageAddresses: Uint32Array.of(0x20_0800, 0x20_0804, 0x20_0808, 0x7800_0004),
  imageWords: Uint32Array.of(0x0031_00b3, 0xfff1_0093, 0x0000_0073, 0x1234_5678),
}

const chip = (name: string): Chip => RECIPE_3_4_0.chips.find((c) => c.name === name)!
const rowsOf = ({ trace }: Chip): number[][] => {
  const { rows, columns } = trace(PROGRAM)
  return Array.from({ length: rows }, (_, row) => columns.map((column) => column(row)))
}

/** SP1's recipe with tables small enough for the plain version; the tallest is not the first. */
const SMALL: VkeyRecipe = {
  ...RECIPE_3_4_0,
  chips: [
    { ...chip('Program'), logHeights: [1, 2] },
    { ...chip('MemoryProgram'), logHeights: [2, 3] },
    {
      ...chip('Byte'),
      logHeights: [3],
      trace: () => ({ rows: 1, padding: 'zeroes', columns: [() => 9] }),
    },
  ],
}

describe('trace of', () => {
  it('Program', () => {
    const flags = (...set: number[]) =>
      Array.from({ length: 22 }, (_, i) => Number(set.includes(i)))
    expect(rowsOf(chip('Program'))).toEqual([
      [0x20_0800, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, ...flags(2)],
      [0x20_0804, 0, 1, 0, 0, 0, 2, 0, 0, 0, 255, 255, 255, 255, 0, ...flags(1, 2)],
      [0x20_0808, 28, 5, 0, 0, 0, 10, 0, 0, 0, 11, 0, 0, 0, 0, ...flags(3)],
    ])
  })

  it('MemoryProgram, with an address beyond p', () => {
    expect(rowsOf(chip('MemoryProgram'))[3]).toEqual([3, 0x78, 0x56, 0x34, 0x12, 1])
  })

  it('Byte', () => {
    const rows = rowsOf(chip('Byte'))
    expect(rows).toHaveLength(2 ** 16)
    expect(rows[0x0203]).toEqual([2, 3, 2, 3, 1, 16, 0, 2, 1, 0, 0x0203])
    expect(rows[0xff0a]).toEqual([255, 10, 10, 255, 245, 252, 63, 3, 0, 1, 0xff0a])
    expect(rows[0x8108]).toEqual([129, 8, 0, 137, 137, 129, 129, 0, 0, 1, 0x8108])
  })
})

describe('computeVkey', () => {
  it('orders chips by height, then name, and hashes the commitment with their domains', async () => {
    const vkey = await computeVkey(PROGRAM, { recipe: SMALL, threads: 1 })
    const pad = (rows: number[][], height: number) => [
      ...rows,
      ...Array.from({ length: height - rows.length }, () => rows[0].map(() => 0)),
    ]
    expect(vkey.chips).toEqual([
      { name: 'Byte', logHeight: 3, width: 1 },
      { name: 'MemoryProgram', logHeight: 2, width: 6 },
      { name: 'Program', logHeight: 2, width: 37 },
    ])
    expect(vkey.commit).toEqual(
      commitPlainly([
        pad([[9]], 8),
        pad(rowsOf(chip('MemoryProgram')), 4),
        pad(rowsOf(chip('Program')), 4),
      ]),
    )
    const root8 = 0x5ee9_9486 // p3-baby-bear, `two_adic_generator`
    const root4 = 0x6705_5c21
    const domains = [3, 8, 1, root8, 2, 4, 1, root4, 2, 4, 1, root4]
    expect(vkey.digest).toEqual(hashElements([...vkey.commit, 0x20_0804, ...domains]))
  })

  it('is the same on any number of threads', async () => {
    const [one, ...others] = await Promise.all(
      [1, 2, 5].map((threads) => computeVkey(PROGRAM, { recipe: SMALL, threads })),
    )
    for (const other of others) expect(other).toEqual(one)
  })

  it('refuses a program without instructions where padding repeats the first', async () => {
    const program = { ...PROGRAM, instructionWords: Uint32Array.of() }
    await expect(computeVkey(program, { recipe: RECIPE_5_2_4 })).rejects.toMatchObject({
      code: 'ELF_MALFORMED',
      details: { reason: 'it has no instructions' },
    })
  })

  it('refuses what is larger than the tallest table', async () => {
    const words = 2 ** 22 + 1
    const program = {
      ...PROGRAM,
      imageAddresses: new Uint32Array(words),
      imageWords: new Uint32Array(words),
    }
    await expect(computeVkey(program)).rejects.toMatchObject({
      code: 'ELF_TOO_LARGE',
      details: { what: 'initial memory', words, max: 2 ** 22 },
    })
  })

  for (const threads of [1, 2]) {
    const where = threads === 1 ? 'without worker threads' : 'with worker threads'
    it(`reports progress and hears an abort ${where}`, async () => {
      const controller = new AbortController()
      const fractions: number[] = []
      const computing = computeVkey(PROGRAM, {
        threads,
        signal: controller.signal,
        onProgress: (fraction) => {
          fractions.push(fraction)
          if (fractions.length === 3) controller.abort()
        },
      })
      await expect(computing).rejects.toMatchObject({
        code: 'INTERRUPTED',
        details: { during: 'the verifying key' },
      })
      expect(fractions).toHaveLength(3)
      expect(fractions).toEqual([...fractions].sort((a, b) => a - b))
      expect(fractions[2]).toBeLessThan(0.2)
    })
  }

  it('does not begin when aborted before', async () => {
    const signal = AbortSignal.abort()
    await expect(computeVkey(PROGRAM, { signal })).rejects.toMatchObject({ code: 'INTERRUPTED' })
  })
})
