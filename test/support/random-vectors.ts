/** The vectors of test/vectors/random: what they say, and what we make of the same programs. */
import { createHash } from 'node:crypto'
import { toHex } from '../../src/core/bytes.js'
import { GuestError, InputError } from '../../src/core/errors.js'
import type { Sp1Release } from '../../src/core/executor/release.js'
import { Run } from '../../src/core/executor/run.js'
import { parseElf } from '../../src/core/riscv/elf.js'
import type { EngineFactory } from '../../src/core/riscv/engine.js'
import { MAX_MEMORY_MIB } from '../../src/core/riscv/memory.js'
import { CYCLE_LIMIT, DATA, HINTS, randomProgram } from './random-program.js'
import { codeOf } from './sp1-errors.js'

export const MEMORY: readonly (readonly [address: number, words: number])[] = [
  [DATA.address, DATA.words],
  [HINTS.address, HINTS.words],
]

/** What is compared of a run that ended well. */
export interface State {
  readonly registers: { readonly pc: number; readonly x: readonly number[] }
  /** Bytes, hex. */
  readonly memory: readonly string[]
  readonly cycles: number
  readonly opcodes: Readonly<Record<string, number>>
  readonly syscalls: Readonly<Record<string, number>>
  readonly publicValues: string
}

/**
 * `ok`, cycles and the digest of the state; or how SP1 failed: the name of its error or `panic`, the
 * clock and the pc. `endless`, 0, 0 of a program that loops in an unconstrained block, where 5.2.4
 * has no limit: SP1 cannot be asked.
 */
export type Answer =
  | readonly ['ok', cycles: number, digest: string]
  | readonly [failure: string, clock: number, pc: number]

export function digestOf({ registers, memory, cycles, opcodes, syscalls, publicValues }: State) {
  const sorted = (counts: State['opcodes']) => Object.entries(counts).sort()
  const parts = [registers.pc, registers.x, memory, cycles, sorted(opcodes), sorted(syscalls)]
  const text = JSON.stringify([...parts, publicValues])
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** Small memories are quicker to make; few programs reach beyond them. */
const MEMORY_MIB = [8, MAX_MEMORY_MIB]
const MIB = 2 ** 20
/** What has not ended by then never will. */
const PATIENCE_CYCLES = 20 * CYCLE_LIMIT

export interface Outcome {
  readonly answer: Answer
  readonly state?: State
}

/** What ours is. Of a failure the name is our code; the clock and the pc are the guest's. */
export function outcomeOf(
  seed: number,
  release: Sp1Release,
  createEngine?: EngineFactory,
): Outcome {
  const { elf, buffers } = randomProgram(seed, release.descriptors.publicValues)
  for (const memoryMib of MEMORY_MIB) {
    try {
      const run = new Run({
        program: parseElf(elf, release.elfRules),
        inputs: buffers,
        deferredProofs: 0n,
        release,
        limits: {
          cycles: CYCLE_LIMIT,
          outputBytes: 16 * MIB,
          publicValuesBytes: 16 * MIB,
          memoryMib,
        },
        checkpoint: () => {},
        ...(createEngine !== undefined && { createEngine }),
      })
      // A slice may end early.
      while (!run.advance(PATIENCE_CYCLES)) {
        if (run.cycles >= PATIENCE_CYCLES) return { answer: ['endless', 0, 0] }
      }
      const state = stateOf(run)
      return { answer: ['ok', state.cycles, digestOf(state)], state }
    } catch (error) {
      if (error instanceof InputError) return { answer: [error.code, 0, 0] }
      if (!(error instanceof GuestError)) throw error
      if (error.code === 'MEMORY_LIMIT' && memoryMib < MAX_MEMORY_MIB) continue
      const { cycles, pc } = error.details as { cycles: number; pc: number }
      return { answer: [error.code, cycles, pc] }
    }
  }
  throw new RangeError('unreachable')
}

function stateOf(run: Run): State {
  const { hart, memory } = run
  return {
    registers: { pc: hart.pc, x: Array.from(hart.x) },
    memory: MEMORY.map(([address, words]) => hexOf(memory.peekBytes(address, 4 * words))),
    cycles: run.cycles,
    opcodes: run.opcodes,
    syscalls: run.syscalls,
    publicValues: hexOf(run.io.publicValues),
  }
}

function hexOf(bytes: Uint8Array): string {
  return toHex(bytes).slice(2)
}

/** Is ours what SP1 did? Its panics have no names, so of them only clock and pc are compared. */
export function isSame([kind, ...rest]: Answer, [ours, ...ourRest]: Answer): boolean {
  if (kind === 'ok' || kind === 'endless') return ours === kind && rest.join() === ourRest.join()
  const isSameKind = kind === 'panic' ? ours !== 'ok' : codeOf(kind) === ours
  return isSameKind && rest.join() === ourRest.join()
}
