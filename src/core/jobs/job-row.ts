/** A row of a jobs table, as both databases give it. */
import type { JobRecord, JobState } from './job-store.js'

export interface JobRow {
  readonly id: string
  readonly tenant: string
  readonly idempotency_key: string | null
  readonly request: string
  /** Separated by spaces. */
  readonly blobs: string
  readonly state: JobState
  /** PostgreSQL gives 64-bit numbers as text. */
  readonly cycles: number | string
  readonly fence: number
  readonly attempts: number
  readonly created_at: number | string
  readonly started_at: number | string | null
  readonly ended_at: number | string | null
  readonly outcome: string | null
}

export function recordOf(row: JobRow): JobRecord {
  const { id, tenant, request, state } = row
  return {
    id,
    tenant,
    request,
    blobs: row.blobs === '' ? [] : row.blobs.split(' '),
    state,
    cycles: Number(row.cycles),
    createdAtMs: Number(row.created_at),
    ...(row.idempotency_key !== null && { idempotencyKey: row.idempotency_key }),
    ...(row.started_at !== null && { startedAtMs: Number(row.started_at) }),
    ...(row.ended_at !== null && { endedAtMs: Number(row.ended_at) }),
    ...(row.outcome !== null && { outcome: row.outcome }),
  }
}
