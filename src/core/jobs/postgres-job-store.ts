/**
 * Jobs in PostgreSQL, for several servers that share the work. pg-boss delivers: a message names a job,
 * and goes in and out in the same transaction as the job's row. The row is the truth; a message that
 * comes twice, or late, finds that there is nothing to do. What only some may take (jobs bound to a
 * server, jobs of some tenants) is taken from the rows.
 */
import type pg from 'pg'
import PgBoss from 'pg-boss'
import { InternalError } from '../errors.js'
import {
  blobsOf,
  countsOf,
  recordOf,
  SUMMARY_COLUMNS,
  type SummaryRow,
  summaryOf,
} from './job-row.js'
import type {
  JobEnd,
  JobFilter,
  JobRecord,
  JobState,
  JobStore,
  JobSummary,
  Lease,
  LeaseOptions,
  NewJob,
  Submission,
} from './job-store.js'
import { findAttestation, keepAttestation } from './postgres-attestations.js'
import {
  COLUMNS,
  createPool,
  executorOf,
  forgetServer,
  forgetServers,
  guarded,
  lockTurns,
  type PostgresOptions,
  prepareDatabase,
  type Row,
  registerServer,
  rows,
  showServer,
  transaction,
} from './postgres-database.js'

const QUEUE = 'sp1-tee-jobs'
/** A message waits as long as its job. */
const MESSAGE_OPTIONS = { retryLimit: 0, retentionDays: 3650, expireInHours: 23 } as const
/** With $1 the milliseconds of the lease and $2 those since 1970. */
const LEASED = `state = 'running', fence = fence + 1, attempts = attempts + 1, cycles = 0,
  lease_until = now() + $1 * interval '1 ms', started_at = $2`
const GIVEN_BACK = "state = 'queued', lease_until = null, attempts = attempts - 1"

/**
 * Creates what it needs in the database.
 *
 * @throws UnavailableError `STORE_UNAVAILABLE`, also for a server that would lose what it has committed
 */
export async function openPostgresJobStore(options: PostgresOptions): Promise<JobStore> {
  const { onError = () => {} } = options
  const pool = createPool(options)
  const boss = new PgBoss({ db: executorOf(pool), schedule: false })
  boss.on('error', onError)
  try {
    return await guarded(async () => {
      await prepareDatabase(pool)
      await boss.start()
      await boss.createQueue(QUEUE)
      return new PostgresJobStore(pool, boss, await registerServer(pool))
    })
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
  readonly #server: string
  #hasBound = false

  constructor(pool: pg.Pool, boss: PgBoss, server: string) {
    this.#pool = pool
    this.#boss = boss
    this.#server = server
  }

  submit(job: NewJob, maxQueued: number): Promise<Submission> {
    return this.#transaction(async (client) => {
      // One at a time: the number of jobs that wait, and whose turn is when, must not change meanwhile.
      await lockTurns(client)
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
        job.isBound ? this.#server : null,
      ]
      const [inserted] = await rows(
        client,
        `insert into sp1_tee.jobs (id, tenant, idempotency_key, request, blobs, state, rank, created_at, server)
         values ($1, $2, $3, $4, $5, 'queued', $6, $7, $8) returning ${COLUMNS}`,
        values,
      )
      if (inserted === undefined) throw new InternalError('a row that was inserted is not there')
      if (job.isBound) {
        this.#hasBound = true
        await showServer(client, this.#server)
      }
      await this.#send(client, inserted, rank)
      return { job: recordOf(inserted), isNew: true }
    })
  }

  async get(id: string): Promise<JobRecord | undefined> {
    const sql = `select ${COLUMNS} from sp1_tee.jobs where id = $1`
    const [row] = (await this.#query<Row>(sql, [id])).rows
    return row && recordOf(row)
  }

  async list({ tenant, state, after, limit }: JobFilter): Promise<readonly JobSummary[]> {
    const found = await this.#query<SummaryRow>(
      `select ${SUMMARY_COLUMNS} from sp1_tee.jobs
       where ($1::text is null or tenant = $1) and ($2::text is null or state = $2)
         and ($3::uuid is null or seq < (select seq from sp1_tee.jobs where id = $3))
       order by seq desc limit $4`,
      [tenant ?? null, state ?? null, after ?? null, limit],
    )
    return found.rows.map(summaryOf)
  }

  lease(options: LeaseOptions): Promise<Lease | undefined> {
    const { exceptTenants = [] } = options
    return this.#transaction(async (client) => {
      if (exceptTenants.length > 0) {
        const wanted = '(server is null or server = $4) and tenant <> all($5)'
        return this.#leaseRow(client, options, wanted, [this.#server, exceptTenants])
      }
      const bound = this.#hasBound ? await this.#leaseBound(client, options) : undefined
      return bound ?? this.#leaseDelivered(client, options)
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
      const assignments = `state = $3, outcome = $4, cycles = $5, ended_at = $6, lease_until = null,
         ended_seq = nextval('sp1_tee.ends')`
      const row = await changed(client, lease, assignments, [state, outcome, cycles, endedAtMs])
      await this.#settle(client, row)
      return row !== undefined
    })
  }

  release(lease: Lease): Promise<boolean> {
    return this.#transaction(async (client) => {
      const row = await changed(client, lease, GIVEN_BACK, [])
      await this.#settle(client, row)
      if (row !== undefined) await this.#send(client, row, 0)
      return row !== undefined
    })
  }

  cancel(id: string, endedAtMs: number): Promise<JobRecord | undefined> {
    return this.#transaction(async (client) => {
      const [row] = await rows(
        client,
        `update sp1_tee.jobs
         set state = 'cancelled', ended_at = $2, lease_until = null, fence = fence + 1,
           ended_seq = nextval('sp1_tee.ends')
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
        await this.#send(client, row, 0)
      }
      await this.#freeBound(client)
      return lost.length
    })
  }

  async counts(): Promise<Record<JobState, number>> {
    const found = await this.#query<{ state: JobState; count: number }>(
      'select state, count(*)::integer as count from sp1_tee.jobs group by state',
    )
    return countsOf(found.rows)
  }

  /** Writes a row, and removes it. */
  check(): Promise<void> {
    return this.#transaction(async (client) => {
      const id = await registerServer(client)
      await forgetServer(client, id)
    })
  }

  async queuedHere(): Promise<number> {
    const { rows: counted } = await this.#query<{ count: number }>(
      `select count(*)::integer as count from sp1_tee.jobs where state = 'queued' and server = $1`,
      [this.#server],
    )
    return counted[0]?.count ?? 0
  }

  async blobsInUse(): Promise<ReadonlySet<string>> {
    const { rows: needed } = await this.#query<Pick<Row, 'blobs'>>(
      "select blobs from sp1_tee.jobs where state in ('queued', 'running') and blobs <> ''",
    )
    return new Set(needed.flatMap(blobsOf))
  }

  async prune(keepEnded: number): Promise<number> {
    const { rowCount } = await this.#query(
      `delete from sp1_tee.jobs where ended_seq <= (
         select ended_seq from sp1_tee.jobs where ended_seq is not null
         order by ended_seq desc limit 1 offset $1)`,
      [keepEnded],
    )
    return rowCount ?? 0
  }

  keepAttestation(signer: string, attestation: string): Promise<void> {
    return guarded(() => keepAttestation(this.#pool, signer, attestation))
  }

  attestation(signer: string): Promise<string | undefined> {
    return guarded(() => findAttestation(this.#pool, signer))
  }

  async close(): Promise<void> {
    await this.#boss.stop({ graceful: false, close: false, wait: false })
    // Should it not arrive, time does the same.
    await forgetServer(this.#pool, this.#server).catch(() => {})
    await this.#pool.end()
  }

  /** The next one that pg-boss delivers. */
  async #leaseDelivered(
    client: pg.PoolClient,
    { leaseMs, nowMs }: LeaseOptions,
  ): Promise<Lease | undefined> {
    const db = executorOf(client)
    for (;;) {
      const [message] = await this.#boss.fetch<{ job: string }>(QUEUE, { db })
      if (message === undefined) return undefined
      const [row] = await rows(
        client,
        `update sp1_tee.jobs set ${LEASED}, message = $3
         where id = $4 and state = 'queued' returning ${COLUMNS}`,
        [leaseMs, nowMs, message.id, message.data.job],
      )
      if (row !== undefined) return leaseOf(row)
      await this.#forget(client, message.id)
    }
  }

  /** A job that only this server can run, if it is its turn. */
  #leaseBound(client: pg.PoolClient, options: LeaseOptions): Promise<Lease | undefined> {
    const isItsTurn = `server = $4 and rank <= coalesce(
      (select min(rank) from sp1_tee.jobs where state = 'queued' and server is null), rank)`
    return this.#leaseRow(client, options, isItsTurn, [this.#server])
  }

  /** @param wanted - which rows, with `values` from $4 on; a message that comes later is in vain */
  async #leaseRow(
    client: pg.PoolClient,
    { leaseMs, nowMs }: LeaseOptions,
    wanted: string,
    values: readonly unknown[],
  ): Promise<Lease | undefined> {
    const [row] = await rows(
      client,
      `update sp1_tee.jobs set ${LEASED}, message = $3
       where seq = (select seq from sp1_tee.jobs where state = 'queued' and ${wanted}
                    order by rank, seq limit 1 for update skip locked)
       returning ${COLUMNS}`,
      [leaseMs, nowMs, null, ...values],
    )
    return row && leaseOf(row)
  }

  /** Be seen; and let anybody have what was bound to a server that is seen no more. */
  async #freeBound(client: pg.PoolClient): Promise<void> {
    await showServer(client, this.#server)
    await forgetServers(client, this.#server)
    const freed = await rows(
      client,
      `update sp1_tee.jobs set server = null
       where seq in (select seq from sp1_tee.jobs
                     where state = 'queued' and server not in (select id from sp1_tee.servers)
                     for update skip locked)
       returning ${COLUMNS}`,
      [],
    )
    for (const row of freed) await this.#send(client, row, 0)
  }

  /** The delivery of a job that waits; the smallest rank comes first. What is bound is taken undelivered. */
  async #send(client: pg.PoolClient, { id, server }: Row, rank: number): Promise<void> {
    if (server !== null) return
    const options = { ...MESSAGE_OPTIONS, priority: -rank, db: executorOf(client) }
    await this.#boss.send(QUEUE, { job: id }, options)
  }

  /** Not completed: pg-boss would keep it for a week. */
  async #forget(client: pg.PoolClient, message: string): Promise<void> {
    await this.#boss.deleteJob(QUEUE, message, { db: executorOf(client) })
  }

  /** The message that a row was delivered by is done with. */
  async #settle(client: pg.PoolClient, row: Row | undefined): Promise<void> {
    if (row?.message == null) return
    await this.#forget(client, row.message)
  }

  #query<R extends pg.QueryResultRow>(
    sql: string,
    values: readonly unknown[] = [],
  ): Promise<pg.QueryResult<R>> {
    return guarded(() => this.#pool.query<R>(sql, [...values]))
  }

  #transaction<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return guarded(() => transaction(this.#pool, work))
  }
}

function leaseOf(row: Row): Lease {
  return { job: recordOf(row), fence: row.fence, attempts: row.attempts }
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
