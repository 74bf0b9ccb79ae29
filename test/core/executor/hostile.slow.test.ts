/**
 * 10,000 broken programs and stdin files: every one gives a typed error or a run, within the cycle
 * limit, and none leaves memory behind.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { GuestError, InputError } from '../../../src/core/errors.js'
import { execute } from '../../../src/core/executor/execute.js'
import { releaseOf, SP1_VERSIONS } from '../../../src/core/executor/release.js'
import { detectStdin } from '../../../src/core/executor/stdin.js'
import { parseElf } from '../../../src/core/riscv/elf.js'
import { hostileInput } from '../../support/hostile-inputs.js'

/** Of each release. */
const CASES = 5000
/** Beyond the seeds of test/vectors/hostile. */
const FIRST_SEED = 100_000
const LIMITS = { cycles: 50_000, memoryMib: 64, timeoutMs: 20_000 }
/** The memories of two runs may await collection; 5,000 that stayed would be 400 GiB. */
const MAX_GROWTH_BYTES = 2 * 96 * 2 ** 20

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

describe.each(SP1_VERSIONS)('hostile input for SP1 %s', (sp1) => {
  it('gives typed errors or runs, nothing else', async () => {
    const outcomes = { loaded: 0, ended: 0, refused: 0 }
    let before = 0
    for (let i = 0; i < CASES; i++) {
      // A tenth of the cases warms the heap up.
      if (i === CASES / 10) before = heapBytes()
      const outcome = await attempt(FIRST_SEED + i, sp1)
      const isExpected = outcome.error === undefined || isTyped(outcome.error)
      expect(isExpected, `${FIRST_SEED + i}: ${outcome.error}`).toBe(true)
      outcomes.loaded += Number(outcome.hasLoaded)
      outcomes[outcome.error === undefined ? 'ended' : 'refused'] += 1
    }
    expect(heapBytes() - before).toBeLessThan(MAX_GROWTH_BYTES)
    // The corpus is worth something only if it gets beyond the loader, and both ways of ending occur.
    expect(outcomes.loaded).toBeGreaterThan(CASES / 2)
    expect(outcomes.ended).toBeGreaterThan(CASES / 20)
  }, 600_000)
})

async function attempt(seed: number, sp1: string) {
  const { elf, stdin } = hostileInput(seed, sp1)
  let hasLoaded = false
  try {
    const input = detectStdin(stdin)
    parseElf(elf, releaseOf(sp1).elfRules)
    hasLoaded = true
    await execute(elf, input, { sp1, limits: LIMITS })
    return { hasLoaded }
  } catch (error) {
    return { hasLoaded, error }
  }
}

function isTyped(error: unknown): boolean {
  return error instanceof InputError || error instanceof GuestError
}

/** What is in use, memories of guests included, once the garbage is gone. */
function heapBytes(): number {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
