/** What the service does, without HTTP: it takes programs and jobs, and proves with its live signer. */
import type { Hex } from '../bytes.js'
import { InputError, UnavailableError } from '../errors.js'
import { DEFAULT_LIMITS, type ExecuteLimits } from '../executor/execute.js'
import type { ReleaseChoice } from '../executor/release.js'
import { requireNoDeferredProofs, type Stdin } from '../executor/stdin.js'
import { checkElf, computeElfVkey, type ElfVkey } from '../prover/elf-vkey.js'
import { createProver, type ProveOptions, type Prover } from '../prover/prove.js'
import { VkeyCache } from '../prover/vkey-cache.js'
import type { SchemeName } from '../signer/schemes.js'
import { createExecutionPool, type ExecutionPool } from './execution-pool.js'
import { type Job, JobQueue } from './job-queue.js'
import type { LiveSigner } from './live-signer.js'
import { ProgramStore } from './program-store.js'

const MIB = 2 ** 20
export const DEFAULT_MAX_QUEUED = 256
const MAX_INPUT_BYTES = 1024 * MIB
/** Uploads whose key is being computed; each holds on to its program. */
const MAX_UPLOADS = 16
/** A guess: a key takes a few seconds. */
const UPLOAD_RETRY_SECONDS = 5

export interface ServiceOptions {
  readonly signer: LiveSigner
  /** Of whoever asks where the signer is registered. */
  readonly registry: { readonly chainId: number; readonly address: Hex }
  /** True if the signer's quotes are simulated, so that its proofs prove nothing. */
  readonly simulated: boolean
  /** Guests running at the same time. */
  readonly concurrency: number
  readonly maxQueued?: number
  /** Most a request may ask for; default: the executor's. */
  readonly limits?: Partial<ExecuteLimits>
  /** The release of programs that do not tell theirs, in requests that name none. */
  readonly fallbackSp1?: string
  /**
   * What the signer signs. Only `automata` while a contract may serve that does not check the length
   * of its message: under such a one a digest of another scheme could pass as one of this.
   */
  readonly schemes?: readonly SchemeName[]
  readonly newId: () => string
  readonly nowMs: () => number
  /** The built thread of the execution pool. */
  readonly executionScript?: URL
}

/** What a client may choose for its job. */
export interface JobOptions {
  readonly sp1?: string
  readonly scheme?: SchemeName
  readonly teeVersion?: number
  readonly limits?: Partial<Pick<ExecuteLimits, 'cycles' | 'memoryMib' | 'timeoutMs'>>
}

export class Service {
  readonly signer: LiveSigner
  readonly schemes: readonly SchemeName[]
  readonly jobs: JobQueue
  readonly #options: ServiceOptions
  readonly #limits: ExecuteLimits
  readonly #programs = new ProgramStore()
  readonly #vkeys = new VkeyCache({ compute: oneAtATime(computeElfVkey) })
  readonly #pool: ExecutionPool
  readonly #prover: Prover
  #uploads = 0
  #isDraining = false

  constructor(options: ServiceOptions) {
    const { concurrency, executionScript, newId, nowMs } = options
    this.#options = options
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.signer = options.signer
    this.schemes = options.schemes ?? ['automata']
    this.jobs = new JobQueue({
      concurrency,
      maxQueued: options.maxQueued ?? DEFAULT_MAX_QUEUED,
      maxInputBytes: MAX_INPUT_BYTES,
      newId,
      nowMs,
    })
    this.#pool = createExecutionPool({
      size: concurrency,
      ...(executionScript !== undefined && { script: executionScript }),
    })
    this.#prover = createProver({
      signer: () => this.signer.signer,
      vkeys: this.#vkeys,
      execute: this.#pool.execute,
      simulated: options.simulated,
    })
  }

  get facts(): Pick<ServiceOptions, 'registry' | 'simulated'> {
    const { registry, simulated } = this.#options
    return { registry, simulated }
  }

  /** @throws UnavailableError `SERVER_DRAINING`, `SIGNER_NOT_READY` */
  requireReady(): void {
    if (this.#isDraining) throw new UnavailableError('SERVER_DRAINING', {})
    this.signer.registration
  }

  /**
   * Keep a program, and compute its key so that its jobs need not wait for it.
   *
   * @throws InputError `ELF_…`, `RELEASE_UNKNOWN`
   * @throws UnavailableError `QUEUE_FULL`
   */
  async upload(elf: Uint8Array, asked?: string): Promise<ElfVkey & { programId: Hex }> {
    const sp1 = checkElf(elf, this.#release(asked))
    if (this.#uploads >= MAX_UPLOADS) {
      const facts = { queued: this.#uploads, retryAfterSeconds: UPLOAD_RETRY_SECONDS }
      throw new UnavailableError('QUEUE_FULL', facts)
    }
    this.#uploads++
    try {
      const vkey = await this.#vkeys.get(elf, { sp1 })
      return { ...vkey, programId: this.#programs.put(elf) }
    } finally {
      this.#uploads--
    }
  }

  /** A job for a program that was uploaded. @throws as `submit`; UnavailableError `PROGRAM_UNKNOWN` */
  submitFor(programId: Hex, stdin: Stdin, options: JobOptions): Job {
    return this.submit(this.#programs.get(programId), stdin, options)
  }

  /**
   * @throws InputError a program, stdin or choice that can never be proved here
   * @throws UnavailableError `SERVER_DRAINING`, `SIGNER_NOT_READY`, `QUEUE_FULL`
   */
  submit(elf: Uint8Array, stdin: Stdin, { limits, ...options }: JobOptions = {}): Job {
    this.requireReady()
    const { scheme = 'automata' } = options
    if (!this.schemes.includes(scheme)) {
      throw new InputError('SCHEME_REFUSED', { scheme, signs: this.schemes.join(', ') })
    }
    const sp1 = checkElf(elf, this.#release(options.sp1))
    requireNoDeferredProofs(stdin)
    const inputBytes = stdin.buffers.reduce((sum, { length }) => sum + length, elf.length)
    const choice: ProveOptions = { ...options, scheme, sp1, limits: this.#capped(limits) }
    return this.jobs.submit(inputBytes, (signal, onCycles) =>
      this.#prover.prove(elf, stdin, { ...choice, signal, onCycles }),
    )
  }

  /**
   * Take no more, let what was taken end, and stop.
   *
   * @param deadline - aborts what is still running
   */
  async drain(deadline: AbortSignal): Promise<void> {
    this.#isDraining = true
    this.signer.stop()
    const onDeadline = () => this.jobs.abort()
    if (deadline.aborted) onDeadline()
    deadline.addEventListener('abort', onDeadline)
    await this.jobs.drained()
    deadline.removeEventListener('abort', onDeadline)
    await this.#pool.close()
  }

  #release(sp1: string | undefined): ReleaseChoice {
    return { sp1, fallbackSp1: this.#options.fallbackSp1 }
  }

  #capped(asked: JobOptions['limits'] = {}): ExecuteLimits {
    const capped = { ...this.#limits }
    for (const name of ['cycles', 'memoryMib', 'timeoutMs'] as const) {
      capped[name] = Math.min(capped[name], asked[name] ?? capped[name])
    }
    return capped
  }
}

/** A verifying key takes every core, so several at once would only take more memory. */
function oneAtATime<A extends readonly unknown[], R>(
  compute: (...args: A) => Promise<R>,
): (...args: A) => Promise<R> {
  let last: Promise<unknown> = Promise.resolve()
  return (...args) => {
    const turn = last.then(() => compute(...args))
    last = turn.catch(() => {})
    return turn
  }
}
