/**
 * ELFs for verifying keys of other than the smallest shape: any number of instructions, of every
 * format, then zero words. Meaningless to run.
 *
 *     npx tsx test/vectors/vkey/synthetic-elf.ts INSTRUCTIONS ZERO_WORDS OUT
 */
import { writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

export interface SyntheticElf {
  readonly instructions: number
  readonly zeroWords: number
}

const BASE = 0x20_0800
const HEADER_BYTES = 52
const PROGRAM_HEADER_BYTES = 32
const READ_EXECUTE = 5

export function syntheticElf({ instructions, zeroWords }: SyntheticElf): Uint8Array {
  const codeOffset = HEADER_BYTES + PROGRAM_HEADER_BYTES
  const codeBytes = 4 * instructions
  const elf = new Uint8Array(codeOffset + codeBytes)
  const view = new DataView(elf.buffer)
  elf.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1])
  const halves = (at: number, ...values: number[]) => {
    for (const [i, value] of values.entries()) view.setUint16(at + 2 * i, value, true)
  }
  const words = (at: number, ...values: number[]) => {
    for (const [i, value] of values.entries()) view.setUint32(at + 4 * i, value, true)
  }
  halves(16, 2, 243) // ET_EXEC, EM_RISCV
  words(20, 1, BASE + 8, HEADER_BYTES)
  halves(40, HEADER_BYTES, PROGRAM_HEADER_BYTES, 1, 40)
  const memoryBytes = codeBytes + 4 * zeroWords
  words(HEADER_BYTES, 1, codeOffset, BASE, BASE, codeBytes, memoryBytes, READ_EXECUTE, 4)
  for (let i = 0; i < instructions; i++) words(codeOffset + 4 * i, instructionWord(i))
  return elf
}

/** Instruction i: the kind, registers and immediate follow from i. */
function instructionWord(i: number): number {
  const bits = Math.imul(i, 0x9e37_79b1)
  const rd = ((i * 7 + 3) % 32) << 7
  const rs1 = ((i * 13 + 5) % 32) << 15
  const rs2 = ((i * 29 + 1) % 32) << 20
  const high12 = bits & 0xfff0_0000
  const high20 = bits & 0xffff_f000
  const split12 = bits & 0xfe00_0f80
  const kinds = [
    0x0200_0033 | ((bits & 7) << 12) | rd | rs1 | rs2, // mul … remu
    0x13 | rd | rs1 | high12, // addi
    0x37 | rd | high20, // lui
    0x17 | rd | high20, // auipc
    0x6f | rd | high20, // jal
    0x63 | rs1 | rs2 | split12, // beq
    0x2023 | rs1 | rs2 | split12, // sw
    0x4003 | rd | rs1 | high12, // lbu
    0x67 | rd | rs1 | high12, // jalr
    0x73, // ecall
    0x4000_5013 | rd | rs1 | rs2, // srai
  ]
  return kinds[i % kinds.length] >>> 0
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [instructions, zeroWords, out] = process.argv.slice(2)
  const elf = syntheticElf({ instructions: Number(instructions), zeroWords: Number(zeroWords) })
  writeFileSync(out, elf)
}
