import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Code } from '../../../src/core/riscv/code.js'
import { decode, RV32IM } from '../../../src/core/riscv/decode.js'
import { parseElf } from '../../../src/core/riscv/elf.js'
import type { Instruction } from '../../../src/core/riscv/instruction.js'
import { elfOf, encode, li } from '../../support/assembler.js'
import { anyOperands, anyU32 } from './generators.js'

const NO_OPERANDS = { rd: 0, rs1: 0, rs2: 0, imm: 0 }
/** Random words are seldom instructions; these are one or two wrong bits away from one. */
const anyNearlyInstruction = fc
  .tuple(fc.constantFrom(...RV32IM), anyU32, fc.array(fc.nat(31), { maxLength: 2 }))
  .map(([row, random, wrongBits]) => {
    const word = encode(row.mnemonic) | (random & ~fixedBits(row))
    return wrongBits.reduce((changed, bit) => changed ^ (1 << bit), word) >>> 0
  })

function fixedBits({ funct3, funct7, funct12 }: Instruction): number {
  if (funct12 !== undefined) return -1
  return 0x7f | (funct3 === undefined ? 0 : 0x7000) | (funct7 === undefined ? 0 : 0xfe00_0000)
}

function rowsOf(word: number): Instruction[] {
  return RV32IM.filter((row) => ((word ^ encode(row.mnemonic)) & fixedBits(row)) === 0)
}

describe('decode', () => {
  it.each(RV32IM)('$mnemonic reads back what was encoded', (row) => {
    fc.assert(
      fc.property(anyOperands(row.format), (operands) => {
        const decoded = decode(encode(row.mnemonic, operands))
        const { execute } = row
        expect(decoded).toEqual({ row, execute, ...NO_OPERANDS, ...operands })
      }),
      { numRuns: 100 },
    )
  })

  it.each([
    ['any word', anyU32],
    ['any word like an instruction', anyNearlyInstruction],
  ])('agrees with a search through all rows, for %s', (_name, anyWord) => {
    fc.assert(
      fc.property(anyWord, (word) => {
        const rows = rowsOf(word)
        if (rows.length > 1 || decode(word)?.row !== rows[0]) {
          expect.fail(`0x${word.toString(16)} matches ${rows.map(({ mnemonic }) => mnemonic)}`)
        }
      }),
      { numRuns: 5000 },
    )
  })

  it.each([
    ['slli with upper bits', 0xfe00_0000 | encode('slli', { rd: 1, rs1: 2, imm: 3 }), 'slli'],
    ['jalr with function bits', encode('jalr', { rd: 1, rs1: 2 }) | 0x7000, 'jalr'],
    ['unimp, as compilers write it', 0xc000_1073, 'csrrw'],
    ['nop', 0x0000_0013, 'addi'],
    ['ecall', 0x0000_0073, 'ecall'],
    ['ebreak', 0x0010_0073, 'ebreak'],
    ['ret', 0x0000_8067, 'jalr'],
    ['fence iorw, iorw', 0x0ff0_000f, 'fence'],
    ['ecall with rd', 0x0000_00f3, undefined],
    ['ecall with rs1', 0x0000_8073, undefined],
    ['sret', 0x1020_0073, undefined],
    ['the zero word', 0, undefined],
    ['all ones', 0xffff_ffff, undefined],
    ['add with an upper bit', encode('add') | 0x8000_0000, undefined],
    ['srli with an upper bit', encode('srli', { imm: 1 }) | 0x8000_0000, undefined],
    ['srai of 64-bit registers', encode('srai', { imm: 1 }) | 0x0200_0000, undefined],
    ['ld, of 64-bit memory', 0x0000_3003, undefined],
    ['addw, of 64-bit registers', 0x0000_003b, undefined],
    ['flw, of floating point', 0x0000_2007, undefined],
    ['amoadd.w, of atomics', 0x0000_202f, undefined],
    ['fence.i', 0x0000_100f, undefined],
    ['a compressed instruction', 0x0000_4501, undefined],
  ])('%s', (_name, word, mnemonic) => {
    expect(decode(word >>> 0)?.row.mnemonic).toBe(mnemonic)
  })

  it.each([
    ['lui a0, 0xfffff', 0xffff_f537, { rd: 10, imm: -4096 }],
    ['addi sp, sp, -16', 0xff01_0113, { rd: 2, rs1: 2, imm: -16 }],
    ['sw ra, 12(sp)', 0x0011_2623, { rs1: 2, rs2: 1, imm: 12 }],
    ['sb a0, -1(a1)', 0xfea5_8fa3, { rs1: 11, rs2: 10, imm: -1 }],
    ['beq a0, a1, -4', 0xfeb5_0ee3, { rs1: 10, rs2: 11, imm: -4 }],
    ['bne a0, zero, 2048', 0x0005_10e3, { rs1: 10, imm: 2048 }],
    ['jal ra, -4', 0xffdf_f0ef, { rd: 1, imm: -4 }],
    ['jal zero, 2048', 0x0010_006f, { imm: 2048 }],
    ['srai a0, a0, 31', 0x41f5_5513, { rd: 10, rs1: 10, imm: 31 }],
  ])('the operands of %s, as an assembler wrote it', (_name, word, operands) => {
    expect(decode(word)).toMatchObject({ ...NO_OPERANDS, ...operands })
  })
})

describe('the assembler of these tests', () => {
  it.each([
    ['addi', { imm: 2048 }],
    ['sw', { imm: -2049 }],
    ['beq', { imm: 1 }],
    ['jal', { imm: 2 ** 20 }],
    ['lui', { imm: 1 }],
    ['slli', { imm: 32 }],
    ['add', { rd: 32 }],
    ['add', { imm: 0 }],
    ['ecall', { rd: 0 }],
  ])('refuses %s with %j', (mnemonic, operands) => {
    expect(() => encode(mnemonic, operands)).toThrow(RangeError)
  })

  it('loads any value with li', () => {
    fc.assert(
      fc.property(anyU32, (value) => {
        const [lui, addi] = li(1, value).map((word) => decode(word)?.imm) as [number, number]
        expect((lui + addi) >>> 0).toBe(value)
      }),
      { numRuns: 500 },
    )
  })
})

describe('the code of a program', () => {
  it('keeps the order of the program', () => {
    const program = parseElf(elfOf({ text: [encode('addi', { rd: 1 }), encode('ecall')] }))
    const code = new Code(program)
    expect([0, 1].map((index) => code.at(index).row.mnemonic)).toEqual(['addi', 'ecall'])
  })

  it('refuses a program for one word that is no instruction, and says where', () => {
    const program = parseElf(elfOf({ text: [encode('addi'), 0x0000_0000] }))
    expect(() => new Code(program)).toThrow(
      expect.objectContaining({
        code: 'ELF_INSTRUCTION_UNKNOWN',
        details: { pc: 0x0020_0804, word: '0x00000000' },
      }),
    )
  })
})
