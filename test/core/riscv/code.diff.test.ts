/**
 * The kernel that decodes a program and finds its blocks, against the same written plainly, over the
 * decoder of single words.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Code, END_ROW, FAULT_ROW, FIRST_ROW } from '../../../src/core/riscv/code.js'
import { decode, RV32IM, RV32IM_ISA } from '../../../src/core/riscv/decode.js'
import type { Decoded } from '../../../src/core/riscv/instruction.js'
import type { Program } from '../../../src/core/riscv/program.js'
import { encode } from '../../support/assembler.js'
import { anyOperands, anyU32 } from './generators.js'

/** Straight code is cut into blocks of so many. */
const MAX_BLOCK_INSTRUCTIONS = 256
const SINK = 128
const SP = 2
const RUNS = { numRuns: 300, seed: 32 }

interface Marks {
  steers: boolean
  isLeader: boolean
  isFunction: boolean
  isDataTarget: boolean
}

function plainly({ instructionWords, imageWords, pcBase, pcStart }: Program) {
  const code = Array.from(instructionWords, (word) => decode(word) as Decoded)
  const marks = Array.from({ length: code.length + 1 }, (): Marks => {
    return { steers: false, isLeader: false, isFunction: false, isDataTarget: false }
  })
  const indexOf = (pc: number) => {
    const offset = (pc - pcBase) >>> 0
    return offset % 4 === 0 && offset / 4 < code.length ? offset / 4 : undefined
  }
  const pcOf = (index: number) => pcBase + 4 * index
  const mark = (pc: number, more: Partial<Marks>) => {
    const index = indexOf(pc)
    if (index !== undefined) Object.assign(marks[index] as Marks, { isLeader: true, ...more })
  }
  const isFault = ({ row, imm }: Decoded, index: number) =>
    row.control === 'fault' ||
    ((row.control === 'branch' || row.control === 'jal') &&
      (indexOf(pcOf(index) + imm) === undefined || pcOf(index) + imm < pcBase))

  for (const word of imageWords) mark(word, { isDataTarget: true })
  code.forEach(({ row, rd, rs1, imm }, index) => {
    const isFrame = row.mnemonic === 'addi' && rd === SP && rs1 === SP && imm < 0
    if (isFrame && marks[index]?.isDataTarget) mark(pcOf(index), { isFunction: true })
  })
  mark(pcStart, {})
  Object.assign(marks[code.length] as Marks, { isLeader: true })
  code.forEach((decoded, index) => {
    const { row, rd, rs1, imm } = decoded
    if (row.control === undefined) return
    const here = marks[index] as Marks
    Object.assign(here, { steers: true })
    Object.assign(marks[index + 1] as Marks, { isLeader: true })
    if (isFault(decoded, index)) return
    const isCall = row.control !== 'branch' && rd !== 0 ? { isFunction: true } : {}
    if (row.control === 'branch' || row.control === 'jal') mark(pcOf(index) + imm, isCall)
    const before = code[index - 1]
    const isPair = before?.row.mnemonic === 'auipc' && before.rd === rs1 && rs1 !== 0
    if (row.control === 'jalr' && before && isPair && !here.isLeader) {
      mark((pcOf(index - 1) + before.imm + imm) | 0, isCall)
    }
  })
  let length = 0
  for (const each of marks.slice(0, -1)) {
    if (each.isLeader || length === MAX_BLOCK_INSTRUCTIONS) {
      each.isLeader = true
      length = 0
    }
    length++
  }
  const entries = code.flatMap((decoded, index) => {
    const { row, rd, imm } = decoded
    const word = instructionWords[index] as number
    const number = isFault(decoded, index) ? FAULT_ROW : FIRST_ROW + RV32IM.indexOf(row)
    const registers = [rd === 0 ? SINK : 4 * rd, 4 * ((word >>> 15) & 31), 4 * ((word >>> 20) & 31)]
    return [
      number |
        ((registers[0] as number) << 8) |
        ((registers[1] as number) << 16) |
        ((registers[2] as number) << 24),
      imm,
    ]
  })
  return { entries: [...entries, END_ROW, 0], marks, longestRun: longestRunOf(marks.slice(0, -1)) }
}

function longestRunOf(marks: readonly Marks[]): number {
  let run = 0
  return marks.reduce((longest, { steers }) => {
    run++
    const now = Math.max(longest, run)
    if (steers) run = 0
    return now
  }, 0)
}

/** The same facts, as the kernel found them. */
function found(program: Program) {
  const code = new Code(program)
  const targets = new Set(code.dataTargetsWithin(0, code.length))
  const marks = Array.from({ length: code.length + 1 }, (_, index): Marks => {
    return {
      steers: code.isSteering(index),
      isLeader: code.isLeader(index),
      isFunction: code.isFunction(index),
      isDataTarget: targets.has(code.pcOf(index)),
    }
  })
  return { entries: [...code.entries], marks, longestRun: code.longestRun }
}

const anyInstruction = fc
  .constantFrom(...RV32IM)
  .chain(({ mnemonic, format }) =>
    anyOperands(format).map((operands) => encode(mnemonic, operands)),
  )
/** A jump or branch by a few instructions, or a few bytes more. */
const anyNearJump = fc
  .tuple(
    fc.constantFrom('jal', 'beq', 'bltu'),
    fc.constantFrom(0, 1, 5),
    fc.integer({ min: -60, max: 60 }),
    fc.constantFrom(0, 0, 0, 0, 2),
  )
  .map(([mnemonic, register, steps, more]) => {
    const operands = mnemonic === 'jal' ? { rd: register } : { rs1: register, rs2: 0 }
    return encode(mnemonic, { ...operands, imm: 4 * steps + more })
  })
/** As compilers write far jumps; now and then by another register. */
const anyFarJump = fc
  .tuple(fc.constantFrom(0, 1, 5), fc.constantFrom(0, 1, 6), fc.constantFrom(1, 6), fc.nat(80))
  .map(([rd, rs1, other, steps]) => [
    encode('auipc', { rd: other, imm: 0 }),
    encode('jalr', { rd, rs1, imm: 4 * (steps - 40) }),
  ])
/** The beginning of a stack frame, or what only looks like it. */
const anyFrame = fc
  .tuple(fc.constantFrom(SP, SP, 3), fc.constantFrom(SP, SP, 0), fc.integer({ min: -32, max: 4 }))
  .map(([rd, rs1, imm]) => encode('addi', { rd, rs1, imm }))
const anyStraight = fc
  .integer({ min: 1, max: 600 })
  .map((count) => new Array<number>(count).fill(encode('add', { rd: 3, rs1: 4, rs2: 5 })))

const anyWords = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: anyInstruction.map((word) => [word]) },
      { weight: 5, arbitrary: anyNearJump.map((word) => [word]) },
      { weight: 2, arbitrary: anyFarJump },
      { weight: 2, arbitrary: anyFrame.map((word) => [word]) },
      { weight: 1, arbitrary: anyStraight },
    ),
    { minLength: 1, maxLength: 80 },
  )
  .map((pieces) => Uint32Array.from(pieces.flat()))

const anyProgram: fc.Arbitrary<Program> = fc
  .record({
    instructionWords: anyWords,
    pcBase: fc.constantFrom(0x20, 0x1000, 0x0020_0800, 0x77ff_0000),
    start: fc.nat(100),
    targets: fc.array(
      fc.oneof(
        fc.integer({ min: -40, max: 2000 }),
        fc.integer({ min: -10, max: 100 }).map((index) => 4 * index),
      ),
      { maxLength: 40 },
    ),
    others: fc.array(anyU32, { maxLength: 5 }),
  })
  .map(({ instructionWords, pcBase, start, targets, others }) => ({
    ...{ instructionWords, pcBase, pcStart: pcBase + 4 * start },
    imageAddresses: new Uint32Array(targets.length + others.length),
    imageWords: Uint32Array.from([...targets.map((offset) => pcBase + offset), ...others]),
  }))

describe('a program', () => {
  it('has the entries, blocks and functions that the rules say', () => {
    fc.assert(
      fc.property(anyProgram, (program) => {
        expect(found(program)).toEqual(plainly(program))
      }),
      RUNS,
    )
  })

  it('of any words is refused for the first that is no instruction', () => {
    const anyWord = fc.oneof(anyInstruction, anyU32, fc.integer({ min: 0, max: 0xffff_ffff }))
    fc.assert(
      fc.property(fc.array(anyWord, { minLength: 1, maxLength: 12 }), (words) => {
        const instructionWords = Uint32Array.from(words)
        const program = {
          ...{ instructionWords, pcBase: 0x1000, pcStart: 0x1000 },
          ...{ imageAddresses: new Uint32Array(), imageWords: new Uint32Array() },
        }
        const bad = instructionWords.findIndex((word) => RV32IM_ISA.decode(word) === undefined)
        if (bad < 0) {
          expect(found(program)).toEqual(plainly(program))
          return
        }
        expect(() => new Code(program)).toThrow(
          expect.objectContaining({
            code: 'ELF_INSTRUCTION_UNKNOWN',
            details: {
              pc: 0x1000 + 4 * bad,
              word: `0x${(instructionWords[bad] as number).toString(16).padStart(8, '0')}`,
            },
          }),
        )
      }),
      { ...RUNS, numRuns: 3000 },
    )
  })
})
