/** Makes engines that compile what is hot, and keeps those whose run is over for the next one. */
import type { EngineFactory, Kernels } from './engine.js'
import type { Isa } from './isa.js'
import { Memory } from './memory.js'
import type { Program } from './program.js'
import { TieredEngine } from './tiered-engine.js'
import type { TierOptions } from './tiers.js'
import { CompiledProgram } from './translate/compiled-program.js'

/** More are needed only where one process runs a program several times at once. */
const MAX_IDLE = 2
/** Beyond this, finding out what has to be cleared takes longer than making new memory. */
const MAX_IDLE_WINDOW_BYTES = 16 * 2 ** 20
const NO_KERNELS: Kernels = { codes: [], instantiate: () => [] }

export interface CompiledOptions extends Omit<TierOptions, 'kernels'> {
  /** What earlier runs of the same program left. Default: nothing. */
  readonly programOf?: (program: Program, isa?: Isa) => CompiledProgram
}

/** Equal engines can stand in for each other. */
interface IdleEngine {
  readonly key: string
  readonly kernels: Kernels
  readonly engine: TieredEngine
}

/** What is linked to their memory stays so, which makes the next run short. */
const idleEngines = new WeakMap<CompiledProgram, IdleEngine[]>()

/** An engine that translates what is reached often. */
export function compiled(options: CompiledOptions): EngineFactory {
  const { threshold, hasVisits } = options
  const { programOf = (...given) => new CompiledProgram(...given) } = options
  return ({ program, isa, cycleLimit, memory: memoryOptions, kernels = NO_KERNELS }) => {
    const compiledProgram = programOf(program, isa)
    const key = JSON.stringify({ ...memoryOptions, threshold, hasVisits })
    const idle = idleEngines.get(compiledProgram) ?? []
    idleEngines.set(compiledProgram, idle)
    const found = idle.findIndex((one) => one.key === key && one.kernels === kernels)
    const engine =
      found >= 0
        ? idle.splice(found, 1)[0].engine
        : createEngine(
            compiledProgram,
            memoryOptions,
            { threshold, hasVisits, kernels },
            (engine) => {
              const isKept = keepIdle(idle, { key, kernels, engine })
              compiledProgram.idleBytes = bytesOf(idle)
              return isKept
            },
          )
    compiledProgram.idleBytes = bytesOf(idle)
    engine.begin(cycleLimit)
    return { engine, memory: engine.memory }
  }
}

function createEngine(
  program: CompiledProgram,
  memoryOptions: Parameters<EngineFactory>[0]['memory'],
  tierOptions: TierOptions,
  onRelease: (engine: TieredEngine) => boolean,
): TieredEngine {
  const { code, windowBytes } = program
  const memory = new Memory({
    ...memoryOptions,
    codeWords: code.length,
    ...(windowBytes !== undefined && { windowBytes }),
  })
  return new TieredEngine(program, memory, tierOptions, onRelease)
}

function bytesOf(idle: readonly IdleEngine[]): number {
  return idle.reduce((sum, { engine }) => sum + engine.memory.buffer.byteLength, 0)
}

/** @returns true if the engine was kept. */
function keepIdle(idle: IdleEngine[], released: IdleEngine): boolean {
  const { windowBytes } = released.engine.memory
  if (idle.length >= MAX_IDLE || windowBytes > MAX_IDLE_WINDOW_BYTES) return false
  idle.push(released)
  return true
}
