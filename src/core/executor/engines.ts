/** Which engine runs a guest. They differ in speed and in nothing else. */
import { compiled } from '../riscv/compiled-engine.js'
import type { EngineFactory } from '../riscv/engine.js'
import { interpret } from '../riscv/interpreter.js'
import type { LoadedProgram } from './program-cache.js'

/** auto: interpret first, and compile what is hot. compiled: compile all functions first. */
export const ENGINES = ['auto', 'compiled', 'interpreter'] as const
export type EngineName = (typeof ENGINES)[number]

/** Interpreting an instruction this often takes as long as translating it. */
export const AUTO_THRESHOLD = 4000

export interface EngineChoice {
  readonly loaded: LoadedProgram
  /** Count how often each instruction runs. */
  readonly hasVisits: boolean
  readonly now: () => number
}

export function engineOf(
  name: EngineName,
  { loaded, hasVisits, now }: EngineChoice,
): EngineFactory {
  if (name === 'interpreter') return interpret
  const threshold = name === 'auto' ? AUTO_THRESHOLD : 0
  return compiled({ threshold, hasVisits, programOf: () => loaded.compiledFor(name, now) })
}
