/** The vectors of test/vectors/syscalls: what they say, and what we make of the same programs. */
import { readdirSync, readFileSync } from 'node:fs'
import { fromHex, toHex } from '../../src/core/bytes.js'
import { GuestError } from '../../src/core/errors.js'
import { releaseOf, type Sp1Release } from '../../src/core/executor/release.js'
import { Run } from '../../src/core/executor/run.js'
import { parseElf } from '../../src/core/riscv/elf.js'
import { MAX_MEMORY_MIB } from '../../src/core/riscv/memory.js'
import { elfOfProgram, lastAddressOf, type SyscallProgram } from './syscall-program.js'

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

/** Ours: an outcome, and why it could not be proved. */
export interface OurOutcome {
  readonly outcome: Outcome
  readonly unprovable: string | undefined
}

const MIB = 2 ** 20
/** Enough for all but the programs that look for the end of memory. */
const SMALL_MIB = 8
const LIMITS = { cycles: 2 ** 20, outputBytes: MIB, publicValuesBytes: MIB }

export function loadVectorFiles(
  folder = new URL('../vectors/syscalls/', import.meta.url),
): VectorFile[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')))
}

export function outcomeOf({ sp1 }: SyscallVector, { version }: Sp1Release): Outcome | undefined {
  return sp1.all ?? sp1[version]
}

export function isFailure({ error, panic }: Outcome): boolean {
  return error !== undefined || panic !== undefined
}

/** @throws GuestError */
export function runProgram(program: SyscallProgram, release: Sp1Release): OurOutcome {
  const elf = elfOfProgram(program, release.descriptors.publicValues)
  const isSmall = lastAddressOf(program) < SMALL_MIB * MIB - 4096
  const run = new Run({
    program: parseElf(elf, release.elfRules),
    inputs: (program.buffers ?? []).map(fromHex),
    deferredProofs: 0n,
    release,
    limits: { ...LIMITS, memoryMib: isSmall ? SMALL_MIB : MAX_MEMORY_MIB },
    checkpoint: () => {},
  })
  run.advance(LIMITS.cycles)
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

/** The same for a run that may fail: then its failure is the whole outcome. */
export function tryProgram(program: SyscallProgram, release: Sp1Release): OurOutcome {
  try {
    return runProgram(program, release)
  } catch (error) {
    if (!(error instanceof GuestError)) throw error
    return { outcome: { error: error.code }, unprovable: undefined }
  }
}
