/** Guests that call deeper than the host's stack goes: compiled code gives it back and goes on. */
import { describe, expect, it } from 'vitest'
import { compiled } from '../../../../src/core/riscv/compiled-engine.js'
import type { EngineFactory } from '../../../../src/core/riscv/engine.js'
import { Hart } from '../../../../src/core/riscv/hart.js'
import { interpret } from '../../../../src/core/riscv/interpreter.js'
import { encode, li } from '../../../support/assembler.js'

const TEXT = 0x0020_0800
const RA = 1
const SP = 2
const A0 = 10
const A1 = 11
const STACK_END = 0x0400_0000

/**
 * a1 = sum of 1 to a0, by a function that calls itself; both calls and returns are a0 deep.
 *
 * @param link - the register of return addresses: RISC-V knows two.
 */
const sumBy = (link: number) => [
  ...li(SP, STACK_END),
  ...li(A0, 1_000_000),
  encode('jal', { rd: link, imm: 12 }),
  encode('jalr', { rd: 0, rs1: 0, imm: 0 }),
  encode('addi', { rd: 0, rs1: 0, imm: 0 }),
  // sum:
  encode('addi', { rd: SP, rs1: SP, imm: -16 }),
  encode('sw', { rs1: SP, rs2: link, imm: 12 }),
  encode('sw', { rs1: SP, rs2: A0, imm: 8 }),
  encode('beq', { rs1: A0, rs2: 0, imm: 12 }),
  encode('addi', { rd: A0, rs1: A0, imm: -1 }),
  encode('jal', { rd: link, imm: -20 }),
  encode('lw', { rd: A0, rs1: SP, imm: 8 }),
  encode('lw', { rd: link, rs1: SP, imm: 12 }),
  encode('add', { rd: A1, rs1: A1, rs2: A0 }),
  encode('addi', { rd: SP, rs1: SP, imm: 16 }),
  encode('jalr', { rd: 0, rs1: link, imm: 0 }),
]
const SUM = sumBy(RA)
/** Calls itself and nothing else. */
const ENDLESS = [encode('addi', { rd: A0, rs1: A0, imm: 1 }), encode('jal', { rd: RA, imm: -4 })]
/** Two functions that call each other by a register. */
const MUTUAL = [
  ...li(5, TEXT + 12),
  encode('jalr', { rd: RA, rs1: 5, imm: 0 }),
  ...li(5, TEXT),
  encode('jalr', { rd: RA, rs1: 5, imm: 0 }),
]

function outcomeOf(words: readonly number[], createEngine: EngineFactory) {
  const { engine, memory } = createEngine({
    program: {
      instructionWords: Uint32Array.from(words),
      pcStart: TEXT,
      pcBase: TEXT,
      imageAddresses: new Uint32Array(),
      imageWords: new Uint32Array(),
    },
    cycleLimit: { limit: 12_000_000, mostCycles: 12_000_000, holdsUnconstrained: true },
    memory: { limitMib: 64 },
  })
  const hart = new Hart(memory, { ecall: () => {} }, TEXT)
  let error: unknown
  try {
    while (!engine.run(hart, 1_000_000));
  } catch (thrown) {
    error = thrown
  }
  const { code } = (error ?? {}) as { code?: string }
  return { code, pc: hart.pc, cycles: engine.cycles, registers: [...hart.x] }
}

describe('recursion without end, or a million deep', () => {
  it.each([
    ['sum', SUM],
    ['sum by x5', sumBy(5)],
    ['endless', ENDLESS],
    ['mutual', MUTUAL],
  ])('%s', (_name, words) => {
    const expected = outcomeOf(words, interpret)
    expect(outcomeOf(words, compiled({ threshold: 0, hasVisits: false }))).toEqual(expected)
    expect(outcomeOf(words, compiled({ threshold: 100, hasVisits: true }))).toEqual(expected)
  })

  it('sums', () => {
    const { registers, code } = outcomeOf(SUM, compiled({ threshold: 10, hasVisits: false }))
    expect(code).toBeUndefined()
    expect(registers[A1]).toBe(Number(((1_000_000n * 1_000_001n) / 2n) % 2n ** 32n))
  })
})
