/** An instruction set: its table of instructions, and how wide its registers are. */
import type { Decoded, Instruction } from './instruction.js'

export interface Isa {
  readonly name: string
  /** Bits of a register and of an address. */
  readonly xlen: 32 | 64
  /** At most 253, so that a byte holds the number of a row and of what is none. */
  readonly rows: readonly Instruction[]
  /** The row and operands of a word; undefined if it is no instruction of this set. */
  decode(word: number): Decoded | undefined
  /** Index into `rows` of a word's row, without its operands; -1 if there is none. */
  rowOf(word: number): number
}
