/** What runs jobs, and how many. */
import type { JobRecord, JobStore } from '../jobs/job-store.js'
import type { JobEvent } from './job-event.js'

export interface JobRunnerOptions {
  readonly store: JobStore
  /** Jobs at a time; up to twice as many, while some tenants would have to wait for others. */
  readonly concurrency: number
  readonly maxQueued: number
  /** Ended jobs that are kept. */
  readonly keepEnded: number
  /**
   * What a job does. The text it gives is the outcome of a job that succeeded. An InterruptedError
   * gives the job back; anything else it throws is how the job failed.
   */
  readonly work: (
    job: JobRecord,
    signal: AbortSignal,
    onCycles: (cycles: number) => void,
  ) => Promise<{ readonly outcome: string; readonly cycles: number }>
  /** Milliseconds of a monotonic clock. */
  readonly nowMs: () => number
  /** Milliseconds since 1970. */
  readonly dateMs: () => number
  readonly onEvent?: (event: JobEvent) => void
}
