/**
 * SP1's own form of an instruction, as its transpiler makes it from a RISC-V word. The verifying key
 * commits to this form; nothing executes it here.
 *
 * Register and immediate instructions share an operation; flags tell whether b and c are immediates.
 * Source: sp1-core-executor 3.4.0 and 5.2.4 src/disassembler/rrs.rs; they do the same.
 */
import { InputError, InternalError } from '../errors.js'
import { decode } from '../riscv/decode.js'
import type { Decoded } from '../riscv/instruction.js'
import type { Program } from '../riscv/program.js'
import { OPCODES_3_4_0, type Operation } from './opcodes.js'

/** Operands are register numbers or immediates, as u32. */
export interface Sp1Instruction {
  readonly operation: Operation
  readonly opA: number
  readonly opB: number
  readonly opC: number
  readonly immB: boolean
  readonly immC: boolean
}

/** Mnemonics of operations with another name. `lui` becomes an addition of two immediates. */
const OTHER_NAMES: Readonly<Record<string, Operation>> = {
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
  const name = operationOf(row.mnemonic)
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
  operation: Operation,
  opA: number,
  opB: number,
  opC: number,
  immB: boolean,
  immC: boolean,
): Sp1Instruction {
  return { operation, opA, opB, opC, immB, immC }
}

function operationOf(mnemonic: string): Operation {
  const name = OTHER_NAMES[mnemonic] ?? mnemonic
  if (!(name in OPCODES_3_4_0)) throw new InternalError(`SP1 has no opcode for ${mnemonic}`)
  return name as Operation
}
