/**
 * Writes the interpreter: a function like those of units, (left, depth) → (pc, left), in a slot of the
 * table where calls of what has no unit go. So interpreted and translated functions call each other
 * freely. It returns when the guest returns to where the interpreter was called from, and otherwise as a
 * unit does. It leaves every fault to the interpreter in TypeScript.
 *
 * Arrivals are counted where control comes from elsewhere than the instruction before, which tells how
 * often every instruction ran. An instruction that is arrived at often is worth a unit: the host makes
 * it, and puts it into the slot.
 */
import type { FunctionBuilder, Label } from '../../wasm/function-builder.js'
import { END_ROW, FAULT_ROW, FIRST_ROW, UNKNOWN_ROW } from '../code.js'
import type { Instruction } from '../instruction.js'
import type { Isa } from '../isa.js'
import { ENTRY_BYTES, HOST, STATE } from '../memory-layout.js'
import { DEPTH, FAULT, LEFT, STEP_FAULT } from './departures.js'
import { ENTRY, type EntryEmitter } from './entry-emitter.js'
import { getState, StepFrame, setState } from './step-frame.js'

const RA = 1

/** Indices of functions that the interpreter calls. */
export interface Callees {
  readonly host: number
  readonly ecall: number
}

/** Where the code of an instruction goes on. */
interface Ways {
  /** The next entry. */
  readonly plain: Label
  /** The entry at `at`, having executed up to before `end`. */
  readonly arrive: Label
  readonly fault: Label
}

export class StepWriter {
  readonly #frame: StepFrame
  readonly #f: EntryEmitter

  constructor(
    readonly wasm: FunctionBuilder,
    readonly isa: Isa,
    readonly callees: Callees,
    readonly unitType: number,
    readonly isUnconstrained: boolean,
  ) {
    wasm.nameLocal(LEFT, 'left')
    wasm.nameLocal(DEPTH, 'depth')
    this.#frame = new StepFrame(wasm)
    this.#f = this.#frame.f
  }

  write(): void {
    const { wasm } = this
    this.#frame.loadState()
    // pc = state.pc; if ((left | depth) < 0) return (pc, left)
    getState(wasm, STATE.pc)
    wasm.local.set(this.#frame.pc)
    wasm.local.get(LEFT)
    wasm.local.get(DEPTH)
    wasm.i32.or()
    wasm.i32.const(0)
    wasm.i32.lt_s()
    wasm.if(() => this.#frame.return())
    getState(wasm, STATE.registers + 4 * RA)
    wasm.local.set(this.#frame.returnPc)
    this.#frame.goTo(() => wasm.local.get(this.#frame.pc))
    this.#frame.set(this.#frame.start, this.#frame.at)
    this.#countArrival()
    wasm.loop((next) => this.#step(next))
    wasm.unreachable()
  }

  /** One instruction, and what follows from it. */
  #step(next: Label): void {
    const { wasm } = this
    wasm.block((plain) => {
      wasm.block((fault) => {
        wasm.block((arrive) => this.#dispatch(next, { plain, arrive, fault }))
        this.#arrive(next)
      })
      this.#fault()
    })
    // at += one entry
    wasm.local.get(this.#frame.at)
    wasm.i32.const(ENTRY_BYTES)
    wasm.i32.add()
    wasm.local.set(this.#frame.at)
    wasm.br(next)
  }

  /** switch (row of the entry) */
  #dispatch(next: Label, ways: Ways): void {
    const { wasm, isa } = this
    const cases = FIRST_ROW + isa.rows.length
    wasm.blocks(
      cases,
      (labels) => {
        wasm.local.get(this.#frame.at)
        wasm.i32.load8_u()
        wasm.br_table(labels.slice(0, -1), labels.at(-1) as Label)
      },
      (number) => {
        if (number === UNKNOWN_ROW) this.#decode(next)
        else if (number === FAULT_ROW) wasm.br(ways.fault)
        else if (number === END_ROW) this.#leaveAtEnd()
        else this.#row(isa.rows[number - FIRST_ROW], ways)
      },
    )
  }

  #decode(next: Label): void {
    this.#askHost(HOST.decode)
    this.wasm.drop()
    this.wasm.br(next)
  }

  #row(row: Instruction, ways: Ways): void {
    switch (row.control) {
      case undefined:
        if (row.access !== undefined) {
          this.#f.access(row.access, this.isUnconstrained, () => this.wasm.br(ways.fault))
        }
        row.translate?.(this.#f, ENTRY)
        this.wasm.br(ways.plain)
        return
      case 'branch':
        this.#branch(row, ways)
        return
      case 'jal':
        this.#frame.endHere()
        this.#frame.link()
        this.wasm.local.get(this.#frame.at)
        this.#frame.pushEntriesOf(() => this.#f.pushImm(ENTRY.imm))
        this.wasm.i32.add()
        this.wasm.local.set(this.#frame.at)
        this.wasm.br(ways.arrive)
        return
      case 'jalr':
        this.#jalr(ways)
        return
      case 'ecall':
        this.#ecall(ways)
        return
      case 'fault':
        this.wasm.br(ways.fault)
    }
  }

  /** at += taken ? imm : 4, in entries */
  #branch(row: Instruction, ways: Ways): void {
    const { wasm } = this
    this.#frame.endHere()
    wasm.local.get(this.#frame.at)
    this.#frame.pushEntriesOf(() => this.#f.pushImm(ENTRY.imm))
    wasm.i32.const(ENTRY_BYTES)
    row.translate?.(this.#f, ENTRY)
    wasm.select()
    wasm.i32.add()
    wasm.local.set(this.#frame.at)
    wasm.br(ways.arrive)
  }

  #jalr(ways: Ways): void {
    const { wasm } = this
    // pc = x[rs1] + imm; if it is no instruction's, fault
    this.#f.getX(ENTRY.rs1)
    this.#f.pushImm(ENTRY.imm)
    wasm.i32.add()
    wasm.local.set(this.#frame.pc)
    this.#frame.pushIndex()
    wasm.local.get(this.#frame.count)
    wasm.i32.ge_u()
    wasm.br_if(ways.fault)
    this.#frame.endHere()
    this.#frame.link()
    if (!this.isUnconstrained) {
      // if (rd == x0 && pc == return pc) return
      wasm.local.get(this.#frame.at)
      wasm.i32.load8_u(ENTRY.rd)
      wasm.i32.const(STATE.sink)
      wasm.i32.eq()
      wasm.local.get(this.#frame.pc)
      wasm.local.get(this.#frame.returnPc)
      wasm.i32.eq()
      wasm.i32.and()
      wasm.if(() => {
        this.#frame.charge()
        this.#frame.return()
      })
    }
    this.#frame.goTo(() => wasm.local.get(this.#frame.pc))
    wasm.br(ways.arrive)
  }

  /** pc = ecall(); left = state.left; if (pc != next || left < 0) return; at += one entry */
  #ecall(ways: Ways): void {
    const { wasm } = this
    this.#frame.endHere()
    this.#frame.charge()
    setState(wasm, STATE.pc, () => this.#f.pushPc())
    setState(wasm, STATE.left, () => wasm.local.get(LEFT))
    wasm.call(this.callees.ecall)
    wasm.local.tee(this.#frame.pc)
    this.#f.pushPc()
    wasm.i32.const(4)
    wasm.i32.add()
    wasm.i32.ne()
    getState(wasm, STATE.left)
    wasm.local.tee(LEFT)
    wasm.i32.const(0)
    wasm.i32.lt_s()
    wasm.i32.or()
    wasm.if(() => this.#frame.return())
    this.#frame.set(this.#frame.at, this.#frame.end)
    this.#frame.set(this.#frame.start, this.#frame.end)
    wasm.br(ways.arrive)
  }

  #leaveAtEnd(): void {
    this.#frame.set(this.#frame.end, this.#frame.at)
    this.#frame.charge()
    this.#frame.returnAt()
  }

  /** state.exit = STEP_FAULT; return (pc | 1, left) */
  #fault(): void {
    const { wasm } = this
    this.#frame.set(this.#frame.end, this.#frame.at)
    this.#frame.charge()
    setState(wasm, STATE.exit, () => wasm.i32.const(STEP_FAULT))
    this.#f.pushPc()
    wasm.i32.const(FAULT)
    wasm.i32.or()
    wasm.local.set(this.#frame.pc)
    this.#frame.return()
  }

  /** left -= from start to end; if (left < 0) return (pc, left); start = at; … */
  #arrive(next: Label): void {
    const { wasm } = this
    this.#frame.charge()
    wasm.local.get(LEFT)
    wasm.i32.const(0)
    wasm.i32.lt_s()
    wasm.if(() => this.#frame.returnAt())
    if (this.isUnconstrained) {
      this.#frame.set(this.#frame.start, this.#frame.at)
      wasm.br(next)
      return
    }
    wasm.loop((again) => {
      this.#frame.set(this.#frame.start, this.#frame.at)
      this.#countArrival()
      // if (arrivals <= hot) next
      wasm.local.get(this.#frame.arrivals)
      wasm.local.get(this.#frame.hotArrivals)
      wasm.i32.le_s()
      wasm.br_if(next)
      this.#runUnit(next)
      this.#frame.goTo(() => wasm.local.get(this.#frame.pc))
      wasm.br(again)
    })
  }

  /** (pc, left) = the unit at `at`, if there is one now; return unless the guest goes on here. */
  #runUnit(next: Label): void {
    const { wasm } = this
    this.#frame.loadSlot()
    wasm.i32.eqz()
    wasm.if(() => {
      this.#askHost(HOST.heat)
      this.#frame.chargeTime()
      this.#frame.loadSlot()
      wasm.i32.eqz()
      wasm.br_if(next)
    })
    this.#frame.addToArrivals(-1)
    // if (depth == 0) return
    wasm.local.get(DEPTH)
    wasm.i32.eqz()
    wasm.if(() => this.#frame.returnAt())
    wasm.local.get(LEFT)
    wasm.local.get(DEPTH)
    wasm.i32.const(1)
    wasm.i32.sub()
    wasm.local.get(this.#frame.slot)
    wasm.call_indirect(this.unitType)
    wasm.local.set(LEFT)
    wasm.local.set(this.#frame.pc)
    // if (left < 0 || state.exit || pc == return pc || pc is no instruction's) return
    wasm.local.get(LEFT)
    wasm.i32.const(0)
    wasm.i32.lt_s()
    getState(wasm, STATE.exit)
    wasm.i32.or()
    wasm.local.get(this.#frame.pc)
    wasm.local.get(this.#frame.returnPc)
    wasm.i32.eq()
    wasm.i32.or()
    this.#frame.pushIndex()
    wasm.local.get(this.#frame.count)
    wasm.i32.ge_u()
    wasm.i32.or()
    wasm.if(() => this.#frame.return())
  }

  /** host(what, at) */
  #askHost(what: number): void {
    this.wasm.i32.const(what)
    this.wasm.local.get(this.#frame.at)
    this.wasm.call(this.callees.host)
  }

  #countArrival(): void {
    if (!this.isUnconstrained) this.#frame.addToArrivals(1)
  }
}
