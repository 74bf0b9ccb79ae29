/**
 * Compares engines on random programs, in slices of random lengths and up to random limits. An engine is
 * asked twice, because its second run has what the first left.
 */
import { isDeepStrictEqual } from 'node:util'
import { InputError } from '../../src/core/errors.js'
import { releaseOf, SP1_VERSIONS } from '../../src/core/executor/release.js'
import type { EngineFactory } from '../../src/core/riscv/engine.js'
import { INTERPRETER, sharing } from './engines.js'
import { advance, beginRun, type Guest, type Outcome } from './guest-run.js'
import { pick, randomOf } from './random.js'
import { CYCLE_LIMIT, randomProgram } from './random-program.js'

/** Arrivals from which on a place gets a unit. */
const THRESHOLDS = [0, 1, 2, 5, 20]
const SLICES = [1, 2, 7, 100, 9000, 2 ** 18]
/** An unconstrained block that has not ended by then never will: 5.2.4 has no limit there. */
const PATIENCE_CYCLES = 20 * CYCLE_LIMIT

type Ending = Outcome | 'endless' | 'refused'

export interface Difference {
  readonly seed: number
  readonly sp1: string
  readonly threshold: number
  readonly sliceCycles: number
  readonly expected: Ending
  readonly found: Ending
}

/** What two engines disagree about; undefined if nothing. */
export function differenceAt(seed: number): Difference | undefined {
  const random = randomOf(seed)
  const sp1 = pick(random, SP1_VERSIONS)
  const { elf, buffers } = randomProgram(seed, releaseOf(sp1).descriptors.publicValues)
  const cycles = random(3) === 0 ? 1 + random(300) : CYCLE_LIMIT
  const guest: Guest = {
    elf,
    sp1,
    buffers,
    limits: { cycles, memoryMib: pick(random, [4, 8, 64]) },
  }
  const expected = endingOf(guest, INTERPRETER.create, CYCLE_LIMIT)
  const threshold = pick(random, THRESHOLDS)
  const create = sharing(threshold)
  for (const sliceCycles of [pick(random, SLICES), pick(random, SLICES)]) {
    const found = endingOf(guest, create, sliceCycles)
    if (!isDeepStrictEqual(found, expected)) {
      return { seed, sp1, threshold, sliceCycles, expected, found }
    }
  }
  return undefined
}

function endingOf(guest: Guest, create: EngineFactory, sliceCycles: number): Ending {
  try {
    const run = beginRun(guest, create)
    for (;;) {
      const outcome = advance(run, sliceCycles)
      if (outcome !== undefined) return outcome
      if (run.cycles > PATIENCE_CYCLES) return 'endless'
    }
  } catch (error) {
    if (error instanceof InputError) return 'refused'
    throw error
  }
}
