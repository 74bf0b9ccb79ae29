/**
 * The readable definition of execution: fetch, execute, count, check for the end.
 * The order of the steps is SP1's (sp1-core-executor executor.rs, execute_cycle), because it decides
 * which error a run ends with: the cycle limit is looked at after the instruction and before the end
 * of the program.
 */
import { GuestError } from '../errors.js'
import { decodeProgram } from './decode.js'
import type { Hart } from './hart.js'
import type { Decoded } from './instruction.js'
import type { Program } from './program.js'

/** When a run is over its limit; releases differ in it. */
export interface CycleLimit {
  /** As the user gave it. */
  readonly limit: number
  /** A run that has executed more instructions than this is over the limit. */
  readonly mostCycles: number
  /** False: an unconstrained block is not held to it while it runs. */
  readonly holdsUnconstrained: boolean
}

export class Interpreter {
  readonly #instructions: Decoded[]
  readonly #pcBase: number
  readonly #cycleLimit: CycleLimit
  /** Executions of each instruction by index; unconstrained ones are not counted. */
  readonly visits: Float64Array
  /** Stands in for `visits` while unconstrained. */
  readonly #unconstrainedVisits: Float64Array
  /** Executed instructions, those of a running unconstrained block included. */
  cycles = 0

  constructor(program: Program, cycleLimit: CycleLimit) {
    this.#instructions = decodeProgram(program)
    this.#pcBase = program.pcBase
    this.#cycleLimit = cycleLimit
    this.visits = new Float64Array(this.#instructions.length)
    this.#unconstrainedVisits = new Float64Array(this.#instructions.length)
  }

  /** The instruction rows of the program, in order. */
  get instructions(): readonly Decoded[] {
    return this.#instructions
  }

  /**
   * Execute up to `maxCycles` instructions.
   *
   * @returns true if the program has ended: its pc is 0 or outside the program.
   * @throws GuestError for every fault and for the cycle limit; `hart.pc` is then the instruction's.
   */
  run(hart: Hart, maxCycles: number): boolean {
    const instructions = this.#instructions
    const count = instructions.length
    const { memory } = hart
    const { limit, mostCycles, holdsUnconstrained } = this.#cycleLimit
    const sliceEnd = this.cycles + maxCycles
    if (indexOf(hart.pc, this.#pcBase) >= count) {
      throw new GuestError('PC_OUTSIDE_PROGRAM', { target: `0x${hart.pc.toString(16)}` })
    }
    while (this.cycles < sliceEnd) {
      const index = indexOf(hart.pc, this.#pcBase)
      const visits = memory.isRecordingUndo ? this.#unconstrainedVisits : this.visits
      const instruction = instructions[index]
      visits[index]++
      hart.nextPc = (hart.pc + 4) >>> 0
      instruction.execute(hart, instruction)
      hart.pc = hart.nextPc
      if (++this.cycles > mostCycles && (holdsUnconstrained || !memory.isRecordingUndo)) {
        throw new GuestError('CYCLE_LIMIT', { limit })
      }
      if (hart.pc === 0 || indexOf(hart.pc, this.#pcBase) >= count) return true
    }
    return false
  }
}

/** Like the reference, rounds a misaligned pc down to its instruction. */
function indexOf(pc: number, pcBase: number): number {
  return ((pc - pcBase) >>> 0) >>> 2
}
