/** Jobs in one SQLite file, for one server. */
import { InternalError, UnavailableError } from '../errors.js'
import {
  blobsOf,
  countsOf,
  JOB_COLUMNS,
  type JobRow,
  recordOf,
  SUMMARY_COLUMNS,
  type SummaryRow,
  summaryOf,
} from './job-row.js'
import {
  type JobEnd,
  type JobFilter,
  type JobRecord,
  type JobState,
  type JobStore,
  type JobSummary,
  type Lease,
  type LeaseOptions,
  MAX_ATTESTATIONS,
  type NewJob,
  type Submission,
} from './job-store.js'
import { PAGE_BYTES, SqliteDatabase } from './sqlite-database.js'

const DEFAULT_MAX_BYTES = 2 ** 30
/** Jobs that were taken must be able to end, so the database may grow so far above its limit. */
const HARD_LIMIT_FACTOR = 2
/** Ended jobs go when so much of the database is in use, however few they are. */
const CROWDED_SHARE = 0.75
/** Jobs that go together then. */
const CROWDED_BATCH = 64
const MIGRATIONS = [
  `
  create table jobs (
    seq integer primary key autoincrement,
    id text not null unique,
    tenant text not null,
    idempotency_key text,
    request text not null,
    blobs text not null,
    state text not null,
    rank integer not null,
    cycles integer not null default 0,
    fence integer not null default 0,
    attempts integer not null default 0,
    lease_until real,
    created_at integer not null,
    started_at integer,
    ended_at integer,
    outcome text
  ) strict;
  create unique index jobs_idempotency on jobs (tenant, idempotency_key)
    where idempotency_key is not null;
  create index jobs_turn on jobs (state, rank, seq);
  create index jobs_ended on jobs (seq) where state in ('succeeded', 'failed', 'cancelled');
`,
  `
  alter table jobs add column ended_seq integer;
  update jobs set ended_seq = seq where state in ('succeeded', 'failed', 'cancelled');
  drop index jobs_ended;
  create index jobs_ended on jobs (ended_seq) where ended_seq is not null;
  create table attestations (
    seq integer primary key autoincrement,
    signer text not null unique,
    attestation text not null
  ) strict;
`,
]
/** Jobs end in this order, whenever they were submitted. */
const NEXT_END = '(select coalesce(max(ended_seq), 0) + 1 from jobs where ended_seq is not null)'

export interface SqliteJobStoreOptions {
  /** Of the database; `:memory:` keeps nothing. */
  readonly path: string
  /** Above it no job is taken; what was taken may still end. */
  readonly maxBytes?: number
  /** Milliseconds of a monotonic clock. */
  readonly nowMs: () => number
}

/** @throws UnavailableError `STORE_UNAVAILABLE`, also when another process has it open */
export function openSqliteJobStore(options: SqliteJobStoreOptions): JobStore {
  const { path, maxBytes = DEFAULT_MAX_BYTES, nowMs } = options
  const hardMaxBytes = HARD_LIMIT_FACTOR * maxBytes
  const database = new SqliteDatabase({ path, maxBytes: hardMaxBytes, migrations: MIGRATIONS })
  try {
    // It is ours alone, so whoever ran these is gone.
    database.run("update jobs set state = 'queued', lease_until = null where state = 'running'")
  } catch (error) {
    database.close()
    throw error
  }
  return new SqliteJobStore(database, maxBytes, nowMs)
}

class SqliteJobStore implements JobStore {
  readonly isShared = false
  readonly #database: SqliteDatabase
  readonly #maxBytes: number
  readonly #nowMs: () => number

  constructor(database: SqliteDatabase, maxBytes: number, nowMs: () => number) {
    this.#database = database
    this.#maxBytes = maxBytes
    this.#nowMs = nowMs
  }

  submit(job: NewJob, maxQueued: number): Promise<Submission> {
    return this.#database.write(() => {
      const key = job.idempotencyKey ?? null
      const known = this.#row(
        `select ${JOB_COLUMNS} from jobs where id = ? or (tenant = ? and idempotency_key = ?)`,
        job.id,
        job.tenant,
        key,
      )
      if (known !== undefined) return { job: known, isNew: false }
      const { queued } = this.#one<{ queued: number }>(
        "select count(*) as queued from jobs where state = 'queued'",
      )
      if (queued >= maxQueued) return { queued }
      this.#requireRoom()
      const { rank } = this.#one<{ rank: number }>(
        `select max(
           coalesce((select min(rank) from jobs where state = 'queued'), 0),
           coalesce((select max(rank) + 1 from jobs where state = 'queued' and tenant = ?), 0)
         ) as rank`,
        job.tenant,
      )
      const inserted = this.#row(
        `insert into jobs (id, tenant, idempotency_key, request, blobs, state, rank, created_at)
         values (?, ?, ?, ?, ?, 'queued', ?, ?) returning ${JOB_COLUMNS}`,
        job.id,
        job.tenant,
        key,
        job.request,
        job.blobs.join(' '),
        rank,
        job.createdAtMs,
      )
      if (inserted === undefined) throw new InternalError('a row that was inserted is not there')
      return { job: inserted, isNew: true }
    })
  }

  async get(id: string): Promise<JobRecord | undefined> {
    return this.#row(`select ${JOB_COLUMNS} from jobs where id = ?`, id)
  }

  async list({ tenant, state, after, limit }: JobFilter): Promise<readonly JobSummary[]> {
    const rows = this.#database.all<SummaryRow>(
      `select ${SUMMARY_COLUMNS} from jobs
       where (?1 is null or tenant = ?1) and (?2 is null or state = ?2)
         and (?3 is null or seq < (select seq from jobs where id = ?3))
       order by seq desc limit ?4`,
      tenant ?? null,
      state ?? null,
      after ?? null,
      limit,
    )
    return rows.map(summaryOf)
  }

  lease({ leaseMs, nowMs, exceptTenants = [] }: LeaseOptions): Promise<Lease | undefined> {
    return this.#database.write(() => {
      const row = this.#database.first<JobRow>(
        `update jobs set state = 'running', fence = fence + 1, attempts = attempts + 1, cycles = 0,
           lease_until = ?, started_at = ?
         where seq = (
           select seq from jobs
           where state = 'queued' and tenant not in (select value from json_each(?))
           order by rank, seq limit 1)
         returning ${JOB_COLUMNS}`,
        this.#nowMs() + leaseMs,
        nowMs,
        JSON.stringify(exceptTenants),
      )
      return row && { job: recordOf(row), fence: row.fence, attempts: row.attempts }
      // A lease does not outlive the process that holds it.
    }, false)
  }

  extend(lease: Lease, leaseMs: number, cycles: number): Promise<boolean> {
    const until = this.#nowMs() + leaseMs
    return this.#change(false, lease, 'lease_until = ?, cycles = ?', until, cycles)
  }

  end(lease: Lease, { state, outcome, cycles, endedAtMs }: JobEnd): Promise<boolean> {
    return this.#change(
      true,
      lease,
      `state = ?, outcome = ?, cycles = ?, ended_at = ?, lease_until = null, ended_seq = ${NEXT_END}`,
      state,
      outcome,
      cycles,
      endedAtMs,
    )
  }

  release(lease: Lease): Promise<boolean> {
    return this.#change(
      false,
      lease,
      "state = 'queued', lease_until = null, attempts = attempts - 1",
    )
  }

  cancel(id: string, endedAtMs: number): Promise<JobRecord | undefined> {
    return this.#database.write(() => {
      this.#database.run(
        `update jobs set state = 'cancelled', ended_at = ?, lease_until = null, fence = fence + 1,
           ended_seq = ${NEXT_END}
         where id = ? and state in ('queued', 'running')`,
        endedAtMs,
        id,
      )
      return this.#row(`select ${JOB_COLUMNS} from jobs where id = ?`, id)
    })
  }

  reclaim(): Promise<number> {
    return this.#database.write(() =>
      this.#database.run(
        `update jobs set state = 'queued', lease_until = null, fence = fence + 1
         where state = 'running' and lease_until < ?`,
        this.#nowMs(),
      ),
    )
  }

  async counts(): Promise<Record<JobState, number>> {
    const rows = this.#database.all<{ state: JobState; count: number }>(
      'select state, count(*) as count from jobs group by state',
    )
    return countsOf(rows)
  }

  /** All of them: the file is this server's alone. */
  async queuedHere(): Promise<number> {
    return (await this.counts()).queued
  }

  async blobsInUse(): Promise<ReadonlySet<string>> {
    const rows = this.#database.all<{ blobs: string }>(
      "select blobs from jobs where state in ('queued', 'running') and blobs <> ''",
    )
    return new Set(rows.flatMap(blobsOf))
  }

  /** Writes what is there already. */
  async check(): Promise<void> {
    await this.#database.write(() => {
      this.#requireRoom()
      this.#database.run(`pragma user_version = ${MIGRATIONS.length}`)
    })
  }

  prune(keepEnded: number): Promise<number> {
    return this.#database.write(() => {
      let count = this.#database.run(
        `delete from jobs where ended_seq <= (
           select ended_seq from jobs where ended_seq is not null
           order by ended_seq desc limit 1 offset ?)`,
        keepEnded,
      )
      while (this.#usedBytes() > CROWDED_SHARE * this.#maxBytes) {
        const gone = this.#database.run(
          `delete from jobs where seq in (
             select seq from jobs where ended_seq is not null order by ended_seq limit ?)`,
          CROWDED_BATCH,
        )
        if (gone === 0) break
        count += gone
      }
      return count
    })
  }

  async keepAttestation(signer: string, attestation: string): Promise<void> {
    await this.#database.write(() => {
      this.#database.run(
        'insert into attestations (signer, attestation) values (?, ?) on conflict do nothing',
        signer,
        attestation,
      )
      this.#database.run(
        `delete from attestations where seq <= (
           select seq from attestations order by seq desc limit 1 offset ?)`,
        MAX_ATTESTATIONS,
      )
    })
  }

  async attestation(signer: string): Promise<string | undefined> {
    const found = this.#database.first<{ attestation: string }>(
      'select attestation from attestations where signer = ?',
      signer,
    )
    return found?.attestation
  }

  async close(): Promise<void> {
    this.#database.close()
  }

  #usedBytes(): number {
    const { pages } = this.#one<{ pages: number }>(
      'select page_count - freelist_count as pages from pragma_page_count, pragma_freelist_count',
    )
    return pages * PAGE_BYTES
  }

  #requireRoom(): void {
    if (this.#usedBytes() < this.#maxBytes) return
    throw new UnavailableError('STORE_FULL', { limitBytes: this.#maxBytes })
  }

  /** Whether this lease still held the job; it is changed only then. */
  #change(
    isDurable: boolean,
    { job, fence }: Lease,
    assignments: string,
    ...values: unknown[]
  ): Promise<boolean> {
    const sql = `update jobs set ${assignments} where id = ? and fence = ? and state = 'running'`
    const change = () => this.#database.run(sql, ...values, job.id, fence) === 1
    return this.#database.write(change, isDurable)
  }

  #row(sql: string, ...values: unknown[]): JobRecord | undefined {
    const row = this.#database.first<JobRow>(sql, ...values)
    return row && recordOf(row)
  }

  /** The one row that a query of aggregates has. */
  #one<T>(sql: string, ...values: unknown[]): T {
    const row = this.#database.first<T>(sql, ...values)
    if (row === undefined) throw new InternalError('an aggregate has no row')
    return row
  }
}
