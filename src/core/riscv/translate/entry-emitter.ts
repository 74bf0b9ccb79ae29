/**
 * Translates instruction rows for the interpreter in WebAssembly: operands are read from the decoded
 * entry at `at` when the instruction runs, and registers are in memory.
 */
import type { FunctionBuilder, I32, I64 } from '../../wasm/function-builder.js'
import type { Instruction, Operands } from '../instruction.js'
import { STATE } from '../memory-layout.js'
import type { RowEmitter } from './row-emitter.js'

/** Operands name the byte or word of an entry that holds them. */
export const ENTRY: Operands = { rd: 1, rs1: 2, rs2: 3, imm: 4 }

/** Locals of the interpreter that rows need. */
export interface EntryLocals {
  /** Address of the entry. */
  readonly at: number
  readonly entriesOffset: number
  readonly pcBase: number
  readonly guestOffset: number
  readonly usedOffset: number
  readonly touchedOffset: number
  readonly ordinaryEnd: number
}

export class EntryEmitter implements RowEmitter {
  readonly i32: I32
  readonly i64: I64
  readonly x: I32
  /** Guest address of the access that is being translated. */
  readonly #address: number

  constructor(
    readonly wasm: FunctionBuilder,
    readonly locals: EntryLocals,
  ) {
    this.i32 = wasm.i32
    this.i64 = wasm.i64
    this.x = wasm.i32
    this.#address = wasm.newLocal('i32', 'address')
  }

  constX(value: number): void {
    this.i32.const(value)
  }

  getX(field: number): void {
    this.#pushByte(field)
    this.x.load(STATE.registers)
  }

  /** x0 as rd is in the entry as the sink. */
  setX(field: number, push: () => void): void {
    this.#pushByte(field)
    push()
    this.x.store(STATE.registers)
  }

  pushImm(field: number): void {
    this.wasm.local.get(this.locals.at)
    this.i32.load(field)
  }

  pushPcPlus(field: number): void {
    this.pushPc()
    this.pushImm(field)
    this.i32.add()
  }

  /** pcBase + (at - entries) / 2 */
  pushPc(): void {
    this.wasm.local.get(this.locals.pcBase)
    this.wasm.local.get(this.locals.at)
    this.wasm.local.get(this.locals.entriesOffset)
    this.i32.sub()
    this.i32.const(1)
    this.i32.shr_u()
    this.i32.add()
  }

  if(then: () => void, otherwise?: () => void): void {
    this.wasm.if(then, otherwise)
  }

  pushAddress(): void {
    this.wasm.local.get(this.#address)
    this.wasm.local.get(this.locals.guestOffset)
    this.i32.add()
  }

  guestOffset(): number {
    return 0
  }

  /**
   * address = x[rs1] + imm, and `otherwise` unless a load or store there is plain: aligned, in
   * ordinary memory, no part of an unread hint, and with `isRecording` in a page that will be restored.
   */
  access(
    { bytes, isStore }: NonNullable<Instruction['access']>,
    isRecording: boolean,
    otherwise: () => void,
  ): void {
    this.getX(ENTRY.rs1)
    this.pushImm(ENTRY.imm)
    this.i32.add()
    this.wasm.local.tee(this.#address)
    // if (rotr(address - 32, log2 bytes) >= (ordinaryEnd - 32) >> log2 bytes) otherwise
    this.#registersEnd()
    this.#scaleDown(bytes, 'rotr')
    this.wasm.local.get(this.locals.ordinaryEnd)
    this.#registersEnd()
    this.#scaleDown(bytes, 'shr_u')
    this.i32.ge_u()
    this.if(otherwise)
    if (isRecording) this.#requireTouched(otherwise)
    if (isStore && bytes < 4) this.#requireNoHint(otherwise)
    // used[address / 4] = 1
    this.#pushUsed()
    this.i32.const(1)
    this.i32.store8()
  }

  #registersEnd(): void {
    this.i32.const(32)
    this.i32.sub()
  }

  #scaleDown(bytes: number, by: 'rotr' | 'shr_u'): void {
    if (bytes === 1) return
    this.i32.const(Math.log2(bytes))
    this.i32[by]()
  }

  /** if (!touched[address / 4096]) otherwise */
  #requireTouched(otherwise: () => void): void {
    this.wasm.local.get(this.#address)
    this.i32.const(12)
    this.i32.shr_u()
    this.wasm.local.get(this.locals.touchedOffset)
    this.i32.add()
    this.i32.load8_u()
    this.i32.eqz()
    this.if(otherwise)
  }

  /** if (!used[address / 4] && memory[address & ~3] != 0) otherwise */
  #requireNoHint(otherwise: () => void): void {
    this.#pushUsed()
    this.i32.load8_u()
    this.i32.eqz()
    this.if(() => {
      this.wasm.local.get(this.#address)
      this.i32.const(-4)
      this.i32.and()
      this.wasm.local.get(this.locals.guestOffset)
      this.i32.add()
      this.i32.load()
      this.if(otherwise)
    })
  }

  #pushUsed(): void {
    this.wasm.local.get(this.#address)
    this.i32.const(2)
    this.i32.shr_u()
    this.wasm.local.get(this.locals.usedOffset)
    this.i32.add()
  }

  #pushByte(field: number): void {
    this.wasm.local.get(this.locals.at)
    this.i32.load8_u(field)
  }
}
