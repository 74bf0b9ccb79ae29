/**
 * Runs a program by units of WebAssembly, and what is not translated, or must not be, by the
 * interpreter: faults, the last instructions before the cycle limit, unconstrained blocks, and
 * whatever touches memory that is special. So every error is the interpreter's.
 */
import type { CycleLimit, Engine, EngineFactory } from './engine.js'
import type { Hart } from './hart.js'
import type { Decoded } from './instruction.js'
import { Interpreter } from './interpreter.js'
import { Memory } from './memory.js'
import { STATE } from './memory-layout.js'
import type { Program } from './program.js'
import type { CodeMap } from './translate/code-map.js'
import type { Target } from './translate/emitter.js'
import { type TranslatedModule, Translation } from './translate/translation.js'
import { MAX_UNIT_INSTRUCTIONS } from './translate/unit.js'

const PAGE_BYTES = 65_536
/** A slice's budget must fit the signed word it is counted down in. */
const MAX_SLICE_CYCLES = 2 ** 30
/** What a slice is measured in: how long an instruction takes, and an ecall. */
const COMPILED_EFFORT = 1
const INTERPRETED_EFFORT = 32
const ECALL_EFFORT = 8192
/** The table grows by this many, because every module that has it must then be told. */
const TABLE_STEP = 1024
/** A function that was called this often is better translated as a whole than from inside. */
const FEW_CALLS = 16

/** Values of STATE.exit. */
const EXIT_FAULT = 1
const EXIT_HOST = 2
/** What `ecall` returns when the unit shall end: no pc of an instruction. */
const ELSEWHERE = 1

export interface CompiledOptions {
  /**
   * A unit is translated when its instructions have been interpreted this often on average: that took
   * about the time that translating it will. Blocks that never ran are left out of it.
   * 0: all functions as a whole before the run, and other places when they are reached.
   */
  readonly threshold: number
  /** Count how often each instruction runs. */
  readonly hasVisits: boolean
  /** What earlier runs of the same program, with the same memory limit and `hasVisits`, left. */
  readonly translationOf?: (program: Program, target: Target) => Translation
}

/** An engine that translates what is reached often. */
export function compiled(options: CompiledOptions): EngineFactory {
  return ({ program, cycleLimit, memory: memoryOptions }) => {
    let shared: WebAssembly.Memory<ArrayBuffer> | undefined
    const allocate = (bytes: number) => {
      const pages = bytes / PAGE_BYTES
      shared = new WebAssembly.Memory<ArrayBuffer>({ initial: pages, maximum: pages })
      return shared.buffer
    }
    const codeWords = program.instructionWords.length
    const memory = new Memory({ ...memoryOptions, codeWords, allocate })
    const wasmMemory = shared as WebAssembly.Memory<ArrayBuffer>
    return { engine: new CompiledEngine(program, cycleLimit, memory, wasmMemory, options), memory }
  }
}

export class CompiledEngine implements Engine {
  readonly #interpreter: Interpreter
  readonly #cycleLimit: CycleLimit
  readonly #translation: Translation
  readonly #map: CodeMap
  readonly #memory: Memory
  readonly #wasmMemory: WebAssembly.Memory<ArrayBuffer>
  readonly #table = new WebAssembly.Table({ element: 'anyfunc', initial: TABLE_STEP })
  readonly #state: Int32Array
  readonly #slots: Uint32Array
  readonly #counts: BigUint64Array
  readonly #options: CompiledOptions
  readonly #enter: (pc: number) => number
  #hart: Hart | undefined
  /** The budget that compiled code was given and has not been charged for. */
  #granted = 0
  /** Of the slice that is running. */
  #effortLeft = 0

  constructor(
    program: Program,
    cycleLimit: CycleLimit,
    memory: Memory,
    wasmMemory: WebAssembly.Memory<ArrayBuffer>,
    options: CompiledOptions,
  ) {
    const { layout, ordinaryEndBytes } = memory
    const { translationOf = (...given) => new Translation(...given), hasVisits } = options
    this.#translation = translationOf(program, { layout, ordinaryEndBytes, hasCounts: hasVisits })
    this.#map = this.#translation.map
    const { instructions } = this.#translation
    this.#interpreter = new Interpreter(program, cycleLimit, { instructions })
    this.#cycleLimit = cycleLimit
    this.#memory = memory
    this.#wasmMemory = wasmMemory
    this.#options = options
    const { count } = this.#map
    this.#state = new Int32Array(memory.buffer, 0, 64)
    this.#slots = new Uint32Array(memory.buffer, layout.slotsOffset, count)
    this.#counts = new BigUint64Array(memory.buffer, layout.countsOffset, count)
    this.#translation.begin(this.#interpreter.visits)
    const { enter } = this.#instantiate(this.#translation.dispatcher)
    this.#enter = enter as (pc: number) => number
    for (const translated of this.#translation.modules) this.#install(translated)
    if (options.threshold === 0) this.#translateFunctions()
  }

  get instructions(): readonly Decoded[] {
    return this.#interpreter.instructions
  }

  get cycles(): number {
    return this.#interpreter.cycles
  }

  set cycles(cycles: number) {
    this.#interpreter.cycles = cycles
  }

  get visits(): Float64Array {
    const visits = this.#interpreter.visits.slice()
    for (let start = 0; start < visits.length; ) {
      const end = this.#map.blockEnd(start)
      const count = Number(this.#counts[start])
      if (count > 0) for (let i = start; i < end; i++) visits[i] += count
      start = end
    }
    return visits
  }

  /** As much work as interpreting `maxCycles` instructions; otherwise as `Engine.run`. */
  run(hart: Hart, maxCycles: number): boolean {
    this.#hart = hart
    this.#interpreter.requireInside(hart)
    this.#effortLeft = maxCycles * INTERPRETED_EFFORT
    while (this.#effortLeft > 0) {
      const index = this.#map.indexOf(hart.pc)
      const budget = this.#budget()
      const canCompile = index !== undefined && budget > 0 && hart.x[0] === 0
      if (canCompile && !this.#memory.isRecordingUndo && this.#isTranslated(index)) {
        if (this.#runCompiled(hart, budget)) return true
      } else if (this.#interpret(hart)) return true
    }
    return false
  }

  /** How many instructions compiled code may run: it can overshoot by a unit. */
  #budget(): number {
    const untilLimit = this.#cycleLimit.mostCycles - this.cycles - MAX_UNIT_INSTRUCTIONS
    return Math.min(Math.ceil(this.#effortLeft / COMPILED_EFFORT), untilLimit, MAX_SLICE_CYCLES)
  }

  /** True if there is a unit at `index`, or if it was worth making one. */
  #isTranslated(index: number): boolean {
    if (this.#slots[index] !== 0) return true
    if (this.#map.isLeader[index] === 0) return false
    const { threshold } = this.#options
    const arrivals = ++this.#translation.arrivals[index]
    if (threshold === 0) {
      this.#install(this.#translation.moduleOf(index) ?? this.#translation.translate([index]))
      return true
    }
    // Weighing takes time as well: the place itself must be hot, and after that twice as hot.
    if (arrivals < threshold || !isPowerOfTwo(arrivals / threshold)) return false
    const entry = this.#bestEntry(index)
    const translated =
      this.#translation.moduleOf(entry) ?? this.#translation.translateIfWorth(entry, threshold)
    if (translated !== undefined) this.#install(translated)
    return this.#slots[index] !== 0
  }

  /** The function that `index` is in, if it is called again and again; else the place itself. */
  #bestEntry(index: number): number {
    const { start } = this.#map.functionAround(index)
    const isWhole = this.#slots[start] === 0 && this.#translation.visitsOf(start) >= FEW_CALLS
    return isWhole && this.#map.isLeader[start] === 1 ? start : index
  }

  /** Until the next place where a unit could begin. */
  #interpret(hart: Hart): boolean {
    do {
      const { pc } = hart
      this.#effortLeft -= INTERPRETED_EFFORT
      if (this.#interpreter.step(hart)) return true
      if (hart.pc !== pc + 4) return false
    } while (this.#effortLeft > 0)
    return false
  }

  #runCompiled(hart: Hart, budget: number): boolean {
    const state = this.#state
    state[STATE.exit / 4] = 0
    state[STATE.left / 4] = budget
    this.#granted = budget
    const pc = this.#enter(hart.pc) >>> 0
    this.#settle()
    const exit = state[STATE.exit / 4]
    if (exit === EXIT_FAULT) {
      this.#undoRest(hart, pc - EXIT_FAULT)
      return this.#interpreter.step(hart)
    }
    if (exit !== EXIT_HOST) {
      hart.jump(pc)
      hart.pc = hart.nextPc
    }
    return hart.pc === 0 || ((hart.pc - this.#map.program.pcBase) >>> 0) >>> 2 >= this.#map.count
  }

  /** Count what compiled code has run since it was given its budget. */
  #settle(): void {
    const left = this.#state[STATE.left / 4]
    this.cycles += this.#granted - left
    this.#effortLeft -= (this.#granted - left) * COMPILED_EFFORT
    this.#granted = left
  }

  /** The block at `pc` was counted as a whole; from `pc` on it did not run. */
  #undoRest(hart: Hart, pc: number): void {
    const index = this.#map.indexOf(pc) as number
    const end = this.#map.blockEnd(index)
    this.cycles -= end - index
    if (this.#options.hasVisits) {
      for (let i = index; i < end; i++) this.#interpreter.visits[i]--
    }
    hart.pc = pc
  }

  /** @returns the pc behind the ecall, or ELSEWHERE if the unit must not go on there. */
  #ecall(): number {
    const hart = this.#hart as Hart
    const wasRecording = this.#memory.isRecordingUndo
    this.#settle()
    // An instruction counts when it is over.
    this.cycles--
    const pc = this.#state[STATE.pc / 4] >>> 0
    hart.pc = pc
    hart.nextPc = (pc + 4) >>> 0
    hart.environment.ecall(hart)
    this.cycles++
    hart.pc = hart.nextPc
    // Less budget, so that a slice ends in time.
    this.#effortLeft -= ECALL_EFFORT
    this.#granted -= ECALL_EFFORT / COMPILED_EFFORT
    this.#state[STATE.left / 4] = this.#granted
    const isPlain = hart.pc === pc + 4 && hart.x[0] === 0
    if (isPlain && this.#memory.isRecordingUndo === wasRecording) return hart.pc
    this.#state[STATE.exit / 4] = EXIT_HOST
    return ELSEWHERE
  }

  #translateFunctions(): void {
    const entries = this.#translation.functions().filter((index) => this.#slots[index] === 0)
    if (entries.length > 0) this.#install(this.#translation.translate(entries))
  }

  #install({ module, entries, firstSlot }: TranslatedModule): void {
    const missing = firstSlot + entries.length - this.#table.length
    if (missing > 0) this.#table.grow(Math.max(missing, TABLE_STEP))
    this.#instantiate(module)
    entries.forEach((entry, i) => {
      this.#slots[entry] = firstSlot + i
    })
  }

  #instantiate(module: WebAssembly.Module): Readonly<Record<string, unknown>> {
    const env = { memory: this.#wasmMemory, table: this.#table, ecall: () => this.#ecall() }
    return new WebAssembly.Instance(module, { env }).exports
  }
}

function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(Math.log2(value))
}
