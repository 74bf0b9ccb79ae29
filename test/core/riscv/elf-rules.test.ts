/** What each release's loader asks of an ELF: one malformed program for every rule. */
import { describe, expect, it } from 'vitest'
import { viewOf } from '../../../src/core/bytes.js'
import { parseElf } from '../../../src/core/riscv/elf.js'
import {
  ELF_RULES_3_4_0,
  ELF_RULES_5_2_4,
  type ElfRules,
  MAX_IMAGE_WORDS,
} from '../../../src/core/riscv/elf-rules.js'
import {
  elfOf,
  FILE_HEADER_BYTES,
  PROGRAM_HEADER_BYTES,
  TEXT_ADDRESS,
  type TestSegment,
  wordsToBytes,
} from '../../support/assembler.js'

const NOP = 0x0000_0013
const TEXT = { address: TEXT_ADDRESS, contents: wordsToBytes([NOP, NOP]), isExecutable: true }
const DATA = { address: 0x0030_0000, contents: new Uint8Array(8) }
const PROGBITS = 1
const MAX_WORDS = 2 ** 22

function elf(...segments: TestSegment[]): Uint8Array {
  return elfOf({ segments, entry: TEXT_ADDRESS })
}

function withFlags(bytes: Uint8Array, segment: number, flags: number): Uint8Array {
  const at = FILE_HEADER_BYTES + PROGRAM_HEADER_BYTES * segment + 24
  viewOf(bytes).setUint32(at, flags, true)
  return bytes
}

interface Section {
  readonly type: number
  readonly address: number
  readonly bytes: number
}

/** With a section table of one section. */
function elfWithSections(
  segments: readonly TestSegment[],
  entry: number,
  section: Section = { type: 0, address: 0, bytes: 0 },
): Uint8Array {
  const trailer = new Uint8Array(40)
  const view = viewOf(trailer)
  view.setUint32(4, section.type, true)
  view.setUint32(12, section.address, true)
  view.setUint32(20, section.bytes, true)
  const offset = elfOf({ segments }).length
  return elfOf({ segments, entry, sectionHeader: { offset, bytes: 40, count: 1 }, trailer })
}

/** A segment below the program, as old linker settings made for headers. */
const LOW = { address: 0x0020_0000, contents: new Uint8Array(64) }

function elfWithLow(section: Section): Uint8Array {
  return elfWithSections([LOW, TEXT], TEXT_ADDRESS, section)
}

const outcomeOf = (bytes: Uint8Array, rules: ElfRules) => {
  try {
    parseElf(bytes, rules)
    return 'taken'
  } catch (error) {
    const { code, details } = error as { code: string; details: { reason?: string } }
    return details.reason === undefined ? code : `${code}: ${details.reason}`
  }
}

describe('rules of both', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['a program', elf(TEXT, DATA), /^taken$/],
    ['a segment that is not aligned', elf(TEXT, { ...DATA, address: 0x0030_0001 }), /^ELF_SEGMENT/],
    ['a segment beyond memory', elf(TEXT, { ...DATA, address: 0x7800_0000 }), /^ELF_SEGMENT/],
    ['segments that overlap', elf(TEXT, { ...DATA, address: TEXT_ADDRESS }), /^ELF_SEGMENT/],
    [
      'more code than any table',
      elf({ ...TEXT, memoryBytes: 4 * (MAX_WORDS + 1) }),
      /^ELF_TOO_LARGE/,
    ],
  ])('%s', (_name, bytes, outcome) => {
    expect(outcomeOf(bytes, ELF_RULES_3_4_0)).toMatch(outcome)
    expect(outcomeOf(bytes, ELF_RULES_5_2_4)).toMatch(outcome)
  })
})

describe('rules of 3.4.0 alone', () => {
  it('initial memory is bounded by its table', () => {
    const bytes = elf(TEXT, { ...DATA, memoryBytes: 4 * (MAX_WORDS - 1) })
    expect(outcomeOf(bytes, ELF_RULES_3_4_0)).toBe('ELF_TOO_LARGE')
    expect(outcomeOf(bytes, ELF_RULES_5_2_4)).toBe('taken')
    const most = elf(TEXT, { ...DATA, memoryBytes: 4 * (MAX_WORDS - 2) })
    expect(outcomeOf(most, ELF_RULES_3_4_0)).toBe('taken')
  })
})

describe('rules of 5.2.4 alone', () => {
  it('initial memory is bounded by what we take', () => {
    const dataOf = (words: number) => elf(TEXT, { ...DATA, memoryBytes: 4 * words })
    expect(outcomeOf(dataOf(MAX_IMAGE_WORDS - 2), ELF_RULES_5_2_4)).toBe('taken')
    expect(outcomeOf(dataOf(MAX_IMAGE_WORDS - 1), ELF_RULES_5_2_4)).toBe('ELF_TOO_LARGE')
  })

  it.each<[string, Uint8Array, string]>([
    [
      'no section headers, and a segment below the program',
      elf(LOW, TEXT),
      'ELF_MALFORMED: it has a segment below 0x200800 and no section headers',
    ],
    [
      'program data below the program',
      elfWithLow({ type: PROGBITS, address: 0x0020_0000, bytes: 4 }),
      'ELF_SEGMENT: it has program data below 0x200800; link with the settings of this SP1',
    ],
    [
      'code that can be written',
      withFlags(elf(TEXT), 0, 7),
      'ELF_SEGMENT: it is both writable and executable',
    ],
    [
      'segments that do not ascend',
      elf(DATA, TEXT),
      'ELF_SEGMENT: it is not above the segments before it',
    ],
    [
      'code in two pieces',
      elf(TEXT, { ...TEXT, address: TEXT_ADDRESS + 12 }),
      'ELF_SEGMENT: it does not continue the code before it',
    ],
    ['no code', withFlags(elf(TEXT), 0, 4), 'ELF_MALFORMED: it has no executable segment'],
  ])('%s', (_name, bytes, outcome) => {
    expect(outcomeOf(bytes, ELF_RULES_5_2_4)).toBe(outcome)
    expect(outcomeOf(bytes, ELF_RULES_3_4_0)).toBe('taken')
  })

  it.each([0, 0x20])('code at the addresses of registers (0x%s)', (address) => {
    const bytes = elfWithSections([{ ...TEXT, address }], address)
    expect(outcomeOf(bytes, ELF_RULES_5_2_4)).toBe(
      'ELF_SEGMENT: it has code at the addresses of registers',
    )
    expect(outcomeOf(bytes, ELF_RULES_3_4_0)).toBe('taken')
  })

  it('initial memory at address 0', () => {
    const low = { address: 0, contents: new Uint8Array(4) }
    const bytes = elfWithSections([low, TEXT], TEXT_ADDRESS)
    expect(outcomeOf(bytes, ELF_RULES_5_2_4)).toBe(
      'ELF_MALFORMED: its initial memory holds address 0',
    )
    expect(outcomeOf(bytes, ELF_RULES_3_4_0)).toBe('taken')
  })

  it.each([
    ['headers below it', { type: 0, address: 0x0020_0000, bytes: 64 }],
    ['a note below it', { type: 7, address: 0x0020_0000, bytes: 64 }],
    ['sections above', { type: PROGBITS, address: TEXT_ADDRESS, bytes: 8 }],
  ])('takes a program with %s', (_name, section) => {
    expect(outcomeOf(elfWithLow(section), ELF_RULES_5_2_4)).toBe('taken')
  })

  it('takes code in two segments that are one piece', () => {
    const bytes = elf(TEXT, { ...TEXT, address: TEXT_ADDRESS + 8 })
    expect(outcomeOf(bytes, ELF_RULES_5_2_4)).toBe('taken')
  })
})
