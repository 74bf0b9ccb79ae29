/** Runs of guests in an engine of one's choice, and everything about them that engines must agree on. */

import { DEFAULT_LIMITS } from '../../src/core/executor/execute.js'
import { releaseOf } from '../../src/core/executor/release.js'
import type { RunLimits } from '../../src/core/executor/run.js'
import { Run } from '../../src/core/executor/run.js'
import { parseElf } from '../../src/core/riscv/elf.js'
import type { EngineFactory } from '../../src/core/riscv/engine.js'
import { errorOf } from './bare-run.js'
import { digestsOf } from './memory-digest.js'

const SLICE_CYCLES = 2 ** 18

export interface Guest {
  readonly elf: Uint8Array
  readonly sp1: string
  readonly buffers?: readonly Uint8Array[]
  readonly limits?: Partial<RunLimits>
}

export function beginRun(
  { elf, sp1, buffers = [], limits = {} }: Guest,
  createEngine: EngineFactory,
): Run {
  const release = releaseOf(sp1)
  return new Run({
    program: parseElf(elf, release.elfRules),
    inputs: buffers,
    deferredProofs: 0n,
    release,
    limits: { ...DEFAULT_LIMITS, ...limits },
    checkpoint: () => {},
    createEngine,
  })
}

export type Outcome = ReturnType<typeof outcomeOf>

/** Takes the run to its end, and gives its engine back. */
export function finishRun(run: Run, sliceCycles = SLICE_CYCLES): Outcome {
  for (;;) {
    const outcome = advance(run, sliceCycles)
    if (outcome !== undefined) return outcome
  }
}

/** Takes the run a slice further; if that was its end, gives its engine back. */
export function advance(run: Run, sliceCycles: number): Outcome | undefined {
  let isDone = false
  const error = errorOf(() => {
    isDone = run.advance(sliceCycles)
  })
  if (!isDone && error === undefined) return undefined
  const outcome = outcomeOf(run, error)
  run.release()
  return outcome
}

function outcomeOf(run: Run, error: unknown) {
  const { cycles, opcodes, syscalls, unprovable, hart, memory } = run
  const { publicValues, stdout, stderr } = run.io
  return {
    ...{ error, cycles, opcodes, syscalls, unprovable, publicValues, stdout, stderr },
    ...{ pc: hart.pc, registers: [...hart.x], memory: digestsOf(memory) },
  }
}
