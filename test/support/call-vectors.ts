/** The vectors of test/vectors/calls: what they say, and what we make of the same programs. */
import { createHash } from 'node:crypto'
import { fromHex, toHex } from '../../src/core/bytes.js'
import { GuestError } from '../../src/core/errors.js'
import type { Sp1Release } from '../../src/core/executor/release.js'
import type { EngineFactory } from '../../src/core/riscv/engine.js'
import { beginRun } from './guest-run.js'
import { randomCalls } from './random-calls.js'
import type { Answer } from './random-vectors.js'
import { elfOfProgram } from './syscall-program.js'

export const CYCLE_LIMIT = 20_000

/** What is compared of a run that ended well. */
interface Report {
  readonly publicValues: string
  readonly cycles: number
  readonly opcodes: Readonly<Record<string, number>>
  readonly syscalls: Readonly<Record<string, number>>
  readonly cycleTracker: Readonly<Record<string, number>>
  readonly stdout: string
  readonly stderr: string
}

export function digestOf(report: Report): string {
  const { publicValues, cycles, opcodes, syscalls, cycleTracker, stdout, stderr } = report
  const counts = [opcodes, syscalls, cycleTracker].map((each) => Object.entries(each).sort())
  const text = JSON.stringify([publicValues, cycles, counts, stdout, stderr])
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

export function guestOf(seed: number, release: Sp1Release) {
  const program = randomCalls(seed, release)
  const elf = elfOfProgram(program, release.descriptors.publicValues)
  return { elf, sp1: release.version, buffers: (program.buffers ?? []).map(fromHex) }
}

/** As `Answer` of random-vectors.ts; of a failure the name is our code. */
export function answerOf(seed: number, release: Sp1Release, create: EngineFactory): Answer {
  const run = beginRun({ ...guestOf(seed, release), limits: { cycles: CYCLE_LIMIT } }, create)
  try {
    while (!run.advance(CYCLE_LIMIT));
  } catch (error) {
    if (!(error instanceof GuestError)) throw error
    const { cycles, pc } = error.details as { cycles: number; pc: number }
    return [error.code, cycles, pc]
  }
  const { cycles, opcodes, syscalls, io } = run
  const { stdout, stderr } = io
  const publicValues = toHex(io.publicValues).slice(2)
  const cycleTracker = io.cycleTracker.report()
  const report = { publicValues, cycles, opcodes, syscalls, cycleTracker, stdout, stderr }
  return ['ok', cycles, digestOf(report)]
}
