/**
 * The M extension: multiplication and division, one row per instruction.
 * Division never traps: by zero gives all ones (quotient) or the dividend (remainder), and the one
 * signed overflow, -2^31 / -1, gives -2^31 and remainder 0.
 *
 * Source: RISC-V manual volume I, chapter 13, table 11.
 */
import type { Instruction } from './instruction.js'

const MAX_U32 = 0xffff_ffff

const row = (mnemonic: string, funct3: number, execute: Instruction['execute']) =>
  ({
    mnemonic,
    format: 'R',
    opcode: 0b0110011,
    funct3,
    funct7: 0b0000001,
    execute,
  }) satisfies Instruction

/** The high 32 bits of u32 · u32, by 16-bit halves so that no partial sum exceeds 2^32. */
function mulHighUnsigned(b: number, c: number): number {
  const bLow = b & 0xffff
  const bHigh = b >>> 16
  const cLow = c & 0xffff
  const cHigh = c >>> 16
  const middle = bHigh * cLow + ((bLow * cLow) >>> 16)
  return bHigh * cHigh + (middle >>> 16) + ((bLow * cHigh + (middle & 0xffff)) >>> 16)
}

export const RV32M: readonly Instruction[] = [
  row('mul', 0b000, (hart, { rd, rs1, rs2 }) => hart.setX(rd, Math.imul(hart.x[rs1], hart.x[rs2]))),
  // A negative factor f is f + 2^32 unsigned, which adds the other factor to the high word.
  row('mulh', 0b001, (hart, { rd, rs1, rs2 }) => {
    const b = hart.x[rs1]
    const c = hart.x[rs2]
    hart.setX(rd, mulHighUnsigned(b, c) - (b >> 31 ? c : 0) - (c >> 31 ? b : 0))
  }),
  row('mulhsu', 0b010, (hart, { rd, rs1, rs2 }) => {
    const b = hart.x[rs1]
    const c = hart.x[rs2]
    hart.setX(rd, mulHighUnsigned(b, c) - (b >> 31 ? c : 0))
  }),
  row('mulhu', 0b011, (hart, { rd, rs1, rs2 }) =>
    hart.setX(rd, mulHighUnsigned(hart.x[rs1], hart.x[rs2])),
  ),
  row('div', 0b100, (hart, { rd, rs1, rs2 }) => {
    const divisor = hart.x[rs2] | 0
    hart.setX(rd, divisor === 0 ? MAX_U32 : (hart.x[rs1] | 0) / divisor)
  }),
  row('divu', 0b101, (hart, { rd, rs1, rs2 }) => {
    const divisor = hart.x[rs2]
    hart.setX(rd, divisor === 0 ? MAX_U32 : hart.x[rs1] / divisor)
  }),
  row('rem', 0b110, (hart, { rd, rs1, rs2 }) => {
    const divisor = hart.x[rs2] | 0
    hart.setX(rd, divisor === 0 ? hart.x[rs1] : (hart.x[rs1] | 0) % divisor)
  }),
  row('remu', 0b111, (hart, { rd, rs1, rs2 }) => {
    const divisor = hart.x[rs2]
    hart.setX(rd, divisor === 0 ? hart.x[rs1] : hart.x[rs1] % divisor)
  }),
]
