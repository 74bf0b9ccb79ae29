/** The PostgreSQL of a job store: its tables, its connections, and what is asked on them. */
import pg from 'pg'
import type PgBoss from 'pg-boss'
import { Sp1TeeError, UnavailableError } from '../errors.js'
import { JOB_COLUMNS, type JobRow } from './job-row.js'

/** Of transactions that number jobs; any constant that nobody else takes. */
const TURN_LOCK = 0x5b1_7ee
const CONNECT_TIMEOUT_MS = 10_000
const STATEMENT_TIMEOUT_MS = 30_000
/** Above what the database itself takes: of a host that is gone, nothing else would tell. */
const ANSWER_TIMEOUT_MS = 35_000
const MAX_CONNECTIONS = 10
/** SQLSTATE of a write that a standby, or a database that is being moved, refuses. */
const READ_ONLY = '25006'
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
  alter table sp1_tee.jobs add column if not exists server uuid;
  create table if not exists sp1_tee.servers (
    id uuid primary key default gen_random_uuid(),
    seen_at timestamptz not null default now(),
    seen_since timestamptz not null default now()
  );
  create sequence if not exists sp1_tee.ends;
  alter table sp1_tee.jobs add column if not exists ended_seq bigint;
  update sp1_tee.jobs as ended set ended_seq = numbered.n
    from (select seq, nextval('sp1_tee.ends') as n from (
            select seq from sp1_tee.jobs where state in ('succeeded', 'failed', 'cancelled')
            and ended_seq is null order by seq) as sorted) as numbered
    where ended.seq = numbered.seq;
  create table if not exists sp1_tee.attestations (
    seq bigserial primary key,
    signer text not null unique,
    attestation text not null
  );
  create index if not exists jobs_ended on sp1_tee.jobs (ended_seq) where ended_seq is not null;
  create unique index if not exists jobs_idempotency on sp1_tee.jobs (tenant, idempotency_key)
    where idempotency_key is not null;
  create index if not exists jobs_state on sp1_tee.jobs (state, rank);
`
export const COLUMNS = `${JOB_COLUMNS}, message, server`

export interface Row extends JobRow {
  readonly message: string | null
  /** The only one that can run it. */
  readonly server: string | null
}

export interface PostgresOptions {
  /** postgres://… */
  readonly url: string
  /** Hears of connections that broke and are made again. */
  readonly onError?: (error: unknown) => void
  /** A connection that does not answer within is given up. */
  readonly answerTimeoutMs?: number
}

export function createPool({
  url,
  onError = () => {},
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
}: PostgresOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: answerTimeoutMs,
    keepAlive: true,
    options: '-c synchronous_commit=on',
    application_name: 'sp1-tee',
  })
  pool.on('error', onError)
  return pool
}

/** @throws UnavailableError `STORE_UNAVAILABLE` it would lose what it has committed */
export async function prepareDatabase(pool: pg.Pool): Promise<void> {
  const { rows: settings } = await pool.query('show fsync')
  if (settings[0]?.fsync !== 'on') {
    const reason = 'PostgreSQL runs with fsync off, which loses what it has committed'
    throw new UnavailableError('STORE_UNAVAILABLE', { reason })
  }
  await transaction(pool, async (client) => {
    await lockTurns(client)
    await client.query(SCHEMA)
  })
}

/** A server that has not been seen for so long is gone, and with it whatever only it could run. */
const SERVER_LIFE_SECONDS = 60
const SEEN_EVERY_SECONDS = 5

/** Be seen in the database. One that was away for long is new in it. */
export async function showServer(client: pg.PoolClient, id: string): Promise<void> {
  await client.query(
    `insert into sp1_tee.servers (id) values ($1) on conflict (id) do update set seen_at = now(),
       seen_since = case when servers.seen_at < now() - $2 * interval '1 s'
                         then now() else servers.seen_since end
     where servers.seen_at < now() - $3 * interval '1 s'`,
    [id, SERVER_LIFE_SECONDS, SEEN_EVERY_SECONDS],
  )
}

/**
 * Forget servers that are gone. Only one that itself was seen all the time may say so: after an outage of
 * the database nobody was, and everybody lives.
 */
export async function forgetServers(client: pg.PoolClient, id: string): Promise<void> {
  await client.query(
    `delete from sp1_tee.servers where seen_at < now() - $2 * interval '1 s' and exists (
       select 1 from sp1_tee.servers as own
       where own.id = $1 and own.seen_since < now() - $2 * interval '1 s')`,
    [id, SERVER_LIFE_SECONDS],
  )
}

/** @returns the id of this server, while it is seen */
export async function registerServer(queryable: pg.Pool | pg.PoolClient): Promise<string> {
  const { rows } = await queryable.query('insert into sp1_tee.servers default values returning id')
  return rows[0].id
}

export async function forgetServer(queryable: pg.Pool | pg.PoolClient, id: string): Promise<void> {
  await queryable.query('delete from sp1_tee.servers where id = $1', [id])
}

/** One transaction at a time numbers jobs. */
export async function lockTurns(client: pg.PoolClient): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1)', [TURN_LOCK])
}

export async function rows(
  queryable: pg.Pool | pg.PoolClient,
  sql: string,
  values: readonly unknown[],
): Promise<Row[]> {
  return (await queryable.query<Row>(sql, [...values])).rows
}

export async function transaction<T>(
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
export function executorOf(queryable: pg.Pool | pg.PoolClient): PgBoss.Db {
  return {
    executeSql: (text, values = []) =>
      // It sends several statements at once where it has no values.
      values.length > 0 ? queryable.query(text, values) : queryable.query(text),
  }
}

export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Sp1TeeError || error instanceof TypeError) throw error
    const { code } = error as { code?: string }
    const isReadOnly = code === READ_ONLY
    const reason = isReadOnly
      ? 'PostgreSQL takes no writes'
      : `PostgreSQL answers ${code ?? 'nothing'}`
    throw new UnavailableError('STORE_UNAVAILABLE', { reason }, error)
  }
}
