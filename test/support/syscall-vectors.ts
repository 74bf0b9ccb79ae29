/** The vectors of test/vectors/syscalls: what they say, and what we make of the same programs. */
import { readdirSync, readFileSync } from 'node:fs'
import { fromHex, toHex } from '../../src/core/bytes.js'
import { GuestError } from '../../src/core/errors.js'
import { releaseOf, type Sp1Release } from '../../src/core/executor/release.js'
import { Run } from '../../src/core/executor/run.js'
import { parseElf } from '../../src/core/riscv/elf.js'
import type { EngineFactory } from '../../src/core/riscv/engine.js'
import { MAX_MEMORY_MIB } from '../../src/core/riscv/memory.js'
import { elfOfProgram, lastAddressOf, type SyscallProgram } from './syscall-program.js'
import { loadReasons, REFUSED } from './syscall-provability.js'

export const RELEASES: readonly Sp1Release[] = [releaseOf('3.4.0'), releaseOf('5.2.4')]

/** What SP1 says about a run. One that failed has nothing but `error` or `panic`. */
export interface Outcome {
  readonly publicValues?: string
  readonly cycles?: number
  readonly syscalls?: Readonly<Record<string, number>>
  readonly stdout?: string
  readonly stderr?: string
  readonly cycleTracker?: Readonly<Record<string, number>>
  readonly error?: string
  readonly panic?: string
}

export interface SyscallVector {
  readonly name: string
  readonly program: SyscallProgram
  /** By release, or one for `all`. */
  readonly sp1: Readonly<Record<string, Outcome>>
}

export interface VectorFile {
  readonly syscall: string
  readonly vectors: readonly SyscallVector[]
}

/** A run's outcome and why it could not be proved; of one that failed, whether the call was none. */
export type Verdict =
  | { readonly hasFailed: true; readonly isUnknown: boolean }
  | { readonly outcome: Outcome; readonly unprovable: string | undefined }

const REASONS = loadReasons()
const MIB = 2 ** 20
/** Enough for all but the programs that look for the end of memory. */
const SMALL_MIB = 8
const LIMITS = { cycles: 2 ** 20, outputBytes: MIB, publicValuesBytes: MIB }

export function loadVectorFiles(): VectorFile[] {
  const folder = new URL('../vectors/syscalls/', import.meta.url)
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')))
}

export function outcomeOf({ sp1 }: SyscallVector, { version }: Sp1Release): Outcome | undefined {
  return sp1.all ?? sp1[version]
}

/** What ours should be. */
export function expectedOf(
  syscall: string,
  vector: SyscallVector,
  release: Sp1Release,
): Verdict | undefined {
  const outcome = outcomeOf(vector, release)
  if (outcome === undefined) return undefined
  const { error, panic } = outcome
  const call = `${release.version} ${syscall}/${vector.name}`
  if (error !== undefined || panic !== undefined || REFUSED.has(call)) {
    return { hasFailed: true, isUnknown: panic?.startsWith('invalid syscall number') ?? false }
  }
  return { outcome, unprovable: REASONS.get(call) ?? whyUncommitted(release) }
}

/** Why a program that commits to nothing could not be proved. */
export function whyUncommitted({ publicValuesDigests }: Sp1Release): string {
  const names = publicValuesDigests.map(({ name }) => name).join(' or ')
  return `the committed digest is not the ${names} of the public values`
}

/** What ours is; without an engine, by the definitions of syscalls alone. */
export function verdictOf(
  program: SyscallProgram,
  release: Sp1Release,
  createEngine?: EngineFactory,
): Verdict {
  const run = runOf(program, release, createEngine)
  try {
    run.advance(LIMITS.cycles)
  } catch (error) {
    if (error instanceof GuestError) {
      return { hasFailed: true, isUnknown: error.code === 'SYSCALL_UNKNOWN' }
    }
    throw error
  }
  const { publicValues, stdout, stderr, cycleTracker } = run.io
  const spans = cycleTracker.report()
  return {
    outcome: {
      ...(publicValues.length > 0 && { publicValues: toHex(publicValues).slice(2) }),
      cycles: run.cycles,
      syscalls: run.syscalls,
      ...(stdout !== '' && { stdout }),
      ...(stderr !== '' && { stderr }),
      ...(Object.keys(spans).length > 0 && { cycleTracker: spans }),
    },
    unprovable: run.unprovable,
  }
}

function runOf(
  program: SyscallProgram,
  release: Sp1Release,
  createEngine: EngineFactory | undefined,
): Run {
  const elf = elfOfProgram(program, release.descriptors.publicValues)
  const isSmall = lastAddressOf(program) < SMALL_MIB * MIB - 4096
  return new Run({
    program: parseElf(elf, release.elfRules),
    inputs: (program.buffers ?? []).map(fromHex),
    deferredProofs: 0n,
    release,
    limits: { ...LIMITS, memoryMib: isSmall ? SMALL_MIB : MAX_MEMORY_MIB },
    checkpoint: () => {},
    ...(createEngine !== undefined && { createEngine }),
  })
}
