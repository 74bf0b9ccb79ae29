/**
 * Runs a program in three tiers: the interpreter in WebAssembly, units of WebAssembly for what is hot,
 * and the interpreter in TypeScript for what neither may do: faults, the last instructions before the
 * cycle limit, and whatever touches memory that is special. So every error is that interpreter's.
 */
import type { Code } from './code.js'
import type { CycleLimit, Engine, EngineFacts } from './engine.js'
import type { Hart } from './hart.js'
import { Interpreter } from './interpreter.js'
import type { Memory } from './memory.js'
import { STATE } from './memory-layout.js'
import { type TierOptions, Tiers } from './tiers.js'
import type { CompiledProgram } from './translate/compiled-program.js'
import { STEP_FAULT, UNIT_FAULT } from './translate/departures.js'
import { MAX_UNIT_INSTRUCTIONS } from './translate/unit.js'

/** A budget must fit the signed word it is counted down in. */
const MAX_BUDGET = 2 ** 30
/** As many instructions take about as long as one ecall that the host does. */
const ECALL_CYCLES = 8192
/** The same for an instruction that compiled code leaves to the interpreter. */
const FAULT_CYCLES = 256
/** The register that says which syscall it is. */
const T0 = 5
/** Value of STATE.exit besides the faults: the host has set pc. */
const EXIT_HOST = 2
/** What `ecall` returns when the unit shall end: no pc of an instruction. */
const ELSEWHERE = 1
const NO_LIMIT: CycleLimit = { limit: 0, mostCycles: 0, holdsUnconstrained: true }

export class TieredEngine implements Engine {
  readonly code: Code
  readonly #interpreter: Interpreter
  readonly #tiers: Tiers
  readonly #hasVisits: boolean
  readonly #onRelease: () => boolean
  /** How far compiled code can run beyond its budget. */
  readonly #overshoot: number
  /** False for the rare program that has address 0 in it: being there is the end of a run. */
  readonly #canCompile: boolean
  #isNew = true
  #cycleLimit = NO_LIMIT
  #hart: Hart | undefined
  /** The budget that compiled code was given and has not been charged for. */
  #granted = 0
  /** Of the slice that is running. */
  #cyclesLeft = 0
  /** Executed by the interpreter in TypeScript. */
  #interpretedCycles = 0

  /** @param onRelease - true if the engine will be used again. */
  constructor(
    program: CompiledProgram,
    readonly memory: Memory,
    options: TierOptions,
    onRelease: (engine: TieredEngine) => boolean,
  ) {
    this.code = program.code
    this.#interpreter = new Interpreter(this.code, NO_LIMIT)
    this.#tiers = new Tiers(program, memory, {
      ...options,
      interpreted: this.#interpreter.visits,
      ecall: () => this.#ecall(),
    })
    this.#hasVisits = options.hasVisits
    this.#onRelease = () => onRelease(this)
    this.#overshoot = Math.max(MAX_UNIT_INSTRUCTIONS, this.code.longestRun)
    this.#canCompile = !this.#interpreter.isInside(0)
  }

  /** A new run, in memory that is all zero. */
  begin(cycleLimit: CycleLimit): void {
    this.#cycleLimit = cycleLimit
    this.#interpretedCycles = 0
    if (!this.#isNew) {
      this.#tiers.remember()
      this.memory.clear()
      this.#tiers.begin()
    }
    this.#isNew = false
    this.#interpreter.reset(cycleLimit)
  }

  release(): void {
    this.#hart = undefined
    // An engine that is kept does it when it is needed again.
    if (!this.#onRelease()) this.#tiers.remember()
  }

  get cycles(): number {
    return this.#interpreter.cycles
  }

  set cycles(cycles: number) {
    this.#interpreter.cycles = cycles
  }

  get kernelCalls(): number[] {
    return this.#tiers.kernelCalls
  }

  get visits(): Float64Array {
    const visits = this.#interpreter.visits.slice()
    this.#tiers.addVisits(visits)
    return visits
  }

  get translateMs(): number {
    return this.#tiers.translateMs
  }

  get isWarm(): boolean {
    return this.#tiers.isWarm
  }

  facts(): EngineFacts {
    const interpreter = this.#interpretedCycles
    const stepper = this.#tiers.steppedCycles
    const units = this.cycles - stepper - interpreter
    return { cyclesByTier: { units, stepper, interpreter }, ...this.#tiers.unitFacts }
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
    if (!this.memory.isRecordingUndo) this.#interpretedCycles++
    return this.#interpreter.step(hart)
  }

  #enter(hart: Hart, budget: number): boolean {
    const { state, enter, enterUnconstrained } = this.#tiers.link()
    const { isRecordingUndo } = this.memory
    state[STATE.exit / 4] = 0
    state[STATE.isUnconstrained / 4] = isRecordingUndo ? 1 : 0
    this.#granted = budget
    const pc = (isRecordingUndo ? enterUnconstrained : enter)(hart.pc, budget) >>> 0
    this.#settle()
    // The host may have moved memory in the meantime.
    const exit = this.#tiers.link().state[STATE.exit / 4]
    if (exit === UNIT_FAULT || exit === STEP_FAULT) {
      hart.pc = pc - 1
      this.#cyclesLeft -= FAULT_CYCLES
      if (exit === UNIT_FAULT) this.#undoBlock(hart)
      else if (!isRecordingUndo) this.#tiers.endRunBefore(this.#indexOf(hart.pc))
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
    const state = this.#tiers.stateNow()
    const left = state[STATE.left / 4]
    const spent = this.#granted - left
    this.cycles += spent - state[STATE.charged / 4]
    state[STATE.charged / 4] = 0
    this.#cyclesLeft -= spent
    this.#granted = left
  }

  /** A unit counted the block at `pc` as a whole; from `pc` on it did not run. */
  #undoBlock({ pc }: Hart): void {
    const index = this.#indexOf(pc)
    const end = this.code.blockEnd(index)
    this.cycles -= end - index
    if (this.#hasVisits) for (let i = index; i < end; i++) this.#interpreter.visits[i]--
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
    const pc = this.#tiers.stateNow()[STATE.pc / 4] >>> 0
    hart.pc = pc
    hart.nextPc = (pc + 4) >>> 0
    this.#tiers.makeKernelOf(hart.x[T0])
    hart.environment.ecall(hart)
    this.cycles++
    hart.pc = hart.nextPc
    // A block that is not held to the limit may begin with the last instruction that is.
    if (wasRecording && !this.memory.isRecordingUndo) this.#interpreter.requireWithinLimit(hart)
    // Less budget, so that a slice ends in time.
    this.#cyclesLeft -= ECALL_CYCLES
    this.#granted -= ECALL_CYCLES
    const state = this.#tiers.stateNow()
    state[STATE.left / 4] = this.#granted
    const isPlain = hart.pc === pc + 4 && hart.x[0] === 0 && this.memory.layout === layout
    if (isPlain && this.memory.isRecordingUndo === wasRecording) return hart.pc
    state[STATE.exit / 4] = EXIT_HOST
    return ELSEWHERE
  }
}
