/**
 * Translates instruction rows for units: the WebAssembly of one function, in which guest registers are
 * locals, and guest memory is at an offset.
 */
import type { FunctionBuilder, I32, I64, Label } from '../../wasm/function-builder.js'
import type { Isa } from '../isa.js'
import type { MemoryLayout } from '../memory-layout.js'
import { STATE } from '../memory-layout.js'
import type { Check } from './accesses.js'
import type { RowEmitter, Wide } from './row-emitter.js'

/** Guest addresses below are the registers. */
const REGISTERS_END = 32

/** What all units of a program are compiled for. */
export interface Target {
  readonly layout: MemoryLayout
  /** End of the addresses that are plain memory, a multiple of 4. */
  readonly ordinaryEndBytes: number
  /** Count how often each block runs. */
  readonly hasCounts: boolean
}

export class Emitter implements RowEmitter {
  readonly i32: I32
  readonly i64: I64
  readonly x: Wide
  /** Of the instruction that is being translated. */
  pc = 0
  readonly #locals = new Map<number, number>()
  readonly #address: number

  constructor(
    readonly wasm: FunctionBuilder,
    readonly target: Target,
    readonly xlen: Isa['xlen'] = 32,
  ) {
    this.i32 = wasm.i32
    this.i64 = wasm.i64
    this.x = xlen === 64 ? wasm.i64 : wasm.i32
    this.#address = wasm.newLocal('i32', 'address')
  }

  constX(value: number): void {
    if (this.xlen === 64) this.i64.const(BigInt(value))
    else this.i32.const(value)
  }

  getX(register: number): void {
    if (register === 0) this.constX(0)
    else this.wasm.local.get(this.#localOf(register))
  }

  /** Set a register to what `push` pushes; x0 stays 0, and nothing is pushed. */
  setX(register: number, push: () => void): void {
    if (register === 0) return
    push()
    this.wasm.local.set(this.#localOf(register))
  }

  pushImm(imm: number): void {
    this.constX(imm)
  }

  pushPcPlus(imm: number): void {
    this.constX(this.pc + imm)
  }

  if(then: () => void, otherwise?: () => void): void {
    this.wasm.if(then, otherwise)
  }

  /**
   * Push what a load or store at x[rs1] + imm takes as its address, with `guestOffset(imm)` as its
   * static offset. The sum of both does not wrap, so a negative imm has to be added before.
   */
  pushAddress(rs1: number, imm: number): void {
    this.getAddress(rs1)
    if (imm >= 0) return
    this.i32.const(imm)
    this.i32.add()
  }

  guestOffset(imm: number): number {
    return this.target.layout.guestOffset + Math.max(imm, 0)
  }

  /** used[(x[rs1] + imm) / 4] = 1 */
  markUsed(rs1: number, imm: number): void {
    this.#pushWordIndex(rs1, imm)
    this.i32.const(1)
    this.i32.store8(this.target.layout.usedOffset)
  }

  /**
   * if (!used[address / 4] && memory[address & ~3] != 0) otherwise()
   * where address = x[rs1] + imm: such a word holds a hint that was never read, and storing a part of
   * it is special.
   */
  requireNoHint(rs1: number, imm: number, otherwise: () => void): void {
    this.#pushWordIndex(rs1, imm)
    this.i32.load8_u(this.target.layout.usedOffset)
    this.i32.eqz()
    this.if(() => {
      this.wasm.local.get(this.#address)
      this.i32.const(-4)
      this.i32.and()
      this.i32.load(this.target.layout.guestOffset)
      this.if(otherwise)
    })
  }

  /**
   * if (rotr(x[register] + offset - 32, log2 alignment) >= bound) otherwise()
   * The rotation makes a misaligned address a large number, and so does the subtraction one below 32.
   */
  require({ register, offset, spanBytes, alignment }: Check, otherwise: () => void): void {
    const lastStart = this.target.ordinaryEndBytes - spanBytes - REGISTERS_END
    this.getAddress(register)
    this.i32.const(offset - REGISTERS_END)
    this.i32.add()
    if (alignment > 1) {
      this.i32.const(Math.log2(alignment))
      this.i32.rotr()
    }
    this.i32.const(Math.max(0, Math.floor(lastStart / alignment) + 1))
    this.i32.ge_u()
    this.if(otherwise)
  }

  /** Push a word of the state shared with the host. */
  getState(offset: number): void {
    this.i32.const(0)
    this.i32.load(offset)
  }

  setState(offset: number, push: () => void): void {
    this.i32.const(0)
    push()
    this.i32.store(offset)
  }

  /** Registers of a set, from memory to their locals. */
  load(registers: number): void {
    eachRegister(registers, (register) =>
      this.setX(register, () => {
        this.i32.const(0)
        this.x.load(this.#placeOf(register))
      }),
    )
  }

  store(registers: number): void {
    eachRegister(registers, (register) => {
      this.i32.const(0)
      this.getX(register)
      this.x.store(this.#placeOf(register))
    })
  }

  /** Leave for `label`, which returns the pc in a local. */
  leaveFor(label: Label, pcLocal: number, pc: number): void {
    this.i32.const(pc)
    this.wasm.local.set(pcLocal)
    this.wasm.br(label)
  }

  #pushWordIndex(rs1: number, imm: number): void {
    this.getAddress(rs1)
    this.i32.const(imm)
    this.i32.add()
    this.wasm.local.tee(this.#address)
    this.i32.const(2)
    this.i32.shr_u()
  }

  /** Push a register as an address or a pc, which have 32 bits. */
  getAddress(register: number): void {
    this.getX(register)
    if (this.xlen === 64) this.i32.wrap_i64()
  }

  #placeOf(register: number): number {
    return STATE.registers + (this.xlen / 8) * register
  }

  #localOf(register: number): number {
    const known = this.#locals.get(register)
    if (known !== undefined) return known
    const local = this.wasm.newLocal(this.xlen === 64 ? 'i64' : 'i32', `x${register}`)
    this.#locals.set(register, local)
    return local
  }
}

function eachRegister(registers: number, visit: (register: number) => void): void {
  for (let register = 1; register < 32; register++) {
    if (((registers >>> register) & 1) === 1) visit(register)
  }
}
