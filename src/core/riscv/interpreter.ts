/**
 * The readable definition of execution: fetch, execute, count, check for the end.
 * The order of the steps is SP1's (sp1-core-executor 3.4.0 executor.rs, execute_cycle), because it
 * decides which error a run ends with: the cycle limit is looked at after the instruction and before
 * the end of the program, so a run of exactly `cycleLimit` cycles is over the limit.
 */
import { GuestError } from '../errors.js'
import { decodeProgram } from './decode.js'
import type { Hart } from './hart.js'
import type { Decoded } from './instruction.js'
import type { Program } from './program.js'

export class Interpreter {
  readonly #instructions: Decoded[]
  readonly #pcBase: number
  readonly #cycleLimit: number
  /** Executions of each instruction by index; unconstrained ones are not counted. */
  readonly visits: Float64Array
  /** Stands in for `visits` while unconstrained. */
  readonly #unconstrainedVisits: Float64Array
  /** Executed instructions, those of a running unconstrained block included. */
  cycles = 0

  /** @param cycleLimit - a run ends before it has executed this many instructions, or is refused. */
  constructor(program: Program, cycleLimit: number) {
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
      if (++this.cycles >= this.#cycleLimit) {
        throw new GuestError('CYCLE_LIMIT', { limit: this.#cycleLimit })
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
