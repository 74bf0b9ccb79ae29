/**
 * Every cycle limit there is for a guest that loops, calls, and has an unconstrained block: where it is
 * hit, and what was done by then, is the same in every engine, also in slices of single instructions.
 */
import { describe, expect, it } from 'vitest'
import { SP1_VERSIONS } from '../../../src/core/executor/release.js'
import { elfOf, encode, li } from '../../support/assembler.js'
import { INTERPRETER, sharing } from '../../support/engines.js'
import { beginRun, finishRun } from '../../support/guest-run.js'

const DATA = 0x0030_0000
const [RA, T0, T1, S0, S1, A0] = [1, 5, 6, 8, 9, 10]
const [HALT, WRITE, ENTER, EXIT, KECCAK] = [0, 2, 3, 4, 0x0001_0109]
const THRESHOLDS = [0, 1, 3]

const call = (code: number, ...args: readonly number[]) => [
  ...li(T0, code),
  ...args.flatMap((arg, i) => li(A0 + i, arg)),
  encode('ecall'),
]
const addi = (rd: number, imm: number) => encode('addi', { rd, rs1: rd, imm })
/** Runs the body as often as `times` says. */
const loop = (register: number, times: number, body: readonly number[]) => [
  ...li(register, times),
  ...body,
  addi(register, -1),
  encode('bne', { rs1: register, rs2: 0, imm: -4 * (body.length + 1) }),
]
const store = (imm: number) => [
  encode('lw', { rd: T1, rs1: S0, imm }),
  addi(T1, 3),
  encode('sw', { rs1: S0, rs2: T1, imm }),
]

/** Called by the loop; the jump over it is the program's first. */
const FUNCTION = [addi(A0, 1), ...store(8), encode('jalr', { rd: 0, rs1: RA, imm: 0 })]
const toFunction = (from: number) => encode('jal', { rd: RA, imm: 4 * (1 - from) })

function elfOfCase(): Uint8Array {
  const text = [
    encode('jal', { rd: 0, imm: 4 * (1 + FUNCTION.length) }),
    ...FUNCTION,
    ...li(S0, DATA),
  ]
  text.push(...li(S1, 4))
  const start = text.length
  text.push(...store(0), toFunction(text.length + 3), addi(S1, -1))
  text.push(encode('bne', { rs1: S1, rs2: 0, imm: 4 * (start - text.length) }))
  text.push(...call(KECCAK, DATA, 0))
  const block = [...loop(S1, 5, store(4)), ...call(EXIT)]
  text.push(
    ...call(ENTER),
    encode('beq', { rs1: T0, rs2: 0, imm: 4 * (1 + block.length) }),
    ...block,
  )
  text.push(...loop(S1, 3, store(12)), ...call(WRITE, 1, DATA, 0), ...call(HALT, 0))
  return elfOf({ text, segments: [{ address: DATA, contents: new Uint8Array(256) }] })
}

describe.each(SP1_VERSIONS)('SP1 %s', (sp1) => {
  const elf = elfOfCase()
  const endOf = (cycles: number, create = INTERPRETER.create, sliceCycles?: number) =>
    finishRun(beginRun({ elf, sp1, limits: { cycles, memoryMib: 4 } }, create), sliceCycles)
  const whole = endOf(100_000)

  it('the guest ends well', () => {
    expect(whole.error).toBeUndefined()
    expect(whole.syscalls).toMatchObject({ ENTER_UNCONSTRAINED: 1, KECCAK_PERMUTE: 1 })
    expect(whole.cycles).toBeGreaterThan(80)
  })

  it.each(THRESHOLDS)('every limit, with units from %d arrivals on', (threshold) => {
    const create = sharing(threshold)
    // Unconstrained instructions count, too, as long as their block runs.
    for (let cycles = 1; cycles <= whole.cycles + 40; cycles++) {
      const expected = endOf(cycles)
      for (const slice of [2 ** 18, 1, 2, 5]) {
        expect(endOf(cycles, create, slice), `limit ${cycles}, slices of ${slice}`).toEqual(
          expected,
        )
      }
    }
  })
})
