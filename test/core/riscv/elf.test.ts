import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError } from '../../../src/core/errors.js'
import { parseElf } from '../../../src/core/riscv/elf.js'
import { elfOf, TEXT_ADDRESS, type TestElf, wordsToBytes } from '../../support/assembler.js'

const NOP = 0x0000_0013
const TEXT = { address: TEXT_ADDRESS, contents: wordsToBytes([NOP, NOP]), isExecutable: true }
const GUESTS = new URL('../../../guests/elf/', import.meta.url)

describe('a program', () => {
  it('is its instructions and its initial memory', () => {
    const data = { address: 0x0030_0000, contents: Uint8Array.of(1, 2, 3, 4, 5), memoryBytes: 13 }
    expect(parseElf(elfOf({ segments: [data, TEXT], entry: TEXT_ADDRESS + 4 }))).toEqual({
      instructionWords: Uint32Array.of(NOP, NOP),
      pcStart: TEXT_ADDRESS + 4,
      pcBase: TEXT_ADDRESS,
      imageAddresses: Uint32Array.of(
        TEXT_ADDRESS,
        TEXT_ADDRESS + 4,
        0x0030_0000,
        0x0030_0004,
        0x0030_0008,
        0x0030_000c,
      ),
      imageWords: Uint32Array.of(NOP, NOP, 0x0403_0201, 5, 0, 0),
    })
  })

  it('takes instructions of several segments in the order of the file', () => {
    const low = { address: 0x0010_0000, contents: wordsToBytes([0x33]), isExecutable: true }
    const { instructionWords, pcBase } = parseElf(elfOf({ segments: [TEXT, low] }))
    expect([...instructionWords]).toEqual([NOP, NOP, 0x33])
    expect(pcBase).toBe(0x0010_0000)
  })

  it('reads no more of the file than the segment has in memory', () => {
    const { imageWords } = parseElf(elfOf({ segments: [{ ...TEXT, memoryBytes: 4 }] }))
    expect(imageWords).toHaveLength(1)
  })

  it.each(readdirSync(GUESTS).filter((name) => name.endsWith('.elf')))('%s', (name) => {
    const { instructionWords, imageAddresses, pcStart, pcBase } = parseElf(
      readFileSync(new URL(name, GUESTS)),
    )
    expect(pcBase).toBe(TEXT_ADDRESS)
    expect((pcStart - pcBase) / 4).toBeLessThan(instructionWords.length)
    expect(imageAddresses).toEqual(imageAddresses.slice().sort())
  })
})

describe('refusals', () => {
  const elf = (change: Partial<TestElf>) => elfOf({ segments: [TEXT], ...change })
  const segment = (change: object) =>
    elf({ segments: [{ ...TEXT, ...change }], entry: TEXT_ADDRESS })
  const refusals: readonly [string, string, Uint8Array][] = [
    ['an empty file', 'ELF_NOT_ELF', new Uint8Array()],
    ['three bytes', 'ELF_NOT_ELF', Uint8Array.of(0x7f, 0x45, 0x4c)],
    ['text', 'ELF_NOT_ELF', new TextEncoder().encode('#!/bin/sh\n')],
    ['a 64-bit program', 'ELF_NOT_RV32', elf({ elfClass: 2 })],
    ['another machine', 'ELF_NOT_RV32', elf({ machine: 62 })],
    ['big-endian', 'ELF_NOT_RV32', elf({ data: 2 })],
    ['an unknown class', 'ELF_MALFORMED', elf({ elfClass: 3 })],
    ['an object file', 'ELF_NOT_EXECUTABLE', elf({ type: 1 })],
    ['a shared library', 'ELF_NOT_EXECUTABLE', elf({ type: 3 })],
    ['an entry between instructions', 'ELF_MALFORMED', elf({ entry: TEXT_ADDRESS + 2 })],
    ['program headers of another size', 'ELF_MALFORMED', elf({ programHeaderBytes: 56 })],
    [
      'section headers of another size',
      'ELF_MALFORMED',
      elf({ sectionHeader: { offset: 52, bytes: 64, count: 1 } }),
    ],
    [
      'a section table beyond the file',
      'ELF_TRUNCATED',
      elf({ sectionHeader: { offset: 52, bytes: 40, count: 9 } }),
    ],
    [
      'more than 256 program headers',
      'ELF_MALFORMED',
      elf({ segments: Array(257).fill({ ...TEXT, contents: new Uint8Array() }) }),
    ],
    ['an unaligned segment', 'ELF_SEGMENT', segment({ address: TEXT_ADDRESS + 1 })],
    ['a segment beyond memory', 'ELF_SEGMENT', segment({ address: 0x7800_0000 })],
    ['a segment that wraps around', 'ELF_SEGMENT', segment({ memoryBytes: 0xffff_fff0 })],
    ['too much memory', 'ELF_TOO_LARGE', segment({ memoryBytes: 4 * (2 ** 22 + 1) })],
    [
      'segments that overlap',
      'ELF_SEGMENT',
      elf({ segments: [TEXT, { ...TEXT, address: TEXT_ADDRESS + 4 }] }),
    ],
    [
      'segments that share a word',
      'ELF_SEGMENT',
      elf({
        segments: [
          { ...TEXT, memoryBytes: 9 },
          { ...TEXT, address: TEXT_ADDRESS + 8 },
        ],
      }),
    ],
  ]

  it.each(refusals)('%s: %s', (_name, code, bytes) => {
    expect(() => parseElf(bytes)).toThrow(expect.objectContaining({ code, exitCode: 2 }))
  })

  it('every truncation of a program', () => {
    const whole = elfOf({ segments: [TEXT] })
    for (let length = 0; length < whole.length; length++) {
      expect(() => parseElf(whole.subarray(0, length))).toThrow(InputError)
    }
  })

  it('accepts the largest program there is room for', () => {
    const words = 2 ** 22 - 2
    const bss = { address: 0x0100_0000, contents: new Uint8Array(), memoryBytes: 4 * words }
    expect(parseElf(elfOf({ segments: [TEXT, bss] })).imageWords).toHaveLength(2 ** 22)
  })
})

describe('any bytes', () => {
  const base = elfOf({
    segments: [TEXT, { address: 0x0030_0000, contents: new Uint8Array(8), memoryBytes: 64 }],
  })
  const anyMutation = fc
    .array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    .map((changes) => {
      const bytes = base.slice()
      for (const [at, value] of changes) bytes[at] = value
      return bytes
    })

  it('give a program or a typed error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), anyMutation), (bytes) => {
        try {
          parseElf(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(InputError)
          expect((error as InputError).code).toMatch(/^ELF_/)
        }
      }),
      { numRuns: 3000 },
    )
  })
})
