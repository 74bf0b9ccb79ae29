/** Every engine there is, and in every way of deciding what gets a unit: results must not differ. */
import { AUTO_THRESHOLD } from '../../src/core/executor/engines.js'
import { compiled } from '../../src/core/riscv/compiled-engine.js'
import type { EngineFactory } from '../../src/core/riscv/engine.js'
import { interpret } from '../../src/core/riscv/interpreter.js'
import { CompiledProgram } from '../../src/core/riscv/translate/compiled-program.js'

export interface NamedEngine {
  readonly name: string
  readonly create: EngineFactory
}

/** What others are compared with. */
export const INTERPRETER: NamedEngine = { name: 'interpreter', create: interpret }
/** All functions before the run. */
export const FORCED: NamedEngine = tiered('compiled', 0)
/** As users have it. */
export const AUTO: NamedEngine = tiered('auto', AUTO_THRESHOLD)
/** As auto, for programs that are too short to get hot. */
export const EAGER: readonly NamedEngine[] = [tiered('auto from 1', 1), tiered('auto from 5', 5)]

/** The engines of `--engine`. */
export const CHOICES: readonly NamedEngine[] = [INTERPRETER, FORCED, AUTO]

/** Engines that count visits. */
export function engines(): readonly NamedEngine[] {
  return [INTERPRETER, ...compiledEngines()]
}

export function compiledEngines(): readonly NamedEngine[] {
  return [FORCED, ...EAGER, AUTO]
}

/** An engine whose runs, all of the same program, leave to each other what they can. */
export function sharing(threshold: number): EngineFactory {
  let shared: CompiledProgram | undefined
  return compiled({
    ...{ threshold, hasVisits: true },
    programOf: (program, isa) => {
      shared ??= new CompiledProgram(program, isa)
      return shared
    },
  })
}

function tiered(name: string, threshold: number): NamedEngine {
  return { name, create: compiled({ threshold, hasVisits: true }) }
}
