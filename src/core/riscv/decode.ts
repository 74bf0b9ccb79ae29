/**
 * From a 32-bit word to the instruction row it matches. The rows themselves are data; this file
 * checks them when it is loaded, so that a wrong row cannot ship.
 */
import { InputError, InternalError } from '../errors.js'
import { type Decoded, type Instruction, readOperands } from './instruction.js'
import type { Program } from './program.js'
import { RV32I } from './rv32i.js'
import { RV32M } from './rv32m.js'

export const RV32IM: readonly Instruction[] = [...RV32I, ...RV32M]

interface Pattern {
  readonly row: Instruction
  readonly mask: number
  readonly value: number
}

const PATTERNS: readonly Pattern[] = RV32IM.map((row) => ({ row, ...patternOf(row) }))
assertDistinct(PATTERNS)

/** opcode and funct3. */
const BUCKET_MASK = 0x707f
/** They pick the bucket, so that decoding looks at two or three rows, not fifty. */
const BUCKETS: readonly Pattern[][] = Array.from({ length: 1 << 10 }, (_, key) =>
  PATTERNS.filter(({ mask, value }) => ((wordOfBucket(key) ^ value) & mask & BUCKET_MASK) === 0),
)

/** The row and operands of `word`; undefined if it is no RV32IM instruction. */
export function decode(word: number): Decoded | undefined {
  for (const { row, mask, value } of BUCKETS[bucketOf(word)]) {
    if ((word & mask) === value) {
      return { row, execute: row.execute, ...readOperands(word, row.format) }
    }
  }
  return undefined
}

/**
 * Every instruction of a program, in order.
 *
 * @throws InputError `ELF_INSTRUCTION_UNKNOWN`, as SP1 refuses the whole program for one bad word.
 */
export function decodeProgram({ instructionWords, pcBase }: Program): Decoded[] {
  return Array.from(instructionWords, (word, index) => {
    const decoded = decode(word)
    if (decoded === undefined) {
      const pc = pcBase + 4 * index
      throw new InputError('ELF_INSTRUCTION_UNKNOWN', { pc, word: hexWord(word) })
    }
    return decoded
  })
}

function hexWord(word: number): string {
  return `0x${word.toString(16).padStart(8, '0')}`
}

function patternOf(row: Instruction): { mask: number; value: number } {
  if (row.funct12 !== undefined) {
    return { mask: 0xffff_ffff | 0, value: (row.funct12 << 20) | row.opcode }
  }
  let mask = 0x7f
  let value = row.opcode
  if (row.funct3 !== undefined) {
    mask |= 0x7000
    value |= row.funct3 << 12
  }
  if (row.funct7 !== undefined) {
    mask |= 0xfe00_0000
    value |= row.funct7 << 25
  }
  return { mask, value }
}

function assertDistinct(patterns: readonly Pattern[]): void {
  patterns.forEach((a, i) => {
    for (const b of patterns.slice(i + 1)) {
      if (((a.value ^ b.value) & a.mask & b.mask) === 0) {
        throw new InternalError(`${a.row.mnemonic} and ${b.row.mnemonic} match the same word`)
      }
    }
  })
}

function bucketOf(word: number): number {
  return (word & 0x7f) | ((word >>> 5) & 0x380)
}

function wordOfBucket(key: number): number {
  return (key & 0x7f) | ((key & 0x380) << 5)
}
