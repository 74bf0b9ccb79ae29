import { describe, expect, it } from 'vitest'
import { decode, RV32IM } from '../../../src/core/riscv/decode.js'
import { SP1_OPCODES, toSp1Instruction, transpile } from '../../../src/core/vkey/sp1-instruction.js'

const o = SP1_OPCODES

/** Words as the GNU assembler writes them; the expected form follows SP1's transpiler. */
const EXAMPLES: readonly [text: string, word: number, expected: readonly unknown[]][] = [
  ['add x1, x2, x3', 0x0031_00b3, [o.add, 1, 2, 3, false, false]],
  ['mulhu x4, x5, x6', 0x0262_b233, [o.mulhu, 4, 5, 6, false, false]],
  ['addi x1, x2, -1', 0xfff1_0093, [o.add, 1, 2, 0xffff_ffff, false, true]],
  ['sltiu x1, x2, 5', 0x0051_3093, [o.sltu, 1, 2, 5, false, true]],
  ['srai x1, x2, 31', 0x41f1_5093, [o.sra, 1, 2, 31, false, true]],
  ['lw x7, -4(x2)', 0xffc1_2383, [o.lw, 7, 2, 0xffff_fffc, false, true]],
  ['sw x7, -4(x2)', 0xfe71_2e23, [o.sw, 7, 2, 0xffff_fffc, false, true]],
  ['bne x1, x2, -8', 0xfe20_9ce3, [o.bne, 1, 2, 0xffff_fff8, false, true]],
  ['lui x1, 0xfffff', 0xffff_f0b7, [o.add, 1, 0, 0xffff_f000, true, true]],
  ['auipc x1, 1', 0x0000_1097, [o.auipc, 1, 0x1000, 0x1000, true, true]],
  ['jal x1, -4', 0xffdf_f0ef, [o.jal, 1, 0xffff_fffc, 0, true, true]],
  ['jalr x1, 8(x2)', 0x0081_00e7, [o.jalr, 1, 2, 8, false, true]],
  ['ecall', 0x0000_0073, [o.ecall, 5, 10, 11, false, false]],
  ['ebreak', 0x0010_0073, [o.ebreak, 0, 0, 0, false, false]],
  ['fence', 0x0ff0_000f, [o.unimp, 0, 0, 0, true, true]],
  ['csrrw x1, 5, x2', 0x0051_10f3, [o.unimp, 0, 0, 0, true, true]],
]

describe('SP1 instruction of', () => {
  for (const [text, word, [opcode, opA, opB, opC, immB, immC]] of EXAMPLES) {
    it(text, () => {
      expect(toSp1Instruction(decode(word)!)).toEqual({ opcode, opA, opB, opC, immB, immC })
    })
  }

  it('every instruction that decodes', () => {
    for (const row of RV32IM) {
      const decoded = { row, execute: row.execute, rd: 1, rs1: 2, rs2: 3, imm: 4 }
      expect(Object.values(SP1_OPCODES)).toContain(toSp1Instruction(decoded).opcode)
    }
  })

  it('a word that is none: refused with its pc', () => {
    const program = {
      instructionWords: Uint32Array.of(0x0000_0073, 0xffff_ffff),
      pcBase: 0x20_0800,
      pcStart: 0x20_0800,
      imageAddresses: new Uint32Array(),
      imageWords: new Uint32Array(),
    }
    expect(() => transpile(program)).toThrow(
      expect.objectContaining({
        code: 'ELF_INSTRUCTION_UNKNOWN',
        details: { pc: 0x20_0804, word: '0xffffffff' },
      }),
    )
  })
})
