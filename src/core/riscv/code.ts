/**
 * A program's instructions, decoded: all of them to eight bytes each when the program is loaded, and
 * to objects one by one when somebody asks.
 */
import { InputError } from '../errors.js'
import { RV32IM_ISA } from './decode.js'
import { type Decoded, type Format, type Instruction, readImm } from './instruction.js'
import type { Isa } from './isa.js'
import { STATE } from './memory-layout.js'
import type { Program } from './program.js'

/** Numbers that entries have in place of their row's; the rows come after them. */
export const UNKNOWN_ROW = 0
/** The interpreter has to say what it means. */
export const FAULT_ROW = 1
/** Behind the last instruction. */
export const END_ROW = 2
export const FIRST_ROW = 3

/** Bytes of a register in the memory that compiled code shares. */
const REGISTER_SHIFT = 2

export class Code {
  readonly length: number
  /**
   * Two words an instruction: row, rd, rs1 and rs2, a byte each, lowest first, registers as the offset
   * of their value, x0 as rd as that of the sink; and imm. One more entry is behind the last.
   */
  readonly entries: Int32Array
  /** The longest run of instructions without one that steers, that one included. */
  readonly longestRun: number
  readonly #steers: Uint8Array
  readonly #decoded: (Decoded | undefined)[]

  /** @throws InputError `ELF_INSTRUCTION_UNKNOWN`, as SP1 refuses the whole program for one bad word. */
  constructor(
    readonly program: Program,
    readonly isa: Isa = RV32IM_ISA,
  ) {
    const { instructionWords, pcBase } = program
    this.length = instructionWords.length
    this.entries = new Int32Array(2 * (this.length + 1))
    this.#decoded = new Array(this.length)
    this.#steers = new Uint8Array(this.length)
    const kinds = isa.rows.map(kindOf)
    let run = 0
    let longestRun = 0
    for (let index = 0; index < this.length; index++) {
      const word = instructionWords[index]
      const row = isa.rowOf(word)
      if (row < 0) {
        const pc = pcBase + 4 * index
        throw new InputError('ELF_INSTRUCTION_UNKNOWN', { pc, word: hexWord(word) })
      }
      run++
      if (kinds[row].isSteering) {
        this.#steers[index] = 1
        longestRun = Math.max(longestRun, run)
        run = 0
      }
      this.#enter(index, word, row, kinds[row])
    }
    this.longestRun = Math.max(longestRun, run)
    this.entries[2 * this.length] = END_ROW
  }

  /** Does control not always go on behind it? Faults, jumps and ecalls count, too. */
  isSteering(index: number): boolean {
    return this.#steers[index] === 1
  }

  at(index: number): Decoded {
    this.#decoded[index] ??= this.isa.decode(this.program.instructionWords[index]) as Decoded
    return this.#decoded[index]
  }

  /** Without decoding the operands. */
  rowAt(index: number): Instruction {
    return this.isa.rows[this.isa.rowOf(this.program.instructionWords[index])]
  }

  #enter(index: number, word: number, row: number, kind: Kind): void {
    const rd = kind.writes ? (word >>> 7) & 31 : 0
    const registers =
      ((rd === 0 ? STATE.sink : rd << REGISTER_SHIFT) << 8) |
      (((word >>> 15) & 31) << (REGISTER_SHIFT + 16)) |
      (((word >>> 20) & 31) << (REGISTER_SHIFT + 24))
    const imm = readImm(word, kind.format)
    // Jumps to where no instruction begins are the interpreter's.
    const isFault = kind.isFault || (kind.isRelative && !this.#isInstruction(index, imm))
    this.entries[2 * index] = (isFault ? FAULT_ROW : FIRST_ROW + row) | registers
    this.entries[2 * index + 1] = imm
  }

  #isInstruction(index: number, offset: number): boolean {
    const target = index + offset / 4
    return offset % 4 === 0 && target >= 0 && target < this.length
  }
}

/** What matters of a row when its words are decoded. */
interface Kind {
  readonly format: Format
  readonly writes: boolean
  readonly isSteering: boolean
  readonly isRelative: boolean
  readonly isFault: boolean
}

function kindOf({ format, control }: Instruction): Kind {
  return {
    format,
    writes: format !== 'S' && format !== 'B' && format !== 'System',
    isSteering: control !== undefined,
    isRelative: control === 'branch' || control === 'jal',
    isFault: control === 'fault',
  }
}

function hexWord(word: number): string {
  return `0x${word.toString(16).padStart(8, '0')}`
}
