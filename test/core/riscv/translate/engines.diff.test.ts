/**
 * Random programs give the same in every engine: registers, memory, what of it was used, pc, cycles,
 * counts, what the host saw at each ecall, and errors.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compiled } from '../../../../src/core/riscv/compiled-engine.js'
import { interpret } from '../../../../src/core/riscv/interpreter.js'
import { anyProgram, outcomeOf } from './random-programs.js'

const RUNS = { numRuns: 400 }

describe('interpreted and compiled runs are equal', () => {
  it.each([0, 1, 5])('when a unit is translated after it was reached %d times', (threshold) => {
    fc.assert(
      fc.property(anyProgram, (program) => {
        const expected = outcomeOf(program, interpret)
        expect(outcomeOf(program, compiled({ threshold, hasVisits: true }))).toEqual(expected)
      }),
      RUNS,
    )
  })
})
