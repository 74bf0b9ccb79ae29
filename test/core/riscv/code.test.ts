/** What a program says about its functions, against searches through all of it. */
import { describe, expect, it } from 'vitest'
import { Code } from '../../../src/core/riscv/code.js'
import { encode } from '../../support/assembler.js'
import { programOf } from '../../support/bare-run.js'
import { randomOf } from '../../support/random.js'

const DATA = 0x0030_0000
const TEXT = 0x0020_0000
const SP = 2
const nop = encode('addi', { rd: 0, rs1: 0, imm: 0 })
const frame = encode('addi', { rd: SP, rs1: SP, imm: -16 })

/** Calls at random, and data that points at random. */
function randomCode(seed: number): { code: Code; targets: number[] } {
  const random = randomOf(seed)
  const count = 1 + random(200)
  const words = Array.from({ length: count }, (_, i) => {
    const isCall = random(8) === 0
    return isCall ? encode('jal', { rd: 1, imm: 4 * (random(count) - i) }) : nop
  })
  const targets = Array.from({ length: random(20) }, () => random(count))
  const image = targets.map((index, i) => [DATA + 4 * i, TEXT + 4 * index] as const)
  const pcStart = TEXT + 4 * random(count)
  return { code: new Code(programOf({ words, textAddress: TEXT, pcStart, image })), targets }
}

describe('functions', () => {
  it.each(Array.from({ length: 100 }, (_, seed) => seed))('of random program %d', (seed) => {
    const { code, targets } = randomCode(seed)
    const all = Array.from({ length: code.length }, (_, index) => index)
    const starts = all.filter((index) => code.isFunction(index))
    const first = code.indexOf(code.program.pcStart) as number
    expect(code.functions()).toEqual([...new Set([...starts, first])].sort((a, b) => a - b))
    for (const index of all) {
      const start = starts.findLast((one) => one <= index) ?? 0
      const end = starts.find((one) => one > index) ?? code.length
      expect(code.functionAround(index)).toEqual({ start, end })
      const within = all.filter((one) => one >= start && one < end && targets.includes(one))
      expect(code.dataTargetsWithin(start, end)).toEqual(within.map((one) => code.pcOf(one)))
    }
  })

  it('begin where data points to a stack frame', () => {
    const words = [nop, frame, nop, frame, encode('addi', { rd: SP, rs1: SP, imm: 16 })]
    const image = [1, 2, 4].map((index, i) => [DATA + 4 * i, TEXT + 4 * index] as const)
    const code = new Code(programOf({ words, textAddress: TEXT, image }))
    expect(words.map((_, index) => code.isFunction(index))).toEqual([
      ...[false, true, false, false, false],
    ])
  })
})
