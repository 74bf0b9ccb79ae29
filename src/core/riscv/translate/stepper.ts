/**
 * The interpreter as WebAssembly, for what runs too seldom to be translated: ten times as fast as the
 * one in TypeScript, and made from the same instruction rows. It leaves every fault to that one.
 *
 * It is a function like those of units, (left, depth) → (pc, left), and sits in slot 0 of the table,
 * where calls of what has no unit go. So interpreted and translated functions call each other freely.
 * It returns when the guest returns to where the interpreter was called from, and otherwise as a unit
 * does. What it knows of the program is in the shared state: the module is the same for all.
 *
 * Arrivals are counted where control comes from elsewhere than the instruction before, which tells how
 * often every instruction ran. An instruction that is arrived at often is worth a unit: the host makes
 * it, and puts it into the slot.
 */
import type { FunctionBuilder, Label } from '../../wasm/function-builder.js'
import { ModuleBuilder } from '../../wasm/module-builder.js'
import type { FunctionType } from '../../wasm/opcodes.js'
import { END_ROW, FAULT_ROW, FIRST_ROW, UNKNOWN_ROW } from '../code.js'
import type { Instruction } from '../instruction.js'
import type { Isa } from '../isa.js'
import { ENTRY_BYTES, STATE, STEPPER_SLOT } from '../memory-layout.js'
import { DEPTH, FAULT, LEFT, STEP_FAULT, UNIT } from './departures.js'
import { ENTRY, EntryEmitter } from './entry-emitter.js'

const RA = 1
/** How many calls may nest before the stack of the host is given back. It has 984 KiB; a call takes 0.1 to 1. */
const MAX_DEPTH = 500

/** (pc, left) → pc; what is left then is in the state. */
const ENTER: FunctionType = { params: ['i32', 'i32'], results: ['i32'] }
const NOTHING: FunctionType = { params: ['i32'], results: [] }

interface Imports {
  readonly ecall: number
  /** Is told of an entry that is not decoded yet, and decodes it. */
  readonly decode: number
  /** Is told of an instruction that is arrived at often. */
  readonly heat: number
}

/**
 * A module with `enter`, which runs units, and interprets where there is none, until `left` is used
 * up, the program ends or the host is needed; and `enterUnconstrained`, which interprets what has to be
 * undone later. It imports `env`: memory, table, ecall, decode, heat.
 */
export function translateStepper(isa: Isa): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  const imports = {
    ecall: module.importFunc('env', 'ecall', { params: [], results: ['i32'] }),
    decode: module.importFunc('env', 'decode', NOTHING),
    heat: module.importFunc('env', 'heat', NOTHING),
  }
  module.importMemory('env', 'memory', { min: 1, max: 65_536 })
  module.importTable('env', 'table', { min: 1 })
  const unitType = module.type(UNIT)
  const step = module.func('step', UNIT)
  new StepWriter(step, isa, imports, unitType, false).write()
  const stepUnconstrained = module.func('stepUnconstrained', UNIT)
  new StepWriter(stepUnconstrained, isa, imports, unitType, true).write()
  module.elements(STEPPER_SLOT, [step.index])
  module.export('enter', 'func', writeEnter(module, unitType))
  module.export(
    'enterUnconstrained',
    'func',
    writeEnterUnconstrained(module, stepUnconstrained.index),
  )
  return module.encode()
}

/** while (pc is an instruction's && left >= 0 && !state.exit) (pc, left) = table[slots[pc]](left, MAX_DEPTH) */
function writeEnter(module: ModuleBuilder, unitType: number): number {
  const f = module.func('enter', ENTER)
  const [pc, left] = [0, 1]
  f.nameLocal(pc, 'pc')
  f.nameLocal(left, 'left')
  const index = f.newLocal('i32', 'index')
  f.block((done) =>
    f.loop((again) => {
      f.local.get(pc)
      getState(f, STATE.pcBase)
      f.i32.sub()
      f.i32.const(2)
      f.i32.rotr()
      f.local.tee(index)
      getState(f, STATE.count)
      f.i32.ge_u()
      f.br_if(done)
      setState(f, STATE.pc, () => f.local.get(pc))
      f.local.get(left)
      f.i32.const(MAX_DEPTH)
      f.local.get(index)
      f.i32.const(2)
      f.i32.shl()
      getState(f, STATE.slotsOffset)
      f.i32.add()
      f.i32.load()
      f.call_indirect(unitType)
      f.local.set(left)
      f.local.tee(pc)
      f.i32.const(FAULT)
      f.i32.and()
      getState(f, STATE.exit)
      f.i32.or()
      f.br_if(done)
      f.local.get(left)
      f.i32.const(0)
      f.i32.ge_s()
      f.br_if(again)
    }),
  )
  setState(f, STATE.left, () => f.local.get(left))
  f.local.get(pc)
  return f.index
}

function writeEnterUnconstrained(module: ModuleBuilder, step: number): number {
  const f = module.func('enterUnconstrained', ENTER)
  const [pc, left] = [0, 1]
  setState(f, STATE.pc, () => f.local.get(pc))
  f.local.get(left)
  f.i32.const(MAX_DEPTH)
  f.call(step)
  f.local.set(left)
  f.local.set(pc)
  setState(f, STATE.left, () => f.local.get(left))
  f.local.get(pc)
  return f.index
}

function getState(f: FunctionBuilder, offset: number): void {
  f.i32.const(0)
  f.i32.load(offset)
}

function setState(f: FunctionBuilder, offset: number, push: () => void): void {
  f.i32.const(0)
  push()
  f.i32.store(offset)
}

/** Where the code of an instruction goes on. */
interface Ways {
  /** The next entry. */
  readonly plain: Label
  /** The entry at `at`, having executed up to before `end`. */
  readonly arrive: Label
  readonly fault: Label
}

class StepWriter {
  readonly #f: EntryEmitter
  readonly #at: number
  /** Entry of the first instruction that `left` has not been charged for. */
  readonly #start: number
  readonly #end: number
  readonly #pc: number
  /** Where the guest returns to when it is done with what the interpreter was called for. */
  readonly #returnPc: number
  readonly #count: number
  readonly #slot: number
  readonly #arrivals: number
  readonly #slotsOffset: number
  readonly #arrivalsOffset: number
  readonly #hotArrivals: number

  constructor(
    readonly wasm: FunctionBuilder,
    readonly isa: Isa,
    readonly imports: Imports,
    readonly unitType: number,
    readonly isUnconstrained: boolean,
  ) {
    wasm.nameLocal(LEFT, 'left')
    wasm.nameLocal(DEPTH, 'depth')
    const local = (name: string) => wasm.newLocal('i32', name)
    this.#at = local('at')
    this.#start = local('start')
    this.#end = local('end')
    this.#pc = local('pc')
    this.#returnPc = local('return pc')
    this.#count = local('count')
    this.#slot = local('slot')
    this.#arrivals = local('arrivals')
    this.#slotsOffset = local('slots')
    this.#arrivalsOffset = local('arrivals of all')
    this.#hotArrivals = local('hot')
    this.#f = new EntryEmitter(wasm, {
      at: this.#at,
      entriesOffset: local('entries'),
      pcBase: local('base'),
      guestOffset: local('guest'),
      usedOffset: local('used'),
      touchedOffset: local('touched'),
      ordinaryEnd: local('ordinary end'),
    })
  }

  write(): void {
    const { wasm } = this
    this.#loadState()
    // pc = state.pc; if ((left | depth) < 0) return (pc, left)
    getState(wasm, STATE.pc)
    wasm.local.set(this.#pc)
    wasm.local.get(LEFT)
    wasm.local.get(DEPTH)
    wasm.i32.or()
    wasm.i32.const(0)
    wasm.i32.lt_s()
    wasm.if(() => this.#return())
    getState(wasm, STATE.registers + 4 * RA)
    wasm.local.set(this.#returnPc)
    this.#goTo(() => wasm.local.get(this.#pc))
    this.#set(this.#start, this.#at)
    this.#countArrival()
    wasm.loop((next) => this.#step(next))
    wasm.unreachable()
  }

  #loadState(): void {
    const { locals } = this.#f
    const states: [number, number][] = [
      [this.#count, STATE.count],
      [this.#slotsOffset, STATE.slotsOffset],
      [this.#arrivalsOffset, STATE.arrivalsOffset],
      [this.#hotArrivals, STATE.hotArrivals],
      [locals.entriesOffset, STATE.entriesOffset],
      [locals.pcBase, STATE.pcBase],
      [locals.guestOffset, STATE.guestOffset],
      [locals.usedOffset, STATE.usedOffset],
      [locals.touchedOffset, STATE.touchedOffset],
      [locals.ordinaryEnd, STATE.ordinaryEnd],
    ]
    for (const [local, offset] of states) {
      getState(this.wasm, offset)
      this.wasm.local.set(local)
    }
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
    wasm.local.get(this.#at)
    wasm.i32.const(ENTRY_BYTES)
    wasm.i32.add()
    wasm.local.set(this.#at)
    wasm.br(next)
  }

  /** switch (row of the entry) */
  #dispatch(next: Label, ways: Ways): void {
    const { wasm, isa } = this
    const cases = FIRST_ROW + isa.rows.length
    wasm.blocks(
      cases,
      (labels) => {
        wasm.local.get(this.#at)
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
    this.wasm.local.get(this.#at)
    this.wasm.call(this.imports.decode)
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
        this.#endHere()
        this.#link()
        this.wasm.local.get(this.#at)
        this.#pushEntriesOf(() => this.#f.pushImm(ENTRY.imm))
        this.wasm.i32.add()
        this.wasm.local.set(this.#at)
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
    this.#endHere()
    wasm.local.get(this.#at)
    this.#pushEntriesOf(() => this.#f.pushImm(ENTRY.imm))
    wasm.i32.const(ENTRY_BYTES)
    row.translate?.(this.#f, ENTRY)
    wasm.select()
    wasm.i32.add()
    wasm.local.set(this.#at)
    wasm.br(ways.arrive)
  }

  #jalr(ways: Ways): void {
    const { wasm } = this
    // pc = x[rs1] + imm; if it is no instruction's, fault
    this.#f.getX(ENTRY.rs1)
    this.#f.pushImm(ENTRY.imm)
    wasm.i32.add()
    wasm.local.set(this.#pc)
    this.#pushIndex()
    wasm.local.get(this.#count)
    wasm.i32.ge_u()
    wasm.br_if(ways.fault)
    this.#endHere()
    this.#link()
    if (!this.isUnconstrained) {
      // if (rd == x0 && pc == return pc) return
      wasm.local.get(this.#at)
      wasm.i32.load8_u(ENTRY.rd)
      wasm.i32.const(STATE.sink)
      wasm.i32.eq()
      wasm.local.get(this.#pc)
      wasm.local.get(this.#returnPc)
      wasm.i32.eq()
      wasm.i32.and()
      wasm.if(() => {
        this.#charge()
        this.#return()
      })
    }
    this.#goTo(() => wasm.local.get(this.#pc))
    wasm.br(ways.arrive)
  }

  /** pc = ecall(); left = state.left; if (pc != next || left < 0) return; at += one entry */
  #ecall(ways: Ways): void {
    const { wasm } = this
    this.#endHere()
    this.#charge()
    setState(wasm, STATE.pc, () => this.#f.pushPc())
    setState(wasm, STATE.left, () => wasm.local.get(LEFT))
    wasm.call(this.imports.ecall)
    wasm.local.tee(this.#pc)
    this.#f.pushPc()
    wasm.i32.const(4)
    wasm.i32.add()
    wasm.i32.ne()
    getState(wasm, STATE.left)
    wasm.local.tee(LEFT)
    wasm.i32.const(0)
    wasm.i32.lt_s()
    wasm.i32.or()
    wasm.if(() => this.#return())
    this.#set(this.#at, this.#end)
    this.#set(this.#start, this.#end)
    wasm.br(ways.arrive)
  }

  #leaveAtEnd(): void {
    this.#set(this.#end, this.#at)
    this.#charge()
    this.#returnAt()
  }

  /** state.exit = STEP_FAULT; return (pc | 1, left) */
  #fault(): void {
    const { wasm } = this
    this.#set(this.#end, this.#at)
    this.#charge()
    setState(wasm, STATE.exit, () => wasm.i32.const(STEP_FAULT))
    this.#f.pushPc()
    wasm.i32.const(FAULT)
    wasm.i32.or()
    wasm.local.set(this.#pc)
    this.#return()
  }

  /** left -= from start to end; if (left < 0) return (pc, left); start = at; … */
  #arrive(next: Label): void {
    const { wasm } = this
    this.#charge()
    wasm.local.get(LEFT)
    wasm.i32.const(0)
    wasm.i32.lt_s()
    wasm.if(() => this.#returnAt())
    if (this.isUnconstrained) {
      this.#set(this.#start, this.#at)
      wasm.br(next)
      return
    }
    wasm.loop((again) => {
      this.#set(this.#start, this.#at)
      this.#countArrival()
      // if (arrivals <= hot) next
      wasm.local.get(this.#arrivals)
      wasm.local.get(this.#hotArrivals)
      wasm.i32.le_s()
      wasm.br_if(next)
      this.#runUnit(next)
      this.#goTo(() => wasm.local.get(this.#pc))
      wasm.br(again)
    })
  }

  /** (pc, left) = the unit at `at`, if there is one now; return unless the guest goes on here. */
  #runUnit(next: Label): void {
    const { wasm } = this
    this.#loadSlot()
    wasm.i32.eqz()
    wasm.if(() => {
      wasm.local.get(this.#at)
      wasm.call(this.imports.heat)
      this.#loadSlot()
      wasm.i32.eqz()
      wasm.br_if(next)
    })
    this.#addToArrivals(-1)
    // if (depth == 0) return
    wasm.local.get(DEPTH)
    wasm.i32.eqz()
    wasm.if(() => this.#returnAt())
    wasm.local.get(LEFT)
    wasm.local.get(DEPTH)
    wasm.i32.const(1)
    wasm.i32.sub()
    wasm.local.get(this.#slot)
    wasm.call_indirect(this.unitType)
    wasm.local.set(LEFT)
    wasm.local.set(this.#pc)
    // if (left < 0 || state.exit || pc == return pc || pc is no instruction's) return
    wasm.local.get(LEFT)
    wasm.i32.const(0)
    wasm.i32.lt_s()
    getState(wasm, STATE.exit)
    wasm.i32.or()
    wasm.local.get(this.#pc)
    wasm.local.get(this.#returnPc)
    wasm.i32.eq()
    wasm.i32.or()
    this.#pushIndex()
    wasm.local.get(this.#count)
    wasm.i32.ge_u()
    wasm.i32.or()
    wasm.if(() => this.#return())
  }

  /** slot = slots[index of at], which is pushed, too. */
  #loadSlot(): void {
    const { wasm } = this
    this.#pushWordAt(this.#slotsOffset)
    wasm.i32.load()
    wasm.local.tee(this.#slot)
  }

  #countArrival(): void {
    if (!this.isUnconstrained) this.#addToArrivals(1)
  }

  /** arrivals[index of at] += by, and the sum in a local. */
  #addToArrivals(by: number): void {
    const { wasm } = this
    this.#pushWordAt(this.#arrivalsOffset)
    this.#pushWordAt(this.#arrivalsOffset)
    wasm.i32.load()
    wasm.i32.const(by)
    wasm.i32.add()
    wasm.local.tee(this.#arrivals)
    wasm.i32.store()
  }

  /** Push the address of what belongs to `at` in an array of words. */
  #pushWordAt(offset: number): void {
    const { wasm } = this
    wasm.local.get(this.#at)
    wasm.local.get(this.#f.locals.entriesOffset)
    wasm.i32.sub()
    wasm.i32.const(1)
    wasm.i32.shr_u()
    wasm.local.get(offset)
    wasm.i32.add()
  }

  /** left -= (end - start) in entries */
  #charge(): void {
    const { wasm } = this
    wasm.local.get(LEFT)
    wasm.local.get(this.#end)
    wasm.local.get(this.#start)
    wasm.i32.sub()
    wasm.i32.const(Math.log2(ENTRY_BYTES))
    wasm.i32.shr_u()
    wasm.i32.sub()
    wasm.local.set(LEFT)
  }

  /** end = the entry behind `at` */
  #endHere(): void {
    this.wasm.local.get(this.#at)
    this.wasm.i32.const(ENTRY_BYTES)
    this.wasm.i32.add()
    this.wasm.local.set(this.#end)
  }

  /** rd = pc + 4 */
  #link(): void {
    this.#f.setX(ENTRY.rd, () => {
      this.#f.pushPc()
      this.wasm.i32.const(4)
      this.wasm.i32.add()
    })
  }

  /** at = the entry of a pc */
  #goTo(pushPc: () => void): void {
    const { wasm } = this
    const { entriesOffset, pcBase } = this.#f.locals
    this.#pushEntriesOf(() => {
      pushPc()
      wasm.local.get(pcBase)
      wasm.i32.sub()
    })
    wasm.local.get(entriesOffset)
    wasm.i32.add()
    wasm.local.set(this.#at)
  }

  /** A distance of pcs as a distance of entries. */
  #pushEntriesOf(pushBytes: () => void): void {
    pushBytes()
    this.wasm.i32.const(1)
    this.wasm.i32.shl()
  }

  /** rotr(pc - base, 2): no index if pc is no multiple of 4. */
  #pushIndex(): void {
    const { wasm } = this
    wasm.local.get(this.#pc)
    wasm.local.get(this.#f.locals.pcBase)
    wasm.i32.sub()
    wasm.i32.const(2)
    wasm.i32.rotr()
  }

  #returnAt(): void {
    this.#f.pushPc()
    this.wasm.local.set(this.#pc)
    this.#return()
  }

  #return(): void {
    this.wasm.local.get(this.#pc)
    this.wasm.local.get(LEFT)
    this.wasm.return()
  }

  #set(local: number, from: number): void {
    this.wasm.local.get(from)
    this.wasm.local.set(local)
  }
}
