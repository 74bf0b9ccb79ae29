/**
 * How control leaves a unit: calls, ecalls, returns, tail calls and computed jumps. Whatever is behind
 * them finds the registers in memory.
 */
import type { FunctionBuilder } from '../../wasm/function-builder.js'
import type { FunctionType } from '../../wasm/opcodes.js'
import type { Code } from '../code.js'
import { STATE } from '../memory-layout.js'
import type { Emitter, Target } from './emitter.js'
import { type RegisterPlan, writesOf } from './registers.js'
import type { Block, Unit } from './unit.js'

/** Every unit's function: (left, depth) → (pc, left). */
export const UNIT: FunctionType = { params: ['i32', 'i32'], results: ['i32', 'i32'] }
export const LEFT = 0
export const DEPTH = 1
/** Bit of a returned pc, and of the exits below: the interpreter has to execute the instruction there. */
export const FAULT = 1
/** Values of STATE.exit: a unit met a fault; the interpreter in WebAssembly did. */
export const UNIT_FAULT = 1
export const STEP_FAULT = 3

/** What a unit needs to know of its module. */
export interface Surroundings {
  readonly code: Code
  readonly target: Target
  /** Index of the function of the unit at a pc, if it is in the same module. */
  readonly functionAt: ReadonlyMap<number, number>
  /** The type of units, and the function that hands an ecall to the host. */
  readonly unitType: number
  readonly ecall: number
}

export class Departures {
  /** Local of a pc that is not known when the unit is compiled. */
  readonly pc: number

  constructor(
    readonly f: Emitter,
    readonly wasm: FunctionBuilder,
    readonly unit: Unit,
    readonly around: Surroundings,
    readonly registers: RegisterPlan,
  ) {
    this.pc = wasm.newLocal('i32', 'pc')
  }

  /** Registers that are written and not stored when a block ends. */
  dirtyAtEnd(position: number): number {
    const { start, end } = this.unit.blocks[position]
    let dirty = this.registers.dirty[position]
    for (let i = start; i < end; i++) dirty |= writesOf(this.around.code.at(i))
    return dirty
  }

  /** Go on at a pc outside the unit: by a tail call, if something can be there. */
  leave(from: number, pc: number): void {
    const { code, functionAt, unitType, target } = this.around
    const index = code.indexOf(pc)
    const isCall = this.unit.blocks[from].isCall
    if (!isCall) this.f.store(this.dirtyAtEnd(from))
    if (index === undefined || isCall) {
      this.returnPc(pc)
      return
    }
    const known = functionAt.get(pc)
    if (known !== undefined) {
      this.wasm.local.get(LEFT)
      this.wasm.local.get(DEPTH)
      this.wasm.return_call(known)
      return
    }
    this.f.setState(STATE.pc, () => this.f.i32.const(pc))
    this.wasm.local.get(LEFT)
    this.wasm.local.get(DEPTH)
    this.f.getState(target.layout.slotsOffset + 4 * index)
    this.wasm.return_call_indirect(unitType)
  }

  /** link = next; pc = function(left, depth - 1); if (pc != next || left < 0) return pc */
  call(
    position: number,
    { end }: Block,
    { to, next }: { readonly to: number | undefined; readonly next: number },
  ): void {
    const f = this.f
    const { code, functionAt, unitType, target } = this.around
    const { rd, rs1, imm } = code.at(end - 1)
    if (to === undefined) this.computeTarget(rs1, imm)
    f.setX(rd, () => f.constX(next))
    f.store(this.dirtyAtEnd(position))
    const index = to === undefined ? undefined : code.indexOf(to)
    const known = to === undefined ? undefined : functionAt.get(to)
    if (to !== undefined && index === undefined) {
      this.returnPc(to)
      return
    }
    if (to === undefined) this.#returnIfOutside()
    if (known === undefined) {
      f.setState(STATE.pc, () =>
        to === undefined ? this.wasm.local.get(this.pc) : f.i32.const(to),
      )
    }
    this.wasm.local.get(LEFT)
    this.wasm.local.get(DEPTH)
    f.i32.const(1)
    f.i32.sub()
    if (known !== undefined) {
      this.wasm.call(known)
    } else {
      if (index === undefined) this.#pushSlot()
      else f.getState(target.layout.slotsOffset + 4 * index)
      this.wasm.call_indirect(unitType)
    }
    this.wasm.local.set(LEFT)
    this.wasm.local.tee(this.pc)
    f.i32.const(next)
    f.i32.ne()
    this.wasm.local.get(LEFT)
    f.i32.const(0)
    f.i32.lt_s()
    f.i32.or()
    f.if(() => {
      this.wasm.local.get(this.pc)
      this.return()
    })
    this.#loadLiveAt(next)
  }

  /** if (host.ecall()) return state.pc; left = state.left; if (left < 0) return next */
  ecall(position: number, next: number): void {
    const f = this.f
    f.store(this.dirtyAtEnd(position))
    f.setState(STATE.pc, () => f.i32.const(f.pc))
    f.setState(STATE.left, () => this.wasm.local.get(LEFT))
    this.wasm.call(this.around.ecall)
    this.wasm.local.set(this.pc)
    f.getState(STATE.left)
    this.wasm.local.tee(LEFT)
    f.i32.const(0)
    f.i32.lt_s()
    this.wasm.local.get(this.pc)
    f.i32.const(next)
    f.i32.ne()
    f.i32.or()
    f.if(() => {
      this.wasm.local.get(this.pc)
      this.return()
    })
    this.#loadLiveAt(next)
  }

  /** Whatever is at `pc`, by a tail call. */
  jump(position: number): void {
    const { f } = this
    f.store(this.dirtyAtEnd(position))
    this.#returnIfOutside()
    f.setState(STATE.pc, () => this.wasm.local.get(this.pc))
    this.wasm.local.get(LEFT)
    this.wasm.local.get(DEPTH)
    this.#pushSlot()
    this.wasm.return_call_indirect(this.around.unitType)
  }

  /** Where x[rs1] says. */
  returnTo(position: number, rs1: number): void {
    this.f.store(this.dirtyAtEnd(position))
    this.f.getAddress(rs1)
    this.return()
  }

  /** pc = x[rs1] + imm */
  computeTarget(rs1: number, imm: number): void {
    this.f.getAddress(rs1)
    this.f.i32.const(imm)
    this.f.i32.add()
    this.wasm.local.set(this.pc)
  }

  /** if (rotr(pc - base, 2) >= count) return pc */
  #returnIfOutside(): void {
    this.#pushIndex()
    this.f.i32.const(this.around.code.length)
    this.f.i32.ge_u()
    this.f.if(() => {
      this.wasm.local.get(this.pc)
      this.return()
    })
  }

  #pushIndex(): void {
    this.wasm.local.get(this.pc)
    this.f.i32.const(this.around.code.program.pcBase)
    this.f.i32.sub()
    this.f.i32.const(2)
    this.f.i32.rotr()
  }

  /** slots[index of pc] */
  #pushSlot(): void {
    this.#pushIndex()
    this.f.i32.const(2)
    this.f.i32.shl()
    this.f.i32.load(this.around.target.layout.slotsOffset)
  }

  #loadLiveAt(pc: number): void {
    const position = this.unit.positions.get(pc)
    if (position !== undefined) this.f.load(this.registers.live[position])
  }

  returnPc(pc: number): void {
    this.f.i32.const(pc)
    this.return()
  }

  /** The pc is pushed. */
  return(): void {
    this.wasm.local.get(LEFT)
    this.wasm.return()
  }
}
