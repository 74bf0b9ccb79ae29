/**
 * Jobs in memory: queued, running, ended. Bounded in number and bytes on both ends: what would exceed
 * the queue is refused, and of the ended jobs the oldest are forgotten first.
 */
import { Sp1TeeError, UnavailableError } from '../errors.js'
import type { Proof } from '../signer/proof.js'

export type JobState = 'queued' | 'running' | 'succeeded' | 'failed'

export interface Job {
  readonly id: string
  readonly state: JobState
  /** Executed so far. */
  readonly cycles: number
  /** Of a job that succeeded. */
  readonly proof?: Proof
  /** Of a job that failed. */
  readonly error?: unknown
}

/** What a job does; told to stop by `signal`, and tells how far it is. */
export type Work = (signal: AbortSignal, onCycles: (cycles: number) => void) => Promise<Proof>

export interface JobQueueOptions {
  readonly concurrency: number
  readonly maxQueued: number
  /** Of the inputs of all jobs that have not ended. */
  readonly maxInputBytes: number
  readonly maxEnded?: number
  readonly maxEndedBytes?: number
  readonly newId: () => string
  /** Milliseconds of a monotonic clock, to guess when there will be room. */
  readonly nowMs: () => number
}

const DEFAULT_MAX_ENDED = 4096
const DEFAULT_MAX_ENDED_BYTES = 256 * 2 ** 20
const LONGEST_RETRY_AFTER_SECONDS = 60

interface Entry {
  id: string
  state: JobState
  cycles: number
  proof?: Proof
  error?: unknown
  readonly inputBytes: number
  readonly ended: Promise<void>
  readonly end: () => void
}

export class JobQueue {
  readonly #options: Required<JobQueueOptions>
  readonly #abort = new AbortController()
  readonly #jobs = new Map<string, Entry>()
  readonly #queued: { readonly entry: Entry; readonly work: Work }[] = []
  readonly #running = new Set<Entry>()
  /** In the order in which they ended. */
  readonly #ended = new Map<Entry, number>()
  #endedBytes = 0
  #inputBytes = 0
  #meanRunMs = 1_000

  constructor(options: JobQueueOptions) {
    const defaults = { maxEnded: DEFAULT_MAX_ENDED, maxEndedBytes: DEFAULT_MAX_ENDED_BYTES }
    this.#options = { ...defaults, ...options }
  }

  /**
   * @param inputBytes - that the work holds on to until it has ended
   * @throws UnavailableError `QUEUE_FULL`
   */
  submit(inputBytes: number, work: Work): Job {
    const { maxQueued, maxInputBytes, newId } = this.#options
    const isFull = this.#queued.length >= maxQueued && !this.#hasRoomToRun()
    if (isFull || this.#inputBytes + inputBytes > maxInputBytes) {
      const facts = { queued: this.#queued.length, retryAfterSeconds: this.#retryAfterSeconds() }
      throw new UnavailableError('QUEUE_FULL', facts)
    }
    let end = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const entry: Entry = { id: newId(), state: 'queued', cycles: 0, inputBytes, ended, end }
    this.#jobs.set(entry.id, entry)
    this.#inputBytes += inputBytes
    this.#queued.push({ entry, work })
    this.#startNext()
    return entry
  }

  /** @throws UnavailableError `JOB_UNKNOWN` */
  get(id: string): Job {
    return this.#entry(id)
  }

  /**
   * The job once it has ended.
   *
   * @throws UnavailableError `JOB_UNKNOWN`
   */
  async wait(id: string): Promise<Job> {
    const entry = this.#entry(id)
    await entry.ended
    return entry
  }

  /** Resolves when nothing is queued or running. */
  async drained(): Promise<void> {
    while (this.#queued.length + this.#running.size > 0) {
      await Promise.all([...this.#jobs.values()].map(({ ended }) => ended))
    }
  }

  /** Ends what is queued or running: it fails as interrupted. */
  abort(): void {
    this.#abort.abort()
  }

  #entry(id: string): Entry {
    const entry = this.#jobs.get(id)
    if (entry === undefined) throw new UnavailableError('JOB_UNKNOWN', { id })
    return entry
  }

  #hasRoomToRun(): boolean {
    return this.#running.size < this.#options.concurrency
  }

  #startNext(): void {
    while (this.#hasRoomToRun()) {
      const next = this.#queued.shift()
      if (next === undefined) return
      this.#run(next.entry, next.work)
    }
  }

  async #run(entry: Entry, work: Work): Promise<void> {
    const { nowMs } = this.#options
    const startedAt = nowMs()
    entry.state = 'running'
    this.#running.add(entry)
    try {
      entry.proof = await work(this.#abort.signal, (cycles) => {
        entry.cycles = cycles
      })
      entry.cycles = entry.proof.cycles
      entry.state = 'succeeded'
    } catch (error) {
      entry.error = error
      entry.state = 'failed'
    }
    this.#running.delete(entry)
    this.#inputBytes -= entry.inputBytes
    this.#meanRunMs = 0.8 * this.#meanRunMs + 0.2 * (nowMs() - startedAt)
    this.#keepEnded(entry)
    entry.end()
    this.#startNext()
  }

  #keepEnded(entry: Entry): void {
    const bytes = sizeOf(entry)
    this.#ended.set(entry, bytes)
    this.#endedBytes += bytes
    const { maxEnded, maxEndedBytes } = this.#options
    for (const [oldest, oldestBytes] of this.#ended) {
      const isWithin = this.#ended.size <= maxEnded && this.#endedBytes <= maxEndedBytes
      // The newest stays whatever its size: somebody waits for it.
      if (isWithin || oldest === entry) return
      this.#ended.delete(oldest)
      this.#endedBytes -= oldestBytes
      this.#jobs.delete(oldest.id)
    }
  }

  #retryAfterSeconds(): number {
    const { concurrency } = this.#options
    const seconds = Math.ceil((this.#queued.length * this.#meanRunMs) / concurrency / 1000)
    return Math.min(Math.max(seconds, 1), LONGEST_RETRY_AFTER_SECONDS)
  }
}

/** About how much memory the outcome of a job takes. */
function sizeOf({ proof, error }: Entry): number {
  const details = error instanceof Sp1TeeError ? error.details : {}
  const texts = [proof?.publicValues, proof?.proofBytes, details.stdout, details.stderr]
  return texts.reduce<number>((sum, text) => sum + String(text ?? '').length, 1024)
}
