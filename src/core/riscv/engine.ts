/** What runs a program's instructions. Engines differ in speed and in nothing else. */
import type { Code } from './code.js'
import type { Hart } from './hart.js'
import type { Isa } from './isa.js'
import type { Memory, MemoryOptions } from './memory.js'
import type { MemoryLayout } from './memory-layout.js'
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

/** Syscalls as WebAssembly, which does their plain cases. */
export interface Kernels {
  /** Codes in t0 that call them. */
  readonly codes: readonly number[]
  /**
   * In the order of the codes: functions of WebAssembly, (a0, a1) → 1 if that was the whole call; 0, with
   * nothing changed, if the host has to do it.
   */
  readonly instantiate: (
    memory: WebAssembly.Memory<ArrayBuffer>,
    layout: MemoryLayout & { readonly ordinaryEndBytes: number },
  ) => readonly unknown[]
}

/** What an engine is made for. */
export interface EngineOptions {
  readonly program: Program
  /** Default: RV32IM. */
  readonly isa?: Isa
  readonly cycleLimit: CycleLimit
  readonly memory: MemoryOptions
  /** An engine may use them instead of asking the environment. */
  readonly kernels?: Kernels
}

/** Makes an engine, and memory of the kind it needs; the program's image is not in it yet. */
export type EngineFactory = (options: EngineOptions) => { engine: Engine; memory: Memory }

/** A function or loop that was translated. */
export interface UnitFacts {
  readonly pc: number
  readonly instructions: number
}

/** How a run was executed. */
export interface EngineFacts {
  /** Executed instructions by what executed them, unconstrained ones excluded. */
  readonly cyclesByTier: {
    readonly units: number
    readonly stepper: number
    readonly interpreter: number
  }
  /** Those that the run had, whoever translated them. */
  readonly units: readonly UnitFacts[]
  readonly modules: number
  readonly moduleBytes: number
}

export interface Engine {
  readonly code: Code
  /** Executions of each instruction by index; unconstrained ones are not counted. */
  readonly visits: ArrayLike<number>
  /** Executed instructions, those of a running unconstrained block included. */
  cycles: number
  /** How often each kernel did a call, in the order of the kernels. */
  readonly kernelCalls: ArrayLike<number>
  /** Spent on translation in this run. */
  readonly translateMs: number
  /** Did earlier runs leave code that need not be improved, so that longer slices only save time? */
  readonly isWarm: boolean
  /** Of the run so far. */
  facts(): EngineFacts
  /**
   * Execute about `maxCycles` instructions.
   *
   * @returns true if the program has ended: its pc is 0 or outside the program.
   * @throws GuestError for every fault and for the cycle limit; `hart.pc` is then the instruction's.
   */
  run(hart: Hart, maxCycles: number): boolean
  /** The run is over and nobody will ask for anything more: its memory may be used again. */
  release(): void
}
