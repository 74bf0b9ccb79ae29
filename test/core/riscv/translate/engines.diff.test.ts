/**
 * Random programs give the same in every engine: registers, memory, what of it was used, pc, cycles,
 * counts, output and errors. `npx tsx scripts/fuzz-engines.mts` goes on where this ends.
 */
import { describe, expect, it } from 'vitest'
import { differenceAt } from '../../../support/engine-fuzz.js'

const PER_TEST = 250
const TESTS = 10

describe('interpreted and compiled runs are equal', () => {
  const starts = Array.from({ length: TESTS }, (_, i) => PER_TEST * i)

  it.each(starts)(`${PER_TEST} programs from %d on`, (start) => {
    const seeds = Array.from({ length: PER_TEST }, (_, i) => start + i)
    expect(seeds.map(differenceAt).filter((difference) => difference !== undefined)).toEqual([])
  })
})
