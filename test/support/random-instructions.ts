/**
 * What random programs are made of: instructions and calls of syscalls, a few words each, that are right
 * wherever they stand.
 */
import { RV32IM } from '../../src/core/riscv/decode.js'
import type { Instruction, Operands } from '../../src/core/riscv/instruction.js'
import { encode, FIELDS, IMMEDIATE_RANGES, li, TEXT_ADDRESS } from './assembler.js'
import { anyWord, pick, type Random } from './random.js'

/** Words that loads and stores are about: address and count. */
export const DATA = { address: 0x0030_0000, words: 64 }
/** Words that hints may be read into. */
export const HINTS = { address: 0x0031_0000, words: 16 }

/** Always a place on a stack, unless something unusual happens. */
export const SP = 2
const T0 = 5
/** Always the middle of the data, unless something unusual happens. */
export const BASE = 8
/** What loops count down, and nothing else writes. */
export const FUEL = 9
const A0 = 10
/** What a WRITE that is jumped into takes for a length: never large. */
export const A2 = 12
export const MIDDLE = DATA.address + 2 * DATA.words
const EDGES = [
  ...[0, 1, 2, 3, 4, 31, 32, 255, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_ffff, 0xffff_fffe],
  ...[MIDDLE, HINTS.address, TEXT_ADDRESS, 0x7800_0000, 0x77ff_fffc],
]
export const HALT = 0x00
const WRITE = 0x02
const ENTER_UNCONSTRAINED = 0x03
const EXIT_UNCONSTRAINED = 0x04
const COMMIT = 0x10
const HINT_LEN = 0xf0
const HINT_READ = 0xf1

const isMemory = ({ mnemonic }: Instruction) => /^(l[bhw]u?|s[bhw])$/.test(mnemonic)
const isJump = ({ format }: Instruction) => format === 'B' || format === 'J'
const COMPUTATIONS = RV32IM.filter(
  (row) => !isMemory(row) && !isJump(row) && row.format !== 'System' && row.mnemonic !== 'jalr',
).filter((row) => !row.unimplemented)
const MEMORY = RV32IM.filter(isMemory)
const BRANCHES = RV32IM.filter(({ format }) => format === 'B')

/** The word by how far it goes. */
export function anyBranch(random: Random): (imm: number) => number {
  const { mnemonic } = pick(random, BRANCHES)
  const operands = { rs1: random(32), rs2: random(32) }
  return (imm) => encode(mnemonic, { ...operands, imm })
}

export function anyComputation(random: Random): number {
  const row = pick(random, COMPUTATIONS)
  return encode(row.mnemonic, operandsOf(random, row))
}

export function anyValue(random: Random): number {
  return random(2) === 0 ? pick(random, EDGES) : anyWord(random)
}

function operandsOf(random: Random, { format }: Instruction): Partial<Operands> {
  const { min, max, step } = IMMEDIATE_RANGES[format]
  const values: Operands = {
    rd: destination(random),
    rs1: random(32),
    rs2: random(32),
    imm: step * (min / step + random((max - min) / step + 1)),
  }
  return Object.fromEntries(FIELDS[format].map((field) => [field, values[field]]))
}

/** Any register; the base hardly ever, and never what others rely on. */
export function destination(random: Random): number {
  const register = random(32)
  if (register === A2 || register === FUEL) return 0
  return (register === BASE || register === SP) && random(20) > 0 ? 0 : register
}

/** Mostly within the data and aligned; else wherever a register leads. */
export function memoryAccess(random: Random): number {
  const row = pick(random, MEMORY)
  const bytes = { b: 1, h: 2, w: 4 }[row.mnemonic[1]] as number
  const isUnusual = random(150) === 0
  const slots = (4 * DATA.words) / bytes
  const operands = {
    ...operandsOf(random, row),
    rs1: isUnusual ? random(32) : BASE,
    imm: bytes * (random(slots) - slots / 2) + (random(300) === 0 ? 1 : 0),
  }
  return encode(row.mnemonic, operands)
}

export function call(code: number, ...args: readonly number[]): number[] {
  return [...args.flatMap((value, i) => li(A0 + i, value)), ...li(T0, code), encode('ecall')]
}

export function syscall(random: Random, publicValuesFd: number): number[] {
  const address = DATA.address + random(4 * DATA.words - 40)
  switch (random(8)) {
    case 0:
    case 1:
      return call(WRITE, publicValuesFd, address, random(40))
    case 2:
      return call(COMMIT, random(40) === 0 ? random(10) : random(8), anyValue(random))
    case 3:
      return call(HINT_LEN)
    case 4:
    case 5:
      // HINT_LEN leaves the length in t0.
      return [
        ...call(HINT_LEN),
        encode('addi', { rd: A0 + 1, rs1: T0, imm: 0 }),
        ...call(HINT_READ, HINTS.address + 4 * random(4)),
      ]
    case 6:
      return call(EXIT_UNCONSTRAINED)
    default:
      return random(10) > 0 ? [] : call(random(0x40), anyValue(random), anyValue(random))
  }
}

/** A block that mostly ends; the branch leaves it when it comes back. */
export function unconstrained(random: Random): number[] {
  const body = Array.from({ length: random(8) }, () =>
    random(2) === 0 ? anyComputation(random) : memoryAccess(random),
  )
  const exit = random(20) === 0 ? [] : call(EXIT_UNCONSTRAINED)
  const imm = 4 * (1 + body.length + exit.length)
  return [...call(ENTER_UNCONSTRAINED), encode('beq', { rs1: T0, rs2: 0, imm }), ...body, ...exit]
}

/** Ends the run, or is no instruction that does anything. */
export function unusual(random: Random): number {
  switch (random(4)) {
    case 0:
      return encode('ebreak')
    case 1:
      return encode('fence')
    case 2:
      return 0xc000_1073 // an access to a control register
    default:
      return anyWord(random)
  }
}
