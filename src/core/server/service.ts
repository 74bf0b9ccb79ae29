/** What the service does, without HTTP: it takes programs and jobs, and proves with its live signer. */
import { type Hex, toHex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import { encodeStdin, requireNoDeferredProofs, type Stdin } from '../executor/stdin.js'
import {
  isEnded,
  type JobFilter,
  type JobRecord,
  type JobStore,
  type JobSummary,
} from '../jobs/job-store.js'
import { oneAtATime } from '../one-at-a-time.js'
import type { PrivateInputStatement } from '../private-inputs/statement.js'
import { checkElf, computeElfVkey } from '../prover/elf-vkey.js'
import { createProver, type Prover } from '../prover/prove.js'
import { VkeyCache } from '../prover/vkey-cache.js'
import type { Proof } from '../signer/proof.js'
import { createExecutionPool, type ExecutionPool, onceMore } from './execution-pool.js'
import {
  blobsOf,
  encodeRequest,
  isSealed,
  type JobRequest,
  type OpenRequest,
  parseFailure,
  parseRequest,
} from './job-codec.js'
import type { JobEvent } from './job-event.js'
import { type InputSources, readInputs, withoutFacts } from './job-inputs.js'
import { JobRunner } from './job-runner.js'
import { watchSteps } from './job-steps.js'
import { JobTerms } from './job-terms.js'
import type { LiveSigner } from './live-signer.js'
import { PrivateInputKeys } from './private-input-keys.js'
import { throwProblem } from './problem.js'
import { ProgramIndex } from './program-index.js'
import { ProgramUploads } from './program-uploads.js'
import { INLINE_BYTES, ResultKeeper } from './result-keeper.js'
import { SchemeOffer } from './scheme-offer.js'
import {
  type Caller,
  DEFAULT_KEEP_ENDED,
  DEFAULT_MAX_QUEUED,
  type JobEnding,
  type JobOptions,
  type JobResult,
  type Sealing,
  type ServiceOptions,
} from './service-options.js'
import { SignerArchive } from './signer-archive.js'
import { StoreCheck } from './store-check.js'
import { storePatience } from './store-patience.js'
import { unlessRefused } from './unless-refused.js'
import { createWaiting } from './waiting.js'

const DEFAULT_MAX_STDIN_BYTES = 2 ** 30
const NOTHING_KNOWN = { isOurs: undefined, proof: undefined }

export class Service {
  readonly signer: LiveSigner
  readonly offer: SchemeOffer
  readonly uploads: ProgramUploads
  readonly jobs: JobRunner
  readonly waiting = createWaiting()
  readonly maxStdinBytes: number
  isDraining = false
  readonly #options: ServiceOptions
  readonly #terms: JobTerms
  readonly #programs: ProgramIndex
  // A key takes every core, so several at once would only take more memory.
  readonly #vkeys = new VkeyCache({ compute: oneAtATime(computeElfVkey) })
  readonly #pool: ExecutionPool
  readonly #prover: Prover
  readonly #results: ResultKeeper
  readonly attestations: SignerArchive
  readonly #stores: StoreCheck
  readonly #inputs: InputSources
  readonly #stopped = new AbortController()

  constructor(options: ServiceOptions) {
    const { concurrency, nowMs, dateMs, store, blobs } = options
    this.#options = options
    this.signer = options.signer
    this.maxStdinBytes = options.maxStdinBytes ?? DEFAULT_MAX_STDIN_BYTES
    this.offer = new SchemeOffer({
      schemes: options.schemes ?? ['automata'],
      signer: options.signer,
      chainId: options.registry.chainId,
      multiProof: options.multiProof,
    })
    this.#terms = new JobTerms(options, this.offer)
    this.uploads = new ProgramUploads(blobs, this.#vkeys, this.#terms)
    this.#programs = new ProgramIndex(blobs)
    this.attestations = new SignerArchive(store, options.signer)
    this.#results = new ResultKeeper(blobs, options.entropy)
    this.#stores = new StoreCheck([store, blobs], nowMs)
    const hasEnded = (job: string) => this.jobs.get(job).then(isEnded)
    const keys = options.privateInputs ? new PrivateInputKeys({ ...options, hasEnded }) : undefined
    this.#inputs = { programs: this.#programs, blobs, keys }
    this.#pool = createExecutionPool({
      // With the places of the runner that are for tenants who would have to wait.
      size: 2 * concurrency,
      ready: concurrency,
      onMemory: (peakBytes) => this.#onJob({ kind: 'executed', peakBytes }),
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
      onEvent: (event) => this.#onJob(event),
    })
    // A job that ran before could only wait, and nobody knows yet whether there will be a signer.
    const begin = () => this.jobs.start()
    this.signer.ready(this.#stopped.signal).then(begin, () => {})
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
    checkElf(elf, this.#terms.release(options.sp1))
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
    requireNoDeferredProofs(stdin)
    const bytes = encodeStdin(stdin.buffers)
    const isSmall = bytes.length <= INLINE_BYTES
    const source = isSmall ? toHex(bytes) : () => this.#options.blobs.put(bytes)
    return this.#submit(programId, source, options, caller)
  }

  /** A job whose stdin, as bincode, comes in pieces, and is not in memory before it runs. @throws as `submitFor` */
  async submitStreaming(
    programId: Hex,
    stdin: AsyncIterable<Uint8Array>,
    options: JobOptions,
    caller: Caller,
  ): Promise<JobRecord> {
    const put = () => this.#options.blobs.putStream(stdin, this.maxStdinBytes)
    return unlessRefused(stdin, () => this.#submit(programId, put, options, caller))
  }

  /**
   * A job whose program and stdin come encrypted, in pieces. They are opened when it runs, by this process
   * alone.
   *
   * @throws UnavailableError as `submit`; `PRIVATE_INPUTS_OFF`, `PRIVATE_KEY_UNKNOWN`
   */
  submitSealed(
    { publicKey, encapsulatedKey }: Sealing,
    inputs: AsyncIterable<Uint8Array>,
    caller: Caller,
  ): Promise<JobRecord> {
    return unlessRefused(inputs, async () => {
      this.requireReady()
      const { keys } = this.#inputs
      if (keys === undefined) throw new UnavailableError('PRIVATE_INPUTS_OFF', {})
      const key = keys.find(publicKey)
      const blob = await this.#options.blobs.putStream(inputs, this.maxStdinBytes)
      const sealed = { blob, encapsulatedKey }
      const id = this.#options.newId()
      keys.hold(id, key, sealed)
      try {
        const job = await this.#enqueue({ sealed }, caller, id)
        // Asked for before: that job holds its key itself.
        if (job.id === id) keys.onStored(id)
        else keys.release(id)
        return job
      } catch (error) {
        keys.release(id)
        throw error
      }
    })
  }

  /** The key for private inputs, announced by this signer; undefined if none are taken, or it is not the live one. */
  async privateInputKey(signer: Hex): Promise<PrivateInputStatement | undefined> {
    const { keys } = this.#inputs
    if (!this.signer.isReady || this.signer.registration.address !== signer) return undefined
    return keys?.announce(this.signer.signer, this.signer.registration.expiresAt)
  }

  /** @throws UnavailableError `JOB_UNKNOWN`, `STORE_UNAVAILABLE` */
  async job(id: string, { tenant }: Caller): Promise<JobRecord> {
    const job = await this.jobs.get(id)
    if (job.tenant !== tenant) throw new UnavailableError('JOB_UNKNOWN', { id })
    return job
  }

  /** Without a tenant everybody's, for what names none of them. */
  list(filter: JobFilter): Promise<readonly JobSummary[]> {
    return this.#options.store.list(filter)
  }

  /** @throws UnavailableError `JOB_UNKNOWN`, `JOB_STATE`, `STORE_UNAVAILABLE` */
  async cancel(id: string, caller: Caller): Promise<JobRecord> {
    await this.job(id, caller)
    const job = await this.jobs.cancel(id)
    this.#inputs.keys?.release(id)
    if (job.state === 'cancelled') return job
    throw new UnavailableError('JOB_STATE', { id, state: job.state })
  }

  /** How a job ended, if it has. @throws UnavailableError `STORE_DAMAGED`, `STORE_UNAVAILABLE` */
  async result(job: JobRecord): Promise<JobResult> {
    const { state, outcome = '' } = job
    if (state === 'failed') return { job, problem: parseFailure(outcome) }
    if (state !== 'succeeded') return { job }
    return { job, proof: await this.#results.proofOf(job) }
  }

  /**
   * How a job ends, once it does. To be called within `waiting`.
   *
   * @throws UnavailableError `JOB_CANCELLED`; as `result`
   * @throws InterruptedError the server stops first
   */
  async wait(id: string): Promise<JobEnding> {
    const { proof, problem } = await this.result(await this.jobs.wait(id))
    if (proof !== undefined) return { proof }
    if (problem !== undefined) return { problem }
    throw new UnavailableError('JOB_CANCELLED', { id })
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
    const request = parseRequest(job.request)
    const { isOurs, proof: last } = await this.#results.open(job).catch(() => NOTHING_KNOWN)
    // How private inputs are to be signed is known from the proof alone.
    const choice = isSealed(request) ? last : request
    if (isOurs !== undefined && choice !== undefined) {
      const proof = this.#prover.sign(isOurs, this.offer.choose(choice))
      await this.attestations.keep(proof.signer)
      return proof
    }
    if (isSealed(request)) throw new UnavailableError('PRIVATE_KEY_LOST', {})
    return this.waiting(job, async () => {
      const again = await this.#enqueue(request, { tenant: job.tenant }, this.#options.newId())
      const { proof, problem } = await this.wait(again.id)
      return proof ?? throwProblem(problem)
    })
  }

  /**
   * Take no more, let what was taken end, and stop.
   *
   * @param deadline - gives back what has not ended
   */
  async drain(deadline: AbortSignal): Promise<void> {
    this.isDraining = true
    this.#stopped.abort()
    await this.jobs.drain(deadline)
    this.signer.stop()
    await this.#pool.close()
    this.#inputs.keys?.close()
  }

  /** When nobody asks any more. */
  close(): Promise<void> {
    return this.#options.store.close()
  }

  /** @param stdin - itself if it is small, else what puts it where blobs are */
  async #submit(
    programId: Hex,
    stdin: Hex | (() => Promise<Hex>),
    { sp1: asked, ...options }: JobOptions,
    caller: Caller,
  ): Promise<JobRecord> {
    const choose = async () => {
      this.requireReady()
      const choice = this.#terms.choose(options)
      const sp1 = await this.#programs.release(programId, this.#terms.release(asked))
      return { sp1, ...choice }
    }
    const enqueue = (source: OpenRequest['stdin'], choice: Awaited<ReturnType<typeof choose>>) =>
      this.#enqueue({ programId, stdin: source, ...choice }, caller, this.#options.newId())
    // What can be refused is refused before a large stdin is read; when it is there, that may be otherwise.
    const choice = await choose()
    if (typeof stdin === 'string') return enqueue({ inline: stdin }, choice)
    return enqueue({ blob: await stdin() }, await choose())
  }

  async #enqueue(
    request: JobRequest,
    { tenant, idempotencyKey, traceparent }: Caller,
    id: string,
  ): Promise<JobRecord> {
    const text = encodeRequest(request)
    if (traceparent !== undefined) this.#onJob({ kind: 'asked', id, traceparent })
    const { job } = await this.jobs.submit({
      ...{ id, tenant, idempotencyKey },
      request: text,
      blobs: blobsOf(request),
      createdAtMs: this.#options.dateMs(),
      isBound: isSealed(request),
    })
    if (job.request !== text) throw new UnavailableError('IDEMPOTENCY_CONFLICT', {})
    return job
  }

  async #work(job: JobRecord, signal: AbortSignal, tellCycles: (cycles: number) => void) {
    const request = parseRequest(job.request)
    // How far a guest comes may say what its inputs are.
    const onCycles = isSealed(request) ? () => {} : tellCycles
    const watch = watchSteps(job, this.#options)
    const patiently = storePatience(signal, (event) => this.#onJob(event))
    const execute = async () => {
      const read = () => readInputs(job.id, request, this.#inputs)
      const { elf, stdin, choices } = await patiently(read)
      this.offer.requireOffered(choices.scheme)
      const limits = this.#terms.capped(choices.limits)
      const options = { ...this.#terms.release(choices.sp1), limits, signal, onCycles, watch }
      return { run: await this.#prover.run(elf, stdin, options), choices }
    }
    const { run, choices } = await execute().catch((error) => {
      throw isSealed(request) ? withoutFacts(error) : error
    })
    const proof = await watch('signing', async () => {
      // Taken when the run is over: the signer that lives then.
      await this.signer.ready(signal)
      return this.#prover.sign(run, this.offer.choose(choices))
    })
    await patiently(() => this.attestations.keep(proof.signer))
    const outcome = await patiently(() => this.#results.encode(job, run, proof))
    return { outcome, cycles: run.cycles }
  }

  #onJob(event: JobEvent): void {
    if (event.kind === 'ended') this.#inputs.keys?.release(event.job.id)
    this.#options.onJob?.(event)
  }
}
