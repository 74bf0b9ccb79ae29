/**
 * Every instruction against a model of it in bigint arithmetic, written from the RISC-V manual and
 * sharing nothing with the rows. A row without a model fails.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Sp1TeeError } from '../../../src/core/errors.js'
import { RV32IM } from '../../../src/core/riscv/decode.js'
import { Hart } from '../../../src/core/riscv/hart.js'
import { Memory } from '../../../src/core/riscv/memory.js'
import { rowOf } from '../../support/assembler.js'

const EDGES = [0, 1, 2, 31, 32, 0x7f, 0x80, 0x7fff, 0x8000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]
const anyU32 = fc.oneof(fc.constantFrom(...EDGES), fc.integer({ min: 0, max: 0xffff_ffff }))
const anyImm12 = fc.integer({ min: -2048, max: 2047 })
const anyShamt = fc.integer({ min: 0, max: 31 })
const anyRegister = fc.integer({ min: 0, max: 31 })
const PC = 0x0020_0800
const RUNS = { numRuns: 300 }

const M32 = 2n ** 32n
const unsigned = (x: bigint): bigint => ((x % M32) + M32) % M32
const signed = (x: bigint): bigint => (unsigned(x) >= M32 / 2n ? unsigned(x) - M32 : unsigned(x))
const bool = (condition: boolean): bigint => (condition ? 1n : 0n)
/** Rounds toward zero, as the manual's division does and bigint's too. */
const quotient = (b: bigint, c: bigint): bigint => (c === 0n ? -1n : b / c)
const remainder = (b: bigint, c: bigint): bigint => (c === 0n ? b : b % c)

/** rd as a function of two operands, unsigned. */
const COMPUTATIONS: Record<string, (b: bigint, c: bigint) => bigint> = {
  add: (b, c) => b + c,
  sub: (b, c) => b - c,
  sll: (b, c) => b << (c % 32n),
  slt: (b, c) => bool(signed(b) < signed(c)),
  sltu: (b, c) => bool(b < c),
  xor: (b, c) => b ^ c,
  srl: (b, c) => b >> (c % 32n),
  sra: (b, c) => signed(b) >> (c % 32n),
  or: (b, c) => b | c,
  and: (b, c) => b & c,
  mul: (b, c) => b * c,
  mulh: (b, c) => (signed(b) * signed(c)) >> 32n,
  mulhsu: (b, c) => (signed(b) * c) >> 32n,
  mulhu: (b, c) => (b * c) >> 32n,
  div: (b, c) => quotient(signed(b), signed(c)),
  divu: quotient,
  rem: (b, c) => remainder(signed(b), signed(c)),
  remu: remainder,
}
const IMMEDIATES: Record<string, string> = {
  addi: 'add',
  slti: 'slt',
  sltiu: 'sltu',
  xori: 'xor',
  ori: 'or',
  andi: 'and',
  slli: 'sll',
  srli: 'srl',
  srai: 'sra',
}
const BRANCHES: Record<string, (b: bigint, c: bigint) => boolean> = {
  beq: (b, c) => b === c,
  bne: (b, c) => b !== c,
  blt: (b, c) => signed(b) < signed(c),
  bge: (b, c) => signed(b) >= signed(c),
  bltu: (b, c) => b < c,
  bgeu: (b, c) => b >= c,
}
const LOADS: Record<string, { bytes: number; isSigned: boolean }> = {
  lb: { bytes: 1, isSigned: true },
  lh: { bytes: 2, isSigned: true },
  lw: { bytes: 4, isSigned: true },
  lbu: { bytes: 1, isSigned: false },
  lhu: { bytes: 2, isSigned: false },
}
const STORES: Record<string, number> = { sb: 1, sh: 2, sw: 4 }
const OTHERS = ['lui', 'auipc', 'jal', 'jalr', 'ecall', 'ebreak']

function hartOf(registers: readonly (readonly [number, number])[] = []) {
  const memory = new Memory({ limitMib: 4 })
  const calls: number[] = []
  const hart = new Hart(memory, { ecall: ({ pc }) => calls.push(pc) }, PC)
  for (const [register, value] of registers) hart.setX(register, value)
  return { hart, memory, calls }
}

function step(
  hart: Hart,
  mnemonic: string,
  operands: Partial<Record<'rd' | 'rs1' | 'rs2' | 'imm', number>>,
) {
  hart.nextPc = hart.pc + 4
  rowOf(mnemonic).execute(hart, { rd: 0, rs1: 0, rs2: 0, imm: 0, ...operands })
}

function codeOf(work: () => void): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as Sp1TeeError).code
  }
}

describe('every row', () => {
  it('has a model here', () => {
    const modelled = [COMPUTATIONS, IMMEDIATES, BRANCHES, LOADS, STORES].flatMap(Object.keys)
    const rows = RV32IM.filter((row) => !row.unimplemented).map(({ mnemonic }) => mnemonic)
    expect([...modelled, ...OTHERS].sort()).toEqual([...rows].sort())
  })
})

describe('register-register', () => {
  for (const [mnemonic, compute] of Object.entries(COMPUTATIONS)) {
    it(mnemonic, () => {
      fc.assert(
        fc.property(anyU32, anyU32, anyRegister, anyRegister, anyRegister, (b, c, rd, rs1, rs2) => {
          const { hart } = hartOf([
            [rs1, b],
            [rs2, c],
          ])
          const [x1, x2] = [BigInt(hart.x[rs1] as number), BigInt(hart.x[rs2] as number)]
          step(hart, mnemonic, { rd, rs1, rs2 })
          expect(hart.x[rd]).toBe(rd === 0 ? 0 : Number(unsigned(compute(x1, x2))))
          expect(hart.nextPc).toBe(PC + 4)
        }),
        RUNS,
      )
    })
  }
})

describe('register-immediate', () => {
  for (const [mnemonic, base] of Object.entries(IMMEDIATES)) {
    it(mnemonic, () => {
      const anyImm = rowOf(mnemonic).format === 'Shamt' ? anyShamt : anyImm12
      fc.assert(
        fc.property(anyU32, anyImm, anyRegister, anyRegister, (b, imm, rd, rs1) => {
          const { hart } = hartOf([[rs1, b]])
          const x1 = BigInt(hart.x[rs1] as number)
          step(hart, mnemonic, { rd, rs1, imm })
          const result = COMPUTATIONS[base]?.(x1, unsigned(BigInt(imm))) as bigint
          expect(hart.x[rd]).toBe(rd === 0 ? 0 : Number(unsigned(result)))
        }),
        RUNS,
      )
    })
  }
})

describe('branches', () => {
  for (const [mnemonic, isTaken] of Object.entries(BRANCHES)) {
    it(mnemonic, () => {
      const anyOffset = fc.integer({ min: -1024, max: 1023 }).map((words) => 4 * words)
      fc.assert(
        fc.property(anyU32, fc.option(anyU32), anyOffset, (b, other, imm) => {
          const c = other ?? b
          const { hart } = hartOf([
            [5, b],
            [6, c],
          ])
          step(hart, mnemonic, { rs1: 5, rs2: 6, imm })
          expect(hart.nextPc).toBe(isTaken(BigInt(b), BigInt(c)) ? PC + imm : PC + 4)
          expect(hart.unprovable).toBeUndefined()
        }),
        RUNS,
      )
    })
  }
})

describe('jumps', () => {
  it('jal', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 18), max: 2 ** 18 - 1 }), anyRegister, (words, rd) => {
        const { hart } = hartOf()
        step(hart, 'jal', { rd, imm: 4 * words })
        expect(hart.nextPc).toBe((PC + 4 * words) >>> 0)
        expect(hart.x[rd]).toBe(rd === 0 ? 0 : PC + 4)
      }),
      RUNS,
    )
  })

  it('jalr, which keeps the low bits of its target and reads rs1 before it writes rd', () => {
    fc.assert(
      fc.property(anyU32, anyImm12, anyRegister, anyRegister, (base, imm, rd, rs1) => {
        const { hart } = hartOf([[rs1, base]])
        const target = ((hart.x[rs1] as number) + imm) >>> 0
        step(hart, 'jalr', { rd, rs1, imm })
        expect(hart.nextPc).toBe(target)
        expect(hart.x[rd]).toBe(rd === 0 ? 0 : PC + 4)
        expect(hart.unprovable !== undefined).toBe(target % 4 !== 0)
      }),
      RUNS,
    )
  })
})

describe('upper immediates', () => {
  const anyUpper = anyU32.map((value) => (value & 0xffff_f000) | 0)

  it('lui', () => {
    fc.assert(
      fc.property(anyUpper, anyRegister, (imm, rd) => {
        const { hart } = hartOf()
        step(hart, 'lui', { rd, imm })
        expect(hart.x[rd]).toBe(rd === 0 ? 0 : imm >>> 0)
      }),
      RUNS,
    )
  })

  it('auipc', () => {
    fc.assert(
      fc.property(anyUpper, anyRegister, (imm, rd) => {
        const { hart } = hartOf()
        step(hart, 'auipc', { rd, imm })
        expect(hart.x[rd]).toBe(rd === 0 ? 0 : (PC + imm) >>> 0)
      }),
      RUNS,
    )
  })
})

describe('memory', () => {
  const anyAddress = fc.integer({ min: 0x1000, max: 0x2000 })

  for (const [mnemonic, { bytes, isSigned }] of Object.entries(LOADS)) {
    it(mnemonic, () => {
      fc.assert(
        fc.property(
          anyAddress,
          anyImm12,
          anyU32,
          anyU32,
          anyRegister,
          (address, imm, w0, w1, rd) => {
            const { hart, memory } = hartOf([[7, address - imm]])
            memory.writeWord(address & ~3, w0)
            memory.writeWord((address & ~3) + 4, w1)
            const code = codeOf(() => step(hart, mnemonic, { rd, rs1: 7, imm }))
            if (address % bytes !== 0) {
              expect(code).toBe('MEMORY_MISALIGNED')
              return
            }
            const shifted = (BigInt(w0) >> BigInt(8 * (address % 4))) % 2n ** BigInt(8 * bytes)
            const value = isSigned ? BigInt.asIntN(8 * bytes, shifted) : shifted
            expect(code).toBeUndefined()
            expect(hart.x[rd]).toBe(rd === 0 ? 0 : Number(unsigned(value)))
          },
        ),
        RUNS,
      )
    })
  }

  for (const [mnemonic, bytes] of Object.entries(STORES)) {
    it(mnemonic, () => {
      fc.assert(
        fc.property(anyAddress, anyImm12, anyU32, anyU32, (address, imm, before, value) => {
          const { hart, memory } = hartOf([
            [7, address - imm],
            [8, value],
          ])
          const aligned = address & ~3
          memory.writeWord(aligned, before)
          const code = codeOf(() => step(hart, mnemonic, { rs1: 7, rs2: 8, imm }))
          if (address % bytes !== 0) {
            expect(code).toBe('MEMORY_MISALIGNED')
            expect(memory.readWord(aligned)).toBe(before)
            return
          }
          const shift = BigInt(8 * (address % 4))
          const mask = (2n ** BigInt(8 * bytes) - 1n) << shift
          const expected = (BigInt(before) & (M32 - 1n - mask)) | ((BigInt(value) << shift) & mask)
          expect(memory.readWord(aligned)).toBe(Number(expected))
        }),
        RUNS,
      )
    })
  }
})

describe('system', () => {
  it('ecall calls the environment, once', () => {
    const { hart, calls } = hartOf()
    step(hart, 'ecall', {})
    expect(calls).toEqual([PC])
  })

  it.each(['ebreak', ...RV32IM.filter((row) => row.unimplemented).map(({ mnemonic }) => mnemonic)])(
    '%s is a fault',
    (mnemonic) => {
      const { hart } = hartOf()
      expect(codeOf(() => step(hart, mnemonic, {}))).toBe('GUEST_TRAP')
    },
  )
})
