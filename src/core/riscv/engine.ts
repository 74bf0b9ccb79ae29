/** What runs a program's instructions. Engines differ in speed and in nothing else. */
import type { Hart } from './hart.js'
import type { Decoded } from './instruction.js'
import type { Memory, MemoryOptions } from './memory.js'
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

/** What an engine is made for. */
export interface EngineOptions {
  readonly program: Program
  readonly cycleLimit: CycleLimit
  readonly memory: MemoryOptions
}

/** Makes an engine, and memory of the kind it needs; the program's image is not in it yet. */
export type EngineFactory = (options: EngineOptions) => { engine: Engine; memory: Memory }

export interface Engine {
  /** The instruction rows of the program, in order. */
  readonly instructions: readonly Decoded[]
  /** Executions of each instruction by index; unconstrained ones are not counted. */
  readonly visits: ArrayLike<number>
  /** Executed instructions, those of a running unconstrained block included. */
  cycles: number
  /**
   * Execute about `maxCycles` instructions.
   *
   * @returns true if the program has ended: its pc is 0 or outside the program.
   * @throws GuestError for every fault and for the cycle limit; `hart.pc` is then the instruction's.
   */
  run(hart: Hart, maxCycles: number): boolean
}
