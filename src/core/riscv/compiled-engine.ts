/**
 * Runs a program in three tiers: the interpreter in WebAssembly, units of WebAssembly for what is hot,
 * and the interpreter in TypeScript for what neither may do: faults, the last instructions before the
 * cycle limit, and whatever touches memory that is special. So every error is that interpreter's.
 */
import { ArrivalCounts } from './arrival-counts.js'
import { type Code, UNKNOWN_ROW } from './code.js'
import type { CycleLimit, Engine, EngineFactory, EngineOptions, Kernels } from './engine.js'
import type { Hart } from './hart.js'
import { Interpreter } from './interpreter.js'
import type { Isa } from './isa.js'
import { Memory } from './memory.js'
import {
  ENTRY_BYTES,
  FIRST_KERNEL_SLOT,
  KERNELS_OFFSET,
  type MemoryLayout,
  STATE,
} from './memory-layout.js'
import type { Program } from './program.js'
import { CompiledProgram, ecallsOf, stepperOf } from './translate/compiled-program.js'
import { STEP_FAULT, UNIT_FAULT } from './translate/departures.js'
import type { TranslatedModule, Translation } from './translate/translation.js'
import { MAX_UNIT_INSTRUCTIONS } from './translate/unit.js'

/** A budget must fit the signed word it is counted down in. */
const MAX_BUDGET = 2 ** 30
/** As many instructions take about as long as one ecall that the host does. */
const ECALL_CYCLES = 8192
/** The table grows by this many, because every module that has it must then be told. */
const TABLE_STEP = 1024
/** Entries are decoded by that many at a time: a page of the operating system. */
const CHUNK_ENTRIES = 512
/** A function that was called this often is better translated as a whole than from inside. */
const FEW_CALLS = 16
/** So many units make a module at most. */
const BATCH_UNITS = 16
/** More than that are made one before another run. */
const MAX_MODULES = 4

/** The register that says which syscall it is. */
const T0 = 5
/** Value of STATE.exit besides the faults: the host has set pc. */
const EXIT_HOST = 2
/** What `ecall` returns when the unit shall end: no pc of an instruction. */
const ELSEWHERE = 1
/** More are needed only where one process runs a program several times at once. */
const MAX_IDLE = 2
/** Beyond this, finding out what has to be cleared takes longer than making new memory. */
const MAX_IDLE_WINDOW_BYTES = 16 * 2 ** 20
const NO_LIMIT: CycleLimit = { limit: 0, mostCycles: 0, holdsUnconstrained: true }
const NO_KERNELS: Kernels = { codes: [], instantiate: () => [] }

export interface CompiledOptions {
  /**
   * A unit is translated when its instructions have been interpreted this often on average: that took
   * about the time that translating it will. Blocks that never ran are left out of it.
   * 0: all functions as a whole before the run, and other places when they are reached.
   */
  readonly threshold: number
  /** Count how often each instruction runs in units, too. */
  readonly hasVisits: boolean
  /** What earlier runs of the same program left. Default: nothing. */
  readonly programOf?: (program: Program, isa?: Isa) => CompiledProgram
}

/** An engine that translates what is reached often. */
export function compiled(options: CompiledOptions): EngineFactory {
  const { threshold, hasVisits } = options
  const { programOf = (...given) => new CompiledProgram(...given) } = options
  return ({ program, isa, cycleLimit, memory: memoryOptions, kernels = NO_KERNELS }) => {
    const compiledProgram = programOf(program, isa)
    const key = JSON.stringify({ ...memoryOptions, threshold, hasVisits })
    const idle = idleEngines.get(compiledProgram) ?? []
    idleEngines.set(compiledProgram, idle)
    const found = idle.findIndex((engine) => engine.key === key && engine.kernels === kernels)
    const engine =
      idle.splice(found, found < 0 ? 0 : 1)[0] ??
      new CompiledEngine(compiledProgram, {
        ...{ key, kernels, threshold, hasVisits },
        memory: memoryFor(compiledProgram, memoryOptions),
        onRelease: (released) => keepIdle(idle, released),
      })
    engine.begin(cycleLimit)
    return { engine, memory: engine.memory }
  }
}

/** Engines whose run is over. What is linked to their memory stays so, which makes the next run short. */
const idleEngines = new WeakMap<CompiledProgram, CompiledEngine[]>()

/** @returns true if the engine was kept. */
function keepIdle(idle: CompiledEngine[], engine: CompiledEngine): boolean {
  if (idle.length >= MAX_IDLE || engine.memory.windowBytes > MAX_IDLE_WINDOW_BYTES) return false
  idle.push(engine)
  return true
}

function memoryFor(
  { code, windowBytes }: CompiledProgram,
  memoryOptions: EngineOptions['memory'],
): Memory {
  const codeWords = code.length
  return new Memory({
    ...memoryOptions,
    codeWords,
    ...(windowBytes !== undefined && { windowBytes }),
  })
}

type Enter = (pc: number, left: number) => number

interface EngineParts extends CompiledOptions {
  /** Equal for engines that can stand in for each other. */
  readonly key: string
  readonly memory: Memory
  readonly kernels: Kernels
  /** True if the engine will be used again. */
  readonly onRelease: (engine: CompiledEngine) => boolean
}

/** What depends on how memory is laid out; made again when it moves. */
interface Linked {
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

export class CompiledEngine implements Engine {
  readonly code: Code
  readonly key: string
  readonly memory: Memory
  readonly kernels: Kernels
  readonly #program: CompiledProgram
  readonly #interpreter: Interpreter
  readonly #threshold: number
  readonly #hasVisits: boolean
  readonly #onRelease: (engine: CompiledEngine) => boolean
  /** How far compiled code can run beyond its budget. */
  readonly #overshoot: number
  /** False for the rare program that has address 0 in it: being there is the end of a run. */
  readonly #canCompile: boolean
  readonly #modules = new Set<TranslatedModule>()
  /** Instructions with units. */
  readonly #installed = new Set<number>()
  readonly #table = new WebAssembly.Table({ element: 'anyfunc', initial: TABLE_STEP })
  #linked: Linked | undefined
  readonly #arrivals: ArrivalCounts
  /** Kernels are made when the first of them is called. */
  #hasKernels = false
  /** Hot instructions that wait for a unit, by the beginning of their function. */
  readonly #waiting = new Map<number, number>()
  #cycleLimit: CycleLimit = NO_LIMIT
  #hart: Hart | undefined
  /** The budget that compiled code was given and has not been charged for. */
  #granted = 0
  /** Of the slice that is running. */
  #cyclesLeft = 0

  constructor(program: CompiledProgram, parts: EngineParts) {
    this.#program = program
    this.code = program.code
    this.key = parts.key
    this.memory = parts.memory
    this.kernels = parts.kernels
    this.#interpreter = new Interpreter(this.code, NO_LIMIT)
    this.#threshold = parts.threshold
    this.#hasVisits = parts.hasVisits
    this.#onRelease = parts.onRelease
    this.#arrivals = new ArrivalCounts(this.code, parts.threshold)
    this.#overshoot = Math.max(MAX_UNIT_INSTRUCTIONS, this.code.longestRun)
    this.#canCompile = !this.#interpreter.isInside(0)
  }

  /** A new run, in memory that is all zero. */
  begin(cycleLimit: CycleLimit): void {
    this.#cycleLimit = cycleLimit
    this.#interpreter.reset(cycleLimit)
    if (this.#linked === undefined) return
    this.#remember()
    this.memory.clear()
    const { counts, translation, state } = this.#linked
    state.fill(0, STATE.kernelCalls / 4)
    if (this.#hasVisits) counts.fill(0n)
    this.#arrivals.clear(this.#installed)
    this.#waiting.clear()
    this.#prepareUnits(translation)
  }

  release(): void {
    this.#hart = undefined
    // Engines that are kept do it when they are needed again.
    if (!this.#onRelease(this)) this.#remember()
  }

  get cycles(): number {
    return this.#interpreter.cycles
  }

  set cycles(cycles: number) {
    this.#interpreter.cycles = cycles
  }

  get kernelCalls(): Uint32Array {
    const { buffer } = this.memory
    return new Uint32Array(buffer, STATE.kernelCalls, this.kernels.codes.length).slice()
  }

  get visits(): Float64Array {
    const visits = this.#interpreter.visits.slice()
    const { counts, translation } = this.#link()
    this.#arrivals.addTo(visits, 0, visits.length)
    if (translation.modules.length === 0) return visits
    for (let start = 0; start < visits.length; ) {
      const end = this.code.blockEnd(start)
      const count = Number(counts[start])
      if (count > 0) for (let i = start; i < end; i++) visits[i] += count
      start = end
    }
    return visits
  }

  run(hart: Hart, maxCycles: number): boolean {
    this.#hart = hart
    this.#interpreter.requireInside(hart)
    this.#cyclesLeft = maxCycles
    while (this.#cyclesLeft > 0) {
      const budget = this.#budget()
      const isDone =
        budget > 0 && this.#canEnter(hart) ? this.#enter(hart, budget) : this.#step(hart)
      if (isDone) return true
    }
    return false
  }

  /** How many instructions compiled code may run: it can overshoot. */
  #budget(): number {
    const { mostCycles, holdsUnconstrained } = this.#cycleLimit
    const isHeld = holdsUnconstrained || !this.memory.isRecordingUndo
    const untilLimit = isHeld ? mostCycles - this.cycles - this.#overshoot : MAX_BUDGET
    return Math.min(this.#cyclesLeft, untilLimit, MAX_BUDGET)
  }

  #canEnter({ x, pc }: Hart): boolean {
    return this.#canCompile && x[0] === 0 && (pc - this.code.program.pcBase) % 4 === 0
  }

  #step(hart: Hart): boolean {
    this.#cyclesLeft--
    return this.#interpreter.step(hart)
  }

  #enter(hart: Hart, budget: number): boolean {
    const { state, enter, enterUnconstrained } = this.#link()
    const { isRecordingUndo } = this.memory
    state[STATE.exit / 4] = 0
    state[STATE.isUnconstrained / 4] = isRecordingUndo ? 1 : 0
    this.#granted = budget
    const pc = (isRecordingUndo ? enterUnconstrained : enter)(hart.pc, budget) >>> 0
    this.#settle()
    // The host may have moved memory in the meantime.
    const exit = this.#link().state[STATE.exit / 4]
    if (exit === UNIT_FAULT || exit === STEP_FAULT) {
      hart.pc = pc - 1
      if (exit === UNIT_FAULT) this.#undoBlock(hart)
      else if (!isRecordingUndo) this.#undoRun(hart)
      return this.#step(hart)
    }
    if (exit !== EXIT_HOST) {
      hart.jump(pc)
      hart.pc = hart.nextPc
    }
    return hart.pc === 0 || !this.#interpreter.isInside(hart.pc)
  }

  /** Count what compiled code has run since it was given its budget. */
  #settle(): void {
    const left = this.#stateNow()[STATE.left / 4]
    const ran = this.#granted - left
    this.cycles += ran
    this.#cyclesLeft -= ran
    this.#granted = left
  }

  #stateNow(): Int32Array {
    const { layout, state } = this.#linked as Linked
    if (layout === this.memory.layout) return state
    return new Int32Array(this.memory.buffer, 0, KERNELS_OFFSET / 4)
  }

  /** A unit counted the block at `pc` as a whole; from `pc` on it did not run. */
  #undoBlock({ pc }: Hart): void {
    const index = this.#indexOf(pc)
    const end = this.code.blockEnd(index)
    this.cycles -= end - index
    if (this.#hasVisits) for (let i = index; i < end; i++) this.#interpreter.visits[i]--
  }

  /** The interpreter in WebAssembly arrived at some instruction before `pc`; from `pc` on it did not run. */
  #undoRun({ pc }: Hart): void {
    const { visits } = this.#interpreter
    for (let i = this.#indexOf(pc); i < visits.length; i++) {
      visits[i]--
      if (this.code.isSteering(i)) break
    }
  }

  #indexOf(pc: number): number {
    return (pc - this.code.program.pcBase) / 4
  }

  /** @returns the pc behind the ecall, or ELSEWHERE if compiled code must not go on there. */
  #ecall(): number {
    const hart = this.#hart as Hart
    const wasRecording = this.memory.isRecordingUndo
    const { layout } = this.memory
    this.#settle()
    // An instruction counts when it is over.
    this.cycles--
    const pc = this.#stateNow()[STATE.pc / 4] >>> 0
    hart.pc = pc
    hart.nextPc = (pc + 4) >>> 0
    if (!this.#hasKernels && this.kernels.codes.includes(hart.x[T0])) this.#makeKernels()
    hart.environment.ecall(hart)
    this.cycles++
    hart.pc = hart.nextPc
    // Less budget, so that a slice ends in time.
    this.#cyclesLeft -= ECALL_CYCLES
    this.#granted -= ECALL_CYCLES
    const state = this.#stateNow()
    state[STATE.left / 4] = this.#granted
    const isPlain = hart.pc === pc + 4 && hart.x[0] === 0 && this.memory.layout === layout
    if (isPlain && this.memory.isRecordingUndo === wasRecording) return hart.pc
    state[STATE.exit / 4] = EXIT_HOST
    return ELSEWHERE
  }

  // Tiers.

  /** The interpreter in WebAssembly arrives often at an instruction. */
  #heat(at: number): void {
    const { layout, slots } = this.#link()
    const index = (at - layout.entriesOffset) / ENTRY_BYTES
    const isBehindLast = index === this.code.length
    if (!isBehindLast && this.code.isLeader(index)) this.#translateAround(index)
    if (slots[index] !== 0) return
    // Unless it waits for others, weighing again is of no use before it is twice as hot.
    const arrivals = this.#arrivals.arrivalsAt(index)
    this.#arrivals.waitFor(index, this.#waiting.size > 0 ? this.#threshold : arrivals)
  }

  /**
   * Make a unit for it. A module costs as much as a few units, so what is hot waits for others: until it
   * is hot once more, or there are enough of them. Of a function, only one place waits: what is hot with
   * it is mostly the same loop.
   */
  #translateAround(index: number): void {
    const { translation } = this.#link()
    const entry = this.#bestEntry(index)
    const known = translation.moduleOf(entry) ?? translation.moduleOf(index)
    if (known !== undefined) {
      this.#install(known)
    } else if (this.#threshold === 0) {
      this.#install(translation.translate([index]))
    } else {
      const { start, end } = this.code.functionAround(index)
      const waiting = this.#waiting.get(start)
      if (waiting === entry) this.#translateWaiting()
      else if (waiting === undefined && this.#arrivals.areWorth(entry, end, this.#threshold)) {
        this.#waiting.set(start, entry)
        if (this.#waiting.size >= BATCH_UNITS) this.#translateWaiting()
      }
    }
  }

  #translateWaiting(): void {
    const { pastVisits } = this.#program
    const { visits } = this.#interpreter
    const entries = [...this.#waiting.values()].sort((a, b) => a - b)
    this.#waiting.clear()
    const hasRun = (i: number) => pastVisits[i] + visits[i] + this.#arrivals.visitsAt(i) > 0
    this.#install(this.#link().translation.translate(entries, (start) => !hasRun(start)))
  }

  /** The function that `index` is in, if it is called again and again; else the place itself. */
  #bestEntry(index: number): number {
    if (this.#threshold === 0) return index
    const { slots } = this.#link()
    const { start } = this.code.functionAround(index)
    const isWhole = slots[start] === 0 && this.#arrivals.visitsAt(start) >= FEW_CALLS
    return isWhole && this.code.isLeader(start) ? start : index
  }

  /** Tell later runs what this one had to interpret. */
  #remember(): void {
    if (this.#threshold === 0 || this.#linked === undefined) return
    const { entries } = this.#linked
    for (let start = 0; start < this.code.length; start += CHUNK_ENTRIES) {
      const end = Math.min(start + CHUNK_ENTRIES, this.code.length)
      if (entries[2 * start] !== UNKNOWN_ROW)
        this.#arrivals.addTo(this.#program.pastVisits, start, end)
    }
    this.#program.runs++
  }

  // Linking.

  #makeKernels(): void {
    const { layout, ordinaryEndBytes } = this.memory
    this.kernels
      .instantiate(this.memory.wasm, { ...layout, ordinaryEndBytes })
      .forEach((kernel, i) => {
        this.#table.set(FIRST_KERNEL_SLOT + i, kernel)
      })
    this.#hasKernels = true
  }

  /** Everything for memory as it is laid out now. */
  #link(): Linked {
    const { layout, buffer } = this.memory
    if (this.#linked?.layout === layout) return this.#linked
    const hasMoved = this.#linked !== undefined
    const { ordinaryEndBytes } = this.memory
    const target = { layout, ordinaryEndBytes, hasCounts: this.#hasVisits }
    const translation = this.#program.translationFor(target)
    const count = this.code.length
    const { ecall } = instantiate(ecallsOf(this.kernels.codes), {
      env: { memory: this.memory.wasm, table: this.#table, host: () => this.#ecall() },
    })
    this.#hasKernels = false
    const { enter, enterUnconstrained } = instantiate(stepperOf(this.code.isa), {
      env: {
        ...{ memory: this.memory.wasm, table: this.#table, ecall },
        decode: (at: number) => this.#decode(at),
        heat: (at: number) => this.#heat(at),
      },
    })
    this.#linked = {
      ...{ layout, translation, ecall },
      state: new Int32Array(buffer, 0, KERNELS_OFFSET / 4),
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
    this.#program.windowBytes = this.memory.windowBytes
    for (const entry of this.#installed) {
      this.#arrivals.setUnit(entry, false)
      slots[entry] = 0
    }
    this.#installed.clear()
    this.#modules.clear()
  }

  /** What there is from earlier runs, and what these have shown to be worth translating. */
  #prepareUnits(translation: Translation): void {
    if (this.#threshold === 0) {
      const entries = this.code
        .functions()
        .filter((entry) => translation.moduleOf(entry) === undefined)
      if (entries.length > 0) translation.translate(entries)
    } else if (isPowerOfTwo(this.#program.runs)) {
      const { pastVisits } = this.#program
      const hot = this.code
        .functions()
        .filter((entry) => pastVisits[entry] >= this.#threshold && !translation.moduleOf(entry))
      const hasNotRun = (start: number) => pastVisits[start] === 0
      if (hot.length > 0) translation.translate(hot, hasNotRun)
      if (translation.modules.length > MAX_MODULES) translation.consolidate(hasNotRun)
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
    instantiate(module, { env: { memory: this.memory.wasm, table: this.#table, ecall } })
    this.#modules.add(translated)
    entries.forEach((entry, i) => {
      this.#arrivals.setUnit(entry, true)
      slots[entry] = firstSlot + i
      this.#installed.add(entry)
    })
  }

  /** The interpreter in WebAssembly met an entry that is not there yet. */
  #decode(at: number): void {
    const { layout, entries } = this.#link()
    const index = (at - layout.entriesOffset) / ENTRY_BYTES
    const start = 2 * (index - (index % CHUNK_ENTRIES))
    entries.set(this.code.entries.subarray(start, start + 2 * CHUNK_ENTRIES), start)
  }

  /** Tell the interpreter in WebAssembly about the program. */
  #describe({ state, layout }: Linked, ordinaryEndBytes: number): void {
    const { program, length } = this.code
    const facts = {
      ...{ count: length, pcBase: program.pcBase, ordinaryEnd: ordinaryEndBytes },
      ...{ entriesOffset: layout.entriesOffset, slotsOffset: layout.slotsOffset },
      ...{ arrivalsOffset: layout.arrivalsOffset, guestOffset: layout.guestOffset },
      ...{ usedOffset: layout.usedOffset, touchedOffset: layout.touchedOffset },
      hotArrivals: this.#threshold,
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
