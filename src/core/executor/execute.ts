/**
 * Run a guest as SP1's `execute` does, within limits. The run goes in slices, so that a caller's
 * event loop, progress view and AbortSignal stay alive.
 */
import { type Hex, toHex } from '../bytes.js'
import { GuestError, InputError, InterruptedError, Sp1TeeError } from '../errors.js'
import { interpretListening } from '../riscv/interpreter.js'
import { MAX_MEMORY_MIB } from '../riscv/memory.js'
import { readFunctionSymbols } from '../riscv/symbols.js'
import { sha256 } from '../sha256.js'
import { type EngineName, engineOf } from './engines.js'
import { type Explanation, explain } from './explanation.js'
import type { OutputListener } from './guest-io.js'
import type { Hook } from './hooks/hook.js'
import { DEFAULT_LIMITS, type ExecuteLimits } from './limits.js'
import { type Profile, ProfileRecorder } from './profile.js'
import { DEFAULT_PROGRAM_CACHE_BYTES, ProgramCache } from './program-cache.js'
import type { ReleaseChoice, Sp1Release } from './release.js'
import { Run } from './run.js'
import { requireNoDeferredProofs, type Stdin } from './stdin.js'

export { DEFAULT_LIMITS, type ExecuteLimits } from './limits.js'

/** About 10 ms of interpretation in TypeScript, a fifth of that in WebAssembly. */
const FIRST_SLICE_CYCLES = 2 ** 18
/**
 * Some milliseconds of compiled code. Slices grow towards it, because V8 improves code that is entered
 * again, and not while it runs.
 */
const MAX_COLD_SLICE_CYCLES = 2 ** 21
/** Where code was improved by earlier runs: what a slice interrupts is interpreted for a while. */
const WARM_SLICE_CYCLES = 2 ** 23
const DEFAULT_ENGINE: EngineName = 'auto'

/** Of the process. */
const programs = new ProgramCache(DEFAULT_PROGRAM_CACHE_BYTES)

export interface ExecuteOptions extends ReleaseChoice {
  readonly limits?: Partial<ExecuteLimits>
  /** Count opcodes too, and find out how labels nest. */
  readonly report?: boolean
  /** How to execute; the results are the same. Default: auto. */
  readonly engine?: EngineName
  /** Tell what was translated, and what executed how much. */
  readonly explain?: boolean
  /** Find out which functions the instructions are spent in; such a run is interpreted. */
  readonly profile?: boolean
  /**
   * More host functions, by the file descriptor that calls them. They may not take one that the
   * release has a use for. What they throw ends the run.
   */
  readonly hooks?: Readonly<Record<number, (input: Uint8Array) => readonly Uint8Array[]>>
  /** Run a guest whose stdin holds deferred proofs, as if they were valid. Nothing signs that. */
  readonly unverifiedDeferredProofs?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (cycles: number) => void
  /** The result has the guest's output as well, all of it. */
  readonly onOutput?: OutputListener
  /** Milliseconds of a monotonic clock: for the timeout and the timings, nothing else. */
  readonly now?: () => number
}

/** What a successful run did. Hex is 0x-prefixed, cycles are executed instructions as SP1 counts. */
export interface ExecutionResult {
  readonly sp1: string
  /** SHA-256 of the ELF. */
  readonly elfHash: Hex
  readonly exitCode: 0
  readonly publicValues: Hex
  /** SHA-256 of the public values. */
  readonly publicValuesHash: Hex
  readonly cycles: number
  readonly syscallCount: number
  readonly syscalls: Readonly<Record<string, number>>
  readonly opcodes?: Readonly<Record<string, number>>
  readonly cycleTracker: Readonly<Record<string, number>>
  /** With the report: label → the label that all its spans lie in, where there is one. */
  readonly cycleTrackerParents?: Readonly<Record<string, string>>
  readonly stdout: string
  readonly stderr: string
  readonly engine: EngineName
  readonly durationMs: number
  readonly phases: {
    /** Everything before the guest's first instruction. */
    readonly parseMs: number
    readonly translateMs: number
    readonly runMs: number
  }
  readonly mhz: number
  /** Present with the option `explain`. */
  readonly explanation?: Explanation
  /** Present with the option `profile`. */
  readonly profile?: Profile
  /** Present if the stdin held deferred proofs: how many. None was verified. */
  readonly unverifiedDeferredProofs?: number
  /** Present if SP1's executor accepts this run and its prover could not prove it: why. */
  readonly unprovable?: string
}

/**
 * @throws InputError for a program or stdin SP1 would not load
 * @throws GuestError for a run that fails (exit code 3) or hits a limit (4)
 * @throws InterruptedError if `signal` aborts
 */
export async function execute(
  elf: Uint8Array,
  stdin: Stdin,
  options: ExecuteOptions = {},
): Promise<ExecutionResult> {
  const { now = () => performance.now(), signal, onProgress, onOutput } = options
  const limits = checkLimits({ ...DEFAULT_LIMITS, ...options.limits })
  if (options.unverifiedDeferredProofs !== true) requireNoDeferredProofs(stdin)

  const startedAt = now()
  const checkpoint = () => {
    if (signal?.aborted) throw new InterruptedError({ during: 'execution' })
    if (now() - startedAt >= limits.timeoutMs) {
      throw new GuestError('TIMEOUT', { timeoutSeconds: limits.timeoutMs / 1000 })
    }
  }
  const loaded = programs.load(elf, options)
  const { program, release } = loaded
  const hooks = checkHooks(options.hooks ?? {}, release)
  const engine = options.profile ? 'interpreter' : (options.engine ?? DEFAULT_ENGINE)
  const { buffers: inputs, deferredProofs } = stdin
  const recorder = options.profile
    ? new ProfileRecorder(readFunctionSymbols(elf), program.pcStart)
    : undefined
  const run = new Run({
    ...{ program, inputs, deferredProofs, release, limits, hooks, checkpoint },
    ...(onOutput !== undefined && { onOutput }),
    createEngine: recorder
      ? interpretListening(recorder.onJump)
      : engineOf(engine, { loaded, hasVisits: options.report ?? false, now }),
  })
  const parsedAt = now()
  const translatedBeforeMs = run.translateMs
  try {
    let slice = run.isWarm ? WARM_SLICE_CYCLES : FIRST_SLICE_CYCLES
    while (!run.advance(slice)) {
      onProgress?.(run.cycles)
      await nextTurn()
      if (engine !== 'interpreter' && !run.isWarm) {
        slice = Math.min(2 * slice, MAX_COLD_SLICE_CYCLES)
      }
    }
    const endedAt = now()
    const { translateMs } = run
    const result = resultOf(run, {
      sp1: release.version,
      elfHash: loaded.elfHash,
      report: options.report ?? false,
      deferredProofs,
      engine,
      profile: recorder?.finish(run.cycles),
      durationMs: endedAt - startedAt,
      explanation: options.explain
        ? explain(run.facts, run.memory.usedBytes, readFunctionSymbols(elf))
        : undefined,
      phases: {
        parseMs: parsedAt - startedAt - translatedBeforeMs,
        translateMs,
        runMs: endedAt - parsedAt - (translateMs - translatedBeforeMs),
      },
    })
    run.release()
    return result
  } catch (error) {
    // After anything else, nobody knows in which state the engine is: it is not used again.
    if (error instanceof Sp1TeeError) run.release()
    throw error
  }
}

function resultOf(
  run: Run,
  facts: Pick<ExecutionResult, 'sp1' | 'elfHash' | 'durationMs' | 'phases'> & {
    report: boolean
    deferredProofs: bigint
    engine: EngineName
    profile: Profile | undefined
    explanation: Explanation | undefined
  },
): ExecutionResult {
  const { publicValues, stdout, stderr, cycleTracker } = run.io
  const { cycles, syscalls, unprovable } = run
  return {
    sp1: facts.sp1,
    elfHash: facts.elfHash,
    exitCode: 0,
    publicValues: toHex(publicValues),
    publicValuesHash: toHex(sha256(publicValues)),
    cycles,
    syscallCount: Object.values(syscalls).reduce((sum, count) => sum + count, 0),
    syscalls,
    ...(facts.report && { opcodes: run.opcodes }),
    cycleTracker: cycleTracker.report(),
    ...(facts.report && { cycleTrackerParents: cycleTracker.parents() }),
    stdout,
    stderr,
    engine: facts.engine,
    durationMs: facts.durationMs,
    phases: facts.phases,
    mhz: cycles / facts.durationMs / 1000,
    ...(facts.explanation && { explanation: facts.explanation }),
    ...(facts.profile && { profile: facts.profile }),
    ...(facts.deferredProofs > 0n && {
      unverifiedDeferredProofs: Number(facts.deferredProofs),
    }),
    ...(unprovable !== undefined && { unprovable }),
  }
}

/** @throws InputError `HOOK_INVALID` */
function checkHooks(
  given: NonNullable<ExecuteOptions['hooks']>,
  { descriptors }: Sp1Release,
): Map<number, Hook> {
  const { publicValues, hint, hooks, lastReserved = 0 } = descriptors
  const taken = new Set([1, 2, publicValues, hint, ...hooks.keys()])
  return new Map(
    Object.entries(given).map(([text, answer]) => {
      const fd = Number(text)
      const isFree = fd > lastReserved && fd < 2 ** 32 && Number.isInteger(fd) && !taken.has(fd)
      if (!isFree) throw new InputError('HOOK_INVALID', { fd: text })
      return [fd, { name: `on descriptor ${fd}`, answer }]
    }),
  )
}

/** @throws InputError `FLAG_INVALID` */
function checkLimits(limits: ExecuteLimits): ExecuteLimits {
  const { cycles, memoryMib, timeoutMs } = limits
  const isCountUpTo = (value: number, max: number) =>
    Number.isInteger(value) && value >= 1 && value <= max
  if (!isCountUpTo(cycles, DEFAULT_LIMITS.cycles)) {
    throw new InputError('FLAG_INVALID', {
      flag: '--cycle-limit',
      reason: `must be 1 to ${DEFAULT_LIMITS.cycles}`,
    })
  }
  if (!isCountUpTo(memoryMib, MAX_MEMORY_MIB)) {
    throw new InputError('FLAG_INVALID', {
      flag: '--memory-limit',
      reason: `must be 1 to ${MAX_MEMORY_MIB} MiB`,
    })
  }
  if (!(timeoutMs > 0)) {
    throw new InputError('FLAG_INVALID', { flag: '--timeout', reason: 'must be above 0 seconds' })
  }
  return limits
}

/** Lets timers, signals and other work of the process have their turn. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
