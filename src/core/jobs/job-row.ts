/** A row of a jobs table, as both databases give it. */
import { JOB_STATES, type JobRecord, type JobState, type JobSummary } from './job-store.js'

/** Columns of what is told of a job in a list. */
export const SUMMARY_COLUMNS =
  'id, tenant, idempotency_key, state, cycles, created_at, started_at, ended_at'
export const JOB_COLUMNS = `${SUMMARY_COLUMNS}, request, blobs, fence, attempts, outcome`

export interface SummaryRow {
  readonly id: string
  readonly tenant: string
  readonly idempotency_key: string | null
  readonly state: JobState
  /** PostgreSQL gives 64-bit numbers as text. */
  readonly cycles: number | string
  readonly created_at: number | string
  readonly started_at: number | string | null
  readonly ended_at: number | string | null
}

export interface JobRow extends SummaryRow {
  readonly request: string
  /** Separated by spaces. */
  readonly blobs: string
  readonly fence: number
  readonly attempts: number
  readonly outcome: string | null
}

/** How many there are in each state, of groups that leave out where there are none. */
export function countsOf(
  groups: readonly { readonly state: JobState; readonly count: number }[],
): Record<JobState, number> {
  const counts = Object.fromEntries(JOB_STATES.map((state) => [state, 0]))
  for (const { state, count } of groups) counts[state] = count
  return counts as Record<JobState, number>
}

/** Blobs that a row names. */
export function blobsOf({ blobs }: Pick<JobRow, 'blobs'>): string[] {
  return blobs === '' ? [] : blobs.split(' ')
}

export function recordOf(row: JobRow): JobRecord {
  const { request, outcome } = row
  return {
    ...summaryOf(row),
    request,
    blobs: blobsOf(row),
    ...(outcome !== null && { outcome }),
  }
}

export function summaryOf(row: SummaryRow): JobSummary {
  const { id, tenant, state } = row
  return {
    id,
    tenant,
    state,
    cycles: Number(row.cycles),
    createdAtMs: Number(row.created_at),
    ...(row.idempotency_key !== null && { idempotencyKey: row.idempotency_key }),
    ...(row.started_at !== null && { startedAtMs: Number(row.started_at) }),
    ...(row.ended_at !== null && { endedAtMs: Number(row.ended_at) }),
  }
}
