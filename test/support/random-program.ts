/**
 * Random guests of RV32IM: every instruction with any operands, jumps, loops, calls of syscalls. Most end
 * well after a few hundred instructions; some end in every other way there is.
 */
import { RV32IM } from '../../src/core/riscv/decode.js'
import type { Instruction, Operands } from '../../src/core/riscv/instruction.js'
import {
  elfOf,
  encode,
  FIELDS,
  IMMEDIATE_RANGES,
  li,
  TEXT_ADDRESS,
  wordsToBytes,
} from './assembler.js'
import { anyWord, pick, type Random, randomOf } from './random.js'

export interface RandomProgram {
  readonly elf: Uint8Array
  readonly buffers: readonly Uint8Array[]
}

/** Words that loads and stores are about: address and count. */
export const DATA = { address: 0x0030_0000, words: 64 }
/** Words that hints may be read into. */
export const HINTS = { address: 0x0031_0000, words: 16 }
export const CYCLE_LIMIT = 3000

const T0 = 5
/** Always the middle of the data, unless something unusual happens. */
const BASE = 8
/** What a WRITE that is jumped into takes for a length: never large. */
const A2 = 12
const MIDDLE = DATA.address + 2 * DATA.words
const A0 = 10
const EDGES = [
  ...[0, 1, 2, 3, 4, 31, 32, 255, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_ffff, 0xffff_fffe],
  ...[MIDDLE, HINTS.address, TEXT_ADDRESS, 0x7800_0000, 0x77ff_fffc],
]
const HALT = 0x00
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

/** @param publicValuesFd - the descriptor of public values in the release it is for. */
export function randomProgram(seed: number, publicValuesFd: number): RandomProgram {
  const random = randomOf(seed)
  const body = bodyOf(random, publicValuesFd)
  const data = Array.from({ length: DATA.words }, () => anyWord(random))
  const segments = [{ address: DATA.address, contents: wordsToBytes(data) }]
  const elf = elfOf({ text: [...registers(random), ...body, ...ending(random)], segments })
  const buffers = Array.from({ length: 1 + random(4) }, () =>
    Uint8Array.from({ length: random(20) }, () => random(256)),
  )
  return { elf, buffers }
}

/** Values for x1 to x31. */
function registers(random: Random): number[] {
  return Array.from({ length: 31 }, (_, i) => i + 1).flatMap((rd) =>
    li(rd, rd === BASE ? MIDDLE : rd === A2 ? random(40) : anyValue(random)),
  )
}

function anyValue(random: Random): number {
  return random(2) === 0 ? pick(random, EDGES) : anyWord(random)
}

function bodyOf(random: Random, publicValuesFd: number): number[] {
  const words: number[] = []
  const length = 20 + random(150)
  while (words.length < length) words.push(...piece(random, publicValuesFd))
  return words
}

/** A few instructions that belong together. */
function piece(random: Random, publicValuesFd: number): number[] {
  const chance = random(100)
  if (chance < 55) return [anyOf(random, COMPUTATIONS)]
  if (chance < 75) return [memoryAccess(random)]
  if (chance < 86) return [branch(random)]
  if (chance < 89) return [encode('jal', { rd: destination(random), imm: 4 * (1 + random(8)) })]
  if (chance < 94) return indirectJump(random)
  if (chance < 96) return syscall(random, publicValuesFd)
  if (chance < 97) return unconstrained(random)
  return random(20) === 0 ? [unusual(random)] : [anyOf(random, COMPUTATIONS)]
}

function anyOf(random: Random, rows: readonly Instruction[]): number {
  const row = pick(random, rows)
  return encode(row.mnemonic, operandsOf(random, row))
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

/** Any register; the base hardly ever. */
function destination(random: Random): number {
  const register = random(32)
  if (register === A2) return 0
  return register === BASE && random(20) > 0 ? 0 : register
}

/** Mostly within the data and aligned; else wherever a register leads. */
function memoryAccess(random: Random): number {
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

/** Mostly ahead. One that goes back may loop until the cycle limit. */
function branch(random: Random): number {
  const steps = random(16) === 0 ? -random(6) : 1 + random(8)
  const { mnemonic } = pick(random, BRANCHES)
  const imm = 4 * steps + (random(100) === 0 ? 2 : 0)
  return encode(mnemonic, { rs1: random(32), rs2: random(32), imm })
}

/** To an address from the pc; now and then with low bits, or out of the program. */
function indirectJump(random: Random): number[] {
  const rs1 = 1 + random(7)
  const far = random(40) === 0 ? 0x10_0000 : 0
  const imm = 8 + 4 * random(6) + (random(30) === 0 ? random(4) : 0)
  return [
    encode('auipc', { rd: rs1, imm: far }),
    encode('jalr', { rd: destination(random), rs1, imm }),
  ]
}

function call(code: number, ...args: readonly number[]): number[] {
  return [...args.flatMap((value, i) => li(A0 + i, value)), ...li(T0, code), encode('ecall')]
}

function syscall(random: Random, publicValuesFd: number): number[] {
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
function unconstrained(random: Random): number[] {
  const body = Array.from({ length: random(8) }, () =>
    random(2) === 0 ? anyOf(random, COMPUTATIONS) : memoryAccess(random),
  )
  const exit = random(20) === 0 ? [] : call(EXIT_UNCONSTRAINED)
  const imm = 4 * (1 + body.length + exit.length)
  return [...call(ENTER_UNCONSTRAINED), encode('beq', { rs1: T0, rs2: 0, imm }), ...body, ...exit]
}

/** Ends the run, or is no instruction that does anything. */
function unusual(random: Random): number {
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

function ending(random: Random): number[] {
  if (random(30) === 0) return [] // it runs out of the program
  return call(HALT, random(30) === 0 ? random(3) : 0)
}
