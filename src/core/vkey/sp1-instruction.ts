/**
 * SP1's own form of an instruction, as SP1 3.4.0's transpiler makes it from a RISC-V word. The
 * verifying key commits to this form; nothing executes it here.
 *
 * Register and immediate instructions share an opcode; flags tell whether b and c are immediates.
 * Source: sp1-core-executor 3.4.0 src/disassembler/rrs.rs, src/opcode.rs.
 */
import { InputError, InternalError } from '../errors.js'
import { decode } from '../riscv/decode.js'
import type { Decoded } from '../riscv/instruction.js'
import type { Program } from '../riscv/program.js'

/** Operands are register numbers or immediates, as u32. */
export interface Sp1Instruction {
  readonly opcode: number
  readonly opA: number
  readonly opB: number
  readonly opC: number
  readonly immB: boolean
  readonly immC: boolean
}

/** 26 and 38 are unused. */
export const SP1_OPCODES = {
  add: 0,
  sub: 1,
  xor: 2,
  or: 3,
  and: 4,
  sll: 5,
  srl: 6,
  sra: 7,
  slt: 8,
  sltu: 9,
  lb: 10,
  lh: 11,
  lw: 12,
  lbu: 13,
  lhu: 14,
  sb: 15,
  sh: 16,
  sw: 17,
  beq: 18,
  bne: 19,
  blt: 20,
  bge: 21,
  bltu: 22,
  bgeu: 23,
  jal: 24,
  jalr: 25,
  auipc: 27,
  ecall: 28,
  ebreak: 29,
  mul: 30,
  mulh: 31,
  mulhu: 32,
  mulhsu: 33,
  div: 34,
  divu: 35,
  rem: 36,
  remu: 37,
  unimp: 39,
} as const

type OpcodeName = keyof typeof SP1_OPCODES

/** Mnemonics whose SP1 opcode has another name. `lui` becomes an addition of two immediates. */
const OTHER_NAMES: Readonly<Record<string, OpcodeName>> = {
  addi: 'add',
  xori: 'xor',
  ori: 'or',
  andi: 'and',
  slli: 'sll',
  srli: 'srl',
  srai: 'sra',
  slti: 'slt',
  sltiu: 'sltu',
  lui: 'add',
}

/** What `ecall` reads and writes: t0 (x5) with a0 (x10) and a1 (x11). */
const ECALL_OPERANDS = { opA: 5, opB: 10, opC: 11 }

/**
 * The whole program. Equal words give one shared object: large programs repeat themselves.
 *
 * @throws InputError `ELF_INSTRUCTION_UNKNOWN`
 */
export function transpile({ instructionWords, pcBase }: Program): Sp1Instruction[] {
  const known = new Map<number, Sp1Instruction>()
  return Array.from(instructionWords, (word, i) => {
    let instruction = known.get(word)
    if (instruction === undefined) {
      const decoded = decode(word)
      if (decoded === undefined) {
        const hex = `0x${word.toString(16).padStart(8, '0')}`
        throw new InputError('ELF_INSTRUCTION_UNKNOWN', { pc: pcBase + 4 * i, word: hex })
      }
      instruction = toSp1Instruction(decoded)
      known.set(word, instruction)
    }
    return instruction
  })
}

export function toSp1Instruction({ row, rd, rs1, rs2, imm }: Decoded): Sp1Instruction {
  const immediate = imm >>> 0
  if (row.unimplemented) return of('unimp', 0, 0, 0, true, true)
  const name = opcodeName(row.mnemonic)
  switch (row.format) {
    case 'R':
      return of(name, rd, rs1, rs2, false, false)
    case 'I':
    case 'Shamt':
      return of(name, rd, rs1, immediate, false, true)
    case 'S':
      return of(name, rs2, rs1, immediate, false, true)
    case 'B':
      return of(name, rs1, rs2, immediate, false, true)
    case 'U':
      return of(name, rd, name === 'auipc' ? immediate : 0, immediate, true, true)
    case 'J':
      return of(name, rd, immediate, 0, true, true)
    case 'System': {
      const { opA, opB, opC } = name === 'ecall' ? ECALL_OPERANDS : { opA: 0, opB: 0, opC: 0 }
      return of(name, opA, opB, opC, false, false)
    }
  }
}

function of(
  name: OpcodeName,
  opA: number,
  opB: number,
  opC: number,
  immB: boolean,
  immC: boolean,
): Sp1Instruction {
  return { opcode: SP1_OPCODES[name], opA, opB, opC, immB, immC }
}

function opcodeName(mnemonic: string): OpcodeName {
  const name = OTHER_NAMES[mnemonic] ?? mnemonic
  if (!(name in SP1_OPCODES)) throw new InternalError(`SP1 has no opcode for ${mnemonic}`)
  return name as OpcodeName
}
