/**
 * Thousands of broken programs and stdin files: each gives a typed error or a run, within the cycle
 * limit, the same in every engine, and none leaves memory behind.
 */
import { isDeepStrictEqual } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { GuestError, InputError } from '../../src/core/errors.js'
import { ENGINES, type EngineName } from '../../src/core/executor/engines.js'
import { execute } from '../../src/core/executor/execute.js'
import { detectStdin } from '../../src/core/executor/stdin.js'
import { type HostileInput, hostileInput } from './hostile-inputs.js'

/** Beyond the seeds of test/vectors/hostile. */
const FIRST_SEED = 100_000
const LIMITS = { cycles: 50_000, memoryMib: 64, timeoutMs: 20_000 }
/** The memories of two runs may await collection; thousands that stayed would be hundreds of GiB. */
const MAX_GROWTH_BYTES = 2 * 96 * 2 ** 20

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

interface Outcome {
  readonly error?: unknown
  /** What engines must agree on. */
  readonly facts?: unknown
}

/** A test of so many inputs. */
export function itSurvives(cases: number, sp1: string): void {
  it('gives typed errors or runs, nothing else, and the same by every engine', async () => {
    const outcomes = { executed: 0, ended: 0 }
    let before = 0
    for (let i = 0; i < cases; i++) {
      // A tenth of the cases warms the heap up.
      if (i === cases / 10) before = heapBytes()
      const seed = FIRST_SEED + i
      const input = hostileInput(seed, sp1)
      const [first, ...others] = await outcomesOf(input, sp1)
      const { error, facts } = first as Outcome
      expect(error === undefined || isTyped(error), `${seed}: ${error}`).toBe(true)
      const differs = others.some((other) => !isDeepStrictEqual(other.facts, facts))
      if (differs) expect(others.map((other) => other.facts)).toEqual(others.map(() => facts))
      outcomes.executed += Number(!(error instanceof InputError))
      outcomes.ended += Number(error === undefined)
    }
    expect(heapBytes() - before).toBeLessThan(MAX_GROWTH_BYTES)
    // The corpus is worth something only if it gets beyond the loader, and both ways of ending occur.
    expect(outcomes.executed).toBeGreaterThan(cases / 2)
    expect(outcomes.ended).toBeGreaterThan(cases / 20)
  }, 1_200_000)
}

async function outcomesOf(input: HostileInput, sp1: string): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const engine of ENGINES) {
    const outcome = await attempt(input, sp1, engine)
    outcomes.push(outcome)
    // Engines have no part in what is refused before.
    if (outcome.error instanceof InputError) break
  }
  return outcomes
}

async function attempt(
  { elf, stdin }: HostileInput,
  sp1: string,
  engine: EngineName,
): Promise<Outcome> {
  try {
    const input = detectStdin(stdin)
    const options = { sp1, engine, limits: LIMITS, report: true }
    const result = await execute(elf, input, options)
    const { publicValues, cycles, opcodes, syscalls, stdout, stderr, unprovable } = result
    const facts = { publicValues, cycles, opcodes, syscalls, stdout, stderr, unprovable }
    return { facts }
  } catch (error) {
    const facts = isTyped(error) ? { code: error.code, details: error.details } : error
    return { error, facts }
  }
}

function isTyped(error: unknown): error is InputError | GuestError {
  return error instanceof InputError || error instanceof GuestError
}

/** What is in use, memories of guests included, once the garbage is gone. */
function heapBytes(): number {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
