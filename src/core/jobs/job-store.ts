/**
 * What survives of a job: who asked for what, how far it is, how it ended. One interface, two members:
 * SQLite in a file, PostgreSQL for several servers; the same suite holds both.
 *
 * queued → running → succeeded | failed | cancelled. A running job is held by a lease; whoever lost
 * it, because time ran out or the job was cancelled, can change nothing any more: each lease has a
 * larger number than the last, its fence. An end is final. What a method promises is durable when its
 * promise resolves. Executing twice is harmless, because execution is deterministic.
 *
 * Requests and outcomes are text that only their owner understands, and nothing here is trusted: a
 * store that lies costs liveness.
 */

export const JOB_STATES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const
export type JobState = (typeof JOB_STATES)[number]

export interface NewJob {
  /** A UUID. */
  readonly id: string
  /** Whose it is; jobs of different tenants take turns. */
  readonly tenant: string
  /** With the same tenant and key a second submission is the first one again. */
  readonly idempotencyKey?: string | undefined
  readonly request: string
  /** Stored blobs that the request needs. */
  readonly blobs: readonly string[]
  /** Milliseconds since 1970, for people. */
  readonly createdAtMs: number
  /**
   * Only the server that takes it can run it, because the key of its inputs is in that server's memory.
   * Others leave it alone while that one lives; then any of them gets it, to say that it is lost.
   */
  readonly isBound?: boolean | undefined
}

export interface JobRecord extends NewJob {
  readonly state: JobState
  /** Executed so far, as of the last extension of its lease. */
  readonly cycles: number
  readonly startedAtMs?: number | undefined
  readonly endedAtMs?: number | undefined
  /** How it ended; of a job that succeeded or failed. */
  readonly outcome?: string | undefined
}

export function isEnded({ state }: Pick<JobRecord, 'state'>): boolean {
  return state !== 'queued' && state !== 'running'
}

/** A job without what may be large. */
export type JobSummary = Omit<JobRecord, 'request' | 'blobs' | 'outcome'>

/** Attestations of signers that are kept, the newest: three weeks of a new signer every half hour. */
export const MAX_ATTESTATIONS = 1024

export interface LeaseOptions {
  readonly leaseMs: number
  /** Milliseconds since 1970, for people. */
  readonly nowMs: number
  /** Whose jobs are not wanted now. */
  readonly exceptTenants?: readonly string[]
}

/** The right to run a job and to say how it ended. */
export interface Lease {
  readonly job: JobRecord
  readonly fence: number
  /** Times it was begun, this one included, but for those that gave it back. */
  readonly attempts: number
}

export type Submission =
  | { readonly job: JobRecord; readonly isNew: boolean }
  /** It was not taken: so many wait already. */
  | { readonly queued: number }

export interface JobEnd {
  readonly state: 'succeeded' | 'failed'
  readonly outcome: string
  readonly cycles: number
  readonly endedAtMs: number
}

export interface JobFilter {
  readonly tenant?: string | undefined
  readonly state?: JobState | undefined
  /** The id of the last one of the page before. */
  readonly after?: string | undefined
  readonly limit: number
}

/** Every method throws UnavailableError `STORE_UNAVAILABLE` when the store cannot do it. */
export interface JobStore {
  /** Several servers take jobs from it, so a job may change without this one's doing. */
  readonly isShared: boolean
  /** @param maxQueued - jobs that may wait, this one included. A repeated submission is never refused. */
  submit(job: NewJob, maxQueued: number): Promise<Submission>
  get(id: string): Promise<JobRecord | undefined>
  /** Newest first. */
  list(filter: JobFilter): Promise<readonly JobSummary[]>
  /** The job whose turn it is; tenants take turns. */
  lease(options: LeaseOptions): Promise<Lease | undefined>
  /** @returns false if the lease is lost: then stop. */
  extend(lease: Lease, leaseMs: number, cycles: number): Promise<boolean>
  /** @returns false if the lease is lost, and nothing was changed. */
  end(lease: Lease, end: JobEnd): Promise<boolean>
  /** Give it back to be run again. @returns false if the lease is lost */
  release(lease: Lease): Promise<boolean>
  /** A job that has not ended becomes cancelled. @returns the job as it is then */
  cancel(id: string, endedAtMs: number): Promise<JobRecord | undefined>
  /** Queue again what was running under a lease that has run out. @returns how many */
  reclaim(): Promise<number>
  counts(): Promise<Readonly<Record<JobState, number>>>
  /** Resolves if it takes jobs now. @throws UnavailableError `STORE_FULL` */
  check(): Promise<void>
  /** Queued jobs that no other server would run. */
  queuedHere(): Promise<number>
  /** Blobs of jobs that have not ended. */
  blobsInUse(): Promise<ReadonlySet<string>>
  /** Forget ended jobs, those first that ended first, and more where there is no room. @returns how many */
  prune(keepEnded: number): Promise<number>
  /** Keep what a signer was registered with, for whoever has a proof by it. The first one counts. */
  keepAttestation(signer: string, attestation: string): Promise<void>
  attestation(signer: string): Promise<string | undefined>
  close(): Promise<void>
}
