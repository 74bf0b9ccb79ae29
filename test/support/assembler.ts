/** Machine code and ELF files for tests, made from the same rows that decode them. */
import { concatBytes, viewOf } from '../../src/core/bytes.js'
import { RV32IM } from '../../src/core/riscv/decode.js'
import type { Format, Instruction, Operands } from '../../src/core/riscv/instruction.js'

export const TEXT_ADDRESS = 0x0020_0800

export function rowOf(mnemonic: string): Instruction {
  const row = RV32IM.find((candidate) => candidate.mnemonic === mnemonic)
  if (row === undefined) throw new RangeError(`no instruction ${mnemonic}`)
  return row
}

type Field = keyof Operands

/** The operands a format has; all others must be left out. */
export const FIELDS: Readonly<Record<Format, readonly Field[]>> = {
  R: ['rd', 'rs1', 'rs2'],
  I: ['rd', 'rs1', 'imm'],
  Shamt: ['rd', 'rs1', 'imm'],
  S: ['rs1', 'rs2', 'imm'],
  B: ['rs1', 'rs2', 'imm'],
  U: ['rd', 'imm'],
  J: ['rd', 'imm'],
  System: [],
}

interface ImmediateRange {
  readonly min: number
  readonly max: number
  readonly step: number
}

/** The immediates a format can hold. */
export const IMMEDIATE_RANGES: Readonly<Record<Format, ImmediateRange>> = {
  R: { min: 0, max: 0, step: 1 },
  I: { min: -2048, max: 2047, step: 1 },
  Shamt: { min: 0, max: 31, step: 1 },
  S: { min: -2048, max: 2047, step: 1 },
  B: { min: -4096, max: 4094, step: 2 },
  U: { min: -(2 ** 31), max: 2 ** 31 - 4096, step: 4096 },
  J: { min: -(2 ** 20), max: 2 ** 20 - 2, step: 2 },
  System: { min: 0, max: 0, step: 1 },
}

/**
 * The word of an instruction.
 *
 * @throws RangeError for an operand the format lacks or has no room for.
 */
export function encode(mnemonic: string, operands: Partial<Operands> = {}): number {
  const row = rowOf(mnemonic)
  checkOperands(row, operands)
  const { rd = 0, rs1 = 0, rs2 = 0, imm = 0 } = operands
  const base =
    row.opcode |
    ((row.funct3 ?? 0) << 12) |
    ((row.funct7 ?? 0) << 25) |
    ((row.funct12 ?? 0) << 20) |
    (rd << 7) |
    (rs1 << 15) |
    (rs2 << 20)
  return (base | immediateBits(row.format, imm)) >>> 0
}

function checkOperands({ mnemonic, format }: Instruction, operands: Partial<Operands>): void {
  for (const [field, value] of Object.entries(operands) as [Field, number][]) {
    const { min, max, step } =
      field === 'imm' ? IMMEDIATE_RANGES[format] : { min: 0, max: 31, step: 1 }
    const fits = value >= min && value <= max && value % step === 0
    if (!fits || !FIELDS[format].includes(field)) {
      throw new RangeError(`${mnemonic} cannot have ${field} = ${value}`)
    }
  }
}

function immediateBits(format: Format, imm: number): number {
  /** Bits `high` to `low` of the immediate, put at bit `to` of the word. */
  const bits = (high: number, low: number, to: number) =>
    ((imm >>> low) & (2 ** (high - low + 1) - 1)) << to
  switch (format) {
    case 'I':
      return bits(11, 0, 20)
    case 'Shamt':
      return bits(4, 0, 20)
    case 'S':
      return bits(11, 5, 25) | bits(4, 0, 7)
    case 'B':
      return bits(12, 12, 31) | bits(10, 5, 25) | bits(4, 1, 8) | bits(11, 11, 7)
    case 'U':
      return bits(31, 12, 12)
    case 'J':
      return bits(20, 20, 31) | bits(10, 1, 21) | bits(11, 11, 20) | bits(19, 12, 12)
    case 'R':
    case 'System':
      return 0
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
  /** Where the header says the contents are; the truth unless given. */
  readonly offset?: number
  readonly fileBytes?: number
  readonly memoryBytes?: number
  readonly type?: number
  readonly isExecutable?: boolean
}

/** What a file is made of. Everything but `text` and `segments` is for headers that are wrong. */
export interface TestElf {
  /** Instructions: an executable segment of their own, before `segments`. */
  readonly text?: readonly number[]
  readonly textAddress?: number
  readonly segments?: readonly TestSegment[]
  readonly entry?: number
  readonly elfClass?: number
  readonly data?: number
  readonly version?: number
  readonly type?: number
  readonly machine?: number
  readonly programHeaderOffset?: number
  readonly programHeaderBytes?: number
  readonly programHeaderCount?: number
  readonly sectionHeader?: {
    readonly offset: number
    readonly bytes: number
    readonly count: number
  }
  /** Bytes after the last segment. */
  readonly trailer?: Uint8Array
}

export const FILE_HEADER_BYTES = 52
export const PROGRAM_HEADER_BYTES = 32
const LOAD = 1
const READ_EXECUTE = 5
const READ_WRITE = 6

/** A minimal ELF32 file: headers, then the contents of the segments, back to back. */
export function elfOf(elf: TestElf): Uint8Array {
  const segments = [...textSegment(elf), ...(elf.segments ?? [])]
  const { sectionHeader = { offset: 0, bytes: 40, count: 0 } } = elf
  const headers = new Uint8Array(FILE_HEADER_BYTES + PROGRAM_HEADER_BYTES * segments.length)
  const view = viewOf(headers)
  headers.set([0x7f, 0x45, 0x4c, 0x46, elf.elfClass ?? 1, elf.data ?? 1, elf.version ?? 1])
  view.setUint16(16, elf.type ?? 2, true)
  view.setUint16(18, elf.machine ?? 243, true)
  view.setUint32(20, 1, true)
  view.setUint32(24, elf.entry ?? segments[0]?.address ?? 0, true)
  view.setUint32(28, elf.programHeaderOffset ?? FILE_HEADER_BYTES, true)
  view.setUint32(32, sectionHeader.offset, true)
  view.setUint16(40, FILE_HEADER_BYTES, true)
  view.setUint16(42, elf.programHeaderBytes ?? PROGRAM_HEADER_BYTES, true)
  view.setUint16(44, elf.programHeaderCount ?? segments.length, true)
  view.setUint16(46, sectionHeader.bytes, true)
  view.setUint16(48, sectionHeader.count, true)
  let offset = headers.length
  segments.forEach((segment, index) => {
    const { address, contents } = segment
    const fields = [
      segment.type ?? LOAD,
      segment.offset ?? offset,
      address,
      address,
      segment.fileBytes ?? contents.length,
      segment.memoryBytes ?? contents.length,
      segment.isExecutable ? READ_EXECUTE : READ_WRITE,
      4,
    ]
    const at = FILE_HEADER_BYTES + PROGRAM_HEADER_BYTES * index
    for (const [i, field] of fields.entries()) view.setUint32(at + 4 * i, field, true)
    offset += contents.length
  })
  const contents = segments.map((segment) => segment.contents)
  return concatBytes(headers, ...contents, elf.trailer ?? new Uint8Array())
}

function textSegment({ text, textAddress = TEXT_ADDRESS }: TestElf): TestSegment[] {
  if (text === undefined) return []
  return [{ address: textAddress, contents: wordsToBytes(text), isExecutable: true }]
}

export function wordsToBytes(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * words.length)
  const view = viewOf(bytes)
  for (const [i, word] of words.entries()) view.setUint32(4 * i, word >>> 0, true)
  return bytes
}
