/** Machine code and ELF files for tests, made from the same rows that decode them. */
import { concatBytes, viewOf } from '../../src/core/bytes.js'
import { RV32IM } from '../../src/core/riscv/decode.js'
import type { Instruction, Operands } from '../../src/core/riscv/instruction.js'

export const TEXT_ADDRESS = 0x0020_0800

export function rowOf(mnemonic: string): Instruction {
  const row = RV32IM.find((candidate) => candidate.mnemonic === mnemonic)
  if (row === undefined) throw new RangeError(`no instruction ${mnemonic}`)
  return row
}

/** The word of an instruction; operands its format lacks are ignored. */
export function encode(mnemonic: string, operands: Partial<Operands> = {}): number {
  const row = rowOf(mnemonic)
  const { rd = 0, rs1 = 0, rs2 = 0, imm = 0 } = operands
  const funct3 = (row.funct3 ?? 0) << 12
  const funct7 = (row.funct7 ?? 0) << 25
  const base = row.opcode | funct3
  const registers = (rs1 << 15) | (rs2 << 20)
  switch (row.format) {
    case 'R':
      return (base | funct7 | registers | (rd << 7)) >>> 0
    case 'I':
      return (base | (rd << 7) | (rs1 << 15) | (imm << 20)) >>> 0
    case 'Shamt':
      return (base | funct7 | (rd << 7) | (rs1 << 15) | ((imm & 31) << 20)) >>> 0
    case 'S':
      return (base | registers | ((imm & 0x1f) << 7) | ((imm >> 5) << 25)) >>> 0
    case 'B': {
      const high = (((imm >> 12) & 1) << 31) | (((imm >> 5) & 0x3f) << 25)
      const low = (((imm >> 1) & 0xf) << 8) | (((imm >> 11) & 1) << 7)
      return (base | registers | high | low) >>> 0
    }
    case 'U':
      return (base | (rd << 7) | (imm & 0xffff_f000)) >>> 0
    case 'J': {
      const high = (((imm >> 20) & 1) << 31) | (((imm >> 1) & 0x3ff) << 21)
      const low = (((imm >> 11) & 1) << 20) | (imm & 0xf_f000)
      return (base | (rd << 7) | high | low) >>> 0
    }
    case 'System':
      return (base | ((row.funct12 ?? 0) << 20)) >>> 0
  }
}

/** `rd = value`, in two instructions. */
export function li(rd: number, value: number): number[] {
  const low = (value << 20) >> 20
  return [encode('lui', { rd, imm: (value - low) | 0 }), encode('addi', { rd, rs1: rd, imm: low })]
}

export interface TestSegment {
  readonly address: number
  readonly contents: Uint8Array
  readonly memoryBytes?: number
  readonly isExecutable?: boolean
}

export interface TestElf {
  readonly segments: readonly TestSegment[]
  readonly entry?: number
  readonly elfClass?: number
  readonly data?: number
  readonly type?: number
  readonly machine?: number
  readonly programHeaderBytes?: number
  readonly sectionHeader?: {
    readonly offset: number
    readonly bytes: number
    readonly count: number
  }
}

const FILE_HEADER_BYTES = 52
const PROGRAM_HEADER_BYTES = 32

/** A minimal ELF32 file; every field that a loader looks at can be set wrong. */
export function elfOf(elf: TestElf): Uint8Array {
  const { segments, sectionHeader = { offset: 0, bytes: 40, count: 0 } } = elf
  const headers = new Uint8Array(FILE_HEADER_BYTES + PROGRAM_HEADER_BYTES * segments.length)
  const view = viewOf(headers)
  headers.set([0x7f, 0x45, 0x4c, 0x46, elf.elfClass ?? 1, elf.data ?? 1, 1])
  view.setUint16(16, elf.type ?? 2, true)
  view.setUint16(18, elf.machine ?? 243, true)
  view.setUint32(20, 1, true)
  view.setUint32(24, elf.entry ?? segments[0]?.address ?? 0, true)
  view.setUint32(28, FILE_HEADER_BYTES, true)
  view.setUint32(32, sectionHeader.offset, true)
  view.setUint16(40, FILE_HEADER_BYTES, true)
  view.setUint16(42, elf.programHeaderBytes ?? PROGRAM_HEADER_BYTES, true)
  view.setUint16(44, segments.length, true)
  view.setUint16(46, sectionHeader.bytes, true)
  view.setUint16(48, sectionHeader.count, true)
  let offset = headers.length
  segments.forEach(({ address, contents, memoryBytes, isExecutable }, index) => {
    const at = FILE_HEADER_BYTES + PROGRAM_HEADER_BYTES * index
    const fields = [1, offset, address, address, contents.length, memoryBytes ?? contents.length]
    fields.push(isExecutable ? 5 : 6, 4)
    for (const [i, field] of fields.entries()) view.setUint32(at + 4 * i, field, true)
    offset += contents.length
  })
  return concatBytes(headers, ...segments.map(({ contents }) => contents))
}

export function wordsToBytes(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * words.length)
  const view = viewOf(bytes)
  for (const [i, word] of words.entries()) view.setUint32(4 * i, word >>> 0, true)
  return bytes
}

/** A program of these instructions, and nothing else. */
export function programOf(words: readonly number[]): Uint8Array {
  const contents = wordsToBytes(words)
  return elfOf({ segments: [{ address: TEXT_ADDRESS, contents, isExecutable: true }] })
}
