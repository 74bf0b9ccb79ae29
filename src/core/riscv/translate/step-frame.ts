/**
 * What the interpreter in WebAssembly keeps in locals, and the sequences that deal with places in the
 * program: pcs, entries, and what belongs to them in arrays.
 */
import type { FunctionBuilder } from '../../wasm/function-builder.js'
import { ENTRY_BYTES, STATE } from '../memory-layout.js'
import { LEFT } from './departures.js'
import { ENTRY, EntryEmitter } from './entry-emitter.js'

export class StepFrame {
  readonly f: EntryEmitter
  readonly at: number
  /** Entry of the first instruction that `left` has not been charged for. */
  readonly start: number
  readonly end: number
  readonly pc: number
  /** Where the guest returns to when it is done with what the interpreter was called for. */
  readonly returnPc: number
  readonly count: number
  readonly slot: number
  readonly arrivals: number
  readonly hotArrivals: number
  readonly #slotsOffset: number
  readonly #arrivalsOffset: number
  readonly #cost: number

  constructor(readonly wasm: FunctionBuilder) {
    const local = (name: string) => wasm.newLocal('i32', name)
    this.at = local('at')
    this.start = local('start')
    this.end = local('end')
    this.pc = local('pc')
    this.returnPc = local('return pc')
    this.count = local('count')
    this.slot = local('slot')
    this.arrivals = local('arrivals')
    this.#slotsOffset = local('slots')
    this.#arrivalsOffset = local('arrivals of all')
    this.hotArrivals = local('hot')
    this.#cost = local('cost')
    this.f = new EntryEmitter(wasm, {
      at: this.at,
      entriesOffset: local('entries'),
      pcBase: local('base'),
      guestOffset: local('guest'),
      usedOffset: local('used'),
      touchedOffset: local('touched'),
      ordinaryEnd: local('ordinary end'),
    })
  }

  loadState(): void {
    const { locals } = this.f
    const states: [number, number][] = [
      [this.count, STATE.count],
      [this.#slotsOffset, STATE.slotsOffset],
      [this.#arrivalsOffset, STATE.arrivalsOffset],
      [this.hotArrivals, STATE.hotArrivals],
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

  /** slot = slots[index of at], which is pushed, too. */
  loadSlot(): void {
    const { wasm } = this
    this.#pushWordAt(this.#slotsOffset)
    wasm.i32.load()
    wasm.local.tee(this.slot)
  }

  /** arrivals[index of at] += by, and the sum in a local. */
  addToArrivals(by: number): void {
    const { wasm } = this
    this.#pushWordAt(this.#arrivalsOffset)
    this.#pushWordAt(this.#arrivalsOffset)
    wasm.i32.load()
    wasm.i32.const(by)
    wasm.i32.add()
    wasm.local.tee(this.arrivals)
    wasm.i32.store()
  }

  /** Push the address of what belongs to `at` in an array of words. */
  #pushWordAt(offset: number): void {
    const { wasm } = this
    wasm.local.get(this.at)
    wasm.local.get(this.f.locals.entriesOffset)
    wasm.i32.sub()
    wasm.i32.const(1)
    wasm.i32.shr_u()
    wasm.local.get(offset)
    wasm.i32.add()
  }

  /** left -= (end - start) in entries */
  charge(): void {
    const { wasm } = this
    wasm.local.get(LEFT)
    wasm.local.get(this.end)
    wasm.local.get(this.start)
    wasm.i32.sub()
    wasm.i32.const(Math.log2(ENTRY_BYTES))
    wasm.i32.shr_u()
    wasm.i32.sub()
    wasm.local.set(LEFT)
  }

  /** left -= cycles; state.charged += cycles: they are pushed, and stand for time of the host. */
  chargeTime(): void {
    const { wasm } = this
    wasm.local.set(this.#cost)
    wasm.local.get(LEFT)
    wasm.local.get(this.#cost)
    wasm.i32.sub()
    wasm.local.set(LEFT)
    addToState(wasm, STATE.charged, () => wasm.local.get(this.#cost))
  }

  /** end = the entry behind `at` */
  endHere(): void {
    this.wasm.local.get(this.at)
    this.wasm.i32.const(ENTRY_BYTES)
    this.wasm.i32.add()
    this.wasm.local.set(this.end)
  }

  /** rd = pc + 4 */
  link(): void {
    this.f.setX(ENTRY.rd, () => {
      this.f.pushPc()
      this.wasm.i32.const(4)
      this.wasm.i32.add()
    })
  }

  /** at = the entry of a pc */
  goTo(pushPc: () => void): void {
    const { wasm } = this
    const { entriesOffset, pcBase } = this.f.locals
    this.pushEntriesOf(() => {
      pushPc()
      wasm.local.get(pcBase)
      wasm.i32.sub()
    })
    wasm.local.get(entriesOffset)
    wasm.i32.add()
    wasm.local.set(this.at)
  }

  /** A distance of pcs as a distance of entries. */
  pushEntriesOf(pushBytes: () => void): void {
    pushBytes()
    this.wasm.i32.const(1)
    this.wasm.i32.shl()
  }

  /** rotr(pc - base, 2): no index if pc is no multiple of 4. */
  pushIndex(): void {
    const { wasm } = this
    wasm.local.get(this.pc)
    wasm.local.get(this.f.locals.pcBase)
    wasm.i32.sub()
    wasm.i32.const(2)
    wasm.i32.rotr()
  }

  returnAt(): void {
    this.f.pushPc()
    this.wasm.local.set(this.pc)
    this.return()
  }

  return(): void {
    this.wasm.local.get(this.pc)
    this.wasm.local.get(LEFT)
    this.wasm.return()
  }

  set(local: number, from: number): void {
    this.wasm.local.get(from)
    this.wasm.local.set(local)
  }
}

/** Push a word of the state. */
export function getState(f: FunctionBuilder, offset: number): void {
  f.i32.const(0)
  f.i32.load(offset)
}

/** state += what is pushed */
export function addToState(f: FunctionBuilder, offset: number, push: () => void): void {
  setState(f, offset, () => {
    getState(f, offset)
    push()
    f.i32.add()
  })
}

export function setState(f: FunctionBuilder, offset: number, push: () => void): void {
  f.i32.const(0)
  push()
  f.i32.store(offset)
}
