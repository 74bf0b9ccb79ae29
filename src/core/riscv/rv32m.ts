/**
 * The M extension: multiplication and division, one row per instruction.
 * Division never traps: by zero gives all ones (quotient) or the dividend (remainder), and the one
 * signed overflow, -2^31 / -1, gives -2^31 and remainder 0.
 *
 * Source: RISC-V manual volume I, chapter 13, table 11.
 */
import type { Instruction, Operands } from './instruction.js'
import type { RowEmitter } from './translate/row-emitter.js'

const MAX_U32 = 0xffff_ffff

type Translate = NonNullable<Instruction['translate']>

const row = (
  mnemonic: string,
  funct3: number,
  execute: Instruction['execute'],
  translate: Translate,
) =>
  ({
    mnemonic,
    format: 'R',
    opcode: 0b0110011,
    funct3,
    funct7: 0b0000001,
    execute,
    translate,
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

/** rd = (a(rs1) * b(rs2)) >> 32, the factors widened to 64 bits with or without their sign. */
const highWord =
  (widen1: 'extend_i32_s' | 'extend_i32_u', widen2: typeof widen1): Translate =>
  (f, { rd, rs1, rs2 }) =>
    f.setX(rd, () => {
      f.getX(rs1)
      f.i64[widen1]()
      f.getX(rs2)
      f.i64[widen2]()
      f.i64.mul()
      f.i64.const(32n)
      f.i64.shr_u()
      f.i32.wrap_i64()
    })

/** rd = rs2 == 0 ? ifZero : divide(rs1, rs2). WebAssembly traps where RISC-V has a result. */
function divideUnlessZero(
  f: RowEmitter,
  { rd, rs2 }: Operands,
  ifZero: () => void,
  divide: () => void,
): void {
  f.getX(rs2)
  f.i32.eqz()
  f.if(
    () => f.setX(rd, ifZero),
    () => f.setX(rd, divide),
  )
}

export const RV32M: readonly Instruction[] = [
  row(
    'mul',
    0b000,
    (hart, { rd, rs1, rs2 }) => hart.setX(rd, Math.imul(hart.x[rs1], hart.x[rs2])),
    (f, { rd, rs1, rs2 }) =>
      f.setX(rd, () => {
        f.getX(rs1)
        f.getX(rs2)
        f.x.mul()
      }),
  ),
  // A negative factor f is f + 2^32 unsigned, which adds the other factor to the high word.
  row(
    'mulh',
    0b001,
    (hart, { rd, rs1, rs2 }) => {
      const b = hart.x[rs1]
      const c = hart.x[rs2]
      hart.setX(rd, mulHighUnsigned(b, c) - (b >> 31 ? c : 0) - (c >> 31 ? b : 0))
    },
    highWord('extend_i32_s', 'extend_i32_s'),
  ),
  row(
    'mulhsu',
    0b010,
    (hart, { rd, rs1, rs2 }) => {
      const b = hart.x[rs1]
      const c = hart.x[rs2]
      hart.setX(rd, mulHighUnsigned(b, c) - (b >> 31 ? c : 0))
    },
    highWord('extend_i32_s', 'extend_i32_u'),
  ),
  row(
    'mulhu',
    0b011,
    (hart, { rd, rs1, rs2 }) => hart.setX(rd, mulHighUnsigned(hart.x[rs1], hart.x[rs2])),
    highWord('extend_i32_u', 'extend_i32_u'),
  ),
  row(
    'div',
    0b100,
    (hart, { rd, rs1, rs2 }) => {
      const divisor = hart.x[rs2] | 0
      hart.setX(rd, divisor === 0 ? MAX_U32 : (hart.x[rs1] | 0) / divisor)
    },
    (f, operands) =>
      divideUnlessZero(
        f,
        operands,
        () => f.constX(-1),
        () => {
          // In 64 bits, where -2^31 / -1 does not overflow.
          f.getX(operands.rs1)
          f.i64.extend_i32_s()
          f.getX(operands.rs2)
          f.i64.extend_i32_s()
          f.i64.div_s()
          f.i32.wrap_i64()
        },
      ),
  ),
  row(
    'divu',
    0b101,
    (hart, { rd, rs1, rs2 }) => {
      const divisor = hart.x[rs2]
      hart.setX(rd, divisor === 0 ? MAX_U32 : hart.x[rs1] / divisor)
    },
    (f, operands) =>
      divideUnlessZero(
        f,
        operands,
        () => f.constX(-1),
        () => {
          f.getX(operands.rs1)
          f.getX(operands.rs2)
          f.x.div_u()
        },
      ),
  ),
  row(
    'rem',
    0b110,
    (hart, { rd, rs1, rs2 }) => {
      const divisor = hart.x[rs2] | 0
      hart.setX(rd, divisor === 0 ? hart.x[rs1] : (hart.x[rs1] | 0) % divisor)
    },
    (f, operands) =>
      divideUnlessZero(
        f,
        operands,
        () => f.getX(operands.rs1),
        () => {
          // WebAssembly defines -2^31 % -1, too: 0.
          f.getX(operands.rs1)
          f.getX(operands.rs2)
          f.x.rem_s()
        },
      ),
  ),
  row(
    'remu',
    0b111,
    (hart, { rd, rs1, rs2 }) => {
      const divisor = hart.x[rs2]
      hart.setX(rd, divisor === 0 ? hart.x[rs1] : hart.x[rs1] % divisor)
    },
    (f, operands) =>
      divideUnlessZero(
        f,
        operands,
        () => f.getX(operands.rs1),
        () => {
          f.getX(operands.rs1)
          f.getX(operands.rs2)
          f.x.rem_u()
        },
      ),
  ),
]
