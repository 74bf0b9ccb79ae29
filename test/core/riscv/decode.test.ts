import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decode, decodeProgram, RV32IM } from '../../../src/core/riscv/decode.js'
import { parseElf } from '../../../src/core/riscv/elf.js'
import type { Format } from '../../../src/core/riscv/instruction.js'
import { elfOf, encode } from '../../support/assembler.js'

const anyU32 = fc.integer({ min: 0, max: 0xffff_ffff })
const anyRegister = fc.integer({ min: 0, max: 31 })
const range = (min: number, max: number) => fc.integer({ min, max })
const IMMEDIATES: Record<Format, fc.Arbitrary<number>> = {
  R: fc.constant(0),
  System: fc.constant(0),
  I: range(-2048, 2047),
  S: range(-2048, 2047),
  Shamt: range(0, 31),
  B: range(-2048, 2047).map((halves) => 2 * halves),
  U: range(-(2 ** 19), 2 ** 19 - 1).map((upper) => upper << 12),
  J: range(-(2 ** 19), 2 ** 19 - 1).map((halves) => 2 * halves),
}
/** The registers a format has. */
const FIELDS: Record<Format, readonly ('rd' | 'rs1' | 'rs2')[]> = {
  R: ['rd', 'rs1', 'rs2'],
  I: ['rd', 'rs1'],
  Shamt: ['rd', 'rs1'],
  S: ['rs1', 'rs2'],
  B: ['rs1', 'rs2'],
  U: ['rd'],
  J: ['rd'],
  System: [],
}

describe('decode', () => {
  for (const row of RV32IM) {
    it(`${row.mnemonic} reads back what was encoded`, () => {
      fc.assert(
        fc.property(
          fc.record({ rd: anyRegister, rs1: anyRegister, rs2: anyRegister }),
          IMMEDIATES[row.format],
          (registers, imm) => {
            const decoded = decode(encode(row.mnemonic, { ...registers, imm }))
            expect(decoded?.row).toBe(row)
            expect(decoded?.imm).toBe(imm)
            for (const field of FIELDS[row.format]) expect(decoded?.[field]).toBe(registers[field])
          },
        ),
        { numRuns: 100 },
      )
    })
  }

  it('agrees with a search through all rows, for any word', () => {
    fc.assert(
      fc.property(anyU32, (word) => {
        const matches = RV32IM.filter((row) => {
          if (row.funct12 !== undefined) return word === ((row.funct12 << 20) | row.opcode) >>> 0
          return (
            (word & 0x7f) === row.opcode &&
            (row.funct3 === undefined || ((word >>> 12) & 7) === row.funct3) &&
            (row.funct7 === undefined || word >>> 25 === row.funct7)
          )
        })
        expect(matches.length).toBeLessThanOrEqual(1)
        expect(decode(word)?.row).toBe(matches[0])
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    ['slli with upper bits', 0xfe00_0000 + encode('slli', { rd: 1, rs1: 2, imm: 3 }), 'slli'],
    ['jalr with function bits', encode('jalr', { rd: 1, rs1: 2 }) | 0x7000, 'jalr'],
    ['unimp, as compilers write it', 0xc000_1073, 'csrrw'],
    ['nop', 0x0000_0013, 'addi'],
    ['ecall', 0x0000_0073, 'ecall'],
    ['ecall with rd', 0x0000_00f3, undefined],
    ['the zero word', 0, undefined],
    ['all ones', 0xffff_ffff, undefined],
    ['srli with an upper bit', encode('srli', { imm: 1 }) | 0x8000_0000, undefined],
    ['fence.i', 0x0000_100f, undefined],
    ['a compressed instruction', 0x0000_4501, undefined],
  ])('%s', (_name, word, mnemonic) => {
    expect(decode(word >>> 0)?.row.mnemonic).toBe(mnemonic)
  })
})

describe('decodeProgram', () => {
  it('refuses a program for one word that is no instruction, and says where', () => {
    const program = parseElf(elfOf({ text: [0x0000_0013, 0x0000_0000] }))
    expect(() => decodeProgram(program)).toThrow(
      expect.objectContaining({
        code: 'ELF_INSTRUCTION_UNKNOWN',
        details: { pc: 0x0020_0804, word: '0x00000000' },
      }),
    )
  })
})
