import { describe, expect, it } from 'vitest'
import { decode, RV32IM } from '../../../src/core/riscv/decode.js'
import { OPCODES_3_4_0, OPCODES_5_2_4 } from '../../../src/core/vkey/opcodes.js'
import { toSp1Instruction, transpile } from '../../../src/core/vkey/sp1-instruction.js'

/** Words as the GNU assembler writes them; the expected form follows SP1's transpiler. */
const EXAMPLES: readonly [text: string, word: number, expected: readonly unknown[]][] = [
  ['add x1, x2, x3', 0x0031_00b3, ['add', 1, 2, 3, false, false]],
  ['mulhu x4, x5, x6', 0x0262_b233, ['mulhu', 4, 5, 6, false, false]],
  ['addi x1, x2, -1', 0xfff1_0093, ['add', 1, 2, 0xffff_ffff, false, true]],
  ['sltiu x1, x2, 5', 0x0051_3093, ['sltu', 1, 2, 5, false, true]],
  ['srai x1, x2, 31', 0x41f1_5093, ['sra', 1, 2, 31, false, true]],
  ['lw x7, -4(x2)', 0xffc1_2383, ['lw', 7, 2, 0xffff_fffc, false, true]],
  ['sw x7, -4(x2)', 0xfe71_2e23, ['sw', 7, 2, 0xffff_fffc, false, true]],
  ['bne x1, x2, -8', 0xfe20_9ce3, ['bne', 1, 2, 0xffff_fff8, false, true]],
  ['lui x1, 0xfffff', 0xffff_f0b7, ['add', 1, 0, 0xffff_f000, true, true]],
  ['auipc x1, 1', 0x0000_1097, ['auipc', 1, 0x1000, 0x1000, true, true]],
  ['jal x1, -4', 0xffdf_f0ef, ['jal', 1, 0xffff_fffc, 0, true, true]],
  ['jalr x1, 8(x2)', 0x0081_00e7, ['jalr', 1, 2, 8, false, true]],
  ['ecall', 0x0000_0073, ['ecall', 5, 10, 11, false, false]],
  ['ebreak', 0x0010_0073, ['ebreak', 0, 0, 0, false, false]],
  ['fence', 0x0ff0_000f, ['unimp', 0, 0, 0, true, true]],
  ['csrrw x1, 5, x2', 0x0051_10f3, ['unimp', 0, 0, 0, true, true]],
]

describe('SP1 instruction of', () => {
  for (const [text, word, [operation, opA, opB, opC, immB, immC]] of EXAMPLES) {
    it(text, () => {
      expect(toSp1Instruction(decode(word)!)).toEqual({ operation, opA, opB, opC, immB, immC })
    })
  }

  it('every instruction that decodes', () => {
    for (const row of RV32IM) {
      const decoded = { row, execute: row.execute, rd: 1, rs1: 2, rs2: 3, imm: 4 }
      const { operation } = toSp1Instruction(decoded)
      expect([OPCODES_3_4_0[operation], OPCODES_5_2_4[operation]]).not.toContain(undefined)
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
