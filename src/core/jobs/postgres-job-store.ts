/**
 * Jobs in PostgreSQL, for several servers that share the work. pg-boss delivers: a message names a job,
 * and goes in and out in the same transaction as the job's row. The row is the truth; a message that
 * comes twice, or late, finds that there is nothing to do.
 */
import pg from 'pg'
import PgBoss from 'pg-boss'
import { InternalError, Sp1TeeError, UnavailableError } from '../errors.js'
import { blobsOf, countsOf, type JobRow, recordOf } from './job-row.js'
import type {
  JobEnd,
  JobFilter,
  JobRecord,
  JobState,
  JobStore,
  Lease,
  NewJob,
  Submission,
} from './job-store.js'

const QUEUE = 'sp1-tee-jobs'
/** A message waits as long as its job. */
const MESSAGE_OPTIONS = { retryLimit: 0, retentionDays: 3650, expireInHours: 23 } as const
/** Of transactions that number jobs; any constant that nobody else takes. */
const TURN_LOCK = 0x5b1_7ee
const CONNECT_TIMEOUT_MS = 10_000
const STATEMENT_TIMEOUT_MS = 30_000
const MAX_CONNECTIONS = 10
const SCHEMA = `
  create schema if not exists sp1_tee;
  create table if not exists sp1_tee.jobs (
    seq bigserial primary key,
    id uuid not null unique,
    tenant text not null,
    idempotency_key text,
    request text not null,
    blobs text not null,
    state text not null,
    rank integer not null,
    cycles bigint not null default 0,
    fence integer not null default 0,
    attempts integer not null default 0,
    message uuid,
    lease_until timestamptz,
    created_at bigint not null,
    started_at bigint,
    ended_at bigint,
    outcome text
  );
  create unique index if not exists jobs_idempotency on sp1_tee.jobs (tenant, idempotency_key)
    where idempotency_key is not null;
  create index if not exists jobs_state on sp1_tee.jobs (state, rank);
`
const COLUMNS =
  'id, tenant, idempotency_key, request, blobs, state, cycles, fence, attempts, message, created_at, started_at, ended_at, outcome'

interface Row extends JobRow {
  readonly message: string | null
}

export interface PostgresJobStoreOptions {
  /** postgres://… */
  readonly url: string
  /** Hears of connections that broke and are made again. */
  readonly onError?: (error: unknown) => void
}

/**
 * Creates what it needs in the database.
 *
 * @throws UnavailableError `STORE_UNAVAILABLE`, also for a server that would lose what it has committed
 */
export async function openPostgresJobStore({
  url,
  onError = () => {},
}: PostgresJobStoreOptions): Promise<JobStore> {
  const pool = new pg.Pool({
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    options: '-c synchronous_commit=on',
    application_name: 'sp1-tee',
  })
  pool.on('error', onError)
  const boss = new PgBoss({ db: executorOf(pool), schedule: false })
  boss.on('error', onError)
  try {
    await guarded(async () => {
      const { rows } = await pool.query('show fsync')
      if (rows[0]?.fsync !== 'on') {
        const reason = 'PostgreSQL runs with fsync off, which loses what it has committed'
        throw new UnavailableError('STORE_UNAVAILABLE', { reason })
      }
      await boss.start()
      await boss.createQueue(QUEUE)
      await transaction(pool, async (client) => {
        await client.query('select pg_advisory_xact_lock($1)', [TURN_LOCK])
        await client.query(SCHEMA)
      })
    })
    return new PostgresJobStore(pool, boss)
  } catch (error) {
    await boss.stop({ graceful: false, close: false, wait: false }).catch(() => {})
    await pool.end()
    throw error
  }
}

class PostgresJobStore implements JobStore {
  readonly isShared = true
  readonly #pool: pg.Pool
  readonly #boss: PgBoss

  constructor(pool: pg.Pool, boss: PgBoss) {
    this.#pool = pool
    this.#boss = boss
  }

  submit(job: NewJob, maxQueued: number): Promise<Submission> {
    return this.#transaction(async (client) => {
      // One at a time: the number of jobs that wait, and whose turn is when, must not change meanwhile.
      await client.query('select pg_advisory_xact_lock($1)', [TURN_LOCK])
      const key = job.idempotencyKey ?? null
      const [known] = await rows(
        client,
        `select ${COLUMNS} from sp1_tee.jobs
         where id = $1 or (tenant = $2 and idempotency_key = $3)`,
        [job.id, job.tenant, key],
      )
      if (known !== undefined) return { job: recordOf(known), isNew: false }
      const { rows: waiting } = await client.query(
        `select count(*)::integer as queued,
           greatest(coalesce(min(rank), 0), coalesce(max(rank) filter (where tenant = $1) + 1, 0)) as rank
         from sp1_tee.jobs where state = 'queued'`,
        [job.tenant],
      )
      const { queued, rank } = waiting[0] as { queued: number; rank: number }
      if (queued >= maxQueued) return { queued }
      const values = [
        job.id,
        job.tenant,
        key,
        job.request,
        job.blobs.join(' '),
        rank,
        job.createdAtMs,
      ]
      const [inserted] = await rows(
        client,
        `insert into sp1_tee.jobs (id, tenant, idempotency_key, request, blobs, state, rank, created_at)
         values ($1, $2, $3, $4, $5, 'queued', $6, $7) returning ${COLUMNS}`,
        values,
      )
      if (inserted === undefined) throw new InternalError('a row that was inserted is not there')
      await this.#send(client, job.id, rank)
      return { job: recordOf(inserted), isNew: true }
    })
  }

  async get(id: string): Promise<JobRecord | undefined> {
    const [row] = await this.#rows(`select ${COLUMNS} from sp1_tee.jobs where id = $1`, [id])
    return row && recordOf(row)
  }

  async list({ tenant, state, after, limit }: JobFilter): Promise<readonly JobRecord[]> {
    const found = await this.#rows(
      `select ${COLUMNS} from sp1_tee.jobs
       where ($1::text is null or tenant = $1) and ($2::text is null or state = $2)
         and ($3::uuid is null or seq < (select seq from sp1_tee.jobs where id = $3))
       order by seq desc limit $4`,
      [tenant ?? null, state ?? null, after ?? null, limit],
    )
    return found.map(recordOf)
  }

  lease({ leaseMs, nowMs }: { leaseMs: number; nowMs: number }): Promise<Lease | undefined> {
    return this.#transaction(async (client) => {
      const db = executorOf(client)
      for (;;) {
        const [message] = await this.#boss.fetch<{ job: string }>(QUEUE, { db })
        if (message === undefined) return undefined
        const [row] = await rows(
          client,
          `update sp1_tee.jobs set state = 'running', fence = fence + 1, attempts = attempts + 1,
             cycles = 0, message = $2, lease_until = now() + $3 * interval '1 ms', started_at = $4
           where id = $1 and state = 'queued' returning ${COLUMNS}`,
          [message.data.job, message.id, leaseMs, nowMs],
        )
        if (row !== undefined) {
          return { job: recordOf(row), fence: row.fence, attempts: row.attempts }
        }
        await this.#boss.complete(QUEUE, message.id, { db })
      }
    })
  }

  extend(lease: Lease, leaseMs: number, cycles: number): Promise<boolean> {
    return this.#transaction(async (client) => {
      const assignments = "lease_until = now() + $3 * interval '1 ms', cycles = $4"
      return (await changed(client, lease, assignments, [leaseMs, cycles])) !== undefined
    })
  }

  end(lease: Lease, { state, outcome, cycles, endedAtMs }: JobEnd): Promise<boolean> {
    return this.#transaction(async (client) => {
      const assignments = 'state = $3, outcome = $4, cycles = $5, ended_at = $6, lease_until = null'
      const row = await changed(client, lease, assignments, [state, outcome, cycles, endedAtMs])
      await this.#settle(client, row)
      return row !== undefined
    })
  }

  release(lease: Lease): Promise<boolean> {
    return this.#transaction(async (client) => {
      const row = await changed(client, lease, "state = 'queued', lease_until = null", [])
      await this.#settle(client, row)
      if (row !== undefined) await this.#send(client, row.id, 0)
      return row !== undefined
    })
  }

  cancel(id: string, endedAtMs: number): Promise<JobRecord | undefined> {
    return this.#transaction(async (client) => {
      const [row] = await rows(
        client,
        `update sp1_tee.jobs
         set state = 'cancelled', ended_at = $2, lease_until = null, fence = fence + 1
         where id = $1 and state in ('queued', 'running') returning ${COLUMNS}`,
        [id, endedAtMs],
      )
      await this.#settle(client, row)
      const [now] = await rows(client, `select ${COLUMNS} from sp1_tee.jobs where id = $1`, [id])
      return now && recordOf(now)
    })
  }

  reclaim(): Promise<number> {
    return this.#transaction(async (client) => {
      const lost = await rows(
        client,
        `update sp1_tee.jobs set state = 'queued', lease_until = null, fence = fence + 1
         where seq in (select seq from sp1_tee.jobs where state = 'running' and lease_until < now()
                       for update skip locked)
         returning ${COLUMNS}`,
        [],
      )
      for (const row of lost) {
        await this.#settle(client, row)
        await this.#send(client, row.id, 0)
      }
      return lost.length
    })
  }

  async counts(): Promise<Record<JobState, number>> {
    const found = await guarded(() =>
      this.#pool.query<{ state: JobState; count: number }>(
        'select state, count(*)::integer as count from sp1_tee.jobs group by state',
      ),
    )
    return countsOf(found.rows)
  }

  async check(): Promise<void> {
    const found = await guarded(() =>
      this.#pool.query<{ transaction_read_only: string }>('show transaction_read_only'),
    )
    if (found.rows[0]?.transaction_read_only === 'off') return
    throw new UnavailableError('STORE_UNAVAILABLE', { reason: 'PostgreSQL takes no writes' })
  }

  async blobsInUse(): Promise<ReadonlySet<string>> {
    const found = await this.#rows(
      `select ${COLUMNS} from sp1_tee.jobs where state in ('queued', 'running') and blobs <> ''`,
      [],
    )
    return new Set(found.flatMap(blobsOf))
  }

  async prune(keepEnded: number): Promise<number> {
    const ended = "state in ('succeeded', 'failed', 'cancelled')"
    const { rowCount } = await guarded(() =>
      this.#pool.query(
        `delete from sp1_tee.jobs where ${ended} and seq <= (
           select seq from sp1_tee.jobs where ${ended} order by seq desc limit 1 offset $1)`,
        [keepEnded],
      ),
    )
    return rowCount ?? 0
  }

  async close(): Promise<void> {
    await this.#boss.stop({ graceful: false, close: false, wait: false })
    await this.#pool.end()
  }

  /** The delivery of a job that waits; the smallest rank comes first. */
  async #send(client: pg.PoolClient, job: string, rank: number): Promise<void> {
    const options = { ...MESSAGE_OPTIONS, priority: -rank, db: executorOf(client) }
    await this.#boss.send(QUEUE, { job }, options)
  }

  /** The message that a row was delivered by is done with. */
  async #settle(client: pg.PoolClient, row: Row | undefined): Promise<void> {
    if (row?.message == null) return
    await this.#boss.complete(QUEUE, row.message, { db: executorOf(client) })
  }

  #rows(sql: string, values: readonly unknown[]): Promise<Row[]> {
    return guarded(() => rows(this.#pool, sql, values))
  }

  #transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return guarded(() => transaction(this.#pool, work))
  }
}

async function changed(
  client: pg.PoolClient,
  lease: Lease,
  assignments: string,
  values: readonly unknown[],
): Promise<Row | undefined> {
  const [row] = await rows(
    client,
    `update sp1_tee.jobs set ${assignments}
     where id = $1 and fence = $2 and state = 'running' returning ${COLUMNS}`,
    [lease.job.id, lease.fence, ...values],
  )
  return row
}

async function rows(
  queryable: pg.Pool | pg.PoolClient,
  sql: string,
  values: readonly unknown[],
): Promise<Row[]> {
  return (await queryable.query<Row>(sql, [...values])).rows
}

async function transaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    client.release()
    return result
  } catch (error) {
    // A connection in an unknown state is not used again.
    client.release(true)
    throw error
  }
}

/** A pool or one connection of it, as pg-boss takes them. */
function executorOf(queryable: pg.Pool | pg.PoolClient): PgBoss.Db {
  return {
    executeSql: (text, values = []) =>
      // It sends several statements at once where it has no values.
      values.length > 0 ? queryable.query(text, values) : queryable.query(text),
  }
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Sp1TeeError || error instanceof TypeError) throw error
    const { code } = error as { code?: string }
    const reason = `PostgreSQL answers ${code ?? 'nothing'}`
    throw new UnavailableError('STORE_UNAVAILABLE', { reason }, error)
  }
}
