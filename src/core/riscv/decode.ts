/**
 * From a 32-bit word to the instruction row it matches. The rows themselves are data; this file
 * checks them when it is loaded, so that a wrong row cannot ship.
 */
import { InternalError } from '../errors.js'
import { type Decoded, type Instruction, readOperands } from './instruction.js'
import type { Isa } from './isa.js'
import { RV32I } from './rv32i.js'
import { RV32M } from './rv32m.js'

export const RV32IM: readonly Instruction[] = [...RV32I, ...RV32M]

interface Pattern {
  readonly row: Instruction
  readonly mask: number
  readonly value: number
}

/** opcode and funct3. */
const BUCKET_MASK = 0x707f
const BUCKETS = 1 << 10
/** Those that rows have; the last stands for every other. */
const FUNCT7_CLASSES = [0b0000000, 0b0000001, 0b0100000, undefined]
/** In `rowsByBits`. */
const LOOK_CLOSER = 0xff

class TableIsa implements Isa {
  readonly #patterns: readonly Pattern[]
  /** Opcode and funct3 pick the bucket, so that decoding looks at two or three rows, not fifty. */
  readonly #buckets: readonly Pattern[][]
  readonly rowsByBits: Uint8Array
  readonly exacts: Isa['exacts']

  constructor(
    readonly name: string,
    readonly xlen: 32 | 64,
    readonly rows: readonly Instruction[],
  ) {
    this.#patterns = rows.map((row) => ({ row, ...patternOf(row) }))
    assertDistinct(this.#patterns)
    this.#buckets = Array.from({ length: BUCKETS }, (_, key) =>
      this.#patterns.filter(
        ({ mask, value }) => ((wordOfBucket(key) ^ value) & mask & BUCKET_MASK) === 0,
      ),
    )
    this.exacts = this.#patterns
      .filter(({ row }) => row.funct12 !== undefined)
      .map(({ row, value }) => ({ word: value >>> 0, row: rows.indexOf(row) }))
    this.rowsByBits = new Uint8Array(4 * BUCKETS).fill(LOOK_CLOSER)
    this.#buckets.forEach((patterns, key) => {
      const plain = patterns.filter(({ row }) => row.funct12 === undefined)
      if (plain.length < patterns.length) return
      FUNCT7_CLASSES.forEach((funct7, index) => {
        const found = plain.filter(({ row }) => row.funct7 === undefined || row.funct7 === funct7)
        if (found.length === 1) this.rowsByBits[4 * key + index] = rows.indexOf(found[0].row)
      })
    })
  }

  decode(word: number): Decoded | undefined {
    for (const { row, mask, value } of this.#buckets[bucketOf(word)]) {
      if ((word & mask) === value) {
        return { row, execute: row.execute, ...readOperands(word, row.format) }
      }
    }
    return undefined
  }
}

export const RV32IM_ISA: Isa = new TableIsa('RV32IM', 32, RV32IM)

/** The row and operands of `word`; undefined if it is no RV32IM instruction. */
export function decode(word: number): Decoded | undefined {
  return RV32IM_ISA.decode(word)
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
