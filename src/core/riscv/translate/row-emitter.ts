/**
 * What an instruction row translates itself with. There are two: one for a known instruction, whose
 * registers are locals and whose immediate is a constant, and one for the interpreter in WebAssembly,
 * which finds out about both when it runs.
 */
import type { I32, I64 } from '../../wasm/function-builder.js'

/** Instructions that there are for either width; constants are by `constX`. */
export type Wide = Omit<Pick<I32, keyof I32 & keyof I64>, 'const'>

export interface RowEmitter {
  readonly i32: I32
  readonly i64: I64
  /** Instructions as wide as a register. */
  readonly x: Wide
  /** Push a constant as wide as a register. */
  constX(value: number): void
  /** Push a register. */
  getX(register: number): void
  /** Set a register to what `push` pushes; x0 stays 0. */
  setX(register: number, push: () => void): void
  /** Push the immediate. */
  pushImm(imm: number): void
  /** Push the instruction's pc plus its immediate. */
  pushPcPlus(imm: number): void
  if(then: () => void, otherwise?: () => void): void
  /**
   * Push what a load or store at x[rs1] + imm takes as its address, with `guestOffset(imm)` as its
   * static offset.
   */
  pushAddress(rs1: number, imm: number): void
  guestOffset(imm: number): number
}
