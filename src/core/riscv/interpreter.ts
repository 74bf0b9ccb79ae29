/**
 * The readable definition of execution: fetch, execute, count, check for the end.
 * The order of the steps is SP1's (sp1-core-executor executor.rs, execute_cycle), because it decides
 * which error a run ends with: the cycle limit is looked at after the instruction and before the end
 * of the program.
 */
import { GuestError } from '../errors.js'
import { Code } from './code.js'
import type { CycleLimit, Engine, EngineFactory, EngineFacts } from './engine.js'
import type { Hart } from './hart.js'
import type { Decoded } from './instruction.js'
import { Memory } from './memory.js'

export const interpret: EngineFactory = ({ program, isa, cycleLimit, memory }) => ({
  engine: new Interpreter(new Code(program, isa), cycleLimit),
  memory: new Memory(memory),
})

/**
 * Told of every executed `jal` and `jalr`, when `hart.pc` is still its own and `hart.nextPc` its target.
 *
 * @param cycles - instructions executed before it
 */
export type JumpListener = (hart: Hart, jump: Decoded, cycles: number) => void

/** An interpreter whose jumps are listened to. */
export function interpretListening(onJump: JumpListener): EngineFactory {
  return ({ program, isa, cycleLimit, memory }) => ({
    engine: new Interpreter(new Code(program, isa), cycleLimit, onJump),
    memory: new Memory(memory),
  })
}

export class Interpreter implements Engine {
  readonly #instructions: Decoded[]
  readonly #pcBase: number
  #cycleLimit: CycleLimit
  readonly #onJump: JumpListener | undefined
  /** Executions of each instruction by index; unconstrained ones are not counted. */
  readonly visits: Float64Array
  /** Executed instructions, those of a running unconstrained block included. */
  cycles = 0
  readonly kernelCalls: readonly number[] = []
  readonly translateMs = 0
  readonly isWarm = false

  constructor(
    readonly code: Code,
    cycleLimit: CycleLimit,
    onJump?: JumpListener,
  ) {
    this.#instructions = new Array(code.length)
    this.#pcBase = code.program.pcBase
    this.#cycleLimit = cycleLimit
    this.#onJump = onJump
    this.visits = new Float64Array(code.length)
  }

  /** Begin another run, as if just made. */
  reset(cycleLimit: CycleLimit): void {
    this.#cycleLimit = cycleLimit
    this.cycles = 0
    this.visits.fill(0)
  }

  /** Execute up to `maxCycles` instructions; otherwise as `Engine.run`. */
  run(hart: Hart, maxCycles: number): boolean {
    const sliceEnd = this.cycles + maxCycles
    this.requireInside(hart)
    while (this.cycles < sliceEnd) if (this.step(hart)) return true
    return false
  }

  facts(): EngineFacts {
    const cyclesByTier = { units: 0, stepper: 0, interpreter: this.cycles }
    return { cyclesByTier, units: [], modules: 0, moduleBytes: 0 }
  }

  release(): void {}

  /** @throws GuestError `PC_OUTSIDE_PROGRAM` */
  requireInside({ pc }: Hart): void {
    if (this.isInside(pc)) return
    throw new GuestError('PC_OUTSIDE_PROGRAM', { target: `0x${pc.toString(16)}` })
  }

  isInside(pc: number): boolean {
    return indexOf(pc, this.#pcBase) < this.code.length
  }

  /** Execute the instruction at pc, which is inside the program. Returns and throws as `run`. */
  step(hart: Hart): boolean {
    const { memory } = hart
    const index = indexOf(hart.pc, this.#pcBase)
    const instruction = this.#instructions[index] ?? this.#decode(index)
    if (!memory.isRecordingUndo) this.visits[index]++
    hart.nextPc = (hart.pc + 4) >>> 0
    instruction.execute(hart, instruction)
    hart.pc = hart.nextPc
    this.cycles++
    this.requireWithinLimit(hart)
    return hart.pc === 0 || !this.isInside(hart.pc)
  }

  /** @throws GuestError `CYCLE_LIMIT` */
  requireWithinLimit({ memory }: Hart): void {
    const { limit, mostCycles, holdsUnconstrained } = this.#cycleLimit
    if (this.cycles > mostCycles && (holdsUnconstrained || !memory.isRecordingUndo)) {
      throw new GuestError('CYCLE_LIMIT', { limit })
    }
  }

  #decode(index: number): Decoded {
    const decoded = this.code.at(index)
    this.#instructions[index] = this.#onJump ? this.#listened(decoded, this.#onJump) : decoded
    return this.#instructions[index]
  }

  /** A jump that tells of itself; in a run without listener nothing looks for one. */
  #listened(jump: Decoded, onJump: JumpListener): Decoded {
    const { control } = jump.row
    if (control !== 'jal' && control !== 'jalr') return jump
    return {
      ...jump,
      execute: (hart, operands) => {
        jump.execute(hart, operands)
        onJump(hart, jump, this.cycles)
      },
    }
  }
}

/** Like the reference, rounds a misaligned pc down to its instruction. */
function indexOf(pc: number, pcBase: number): number {
  return ((pc - pcBase) >>> 0) >>> 2
}
