/**
 * Runs that share what earlier ones left, or that go on at the same time: translations, engines and
 * their memory. Each must be as if it were alone.
 */
import { describe, expect, it } from 'vitest'
import { InputError } from '../../../src/core/errors.js'
import { releaseOf, SP1_VERSIONS } from '../../../src/core/executor/release.js'
import type { Run } from '../../../src/core/executor/run.js'
import { elfOf, encode, li } from '../../support/assembler.js'
import { INTERPRETER, sharing } from '../../support/engines.js'
import { advance, beginRun, finishRun, type Guest, type Outcome } from '../../support/guest-run.js'
import { isAllZero } from '../../support/memory-digest.js'
import { CYCLE_LIMIT, randomProgram } from '../../support/random-program.js'

const MIB = 2 ** 20
const THRESHOLDS = [0, 1, 5]
const DATA = 0x0030_0000
const [T0, T1, T2] = [5, 6, 7]
const [ENTER, EXIT, HALT] = [3, 4, 0]

function randomGuest(seed: number, sp1: string): Guest {
  const { elf, buffers } = randomProgram(seed, releaseOf(sp1).descriptors.publicValues)
  return { elf, sp1, buffers, limits: { cycles: CYCLE_LIMIT, memoryMib: 8 } }
}

/** Some random programs have words that are no instructions, so that there is no run. */
function isLoaded(seed: number): boolean {
  try {
    beginRun(randomGuest(seed, '3.4.0'), INTERPRETER.create)
    return true
  } catch (error) {
    if (error instanceof InputError) return false
    throw error
  }
}

const SEEDS = Array.from({ length: 40 }, (_, i) => 5000 + i).filter(isLoaded)

const call = (code: number) => [...li(T0, code), ...li(10, 0), encode('ecall')]
const store = (address: number, value: number) => [
  ...li(T1, address),
  ...li(T2, value),
  encode('sw', { rs1: T1, rs2: T2, imm: 0 }),
]

/** Ends in the middle of an unconstrained block, which has changed several pages. */
const BROKEN_BLOCK = elfOf({
  text: [
    ...store(DATA, 1),
    ...call(ENTER),
    ...[0, 4, 4096, 5 * MIB].flatMap((offset) => store(DATA + offset, 7)),
    encode('ebreak'),
  ],
})
/** The same with another end. */
const WHOLE_BLOCK = elfOf({
  text: [
    ...store(DATA, 1),
    ...call(ENTER),
    encode('beq', { rs1: T0, rs2: 0, imm: 4 * (1 + 20 + 5) }),
    ...[0, 4, 4096, 5 * MIB].flatMap((offset) => store(DATA + offset, 7)),
    ...call(EXIT),
    ...store(DATA + 8, 9),
    ...call(HALT),
  ],
})

describe.each(SP1_VERSIONS)('SP1 %s', (sp1) => {
  describe.each(THRESHOLDS)('units from %d arrivals on', (threshold) => {
    it('a run is as the first, however often it is repeated', () => {
      for (const seed of SEEDS) {
        const guest = randomGuest(seed, sp1)
        const expected = finishRun(beginRun(guest, INTERPRETER.create))
        const create = sharing(threshold)
        const memories = new Set()
        for (let i = 0; i < 4; i++) {
          const run = beginRun(guest, create)
          memories.add(run.memory)
          expect(finishRun(run), `${seed}, run ${i}`).toEqual(expected)
        }
        // They did share.
        expect(memories.size).toBe(1)
      }
    })

    it('what a run leaves in memory is cleared, all of it', () => {
      for (const seed of SEEDS) {
        const run = beginRun(randomGuest(seed, sp1), sharing(threshold))
        finishRun(run)
        run.memory.clear()
        expect(isAllZero(run.memory), `${seed}`).toBe(true)
      }
    })

    it.each([
      ['ends inside an unconstrained block', BROKEN_BLOCK],
      ['ends after one', WHOLE_BLOCK],
    ])('a run that %s leaves nothing to the next', (_name, elf) => {
      const guest = { elf, sp1, limits: { memoryMib: 16 } }
      const expected = finishRun(beginRun(guest, INTERPRETER.create))
      const create = sharing(threshold)
      for (let i = 0; i < 3; i++) {
        const run = beginRun(guest, create)
        expect(finishRun(run)).toEqual(expected)
        expect(run.memory.isRecordingUndo).toBe(elf === BROKEN_BLOCK)
      }
      const run = beginRun(guest, create)
      expect(run.memory.isRecordingUndo).toBe(false)
      run.memory.clear()
      expect(isAllZero(run.memory)).toBe(true)
    })

    it('two that take turns do not notice each other', () => {
      for (const seed of SEEDS) {
        const guest = randomGuest(seed, sp1)
        const expected = finishRun(beginRun(guest, INTERPRETER.create))
        const create = sharing(threshold)
        for (const slices of [
          [1, 1],
          [7, 40],
          [300, 2],
        ] as const) {
          const runs = [beginRun(guest, create), beginRun(guest, create)]
          expect(inTurns(runs, slices), `${seed}, ${slices}`).toEqual([expected, expected])
        }
      }
    })
  })
})

/** Advances runs by turns until all are over; what became of each. */
function inTurns(runs: readonly Run[], slices: readonly number[]) {
  const outcomes: (Outcome | undefined)[] = runs.map(() => undefined)
  while (outcomes.includes(undefined)) {
    runs.forEach((run, i) => {
      outcomes[i] ??= advance(run, slices[i] as number)
    })
  }
  return outcomes
}
