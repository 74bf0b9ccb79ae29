/**
 * What an engine has in WebAssembly: the interpreter, kernels and units, linked to one run's memory; and
 * the decisions on what gets a unit. Everything is made when it is first needed.
 */
import { ArrivalCounts } from './arrival-counts.js'
import { type Code, UNKNOWN_ROW } from './code.js'
import type { EngineFacts, Kernels } from './engine.js'
import { HotSpots } from './hot-spots.js'
import type { Memory } from './memory.js'
import {
  ENTRY_BYTES,
  FIRST_KERNEL_SLOT,
  HOST,
  KERNELS_OFFSET,
  MAX_KERNELS,
  type MemoryLayout,
  PROGRAM_OFFSET,
  STATE,
} from './memory-layout.js'
import { type CompiledProgram, stepperOf } from './translate/compiled-program.js'
import type { TranslatedModule, Translation } from './translate/translation.js'

/** The table grows by this many, because every module that has it must then be told. */
const TABLE_STEP = 1024
/** Entries are decoded by that many at a time: a page of the operating system. */
const CHUNK_ENTRIES = 512
/**
 * Translating an instruction takes about as long as executing so many. Slices are charged for it, so
 * that those end in time in which much is translated.
 */
const TRANSLATION_CYCLES = 256
/**
 * So many modules are made one before another run, whose code the host then has to improve again:
 * after the first run gladly, later seldom.
 */
const MAX_FIRST_MODULES = 2
const MAX_MODULES = 8

export interface TierOptions {
  /**
   * A unit is translated when its instructions have been interpreted this often on average: that took
   * about the time that translating it will. Blocks that never ran are left out of it.
   * 0: all functions as a whole before the run, and other places when they are reached.
   */
  readonly threshold: number
  /** Count how often each instruction runs in units, too. */
  readonly hasVisits: boolean
  readonly kernels: Kernels
}

interface TierParts extends TierOptions {
  /** How often the interpreter in TypeScript ran each instruction. */
  readonly interpreted: Float64Array
  /** Does an ecall; returns where to go on. */
  readonly ecall: () => number
}

type Enter = (pc: number, left: number) => number

/** What depends on how memory is laid out; made again when it moves. */
export interface Linked {
  readonly layout: MemoryLayout
  readonly translation: Translation
  readonly state: Int32Array
  readonly entries: Int32Array
  readonly slots: Uint32Array
  readonly arrivals: Int32Array
  readonly counts: BigUint64Array
  readonly ecall: unknown
  readonly enter: Enter
  readonly enterUnconstrained: Enter
}

export class Tiers {
  readonly #code: Code
  readonly #program: CompiledProgram
  readonly #memory: Memory
  readonly #parts: TierParts
  readonly #arrivals: ArrivalCounts
  readonly #hotSpots: HotSpots
  readonly #table = new WebAssembly.Table({ element: 'anyfunc', initial: TABLE_STEP })
  readonly #modules = new Set<TranslatedModule>()
  /** Instructions with units. */
  readonly #installed = new Set<number>()
  #linked: Linked | undefined
  #hasKernels = false
  /** What other runs had spent on translation when this one began. */
  #translateMsBefore: number

  constructor(program: CompiledProgram, memory: Memory, parts: TierParts) {
    this.#code = program.code
    this.#program = program
    this.#memory = memory
    this.#parts = parts
    this.#translateMsBefore = program.translateMs
    this.#arrivals = new ArrivalCounts(program.code, parts.threshold)
    const { interpreted, threshold } = parts
    this.#hotSpots = new HotSpots(program, this.#arrivals, interpreted, threshold)
  }

  /** Another run begins. */
  begin(): void {
    this.#translateMsBefore = this.#program.translateMs
    if (this.#linked === undefined) return
    const { counts, translation, state } = this.link()
    state.fill(0, STATE.kernelCalls / 4, STATE.kernelCodes / 4)
    if (this.#parts.hasVisits) counts.fill(0n)
    this.#arrivals.clear(this.#installed)
    this.#hotSpots.begin()
    this.#prepareUnits(translation)
  }

  /** Tell later runs what this one had to interpret. */
  remember(): void {
    if (this.#parts.threshold === 0 || this.#linked === undefined) return
    const { entries } = this.link()
    const { length } = this.#code
    for (let start = 0; start < length; start += CHUNK_ENTRIES) {
      const end = Math.min(start + CHUNK_ENTRIES, length)
      if (entries[2 * start] !== UNKNOWN_ROW) {
        this.#arrivals.addTo(this.#program.pastVisits, start, end)
        this.#arrivals.addTo(this.#program.lateVisits, start, end)
      }
    }
    this.#program.runs++
  }

  get kernelCalls(): number[] {
    const calls = new Uint32Array(this.#memory.buffer, STATE.kernelCalls, MAX_KERNELS)
    return this.#parts.kernels.codes.map((code) => calls[code % MAX_KERNELS])
  }

  /** Instructions that the interpreter in WebAssembly executed, unconstrained ones excluded. */
  get steppedCycles(): number {
    if (this.#linked === undefined) return 0
    const visits = new Float64Array(this.#code.length)
    this.#arrivals.addTo(visits, 0, visits.length)
    return visits.reduce((sum, count) => sum + count, 0)
  }

  get isWarm(): boolean {
    return this.#program.runs > 0
  }

  get translateMs(): number {
    return this.#program.translateMs - this.#translateMsBefore
  }

  get unitFacts(): Pick<EngineFacts, 'units' | 'modules' | 'moduleBytes'> {
    const modules = [...this.#modules]
    return {
      units: modules.flatMap(({ units }) => units),
      modules: modules.length,
      moduleBytes: modules.reduce((sum, { bytes }) => sum + bytes, 0),
    }
  }

  /** Add how often each instruction ran here. */
  addVisits(visits: Float64Array): void {
    if (this.#linked === undefined) return
    const { counts } = this.link()
    this.#arrivals.addTo(visits, 0, visits.length)
    // Also of units that there were before memory moved.
    for (let start = 0; start < visits.length; ) {
      const end = this.#code.blockEnd(start)
      const count = Number(counts[start])
      if (count > 0) for (let i = start; i < end; i++) visits[i] += count
      start = end
    }
  }

  /** The state, also while the host has moved memory and compiled code has not come back yet. */
  stateNow(): Int32Array {
    const { layout, state } = this.#linked as Linked
    if (layout === this.#memory.layout) return state
    return new Int32Array(this.#memory.buffer, 0, KERNELS_OFFSET / 4)
  }

  /** The interpreter in WebAssembly arrived at some instruction before `index`; from there on it did not run. */
  endRunBefore(index: number): void {
    this.#arrivals.endRunBefore(index)
  }

  /** A syscall was called; the first that has a kernel brings all of them. */
  makeKernelOf(code: number): void {
    if (this.#hasKernels || !this.#parts.kernels.codes.includes(code)) return
    this.#makeKernels()
  }

  /** What compiled code asks for. */
  #serve(what: number, at: number): number {
    if (what === HOST.ecall) return this.#parts.ecall()
    if (what === HOST.decode) this.#decode(at)
    else return this.#heat(at)
    return 0
  }

  // What gets a unit.

  /**
   * The interpreter in WebAssembly arrives often at an instruction.
   *
   * @returns as how many cycles the time shall count that translating took.
   */
  #heat(at: number): number {
    const { layout, slots, translation } = this.link()
    const roomBefore = translation.roomLeft
    const index = (at - layout.entriesOffset) / ENTRY_BYTES
    const canHaveUnit = index < this.#code.length && this.#code.isLeader(index)
    if (canHaveUnit && translation.roomLeft > 0) this.#translateAround(index)
    const cost = TRANSLATION_CYCLES * (roomBefore - translation.roomLeft)
    if (slots[index] !== 0) return cost
    // Unless it waits for others, weighing again is of no use before it is twice as hot.
    const arrivals = this.#hotSpots.isAnyWaiting ? 0 : this.#arrivals.arrivalsAt(index)
    const wait = translation.roomLeft > 0 ? Math.max(arrivals, this.#parts.threshold, 1) : Infinity
    this.#arrivals.waitFor(index, wait)
    return cost
  }

  /** Make a unit for it, if it is time. */
  #translateAround(index: number): void {
    const { slots, translation } = this.link()
    const entry = this.#hotSpots.bestEntry(index, (at) => slots[at] !== 0)
    const known = translation.moduleOf(entry) ?? translation.moduleOf(index)
    if (known !== undefined) {
      this.#install(known)
      return
    }
    const entries = this.#hotSpots.enough(index, entry)
    if (entries.length === 0) return
    const isLeftOut = this.#parts.threshold === 0 ? undefined : this.#hotSpots.isLeftOut
    this.#install(translation.translate(entries, isLeftOut))
  }

  // Linking.

  #makeKernels(): void {
    const { layout, ordinaryEndBytes } = this.#memory
    // Other kernels may have been here, before memory moved.
    new Uint8Array(this.#memory.buffer, KERNELS_OFFSET, PROGRAM_OFFSET - KERNELS_OFFSET).fill(0)
    const kernels = this.#parts.kernels.instantiate(this.#memory.wasm, {
      ...layout,
      ordinaryEndBytes,
    })
    const codes = new Uint32Array(this.#memory.buffer, STATE.kernelCodes, MAX_KERNELS)
    this.#parts.kernels.codes.forEach((code, i) => {
      this.#table.set(FIRST_KERNEL_SLOT + (code % MAX_KERNELS), kernels[i])
      codes[code % MAX_KERNELS] = code
    })
    this.#hasKernels = true
  }

  /** Everything for memory as it is laid out now. */
  link(): Linked {
    const { layout, buffer } = this.#memory
    if (this.#linked?.layout === layout) return this.#linked
    const hasMoved = this.#linked !== undefined
    const { ordinaryEndBytes } = this.#memory
    const target = { layout, ordinaryEndBytes, hasCounts: this.#parts.hasVisits }
    const translation = this.#program.translationFor(target)
    const count = this.#code.length
    const { ecall, enter, enterUnconstrained } = instantiate(stepperOf(this.#code.isa), {
      env: {
        ...{ memory: this.#memory.wasm, table: this.#table },
        host: (what: number, at: number) => this.#serve(what, at),
      },
    })
    const state = new Int32Array(buffer, 0, KERNELS_OFFSET / 4)
    // Those there may be know where memory was before it moved.
    state.fill(0, STATE.kernelCodes / 4)
    this.#hasKernels = false
    this.#linked = {
      ...{ layout, translation, ecall, state },
      entries: new Int32Array(buffer, layout.entriesOffset, 2 * (count + 1)),
      slots: new Uint32Array(buffer, layout.slotsOffset, count + 1),
      arrivals: new Int32Array(buffer, layout.arrivalsOffset, count + 1),
      counts: new BigUint64Array(buffer, layout.countsOffset, count),
      enter: enter as Enter,
      enterUnconstrained: enterUnconstrained as Enter,
    }
    this.#arrivals.attach(this.#linked.arrivals, this.#linked.slots)
    this.#describe(this.#linked, ordinaryEndBytes)
    if (hasMoved) this.#forgetUnits(this.#linked)
    this.#prepareUnits(translation)
    return this.#linked
  }

  /** Memory has moved: units are of no use any more, and what counters say must not depend on them. */
  #forgetUnits({ slots }: Linked): void {
    this.#program.windowBytes = this.#memory.windowBytes
    for (const entry of this.#installed) {
      this.#arrivals.setUnit(entry, false)
      slots[entry] = 0
    }
    this.#installed.clear()
    this.#modules.clear()
  }

  /** What there is from earlier runs, and what these have shown to be worth translating. */
  #prepareUnits(translation: Translation): void {
    const hasUnit = (index: number) => translation.moduleOf(index) !== undefined
    if (this.#parts.threshold === 0) {
      const entries = this.#code.functions().filter((entry) => !hasUnit(entry))
      if (entries.length > 0 && translation.roomLeft > 0) translation.translate(entries)
    } else if (isPowerOfTwo(this.#program.runs)) {
      const { pastVisits } = this.#program
      const hasNotRun = (start: number) => pastVisits[start] === 0
      const entries = this.#hotSpots.forLaterRuns(hasUnit)
      const canTranslate = entries.length > 0 && translation.roomLeft > 0
      const most = this.#program.runs === 1 ? MAX_FIRST_MODULES : MAX_MODULES
      if (translation.modules.length >= most) translation.consolidate(entries, hasNotRun)
      else if (canTranslate) translation.translate(entries, hasNotRun)
      this.#program.beginLateVisits()
    }
    for (const translated of translation.modules) {
      if (!this.#modules.has(translated)) this.#install(translated)
    }
  }

  #install(translated: TranslatedModule): void {
    const { module, entries, firstSlot } = translated
    const { slots, ecall } = this.#linked as Linked
    const missing = firstSlot + entries.length - this.#table.length
    if (missing > 0) this.#table.grow(Math.max(missing, TABLE_STEP))
    instantiate(module, { env: { memory: this.#memory.wasm, table: this.#table, ecall } })
    this.#modules.add(translated)
    entries.forEach((entry, i) => {
      this.#arrivals.setUnit(entry, true)
      slots[entry] = firstSlot + i
      this.#installed.add(entry)
    })
  }

  /** The interpreter in WebAssembly met an entry that is not there yet. */
  #decode(at: number): void {
    const { layout, entries } = this.link()
    const index = (at - layout.entriesOffset) / ENTRY_BYTES
    const start = 2 * (index - (index % CHUNK_ENTRIES))
    entries.set(this.#code.entries.subarray(start, start + 2 * CHUNK_ENTRIES), start)
  }

  /** Tell the interpreter in WebAssembly about the program. */
  #describe({ state, layout }: Linked, ordinaryEndBytes: number): void {
    const { program, length } = this.#code
    const facts = {
      ...{ count: length, pcBase: program.pcBase, ordinaryEnd: ordinaryEndBytes },
      ...{ entriesOffset: layout.entriesOffset, slotsOffset: layout.slotsOffset },
      ...{ arrivalsOffset: layout.arrivalsOffset, guestOffset: layout.guestOffset },
      ...{ usedOffset: layout.usedOffset, touchedOffset: layout.touchedOffset },
      hotArrivals: this.#parts.threshold,
    }
    for (const [name, value] of Object.entries(facts)) {
      state[STATE[name as keyof typeof facts] / 4] = value
    }
  }
}

function instantiate(
  module: WebAssembly.Module,
  imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): Readonly<Record<string, unknown>> {
  return new WebAssembly.Instance(module, imports).exports
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value))
}
