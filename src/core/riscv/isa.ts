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
  /**
   * Index into `rows` by 4 · (opcode | funct3 << 7) + the class of funct7: 0, 1, 32, or any other.
   * 0xff: no row, or one of `exacts`.
   */
  readonly rowsByBits: Uint8Array
  /** Words that are instructions as a whole. */
  readonly exacts: readonly { readonly word: number; readonly row: number }[]
}
