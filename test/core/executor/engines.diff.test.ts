/**
 * Every guest case, and some of them with each of their own limits, gives the same in every engine:
 * result or error with pc and cycles, registers, counts, output.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fromHex } from '../../../src/core/bytes.js'
import { GuestError } from '../../../src/core/errors.js'
import { DEFAULT_LIMITS } from '../../../src/core/executor/execute.js'
import { loadProgram } from '../../../src/core/executor/release.js'
import { Run } from '../../../src/core/executor/run.js'
import { compiled } from '../../../src/core/riscv/compiled-engine.js'
import type { EngineFactory } from '../../../src/core/riscv/engine.js'
import { interpret } from '../../../src/core/riscv/interpreter.js'
import { guestElf } from '../../support/cli.js'

interface Case {
  readonly name: string
  readonly guest: string
  readonly buffers?: readonly string[]
  /** A number, or relative to the cycles of another case. */
  readonly cycleLimit?: number | { readonly of: string; readonly plus: number }
}

const SLICE_CYCLES = 2 ** 18
const ALL: readonly Case[] = JSON.parse(
  readFileSync(new URL('../../vectors/guests/cases.json', import.meta.url), 'utf8'),
)
/** Limits have tests of their own below. */
const CASES = ALL.filter(({ cycleLimit }) => cycleLimit === undefined)

function outcomeOf(
  { guest, buffers = [] }: Case,
  createEngine: EngineFactory,
  cycles = DEFAULT_LIMITS.cycles,
) {
  const run = new Run({
    ...loadProgram(readFileSync(guestElf(guest)), {}),
    inputs: buffers.map((hex) => fromHex(`0x${hex}`)),
    deferredProofs: 0n,
    limits: { ...DEFAULT_LIMITS, cycles },
    checkpoint: () => {},
    createEngine,
  })
  const error = errorOf(() => {
    while (!run.advance(SLICE_CYCLES));
  })
  const { cycles: executed, opcodes, syscalls, unprovable, hart } = run
  const { publicValues, stdout, stderr } = run.io
  const registers = [...hart.x]
  return {
    ...{ error, executed, opcodes, syscalls, unprovable, pc: hart.pc, registers },
    ...{ publicValues, stdout, stderr },
  }
}

function errorOf(work: () => void): unknown {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof GuestError) return [error.code, error.details]
    throw error
  }
}

describe('every guest case, translated where it is hot', () => {
  const engine = compiled({ threshold: 3, hasVisits: true })

  it.each(CASES)('$name', (guestCase) => {
    expect(outcomeOf(guestCase, engine)).toEqual(outcomeOf(guestCase, interpret))
  })
})

describe('the first case of each guest', () => {
  const first = [...new Map(CASES.toReversed().map((one) => [one.guest, one])).values()]
  const engine = compiled({ threshold: 0, hasVisits: true })

  it.each(first)('$guest, all translated', (guestCase) => {
    const expected = outcomeOf(guestCase, interpret)
    expect(outcomeOf(guestCase, engine)).toEqual(expected)
    // Without counters the modules differ.
    const { opcodes: _, ...rest } = outcomeOf(
      guestCase,
      compiled({ threshold: 0, hasVisits: false }),
    )
    expect(expected).toMatchObject(rest)
  })

  it.each(first)('$guest, at the cycle limit', (guestCase) => {
    const { executed } = outcomeOf(guestCase, interpret)
    for (const limit of [executed, executed - 1, Math.floor(executed / 2), 1]) {
      const expected = outcomeOf(guestCase, interpret, limit)
      expect(outcomeOf(guestCase, engine, limit)).toEqual(expected)
    }
  })
})
