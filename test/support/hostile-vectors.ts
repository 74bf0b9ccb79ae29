/** The vectors of test/vectors/hostile: what they say, and what we make of the same input. */
import { GuestError, InputError } from '../../src/core/errors.js'
import type { EngineName } from '../../src/core/executor/engines.js'
import { execute } from '../../src/core/executor/execute.js'
import { detectStdin, type Stdin } from '../../src/core/executor/stdin.js'
import { hostileInput } from './hostile-inputs.js'
import { codeOf } from './sp1-errors.js'

export const CYCLE_LIMIT = 50_000
const TIMEOUT_MS = 20_000

/** `ok` and the cycles; or the name of SP1's error, or `panic` (also for a crash), and 0. */
export type Answer = readonly [end: string, cycles: number]

/** The input, if its stdin can be read: SP1 is asked with buffers. */
export function readableInput(seed: number, sp1: string) {
  const { elf, stdin: bytes } = hostileInput(seed, sp1)
  try {
    return { elf, stdin: detectStdin(bytes) }
  } catch (error) {
    if (error instanceof InputError) return undefined
    throw error
  }
}

/** What ours is; of a failure our code. */
export async function answerTo(
  elf: Uint8Array,
  stdin: Stdin,
  sp1: string,
  engine: EngineName,
): Promise<Answer> {
  const { buffers } = stdin
  try {
    const limits = { cycles: CYCLE_LIMIT, timeoutMs: TIMEOUT_MS }
    const { cycles } = await execute(elf, { buffers, deferredProofs: 0n }, { sp1, engine, limits })
    return ['ok', cycles]
  } catch (error) {
    if (error instanceof GuestError || error instanceof InputError) return [error.code, 0]
    throw error
  }
}

/**
 * Our refusals of what SP1's executor runs, by code. They are stricter on purpose; ARCHITECTURE.md
 * says why.
 */
export const STRICTER: ReadonlySet<string> = new Set(['UNPROVABLE', 'RELEASE_MISMATCH'])

/** Is ours what SP1 did? Its panics have no names. */
export function isSame([end, cycles]: Answer, [ours, ourCycles]: Answer): boolean {
  if (STRICTER.has(ours)) return true
  if (end === 'ok') return ours === 'ok' && cycles === ourCycles
  return end === 'panic' ? ours !== 'ok' : codeOf(end) === ours
}
