/** What the service does, without HTTP: it takes programs and jobs, and proves with its live signer. */
import { fromHex, type Hex, toHex } from '../bytes.js'
import { InputError, UnavailableError } from '../errors.js'
import { DEFAULT_LIMITS, type ExecuteLimits } from '../executor/execute.js'
import type { ReleaseChoice } from '../executor/release.js'
import { encodeStdin, parseStdin, requireNoDeferredProofs, type Stdin } from '../executor/stdin.js'
import type { JobFilter, JobRecord, JobStore } from '../jobs/job-store.js'
import { checkElf, computeElfVkey, type ElfVkey } from '../prover/elf-vkey.js'
import { checkSchemeChoice, createProver, type Prover } from '../prover/prove.js'
import { verifyProof } from '../prover/verify.js'
import { VkeyCache } from '../prover/vkey-cache.js'
import type { Proof } from '../signer/proof.js'
import type { SchemeName } from '../signer/schemes.js'
import { createExecutionPool, type ExecutionPool } from './execution-pool.js'
import { damaged, encodeRequest, type JobRequest, parseFailure, parseRequest } from './job-codec.js'
import { JobRunner } from './job-runner.js'
import type { LiveSigner } from './live-signer.js'
import { throwProblem } from './problem.js'
import { ProgramIndex } from './program-index.js'
import { INLINE_BYTES, ResultKeeper } from './result-keeper.js'
import {
  type Caller,
  DEFAULT_KEEP_ENDED,
  DEFAULT_MAX_QUEUED,
  type JobEnding,
  type JobOptions,
  type JobResult,
  type ServiceOptions,
} from './service-options.js'
import { StoreCheck } from './store-check.js'
import { storePatience } from './store-patience.js'

const DEFAULT_MAX_STDIN_BYTES = 2 ** 30
/** Connections that wait for jobs. */
const MAX_WAITING = 1024
const WAIT_RETRY_SECONDS = 10
/** Uploads whose key is being computed; each holds on to its program. */
const MAX_UPLOADS = 16
/** A guess: a key takes a few seconds. */
const UPLOAD_RETRY_SECONDS = 5
const CHOSEN_LIMITS = ['cycles', 'memoryMib', 'timeoutMs'] as const

export class Service {
  readonly signer: LiveSigner
  readonly schemes: readonly SchemeName[]
  readonly jobs: JobRunner
  readonly maxStdinBytes: number
  isDraining = false
  readonly #options: ServiceOptions
  readonly #limits: ExecuteLimits
  readonly #programs: ProgramIndex
  readonly #vkeys = new VkeyCache({ compute: oneAtATime(computeElfVkey) })
  readonly #pool: ExecutionPool
  readonly #prover: Prover
  readonly #results: ResultKeeper
  readonly #stores: StoreCheck
  #uploads = 0
  #waiting = 0

  constructor(options: ServiceOptions) {
    const { concurrency, executionScript, nowMs, dateMs, store, onJob } = options
    this.#options = options
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.signer = options.signer
    this.maxStdinBytes = options.maxStdinBytes ?? DEFAULT_MAX_STDIN_BYTES
    this.schemes = options.schemes ?? ['automata']
    this.#programs = new ProgramIndex(options.blobs)
    this.#results = new ResultKeeper(options.blobs, options.entropy)
    this.#stores = new StoreCheck([store, options.blobs], nowMs)
    this.#pool = createExecutionPool({
      size: concurrency,
      ...(executionScript !== undefined && { script: executionScript }),
    })
    this.#prover = createProver({
      signer: () => this.signer.signer,
      vkeys: this.#vkeys,
      execute: onceMore(this.#pool.execute),
      simulated: options.simulated,
    })
    this.jobs = new JobRunner({
      store,
      concurrency,
      maxQueued: this.maxQueued,
      keepEnded: options.keepEnded ?? DEFAULT_KEEP_ENDED,
      work: (job, signal, onCycles) => this.#work(job, signal, onCycles),
      nowMs,
      dateMs,
      ...(onJob && { onEvent: onJob }),
    })
    this.jobs.start()
  }

  get facts(): Pick<ServiceOptions, 'registry' | 'simulated'> {
    const { registry, simulated } = this.#options
    return { registry, simulated }
  }

  /** @throws UnavailableError `SERVER_DRAINING`, `SIGNER_NOT_READY` */
  requireReady(): void {
    if (this.isDraining) throw new UnavailableError('SERVER_DRAINING', {})
    this.signer.registration
  }

  /** @throws UnavailableError as `requireReady`; `STORE_UNAVAILABLE` */
  async requireWorking(): Promise<void> {
    this.requireReady()
    await this.#stores.run()
  }

  counts(): ReturnType<JobStore['counts']> {
    return this.#options.store.counts()
  }

  get concurrency(): number {
    return this.#options.concurrency
  }

  get maxQueued(): number {
    return this.#options.maxQueued ?? DEFAULT_MAX_QUEUED
  }

  /**
   * Keep a program, and compute its key so that its jobs need not wait for it.
   *
   * @throws InputError `ELF_…`, `RELEASE_UNKNOWN`
   * @throws UnavailableError `QUEUE_FULL`, `STORE_…`
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
      return { ...vkey, programId: await this.#options.blobs.put(elf) }
    } finally {
      this.#uploads--
    }
  }

  /**
   * A job for a program that comes along.
   *
   * @throws InputError a program, stdin or choice that can never be proved here
   * @throws UnavailableError `SERVER_DRAINING`, `SIGNER_NOT_READY`, `QUEUE_FULL`, `STORE_…`
   */
  async submit(
    elf: Uint8Array,
    stdin: Stdin,
    options: JobOptions,
    caller: Caller,
  ): Promise<JobRecord> {
    this.requireReady()
    checkElf(elf, this.#release(options.sp1))
    requireNoDeferredProofs(stdin)
    return this.submitFor(await this.#options.blobs.put(elf), stdin, options, caller)
  }

  /** A job for a program that was uploaded. @throws as `submit`; UnavailableError `PROGRAM_UNKNOWN` */
  async submitFor(
    programId: Hex,
    stdin: Stdin,
    options: JobOptions,
    caller: Caller,
  ): Promise<JobRecord> {
    this.requireReady()
    requireNoDeferredProofs(stdin)
    const bytes = encodeStdin(stdin.buffers)
    const source =
      bytes.length <= INLINE_BYTES
        ? { inline: toHex(bytes) }
        : { blob: await this.#options.blobs.put(bytes) }
    return this.#submit(programId, source, options, caller)
  }

  /** A job whose stdin, as bincode, comes in pieces, and is not in memory before it runs. @throws as `submitFor` */
  async submitStreaming(
    programId: Hex,
    stdin: AsyncIterable<Uint8Array>,
    options: JobOptions,
    caller: Caller,
  ): Promise<JobRecord> {
    this.requireReady()
    const blob = await this.#options.blobs.putStream(stdin, this.maxStdinBytes)
    return this.#submit(programId, { blob }, options, caller)
  }

  /** @throws UnavailableError `JOB_UNKNOWN`, `STORE_UNAVAILABLE` */
  async job(id: string, { tenant }: Caller): Promise<JobRecord> {
    const job = await this.jobs.get(id)
    if (job.tenant !== tenant) throw new UnavailableError('JOB_UNKNOWN', { id })
    return job
  }

  list(filter: JobFilter): Promise<readonly JobRecord[]> {
    return this.#options.store.list(filter)
  }

  /** Everybody's; for what names none of them. */
  latest(limit: number): Promise<readonly JobRecord[]> {
    return this.list({ limit })
  }

  /** @throws UnavailableError `JOB_UNKNOWN`, `JOB_STATE`, `STORE_UNAVAILABLE` */
  async cancel(id: string, caller: Caller): Promise<JobRecord> {
    await this.job(id, caller)
    const job = await this.jobs.cancel(id)
    if (job.state === 'cancelled') return job
    throw new UnavailableError('JOB_STATE', { id, state: job.state })
  }

  /** How a job ended, if it has. @throws UnavailableError `STORE_DAMAGED`, `STORE_UNAVAILABLE` */
  async result(job: JobRecord): Promise<JobResult> {
    const { state, outcome = '' } = job
    if (state === 'failed') return { job, problem: parseFailure(outcome) }
    if (state !== 'succeeded') return { job }
    const { proof, isOurs } = await this.#results.open(job)
    if (isOurs === undefined) await requireWhole(proof)
    return { job, proof }
  }

  /**
   * How a job ends, once it does.
   *
   * @throws UnavailableError `JOB_CANCELLED`, `QUEUE_FULL` too many wait already; as `result`
   * @throws InterruptedError the server stops first
   */
  wait(id: string): Promise<JobEnding> {
    return this.waiting(async () => {
      const { proof, problem } = await this.result(await this.jobs.wait(id))
      if (proof !== undefined) return { proof }
      if (problem !== undefined) return { problem }
      throw new UnavailableError('JOB_CANCELLED', { id })
    })
  }

  /** Something that keeps a connection open. @throws UnavailableError `QUEUE_FULL` */
  async waiting<T>(work: () => Promise<T>): Promise<T> {
    if (this.#waiting >= MAX_WAITING) {
      const facts = { queued: this.#waiting, retryAfterSeconds: WAIT_RETRY_SECONDS }
      throw new UnavailableError('QUEUE_FULL', facts)
    }
    this.#waiting++
    try {
      return await work()
    } finally {
      this.#waiting--
    }
  }

  /**
   * The proof of a job that succeeded, signed by the live signer. What this process did not execute
   * itself, it executes again first: nobody else's word is signed.
   *
   * @throws UnavailableError `JOB_UNKNOWN`, `JOB_STATE`, and as `submit`
   */
  async sign(id: string, caller: Caller): Promise<Proof> {
    this.requireReady()
    const job = await this.job(id, caller)
    const { state } = job
    if (state !== 'succeeded') throw new UnavailableError('JOB_STATE', { id, state })
    const request = this.#readRequest(job)
    const ours = await this.#results.open(job).then(
      ({ isOurs }) => isOurs,
      () => undefined,
    )
    if (ours !== undefined) return this.#prover.sign(ours, choiceOf(request))
    const again = await this.#enqueue(request, { tenant: job.tenant })
    const { proof, problem } = await this.wait(again.id)
    return proof ?? throwProblem(problem)
  }

  /**
   * Take no more, let what was taken end, and stop.
   *
   * @param deadline - gives back what has not ended
   */
  async drain(deadline: AbortSignal): Promise<void> {
    this.isDraining = true
    await this.jobs.drain(deadline)
    this.signer.stop()
    await this.#pool.close()
  }

  /** When nobody asks any more. */
  close(): Promise<void> {
    return this.#options.store.close()
  }

  async #submit(
    programId: Hex,
    stdin: JobRequest['stdin'],
    { limits, scheme = 'automata', teeVersion, sp1: asked }: JobOptions,
    caller: Caller,
  ): Promise<JobRecord> {
    const choice = { scheme, ...(teeVersion !== undefined && { teeVersion }) }
    this.#requireScheme(scheme)
    checkSchemeChoice(choice)
    const sp1 = await this.#programs.release(programId, this.#release(asked))
    const request = { programId, stdin, sp1, ...choice, limits: this.#capped(limits) }
    return this.#enqueue(request, caller)
  }

  async #enqueue(request: JobRequest, { tenant, idempotencyKey }: Caller): Promise<JobRecord> {
    const { newId, dateMs } = this.#options
    const text = encodeRequest(request)
    const { job } = await this.jobs.submit({
      id: newId(),
      tenant,
      idempotencyKey,
      request: text,
      blobs: [request.programId, ...('blob' in request.stdin ? [request.stdin.blob] : [])],
      createdAtMs: dateMs(),
    })
    if (job.request !== text) throw new UnavailableError('IDEMPOTENCY_CONFLICT', {})
    return job
  }

  async #work(job: JobRecord, signal: AbortSignal, onCycles: (cycles: number) => void) {
    const request = this.#readRequest(job)
    const { programId, sp1, stdin } = request
    const patiently = storePatience(signal, this.#options.onJob)
    const elf = await patiently(() => this.#programs.get(programId))
    const read = async () =>
      'inline' in stdin ? fromHex(stdin.inline) : this.#results.input(stdin.blob)
    const bytes = await patiently(read)
    const limits = this.#capped(request.limits)
    const options = { sp1, limits, signal, onCycles }
    const run = await this.#prover.run(elf, parseStdin(bytes, 'sp1'), options)
    // Taken when the run is over: the signer that lives then.
    await this.signer.ready(signal)
    const proof = this.#prover.sign(run, choiceOf(request))
    const outcome = await patiently(() => this.#results.encode(job, run, proof))
    return { outcome, cycles: run.cycles }
  }

  /** What the store says is to be done, within what may be done here. */
  #readRequest(job: JobRecord): JobRequest {
    const request = parseRequest(job.request)
    this.#requireScheme(request.scheme)
    return request
  }

  #requireScheme(scheme: SchemeName): void {
    if (this.schemes.includes(scheme)) return
    throw new InputError('SCHEME_REFUSED', { scheme, signs: this.schemes.join(', ') })
  }

  #release(sp1: string | undefined): ReleaseChoice {
    return { sp1, fallbackSp1: this.#options.fallbackSp1 }
  }

  #capped(asked: JobOptions['limits'] = {}): ExecuteLimits {
    const capped = { ...this.#limits }
    for (const name of CHOSEN_LIMITS) {
      capped[name] = Math.min(capped[name], asked[name] ?? capped[name])
    }
    return capped
  }
}

/** Of another process, or changed: then its parts do not fit each other. */
async function requireWhole(proof: Proof): Promise<void> {
  const { checks } = await verifyProof(proof)
  if (checks.some(({ name, ok }) => !ok && name !== 'trustAnchor')) damaged()
}

function choiceOf({ scheme, teeVersion }: JobRequest) {
  return { scheme, ...(teeVersion !== undefined && { teeVersion }) }
}

/** A thread that died may have done so for a reason of its own; a second one is the run's. */
function onceMore(execute: ExecutionPool['execute']): ExecutionPool['execute'] {
  return async (...run) => {
    try {
      return await execute(...run)
    } catch (error) {
      const isLost = error instanceof UnavailableError && error.code === 'EXECUTION_LOST'
      if (!isLost) throw error
      return execute(...run)
    }
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
