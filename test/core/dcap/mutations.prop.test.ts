import { describe, expect, it } from 'vitest'
import { describeMutation, type Judgement, judgeMutation } from '../../support/quote-mutations.js'

/** `npx tsx scripts/mutate-quotes.mts 1000000` goes on from here. */
const COUNT = 20_000

describe('mutated quotes and collateral', () => {
  it(`are refused, or valid with what was signed: ${COUNT}`, { timeout: 600_000 }, () => {
    const counts: Record<Judgement, number> = { malformed: 0, refused: 0, valid: 0 }
    for (let number = 0; number < COUNT; number++) {
      try {
        counts[judgeMutation(number)] += 1
      } catch (error) {
        throw new Error(describeMutation(number), { cause: error })
      }
    }
    // Each outcome is there, so that the test tests. Little of a quote is signed by nobody.
    expect(counts.malformed).toBeGreaterThan(COUNT / 20)
    expect(counts.refused).toBeGreaterThan(COUNT / 20)
    expect(counts.valid).toBeGreaterThan(0)
    expect(counts.valid).toBeLessThan(COUNT / 100)
  })
})
