/**
 * What one instruction row says: how its words look, and what it does.
 * Source: The RISC-V Instruction Set Manual, volume I, chapters 2 (RV32I) and 13 (M).
 */
import type { Hart } from './hart.js'
import type { RowEmitter } from './translate/row-emitter.js'

/** Shamt: as I, but the immediate is the 5-bit shift amount. System: the whole word is fixed. */
export type Format = 'R' | 'I' | 'Shamt' | 'S' | 'B' | 'U' | 'J' | 'System'

/** Register numbers and the sign-extended immediate of one word; fields a format lacks are 0. */
export interface Operands {
  readonly rd: number
  readonly rs1: number
  readonly rs2: number
  /** Signed 32-bit; a U-format immediate has its low 12 bits zero. */
  readonly imm: number
}

export interface Instruction {
  readonly mnemonic: string
  readonly format: Format
  readonly opcode: number
  readonly funct3?: number
  readonly funct7?: number
  /** Bits 31..20 of a System word, whose rd, rs1 and funct3 are zero. */
  readonly funct12?: number
  /** Decoded, but executing it is a fault: SP1 has no implementation. */
  readonly unimplemented?: true
  /** Registers and memory words are u32; the caller has set `hart.nextPc` to pc + 4. */
  readonly execute: (hart: Hart, operands: Operands) => void
  /** How many bytes of memory it loads or stores at rs1 + imm, and which of the two. */
  readonly access?: { readonly bytes: 1 | 2 | 4; readonly isStore: boolean }
  /** How it may leave the straight line; rows without it go on at pc + 4. */
  readonly control?: 'branch' | 'jal' | 'jalr' | 'ecall' | 'fault'
  /**
   * The same as `execute`, as WebAssembly. A branch pushes whether it is taken. Rows without it only
   * have an effect on control, which the translator writes.
   */
  readonly translate?: (f: RowEmitter, operands: Operands) => void
}

/** One word of a program: the row it matches and its operands. */
export interface Decoded extends Operands {
  readonly row: Instruction
  readonly execute: Instruction['execute']
}

/** The operands that `format` has in `word`. */
export function readOperands(word: number, format: Format): Operands {
  const rd = (word >>> 7) & 31
  const rs1 = (word >>> 15) & 31
  const rs2 = (word >>> 20) & 31
  const imm = readImm(word, format)
  switch (format) {
    case 'R':
      return { rd, rs1, rs2, imm }
    case 'I':
    case 'Shamt':
      return { rd, rs1, rs2: 0, imm }
    case 'S':
    case 'B':
      return { rd: 0, rs1, rs2, imm }
    case 'U':
    case 'J':
      return { rd, rs1: 0, rs2: 0, imm }
    case 'System':
      return { rd: 0, rs1: 0, rs2: 0, imm }
  }
}

export function readImm(word: number, format: Format): number {
  switch (format) {
    case 'R':
    case 'System':
      return 0
    case 'I':
      return word >> 20
    case 'Shamt':
      return (word >>> 20) & 31
    case 'S':
      return ((word >> 25) << 5) | ((word >>> 7) & 31)
    case 'B': {
      const low = ((word >>> 7) & 0x1e) | ((word >>> 20) & 0x7e0) | ((word << 4) & 0x800)
      return ((word >> 31) << 12) | low
    }
    case 'U':
      return word & 0xffff_f000
    case 'J': {
      const low = ((word >>> 20) & 0x7fe) | ((word >>> 9) & 0x800) | (word & 0xf_f000)
      return ((word >> 31) << 20) | low
    }
  }
}
