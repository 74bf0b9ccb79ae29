/**
 * The readable definition of execution: fetch, execute, count, check for the end.
 * The order of the steps is SP1's (sp1-core-executor executor.rs, execute_cycle), because it decides
 * which error a run ends with: the cycle limit is looked at after the instruction and before the end
 * of the program.
 */
import { GuestError } from '../errors.js'
import { decodeProgram } from './decode.js'
import type { CycleLimit, Engine, EngineFactory } from './engine.js'
import type { Hart } from './hart.js'
import type { Decoded } from './instruction.js'
import { Memory } from './memory.js'
import type { Program } from './program.js'

export const interpret: EngineFactory = ({ program, cycleLimit, memory }) => ({
  engine: new Interpreter(program, cycleLimit),
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
  return ({ program, cycleLimit, memory }) => ({
    engine: new Interpreter(program, cycleLimit, { onJump }),
    memory: new Memory(memory),
  })
}

export class Interpreter implements Engine {
  readonly #instructions: readonly Decoded[]
  readonly #pcBase: number
  readonly #cycleLimit: CycleLimit
  /** Executions of each instruction by index; unconstrained ones are not counted. */
  readonly visits: Float64Array
  /** Stands in for `visits` while unconstrained. */
  readonly #unconstrainedVisits: Float64Array
  /** Executed instructions, those of a running unconstrained block included. */
  cycles = 0

  constructor(
    program: Program,
    cycleLimit: CycleLimit,
    options: { readonly onJump?: JumpListener; readonly instructions?: readonly Decoded[] } = {},
  ) {
    const { onJump, instructions = decodeProgram(program) } = options
    this.#instructions = instructions
    if (onJump !== undefined) this.#instructions = this.#instructions.map(this.#listened(onJump))
    this.#pcBase = program.pcBase
    this.#cycleLimit = cycleLimit
    this.visits = new Float64Array(this.#instructions.length)
    this.#unconstrainedVisits = new Float64Array(this.#instructions.length)
  }

  /** The instruction rows of the program, in order. */
  get instructions(): readonly Decoded[] {
    return this.#instructions
  }

  /** Execute up to `maxCycles` instructions; otherwise as `Engine.run`. */
  run(hart: Hart, maxCycles: number): boolean {
    const sliceEnd = this.cycles + maxCycles
    this.requireInside(hart)
    while (this.cycles < sliceEnd) if (this.step(hart)) return true
    return false
  }

  /** @throws GuestError `PC_OUTSIDE_PROGRAM` */
  requireInside({ pc }: Hart): void {
    if (indexOf(pc, this.#pcBase) < this.#instructions.length) return
    throw new GuestError('PC_OUTSIDE_PROGRAM', { target: `0x${pc.toString(16)}` })
  }

  /** Execute the instruction at pc, which is inside the program. Returns and throws as `run`. */
  step(hart: Hart): boolean {
    const { memory } = hart
    const { limit, mostCycles, holdsUnconstrained } = this.#cycleLimit
    const index = indexOf(hart.pc, this.#pcBase)
    const visits = memory.isRecordingUndo ? this.#unconstrainedVisits : this.visits
    const instruction = this.#instructions[index]
    visits[index]++
    hart.nextPc = (hart.pc + 4) >>> 0
    instruction.execute(hart, instruction)
    hart.pc = hart.nextPc
    if (++this.cycles > mostCycles && (holdsUnconstrained || !memory.isRecordingUndo)) {
      throw new GuestError('CYCLE_LIMIT', { limit })
    }
    return hart.pc === 0 || indexOf(hart.pc, this.#pcBase) >= this.#instructions.length
  }

  /** A jump that tells of itself; in a run without listener nothing looks for one. */
  #listened(onJump: JumpListener) {
    return (jump: Decoded): Decoded => {
      const { mnemonic } = jump.row
      if (mnemonic !== 'jal' && mnemonic !== 'jalr') return jump
      return {
        ...jump,
        execute: (hart, operands) => {
          jump.execute(hart, operands)
          onJump(hart, jump, this.cycles)
        },
      }
    }
  }
}

/** Like the reference, rounds a misaligned pc down to its instruction. */
function indexOf(pc: number, pcBase: number): number {
  return ((pc - pcBase) >>> 0) >>> 2
}
