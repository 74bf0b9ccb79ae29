/** Runs of machine code without an ELF, a release or syscalls: an engine, memory and a hart. */
import { GuestError } from '../../src/core/errors.js'
import type { EngineFactory } from '../../src/core/riscv/engine.js'
import { Hart } from '../../src/core/riscv/hart.js'
import type { Program } from '../../src/core/riscv/program.js'
import { TEXT_ADDRESS } from './assembler.js'
import { digestsOf } from './memory-digest.js'

export interface BareProgram {
  readonly words: readonly number[]
  readonly textAddress?: number
  /** Default: the first word. */
  readonly pcStart?: number
  /** Words by address, ascending. */
  readonly image?: readonly (readonly [address: number, word: number])[]
  readonly cycleLimit?: number
  readonly sliceCycles?: number
  readonly limitMib?: number
  /** Default: ends the run. */
  readonly ecall?: (hart: Hart) => void
}

export function programOf({
  words,
  textAddress = TEXT_ADDRESS,
  pcStart = textAddress,
  image = [],
}: BareProgram): Program {
  return {
    instructionWords: Uint32Array.from(words),
    pcStart,
    pcBase: textAddress,
    imageAddresses: Uint32Array.from(image, ([address]) => address),
    imageWords: Uint32Array.from(image, ([, word]) => word),
  }
}

/** Everything about a run that must be the same in every engine. */
export function outcomeOf(bare: BareProgram, createEngine: EngineFactory) {
  const program = programOf(bare)
  const { cycleLimit = 1_000_000, sliceCycles = 2 ** 18, limitMib = 64 } = bare
  const { ecall = endRun } = bare
  const { engine, memory } = createEngine({
    program,
    cycleLimit: { limit: cycleLimit, mostCycles: cycleLimit, holdsUnconstrained: true },
    memory: { limitMib },
  })
  const hart = new Hart(memory, { ecall }, program.pcStart)
  memory.loadImage(program)
  const error = errorOf(() => {
    while (!engine.run(hart, sliceCycles));
  })
  const outcome = {
    error,
    pc: hart.pc,
    cycles: engine.cycles,
    registers: [...hart.x],
    visits: Array.from(engine.visits),
    unprovable: hart.unprovable,
    memory: digestsOf(memory),
  }
  engine.release()
  return outcome
}

function endRun(hart: Hart): void {
  hart.nextPc = 0
}

/** The code and facts of a GuestError. Any other error is not for a guest to cause. */
export function errorOf(work: () => void): unknown {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof GuestError) return [error.code, error.details]
    throw error
  }
}
