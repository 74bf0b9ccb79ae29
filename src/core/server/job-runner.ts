/**
 * Takes jobs from the store, as many at a time as may run, and tells who waits for them. What a job does
 * is given; that it is done once, ended in the store and not lost on the way is looked after here.
 */

import { Backoff } from '../backoff.js'
import { InterruptedError, UnavailableError } from '../errors.js'
import {
  isEnded,
  type JobEnd,
  type JobRecord,
  type Lease,
  type NewJob,
  type Submission,
} from '../jobs/job-store.js'
import { pause } from '../pause.js'
import { encodeFailure } from './job-codec.js'
import type { JobRunnerOptions } from './job-runner-options.js'
import { ANY_JOB, type JobWatch, JobWatchers } from './job-watchers.js'
import { Pace } from './pace.js'
import { Places } from './places.js'
import { Retention } from './retention.js'

const LEASE_MS = 60_000
const HEARTBEAT_MS = 5_000
/**
 * A job that was begun so often, and never ended, takes the server down with it. Far more than a server
 * that dies for other reasons ever needs.
 */
const MAX_ATTEMPTS = 100
/** Between looks at a store that others change, too. */
const POLL_MS = 500
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 5_000
/** Told to stop, a job does so at once, and its store says so within this. */
const STOP_MS = 10_000
/** Jobs whose end is on its way to the disk; others may run meanwhile. */
const MAX_SETTLING = 64

interface Running {
  readonly abort: AbortController
  cycles: number
  isLost: boolean
}

/** What the store is told, and why it failed. */
interface Ending {
  readonly end: JobEnd
  readonly error?: unknown
}

export class JobRunner {
  readonly #options: JobRunnerOptions
  readonly #places: Places
  readonly #running = new Map<string, Running>()
  readonly #watchers = new JobWatchers()
  readonly #loading = new Map<string, Promise<JobRecord | undefined>>()
  readonly #stop = new AbortController()
  #isStarted = false
  #isTaking: Promise<void> | undefined
  #takeAgain = false
  #polls: NodeJS.Timeout | undefined
  readonly #backoff = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS)
  #settling = 0
  readonly #pace = new Pace()
  readonly #retention: Retention

  constructor(options: JobRunnerOptions) {
    this.#options = options
    this.#places = new Places(options.concurrency)
    const onFailure = (error: unknown) => this.#onStoreFailure(error)
    this.#retention = new Retention({ ...options, onFailure })
  }

  /** Begins with what the store has; afterwards it is told by `submit`, and looks itself now and then. */
  start(): void {
    this.#isStarted = true
    void this.#retention.prune()
    this.#take()
    this.#polls = setInterval(() => this.#poll(), POLL_MS)
  }

  get running(): number {
    return this.#running.size
  }

  /** @throws UnavailableError `QUEUE_FULL`, `STORE_…` */
  async submit(job: NewJob): Promise<{ job: JobRecord; isNew: boolean }> {
    const { concurrency, onEvent } = this.#options
    const submission = await this.#submit(job)
    if ('queued' in submission) {
      const { queued } = submission
      onEvent?.({ kind: 'refused' })
      const retryAfterSeconds = this.#pace.retryAfterSeconds(queued, concurrency)
      throw new UnavailableError('QUEUE_FULL', { queued, retryAfterSeconds })
    }
    if (submission.isNew) {
      onEvent?.({ kind: 'submitted' })
      this.#places.onNewJob(job.tenant)
      this.#take()
    }
    return submission
  }

  /** @throws UnavailableError `JOB_UNKNOWN`, `STORE_UNAVAILABLE` */
  async get(id: string): Promise<JobRecord> {
    const job = await this.#load(id)
    if (job === undefined) throw new UnavailableError('JOB_UNKNOWN', { id })
    const cycles = this.#running.get(id)?.cycles
    return cycles === undefined || job.state !== 'running' ? job : { ...job, cycles }
  }

  /**
   * The job once it has ended.
   *
   * @throws UnavailableError `JOB_UNKNOWN`, `STORE_UNAVAILABLE`
   * @throws InterruptedError this server stops first; the job is kept
   */
  async wait(id: string): Promise<JobRecord> {
    // Watched before it is looked at, so that no change is missed.
    const watch = this.#watchers.watch(id)
    try {
      for (;;) {
        const job = await this.#look(id, watch)
        if (isEnded(job)) return job
        await watch.wait()
      }
    } finally {
      watch.forget()
    }
  }

  /**
   * Tell of each change of a job, and of its progress at most so often, until it has ended.
   *
   * @throws as `wait`
   */
  async *changes(id: string, signal: AbortSignal, everyMs: number): AsyncGenerator<JobRecord> {
    const watch = this.#watchers.watch(id)
    try {
      while (!signal.aborted) {
        const job = await this.#look(id, watch)
        let toldCycles = job.cycles
        yield job
        if (isEnded(job)) return
        // Progress is known here; the store is asked only when something has happened.
        while (!watch.hasChanged && !signal.aborted) {
          await watch.wait(everyMs, signal)
          const cycles = this.#running.get(id)?.cycles ?? toldCycles
          if (!watch.hasChanged && cycles !== toldCycles) yield { ...job, cycles }
          toldCycles = cycles
        }
      }
    } finally {
      watch.forget()
    }
  }

  /** The job as it is, and what changes it afterwards is seen by `watch`. */
  async #look(id: string, watch: JobWatch): Promise<JobRecord> {
    watch.hasChanged = false
    const isOver = this.#stop.signal.aborted && !this.#running.has(id)
    const job = await this.get(id)
    if (isOver && !isEnded(job))
      throw new InterruptedError({ during: 'the wait: the server stops' })
    return job
  }

  /** @throws UnavailableError `JOB_UNKNOWN`, `STORE_UNAVAILABLE` */
  async cancel(id: string): Promise<JobRecord> {
    const { store, dateMs } = this.#options
    const job = await store.cancel(id, dateMs())
    if (job === undefined) throw new UnavailableError('JOB_UNKNOWN', { id })
    const running = this.#running.get(id)
    if (running !== undefined) this.#lose(running)
    this.#watchers.tell(id)
    await this.#retention.onEnd()
    return job
  }

  /**
   * Let what was accepted end; of a shared store, what runs here or could run nowhere else: others take
   * the rest. Nothing may be submitted any more.
   *
   * @param deadline - gives back what has not ended; it is run after a restart
   */
  async drain(deadline: AbortSignal): Promise<void> {
    const watch = this.#watchers.watch(ANY_JOB)
    while (this.#isStarted && !deadline.aborted && (await this.#hasWork())) {
      await watch.wait(POLL_MS, deadline)
      watch.hasChanged = false
    }
    this.#stop.abort()
    clearInterval(this.#polls)
    const taken = new AbortController()
    void Promise.resolve(this.#isTaking).then(() => taken.abort())
    await pause(STOP_MS, AbortSignal.any([deadline, taken.signal]))
    await this.#untilNoneRuns(watch, deadline)
    for (const { abort } of this.#running.values()) abort.abort()
    await this.#untilNoneRuns(watch, AbortSignal.timeout(STOP_MS))
    watch.forget()
    for (const id of this.#watchers.ids) this.#watchers.tell(id)
  }

  async #hasWork(): Promise<boolean> {
    const { store } = this.#options
    if (this.#running.size > 0 && !store.isShared) return true
    try {
      return (await store.queuedHere()) > 0
    } catch (error) {
      this.#onStoreFailure(error)
      return false
    }
  }

  async #untilNoneRuns(watch: JobWatch, deadline: AbortSignal): Promise<void> {
    while (this.#running.size > 0 && !deadline.aborted) {
      watch.hasChanged = false
      await watch.wait(undefined, deadline)
    }
  }

  /** @throws UnavailableError `STORE_…` */
  async #submit(job: NewJob): Promise<Submission> {
    const { store, maxQueued } = this.#options
    const submit = () => store.submit(job, maxQueued + this.#places.freeFor(job.tenant))
    try {
      return await submit()
    } catch (error) {
      const isFull = error instanceof UnavailableError && error.code === 'STORE_FULL'
      if (isFull && (await this.#retention.prune())) return submit()
      throw error
    }
  }

  /** Once for all who ask at the same time. */
  #load(id: string): Promise<JobRecord | undefined> {
    const known = this.#loading.get(id)
    if (known !== undefined) return known
    const loading = this.#options.store.get(id).finally(() => this.#loading.delete(id))
    this.#loading.set(id, loading)
    return loading
  }

  #poll(): void {
    const { store } = this.#options
    if (!store.isShared) return
    store.reclaim().then(
      () => {
        this.#places.forgetWaiting()
        this.#take()
      },
      (error) => this.#onStoreFailure(error),
    )
    for (const id of this.#watchers.ids) if (!this.#running.has(id)) this.#watchers.tell(id)
  }

  #take(): void {
    if (!this.#isStarted || this.#stop.signal.aborted) return
    this.#takeAgain = true
    this.#isTaking ??= this.#takeWhatFits().finally(() => {
      this.#isTaking = undefined
      // Asked for while the last one was on its way out.
      if (this.#takeAgain) this.#take()
    })
  }

  async #takeWhatFits(): Promise<void> {
    const { store, dateMs } = this.#options
    while (this.#takeAgain) {
      this.#takeAgain = false
      while (this.#settling < MAX_SETTLING && !this.#stop.signal.aborted) {
        const exceptTenants = this.#places.closedTo
        if (exceptTenants === undefined) break
        try {
          const lease = await store.lease({ leaseMs: LEASE_MS, nowMs: dateMs(), exceptTenants })
          this.#backoff.reset()
          if (lease !== undefined) this.#run(lease)
          else if (!this.#takeAgain) this.#places.onFoundNone(exceptTenants)
          if (lease === undefined) break
        } catch (error) {
          this.#onStoreFailure(error)
          await pause(this.#backoff.next(), this.#stop.signal)
        }
      }
    }
  }

  async #run(lease: Lease): Promise<void> {
    const { job } = lease
    const { nowMs, dateMs, onEvent } = this.#options
    const running: Running = { abort: new AbortController(), cycles: 0, isLost: false }
    // Begun again while it still ran, because the store has taken its first lease away.
    const replaced = this.#running.get(job.id)
    if (replaced !== undefined) this.#lose(replaced)
    this.#running.set(job.id, running)
    this.#places.take(job.tenant)
    this.#watchers.tell(job.id)
    onEvent?.({ kind: 'began', job, waitedMs: Math.max(dateMs() - job.createdAtMs, 0) })
    const beganMs = nowMs()
    const heartbeat = setInterval(() => this.#extend(lease, running), HEARTBEAT_MS)
    try {
      const ending = await this.#work(lease, running)
      this.#places.leave(job.tenant)
      this.#settling++
      this.#take()
      const isOurs = await this.#settle(lease, running, ending?.end)
      const ranMs = nowMs() - beganMs
      this.#pace.onRun(ranMs)
      if (ending !== undefined && isOurs) {
        const { error } = ending
        const { state, cycles } = ending.end
        const failure = error !== undefined && { error }
        onEvent?.({ kind: 'ended', job, state, ranMs, cycles, ...failure })
      } else {
        onEvent?.({ kind: 'left', job, isLost: running.isLost })
      }
    } finally {
      clearInterval(heartbeat)
      if (this.#running.get(job.id) === running) this.#running.delete(job.id)
      this.#settling--
      this.#watchers.tell(job.id)
      this.#watchers.tell(ANY_JOB)
      this.#take()
      await this.#retention.onEnd()
    }
  }

  /** @returns undefined if it is to be given back */
  async #work({ job, attempts }: Lease, running: Running): Promise<Ending | undefined> {
    const { work, dateMs } = this.#options
    const onCycles = (cycles: number) => {
      running.cycles = cycles
    }
    try {
      if (attempts > MAX_ATTEMPTS) {
        const reason = `it was begun ${MAX_ATTEMPTS} times and never ended`
        throw new UnavailableError('EXECUTION_LOST', { reason })
      }
      const { outcome, cycles } = await work(job, running.abort.signal, onCycles)
      return { end: { state: 'succeeded', outcome, cycles, endedAtMs: dateMs() } }
    } catch (error) {
      if (error instanceof InterruptedError) return undefined
      const outcome = encodeFailure(error)
      const { cycles } = running
      return { end: { state: 'failed', outcome, cycles, endedAtMs: dateMs() }, error }
    }
  }

  /** Until the store has it, or the lease is somebody else's. @returns whether it was ours to end */
  async #settle(lease: Lease, running: Running, end: JobEnd | undefined): Promise<boolean> {
    const { store } = this.#options
    for (;;) {
      if (running.isLost) return false
      try {
        return await (end === undefined ? store.release(lease) : store.end(lease, end))
      } catch (error) {
        this.#onStoreFailure(error)
        // Told to stop now: the lease runs out, or the restart finds it.
        if (running.abort.signal.aborted) return false
        await pause(this.#backoff.next(), running.abort.signal)
      }
    }
  }

  async #extend(lease: Lease, running: Running): Promise<void> {
    try {
      const isOurs = await this.#options.store.extend(lease, LEASE_MS, running.cycles)
      if (!isOurs) this.#lose(running)
    } catch (error) {
      this.#onStoreFailure(error)
    }
  }

  #lose(running: Running): void {
    running.isLost = true
    running.abort.abort()
  }

  #onStoreFailure(error: unknown): void {
    this.#options.onEvent?.({ kind: 'storeFailed', error })
  }
}
