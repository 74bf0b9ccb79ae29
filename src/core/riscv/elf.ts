/**
 * ELF32 → Program, with the rules and refusals of SP1's loader, stricter in two places: segments may
 * not overlap (SP1 would take instructions from one and data from the other), and none may reach
 * beyond guest memory (SP1 fails later, when it runs).
 *
 * Source: System V ABI, chapters 4 and 5; sp1-core-executor 3.4.0 disassembler/elf.rs and its ELF
 * reader (the `elf` crate 0.7.4, elf_bytes.rs). What releases differ in is in elf-rules.ts.
 */
import { abbreviateHex, ByteReader, viewOf } from '../bytes.js'
import { InputError } from '../errors.js'
import { ELF_RULES_3_4_0, type ElfRules } from './elf-rules.js'
import { MEMORY_END } from './memory.js'
import type { Program } from './program.js'

const ELF_MAGIC = [0x7f, 0x45, 0x4c, 0x46]
const CLASS_32 = 1
const CLASS_64 = 2
const LITTLE_ENDIAN = 1
const VERSION_CURRENT = 1
const MACHINE_RISCV = 243
const TYPE_EXECUTABLE = 2
const PROGRAM_HEADER_BYTES = 32
const SECTION_HEADER_BYTES = 40
const MAX_PROGRAM_HEADERS = 256
/** e_phnum that says: the real number is in sh_info of section header 0. */
const PHNUM_IN_SECTION = 0xffff
const SEGMENT_LOAD = 1
const SEGMENT_EXECUTABLE = 1
const SEGMENT_WRITABLE = 2
/** Code and data of a program begin here or above; older linker settings put headers below. */
const PROGRAM_START = 0x0020_0800
/** Section types that have contents: SHT_PROGBITS, SHT_NOBITS. */
const SECTION_TYPES_WITH_CONTENTS = [1, 8]
/** Where a strict release lets code begin: above the registers. */
const LOWEST_CODE = 0x20
const WORD_BYTES = 4

const MACHINE_NAMES: Readonly<Record<number, string>> = {
  3: 'x86',
  8: 'MIPS',
  40: 'ARM',
  62: 'x86-64',
  183: 'AArch64',
  [MACHINE_RISCV]: 'RISC-V',
}

interface FileHeader {
  readonly entry: number
  readonly programHeaderOffset: number
  readonly sectionHeaderOffset: number
  readonly programHeaderBytes: number
  readonly programHeaderCount: number
  readonly sectionHeaderBytes: number
  readonly sectionHeaderCount: number
}

interface Segment {
  readonly index: number
  readonly offset: number
  readonly address: number
  readonly fileBytes: number
  readonly memoryBytes: number
  readonly isExecutable: boolean
  readonly isWritable: boolean
}

/** @throws InputError `ELF_…` for every file SP1 would refuse to load. */
export function parseElf(bytes: Uint8Array, rules: ElfRules = ELF_RULES_3_4_0): Program {
  const header = parseFileHeader(bytes)
  const sections = parseSectionHeaders(bytes, header)
  const segments = parseSegments(bytes, header)
  checkSegments(segments, rules)
  if (rules.isStrict) checkStrictly(segments, sections)
  const executable = segments.filter(({ isExecutable }) => isExecutable)
  return {
    instructionWords: readInstructions(bytes, executable),
    pcStart: header.entry,
    pcBase: executable.reduce((lowest, { address }) => Math.min(lowest, address), 0xffff_ffff),
    ...readImage(bytes, segments),
  }
}

/** Is it a file for 64-bit RISC-V, whatever else is wrong with it? */
export function isRv64(bytes: Uint8Array): boolean {
  const machine = (bytes[19] << 8) | bytes[18]
  return isElf(bytes) && bytes[4] === CLASS_64 && machine === MACHINE_RISCV
}

function isElf(bytes: Uint8Array): boolean {
  return ELF_MAGIC.every((byte, i) => bytes[i] === byte)
}

function parseFileHeader(bytes: Uint8Array): FileHeader {
  if (!isElf(bytes)) {
    const head = abbreviateHex(bytes.subarray(0, 8))
    throw new InputError('ELF_NOT_ELF', { bytes: bytes.length, head })
  }
  const reader = readerOf(bytes, 'file header')
  const ident = reader.take(16)
  const [elfClass, data, version] = [ident[4], ident[5], ident[6]]
  if (elfClass !== CLASS_32 && elfClass !== CLASS_64) malformed(`its class is ${elfClass}`)
  if (version !== VERSION_CURRENT) malformed(`its version is ${version}`)
  const type = reader.u16LE()
  const machine = reader.u16LE()
  if (elfClass === CLASS_64 || data !== LITTLE_ENDIAN || machine !== MACHINE_RISCV) {
    throw new InputError('ELF_NOT_RV32', {
      class: `${elfClass === CLASS_64 ? 64 : 32}-bit ${data === LITTLE_ENDIAN ? 'little' : 'big'}-endian`,
      machine: MACHINE_NAMES[machine] ?? `machine ${machine}`,
    })
  }
  if (type !== TYPE_EXECUTABLE) throw new InputError('ELF_NOT_EXECUTABLE', { type })
  reader.u32LE() // e_version: SP1's reader looks only at the identification's
  const entry = reader.u32LE()
  const programHeaderOffset = reader.u32LE()
  const sectionHeaderOffset = reader.u32LE()
  reader.take(6) // e_flags, e_ehsize
  const programHeaderBytes = reader.u16LE()
  const programHeaderCount = reader.u16LE()
  const sectionHeaderBytes = reader.u16LE()
  const sectionHeaderCount = reader.u16LE()
  reader.u16LE() // e_shstrndx
  if (entry % WORD_BYTES !== 0) malformed(`its entry 0x${entry.toString(16)} is no multiple of 4`)
  return {
    entry,
    programHeaderOffset,
    sectionHeaderOffset,
    programHeaderBytes,
    programHeaderCount,
    sectionHeaderBytes,
    sectionHeaderCount,
  }
}

interface Section {
  readonly type: number
  readonly address: number
  readonly bytes: number
}

/** Undefined if there is no table. SP1's reader refuses a file whose table is not all there. */
function parseSectionHeaders(bytes: Uint8Array, header: FileHeader): Section[] | undefined {
  const { sectionHeaderOffset, sectionHeaderBytes } = header
  if (sectionHeaderOffset === 0) return undefined
  const count = header.sectionHeaderCount || sectionHeaderZero(bytes, sectionHeaderOffset).size
  if (sectionHeaderBytes !== SECTION_HEADER_BYTES) {
    malformed(`its section headers have ${sectionHeaderBytes} bytes instead of 40`)
  }
  const need = count * SECTION_HEADER_BYTES
  const table = viewOf(slice(bytes, 'section header table', sectionHeaderOffset, need))
  return Array.from({ length: count }, (_, index) => {
    const field = (i: number) => table.getUint32(SECTION_HEADER_BYTES * index + 4 * i, true)
    return { type: field(1), address: field(3), bytes: field(5) }
  })
}

function sectionHeaderZero(bytes: Uint8Array, offset: number): { size: number; info: number } {
  const view = viewOf(slice(bytes, 'section header 0', offset, SECTION_HEADER_BYTES))
  return { size: view.getUint32(20, true), info: view.getUint32(28, true) }
}

function parseSegments(bytes: Uint8Array, header: FileHeader): Segment[] {
  if (header.programHeaderOffset === 0) malformed('it has no program headers')
  const count =
    header.programHeaderCount === PHNUM_IN_SECTION
      ? sectionHeaderZero(bytes, header.sectionHeaderOffset).info
      : header.programHeaderCount
  if (header.programHeaderBytes !== PROGRAM_HEADER_BYTES) {
    malformed(`its program headers have ${header.programHeaderBytes} bytes instead of 32`)
  }
  const need = count * PROGRAM_HEADER_BYTES
  const table = slice(bytes, 'program header table', header.programHeaderOffset, need)
  if (count > MAX_PROGRAM_HEADERS) malformed(`it has ${count} program headers, more than 256`)
  const reader = readerOf(table, 'program header table')
  return Array.from({ length: count }, (_, index) => readSegment(reader, index)).filter(
    (segment) => segment !== undefined,
  )
}

function readSegment(reader: ByteReader, index: number): Segment | undefined {
  const type = reader.u32LE()
  const offset = reader.u32LE()
  const address = reader.u32LE()
  reader.u32LE() // p_paddr
  const fileBytes = reader.u32LE()
  const memoryBytes = reader.u32LE()
  const flags = reader.u32LE()
  reader.u32LE() // p_align
  if (type !== SEGMENT_LOAD) return undefined
  const isExecutable = (flags & SEGMENT_EXECUTABLE) !== 0
  const isWritable = (flags & SEGMENT_WRITABLE) !== 0
  return { index, offset, address, fileBytes, memoryBytes, isExecutable, isWritable }
}

function checkSegments(segments: readonly Segment[], rules: ElfRules): void {
  for (const { index, address, memoryBytes } of segments) {
    const place = `0x${address.toString(16)}`
    if (address % WORD_BYTES !== 0) refuseSegment(index, `its address ${place} is no multiple of 4`)
    if (address + memoryBytes > MEMORY_END) {
      refuseSegment(index, `${memoryBytes} bytes at ${place} end beyond guest memory`)
    }
  }
  checkSize('initial memory', segments, rules.maxImageWords)
  const executable = segments.filter(({ isExecutable }) => isExecutable)
  checkSize('code', executable, rules.maxCodeWords)
  const ascending = segments
    .filter(({ memoryBytes }) => memoryBytes > 0)
    .sort((a, b) => a.address - b.address)
  ascending.slice(1).forEach((segment, i) => {
    const below = ascending[i]
    if (segment.address < below.address + WORD_BYTES * wordsOf(below)) {
      refuseSegment(segment.index, `it overlaps the segment of program header ${below.index}`)
    }
  })
}

/** The rules that came with SP1 5. */
function checkStrictly(segments: readonly Segment[], sections: Section[] | undefined): void {
  let end = 0
  let codeEnd: number | undefined
  for (const segment of segments) {
    const { index, address, memoryBytes, isExecutable, isWritable } = segment
    if (address < PROGRAM_START) checkLowSegment(segment, sections)
    if (isExecutable && isWritable) refuseSegment(index, 'it is both writable and executable')
    if (address < end) refuseSegment(index, 'it is not above the segments before it')
    end = address + memoryBytes
    if (!isExecutable) continue
    if (codeEnd === undefined && address <= LOWEST_CODE) {
      refuseSegment(index, 'it has code at the addresses of registers')
    }
    if (codeEnd !== undefined && address !== codeEnd) {
      refuseSegment(index, 'it does not continue the code before it')
    }
    codeEnd = (codeEnd ?? address) + WORD_BYTES * fileWordsOf(segment)
  }
  if (codeEnd === undefined) malformed('it has no executable segment')
  if (segments.some(({ address, memoryBytes }) => address === 0 && memoryBytes > 0)) {
    malformed('its initial memory holds address 0')
  }
}

/** Below the usual start of a program there may be headers, and no section with contents. */
function checkLowSegment(segment: Segment, sections: Section[] | undefined): void {
  const { index, address, fileBytes } = segment
  if (sections === undefined) malformed('it has a segment below 0x200800 and no section headers')
  const overlapped = sections.find(
    (section) =>
      SECTION_TYPES_WITH_CONTENTS.includes(section.type) &&
      section.address < address + fileBytes &&
      address < section.address + section.bytes,
  )
  if (overlapped !== undefined) {
    refuseSegment(index, 'it has program data below 0x200800; link with the settings of this SP1')
  }
}

function checkSize(what: string, segments: readonly Segment[], max: number): void {
  const words = segments.reduce((sum, segment) => sum + wordsOf(segment), 0)
  if (words > max) throw new InputError('ELF_TOO_LARGE', { what, words, max })
}

/** A segment's last word may be partial; the rest of it is zero. */
function wordsOf({ memoryBytes }: Segment): number {
  return Math.ceil(memoryBytes / WORD_BYTES)
}

/** The words that come from the file; the others are zero and no instructions. */
function fileWordsOf({ fileBytes, memoryBytes }: Segment): number {
  return Math.ceil(Math.min(fileBytes, memoryBytes) / WORD_BYTES)
}

function readInstructions(bytes: Uint8Array, executable: readonly Segment[]): Uint32Array {
  const words = executable.map((segment) => readFileWords(bytes, segment))
  const joined = new Uint32Array(words.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of words) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

function readImage(
  bytes: Uint8Array,
  segments: readonly Segment[],
): Pick<Program, 'imageAddresses' | 'imageWords'> {
  const count = segments.reduce((sum, segment) => sum + wordsOf(segment), 0)
  const imageAddresses = new Uint32Array(count)
  const imageWords = new Uint32Array(count)
  let at = 0
  for (const segment of segments.toSorted((a, b) => a.address - b.address)) {
    imageWords.set(readFileWords(bytes, segment), at)
    for (let i = 0; i < wordsOf(segment); i++) {
      imageAddresses[at++] = segment.address + WORD_BYTES * i
    }
  }
  return { imageAddresses, imageWords }
}

function readFileWords(bytes: Uint8Array, segment: Segment): Uint32Array {
  const { index, offset, fileBytes } = segment
  const words = new Uint32Array(fileWordsOf(segment))
  // The last word may stop at p_filesz, even where the file goes on.
  const wantedBytes = Math.min(fileBytes, words.length * WORD_BYTES)
  const contents = slice(bytes, `segment ${index}`, offset, wantedBytes)
  // Both are little-endian.
  new Uint8Array(words.buffer).set(contents)
  return words
}

function slice(bytes: Uint8Array, part: string, offset: number, need: number): Uint8Array {
  if (offset + need > bytes.length) {
    throw new InputError('ELF_TRUNCATED', {
      part,
      offset,
      need,
      have: Math.max(0, bytes.length - offset),
    })
  }
  return bytes.subarray(offset, offset + need)
}

function readerOf(bytes: Uint8Array, part: string): ByteReader {
  return new ByteReader(bytes, (facts) => {
    throw new InputError('ELF_TRUNCATED', { part, ...facts })
  })
}

function malformed(reason: string): never {
  throw new InputError('ELF_MALFORMED', { reason })
}

function refuseSegment(segment: number, reason: string): never {
  throw new InputError('ELF_SEGMENT', { segment, reason })
}
