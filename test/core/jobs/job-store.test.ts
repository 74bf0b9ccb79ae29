/** The promises of a job store, held by each member. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { execa } from 'execa'
import Database from 'libsql'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { UnavailableError } from '../../../src/core/errors.js'
import {
  type JobStore,
  type Lease,
  MAX_ATTESTATIONS,
  type NewJob,
} from '../../../src/core/jobs/job-store.js'
import { openPostgresJobStore } from '../../../src/core/jobs/postgres-job-store.js'
import { openSqliteJobStore } from '../../../src/core/jobs/sqlite-job-store.js'
import { openSqliteThread } from '../../../src/core/jobs/sqlite-thread.js'
import { type Postgres, startPostgres } from '../../support/postgres.js'

interface Member {
  readonly name: string
  prepare?(): Promise<void>
  open(): Promise<JobStore>
  /** Makes every lease run out. */
  expireLeases(): void
  empty(): void
  cleanUp(): Promise<void>
}

const ROOT = new URL('../../..', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-jobs-'))
let nowMs = 0
let files = 0
let postgres: Postgres

const sqliteOptions = () => ({ path: join(folder, `jobs-${files}.db`), nowMs: () => nowMs })
const ofSqlite = {
  expireLeases: () => {
    nowMs += 3_600_000
  },
  empty: () => {
    files++
  },
  cleanUp: async () => {},
}

afterAll(() => rmSync(folder, { recursive: true }))

const MEMBERS: readonly Member[] = [
  {
    name: 'SQLite',
    open: async () => openSqliteJobStore(sqliteOptions()),
    ...ofSqlite,
  },
  {
    name: 'SQLite in a thread',
    open: () => openSqliteThread(sqliteOptions()),
    ...ofSqlite,
  },
  {
    name: 'PostgreSQL',
    prepare: async () => {
      postgres = await startPostgres()
      await (await openPostgresJobStore({ url: postgres.url })).close()
    },
    open: () => openPostgresJobStore({ url: postgres.url }),
    expireLeases: () => {
      postgres.sql("update sp1_tee.jobs set lease_until = now() - interval '1 s'")
    },
    empty: () => {
      postgres.sql('truncate sp1_tee.jobs; truncate pgboss.job')
    },
    cleanUp: () => postgres.stop(),
  },
]

const LEASE = { leaseMs: 60_000, nowMs: 2_000 }
const PLENTY = 1000
const SUCCESS = {
  state: 'succeeded',
  outcome: '{"a":1}',
  cycles: 2 ** 40,
  endedAtMs: 3_000,
} as const

function newJob(more: Partial<NewJob> = {}): NewJob {
  const job = { id: randomUUID(), tenant: '', request: '{}', blobs: [], createdAtMs: 1_000 }
  return { ...job, ...more }
}

for (const member of MEMBERS) {
  describe(member.name, () => {
    let store: JobStore
    beforeAll(() => member.prepare?.())
    beforeEach(async () => {
      member.empty()
      store = await member.open()
    })
    afterEach(() => store.close())
    afterAll(() => member.cleanUp())

    async function reopen(): Promise<void> {
      await store.close()
      store = await member.open()
    }
    async function submit(more?: Partial<NewJob>) {
      const submission = await store.submit(newJob(more), PLENTY)
      if ('queued' in submission) throw new Error('it was refused')
      return submission.job
    }
    async function lease(): Promise<Lease> {
      const taken = await store.lease(LEASE)
      if (taken === undefined) throw new Error('nothing waits')
      return taken
    }

    it('keeps what was submitted, word for word, also over a restart', async () => {
      const job = newJob({ tenant: 'a', request: '{"x":"\u{1f9ea} \'"}', blobs: ['0x01', '0x02'] })
      await store.submit(job, PLENTY)
      await reopen()
      expect(await store.get(job.id)).toEqual({ ...job, state: 'queued', cycles: 0 })
      expect(await store.get(randomUUID())).toBeUndefined()
    })

    it('leases a job once, and keeps its end for good', async () => {
      const { id } = await submit()
      const taken = await lease()
      expect(taken).toMatchObject({
        job: { id, state: 'running', startedAtMs: 2_000 },
        attempts: 1,
      })
      expect(await store.lease(LEASE)).toBeUndefined()
      expect(await store.end(taken, SUCCESS)).toBe(true)
      expect(await store.end(taken, { ...SUCCESS, state: 'failed' })).toBe(false)
      expect(await store.release(taken)).toBe(false)
      expect(await store.cancel(id, 4_000)).toMatchObject({ state: 'succeeded' })
      await reopen()
      const { state, outcome, cycles, endedAtMs } = (await store.get(id)) ?? {}
      expect({ state, outcome, cycles, endedAtMs }).toEqual(SUCCESS)
      expect(await store.lease(LEASE)).toBeUndefined()
    })

    it('says how far a running job is', async () => {
      const { id } = await submit()
      expect(await store.extend(await lease(), 60_000, 2 ** 33)).toBe(true)
      expect(await store.get(id)).toMatchObject({ state: 'running', cycles: 2 ** 33 })
    })

    it('queues again what a dead owner held, and fences it off', async () => {
      const { id } = await submit()
      const dead = await lease()
      expect(await store.reclaim()).toBe(0)
      member.expireLeases()
      expect(await store.reclaim()).toBe(1)
      const next = await lease()
      expect(next).toMatchObject({ job: { id, cycles: 0 }, attempts: 2 })
      expect(next.fence).toBeGreaterThan(dead.fence)
      expect(await store.end(dead, SUCCESS)).toBe(false)
      expect(await store.extend(dead, 60_000, 1)).toBe(false)
      expect(await store.end(next, { ...SUCCESS, state: 'failed' })).toBe(true)
    })

    it('takes back a job that its owner gives back', async () => {
      const { id } = await submit()
      expect(await store.release(await lease())).toBe(true)
      // It was begun, but did not take anybody down.
      expect(await lease()).toMatchObject({ job: { id }, attempts: 1 })
    })

    it('cancels what waits and what runs, for whoever runs it too', async () => {
      const waiting = await submit()
      expect(await store.cancel(waiting.id, 5_000)).toMatchObject({
        state: 'cancelled',
        endedAtMs: 5_000,
      })
      expect(await store.lease(LEASE)).toBeUndefined()
      const running = await submit()
      const taken = await lease()
      await store.cancel(running.id, 6_000)
      expect(await store.extend(taken, 60_000, 1)).toBe(false)
      expect(await store.end(taken, SUCCESS)).toBe(false)
      expect(await store.get(running.id)).toMatchObject({ state: 'cancelled', endedAtMs: 6_000 })
      expect(await store.cancel(randomUUID(), 1)).toBeUndefined()
    })

    it('takes a repeated submission for the first one, per tenant, even when it is full', async () => {
      const first = await submit({ tenant: 'a', idempotencyKey: 'k', request: '1' })
      const again = newJob({ tenant: 'a', idempotencyKey: 'k', request: '2' })
      expect(await store.submit(again, 0)).toEqual({ job: first, isNew: false })
      expect((await submit({ tenant: 'b', idempotencyKey: 'k' })).id).not.toBe(first.id)
      expect(await store.submit({ ...again, id: first.id, tenant: 'c' }, 0)).toMatchObject({
        isNew: false,
      })
    })

    it('takes one of many equal submissions at the same time', async () => {
      const submissions = await Promise.all(
        Array.from({ length: 8 }, () => store.submit(newJob({ idempotencyKey: 'k' }), PLENTY)),
      )
      const taken = submissions.filter((one) => 'isNew' in one && one.isNew)
      expect(taken).toHaveLength(1)
      expect(new Set(submissions.map((one) => 'job' in one && one.job.id)).size).toBe(1)
    })

    it('refuses above its bound, says how many wait, and has lost nothing', async () => {
      const submissions = await Promise.all(
        Array.from({ length: 5 }, () => store.submit(newJob(), 3)),
      )
      expect(submissions.filter((one) => 'queued' in one)).toEqual([{ queued: 3 }, { queued: 3 }])
      await lease()
      expect(await store.submit(newJob(), 3)).toMatchObject({ isNew: true })
    })

    it('lets tenants take turns, however much one of them has sent', async () => {
      for (let i = 0; i < 4; i++) await submit({ tenant: 'a' })
      await submit({ tenant: 'b' })
      await submit({ tenant: 'b' })
      const order: string[] = []
      for (let i = 0; i < 4; i++) order.push((await lease()).job.tenant)
      expect(order).toEqual(['a', 'b', 'a', 'b'])
      await submit({ tenant: 'c' })
      expect([(await lease()).job.tenant, (await lease()).job.tenant].sort()).toEqual(['a', 'c'])
    })

    it('leaves out the jobs of some tenants, and has them in their turn afterwards', async () => {
      const first = await submit({ tenant: 'a' })
      const other = await submit({ tenant: 'b' })
      const lease = (exceptTenants: string[]) => store.lease({ ...LEASE, exceptTenants })
      expect((await lease(['a', '$1']))?.job.id).toBe(other.id)
      expect(await lease(['a', 'b'])).toBeUndefined()
      expect((await lease([]))?.job.id).toBe(first.id)
      expect(await lease([])).toBeUndefined()
    })

    it('has the jobs that only it can run in their turn', async () => {
      const bound = { isBound: true }
      const jobs = [
        await submit({ tenant: 'a' }),
        await submit({ tenant: 'a', ...bound }),
        await submit({ tenant: 'b', ...bound }),
        await submit({ tenant: 'b' }),
      ]
      expect(await store.queuedHere()).toBe(store.isShared ? 2 : 4)
      const order = []
      for (const _ of jobs) order.push((await store.lease(LEASE))?.job.tenant)
      expect(order.toSorted()).toEqual(['a', 'a', 'b', 'b'])
      expect(new Set(order.slice(0, 2)).size).toBe(2)
      expect(await store.queuedHere()).toBe(0)
    })

    it('leases each job to one of many that ask at the same time', async () => {
      for (let i = 0; i < 6; i++) await submit()
      const leases = await Promise.all(Array.from({ length: 9 }, () => store.lease(LEASE)))
      const ids = leases.flatMap((one) => (one ? [one.job.id] : []))
      expect([ids.length, new Set(ids).size]).toEqual([6, 6])
    })

    it('lists the newest first, by state and tenant, page by page', async () => {
      const jobs = []
      for (const tenant of ['a', 'b', 'a', 'a']) jobs.push(await submit({ tenant }))
      const [first, , third, fourth] = jobs.map(({ id }) => id)
      const ids = async (filter: Parameters<JobStore['list']>[0]) =>
        (await store.list(filter)).map(({ id }) => id)
      expect(await ids({ tenant: 'a', limit: 2 })).toEqual([fourth, third])
      expect(await ids({ tenant: 'a', limit: 2, after: third })).toEqual([first])
      expect(await ids({ state: 'running', limit: 9 })).toEqual([])
      expect((await ids({ limit: 9 })).length).toBe(4)
    })

    it('counts by state, and knows the blobs of what has not ended', async () => {
      await submit({ blobs: ['0x0a'] })
      await submit({ blobs: ['0x0b', '0x0a'] })
      await submit()
      await store.end(await lease(), SUCCESS)
      await lease()
      expect(await store.counts()).toEqual({
        queued: 1,
        running: 1,
        succeeded: 1,
        failed: 0,
        cancelled: 0,
      })
      expect(await store.blobsInUse()).toEqual(new Set(['0x0a', '0x0b']))
    })

    it('says that it takes jobs, and changes nothing by that', async () => {
      const { id } = await submit()
      await expect(store.check()).resolves.toBeUndefined()
      await reopen()
      expect(await store.get(id)).toMatchObject({ state: 'queued' })
    })

    it('forgets the oldest ended jobs and nothing else', async () => {
      const ended = []
      for (let i = 0; i < 4; i++) {
        ended.push(await submit())
        await store.end(await lease(), SUCCESS)
      }
      const waiting = await submit()
      expect(await store.prune(2)).toBe(2)
      expect(await store.prune(2)).toBe(0)
      const left = (await store.list({ limit: 9 })).map(({ id }) => id)
      expect(left).toEqual([waiting.id, ended[3]?.id, ended[2]?.id])
    })

    it('forgets first what ended first, however long ago it was submitted', async () => {
      await submit()
      const long = await lease()
      const short = await submit()
      await store.end(await lease(), SUCCESS)
      const cancelled = await submit()
      await store.cancel(cancelled.id, 3_000)
      await store.end(long, SUCCESS)
      expect(await store.prune(1)).toBe(2)
      expect(await store.get(long.job.id)).toMatchObject({ state: 'succeeded' })
      for (const { id } of [short, cancelled]) expect(await store.get(id)).toBeUndefined()
    })

    it('lists nothing that may be large', async () => {
      const { id } = await submit({ request: 'x'.repeat(9999), blobs: ['0x01'] })
      await store.end(await lease(), SUCCESS)
      const [summary] = await store.list({ limit: 1 })
      const { tenant, createdAtMs } = newJob()
      const times = { createdAtMs, startedAtMs: LEASE.nowMs, endedAtMs: SUCCESS.endedAtMs }
      expect(summary).toEqual({ id, tenant, state: 'succeeded', cycles: SUCCESS.cycles, ...times })
    })

    it('keeps the first attestation of each signer, of the newest signers', async () => {
      await store.keepAttestation('0xaa', '{"quote":"0x01"}')
      await store.keepAttestation('0xaa', '{"quote":"0x02"}')
      await reopen()
      expect(await store.attestation('0xaa')).toBe('{"quote":"0x01"}')
      expect(await store.attestation('0xbb')).toBeUndefined()
      // Numbers that a database gives in vain are no signers.
      for (let i = 0; i < 5; i++) await store.keepAttestation('0xaa', '{}')
      const signers = Array.from({ length: MAX_ATTESTATIONS }, (_, i) => `0x${i.toString(16)}ff`)
      await Promise.all(signers.slice(1).map((signer) => store.keepAttestation(signer, '{}')))
      expect(await store.attestation('0xaa')).toBe('{"quote":"0x01"}')
      await Promise.all(signers.map((signer) => store.keepAttestation(signer, '{}')))
      expect(await store.attestation('0xaa')).toBeUndefined()
      expect(await store.attestation(signers[MAX_ATTESTATIONS - 1] ?? '')).toBe('{}')
    })
  })
}

describe('SQLite alone', () => {
  const options = { nowMs: () => 0 }

  it('queues at once what ran when the server died', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'sp1-tee-sqlite-')), 'jobs.db')
    const first = openSqliteJobStore({ path, ...options })
    const job = newJob()
    await first.submit(job, PLENTY)
    const taken = await first.lease(LEASE)
    await first.close()
    const second = openSqliteJobStore({ path, ...options })
    expect(await second.lease(LEASE)).toMatchObject({ job: { id: job.id }, attempts: 2 })
    expect(await second.end(taken as Lease, SUCCESS)).toBe(false)
    await second.close()
  })

  it('is open in one process only', () => {
    const path = join(mkdtempSync(join(tmpdir(), 'sp1-tee-sqlite-')), 'jobs.db')
    openSqliteJobStore({ path, ...options })
    expect(() => openSqliteJobStore({ path, ...options })).toThrow(
      expect.objectContaining({ code: 'STORE_UNAVAILABLE' }),
    )
  })

  it('takes no job above its size, ends those it has, and goes on when there is room', async () => {
    const store = openSqliteJobStore({ path: ':memory:', maxBytes: 256 * 1024, ...options })
    const request = 'x'.repeat(20_000)
    const kept: string[] = []
    let refusal: unknown
    while (refusal === undefined) {
      const job = newJob({ request })
      await store.submit(job, PLENTY).then(
        () => kept.push(job.id),
        (error) => {
          refusal = error
        },
      )
    }
    expect(refusal).toMatchObject({ code: 'STORE_FULL', httpStatus: 503 })
    expect(kept.length).toBeGreaterThan(5)
    expect((await store.list({ limit: 99 })).map(({ id }) => id).reverse()).toEqual(kept)
    const taken = (await store.lease(LEASE)) as Lease
    expect(await store.end(taken, SUCCESS)).toBe(true)
    await store.prune(0)
    expect(await store.submit(newJob({ request }), PLENTY)).toMatchObject({ isNew: true })
    await store.close()
  })

  it('that is crowded forgets ended jobs before it refuses any, and says that it is full', async () => {
    const maxBytes = 512 * 1024
    const store = openSqliteJobStore({ path: ':memory:', maxBytes, ...options })
    const outcome = 'x'.repeat(50_000)
    const ended: string[] = []
    // What was taken may end.
    for (let i = 0; i < 12; i++) await store.submit(newJob(), PLENTY)
    for (let i = 0; i < 12; i++) {
      const taken = (await store.lease(LEASE)) as Lease
      expect(await store.end(taken, { ...SUCCESS, outcome })).toBe(true)
      ended.push(taken.job.id)
    }
    await expect(store.submit(newJob(), PLENTY)).rejects.toMatchObject({ code: 'STORE_FULL' })
    await expect(store.check()).rejects.toMatchObject({ code: 'STORE_FULL' })
    expect(await store.prune(PLENTY)).toBeGreaterThan(0)
    await store.check()
    expect(await store.submit(newJob(), PLENTY)).toMatchObject({ isNew: true })
    await store.close()
  })

  it('opens what an earlier format has', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'sp1-tee-sqlite-')), 'jobs.db')
    const { id } = newJob()
    const old = new Database(path)
    old.exec(`
      create table jobs (seq integer primary key autoincrement, id text not null unique,
        tenant text not null, idempotency_key text, request text not null, blobs text not null,
        state text not null, rank integer not null, cycles integer not null default 0,
        fence integer not null default 0, attempts integer not null default 0, lease_until real,
        created_at integer not null, started_at integer, ended_at integer, outcome text) strict;
      create index jobs_ended on jobs (seq) where state in ('succeeded', 'failed', 'cancelled');
      insert into jobs (id, tenant, request, blobs, state, rank, created_at, outcome)
        values ('${id}', '', '{}', '', 'succeeded', 0, 1, '{"a":1}');
      pragma user_version = 1`)
    old.close()
    const store = openSqliteJobStore({ path, ...options })
    expect(await store.get(id)).toMatchObject({ state: 'succeeded', outcome: '{"a":1}' })
    expect(await store.prune(0)).toBe(1)
    await store.close()
  })

  it('that cannot write says so, and has changed nothing', async () => {
    const store = openSqliteJobStore({ path: ':memory:', maxBytes: 64 * 1024, ...options })
    const job = newJob()
    await store.submit(job, PLENTY)
    const taken = (await store.lease(LEASE)) as Lease
    const outcome = 'x'.repeat(256 * 1024)
    await expect(store.end(taken, { ...SUCCESS, outcome })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      details: { reason: expect.stringContaining('full') },
    })
    expect(await store.get(job.id)).toMatchObject({ state: 'running' })
    expect(await store.end(taken, SUCCESS)).toBe(true)
    await store.close()
  })

  it.each([
    ['a file that is no database', () => join(folder, '..', 'nothing', 'there.db')],
    ['a folder', () => tmpdir()],
  ])('refuses %s', (_what, path) => {
    expect(() => openSqliteJobStore({ path: path(), ...options })).toThrow(
      expect.objectContaining({ code: 'STORE_UNAVAILABLE' }),
    )
  })
})

describe('SQLite in a thread alone', () => {
  const options = { nowMs: () => 0 }

  it.each([
    ['what it cannot open', () => join(folder, '..', 'nothing', 'there.db')],
    ['a folder', () => tmpdir()],
  ])('refuses %s', async (_what, path) => {
    await expect(openSqliteThread({ path: path(), ...options })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
  })

  it('gives refusals as the store itself does', async () => {
    const store = await openSqliteThread({ path: ':memory:', maxBytes: 32 * 1024, ...options })
    const refusal = await store.submit(newJob(), PLENTY).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(UnavailableError)
    expect(refusal).toMatchObject({ code: 'STORE_FULL', details: { limitBytes: 32 * 1024 } })
    await store.close()
  })

  it('does what was asked before it is closed, and says that it is', async () => {
    const store = await openSqliteThread({ path: ':memory:', ...options })
    const submission = store.submit(newJob(), PLENTY)
    await store.close()
    expect(await submission).toMatchObject({ isNew: true })
    await expect(store.counts()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await store.close()
  })

  it('whose thread dies refuses what was on its way, and goes on in another', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'sp1-tee-sqlite-')), 'jobs.db')
    const threads: Worker[] = []
    const onThread = (thread: Worker) => threads.push(thread)
    const store = await openSqliteThread({ path, ...options, onThread })
    const job = newJob()
    await store.submit(job, PLENTY)
    await store.lease(LEASE)
    const onItsWay = store.submit(newJob(), PLENTY).catch(({ code }) => code)
    await threads[0]?.terminate()
    expect([await onItsWay].flat()).toContain('STORE_UNAVAILABLE')
    // As after a restart: whoever ran it asks again.
    expect(await store.lease(LEASE)).toMatchObject({ job: { id: job.id }, attempts: 2 })
    expect(threads.length).toBe(2)
    await store.close()
  })

  it('tells where a bug was', async () => {
    const store = await openSqliteThread({ path: ':memory:', ...options })
    const bug = await store.get(Symbol('no id') as never).catch((error: unknown) => error)
    expect(bug).toMatchObject({ name: 'DataCloneError' })
    const other = await store.submit({} as never, PLENTY).catch((error: unknown) => error)
    expect(other).toMatchObject({ code: 'INTERNAL' })
    expect((other as Error).stack).toContain('sqlite-job-store.js')
    expect(await store.counts()).toMatchObject({ queued: 0 })
    await store.close()
  })

  it('keeps no process up that waits for nothing', async () => {
    const script = `
      import { openSqliteThread } from ${JSON.stringify(join(ROOT, 'dist/core/server/app.js'))}
      const store = await openSqliteThread({ path: ':memory:', nowMs: () => 0 })
      console.log((await store.counts()).queued)`
    const args = ['--input-type=module', '--eval', script]
    const { stdout } = await execa('node', args, { timeout: 20_000 })
    expect(stdout).toBe('0')
  })
})

describe('PostgreSQL alone', () => {
  let server: Postgres
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())

  it('ends many jobs at once, and leaves no message of one behind', async () => {
    const store = await openPostgresJobStore({ url: server.url })
    for (let i = 0; i < 30; i++) await store.submit(newJob({ tenant: i % 2 ? 'a' : 'b' }), PLENTY)
    const lease = async (exceptTenants: string[]) =>
      (await store.lease({ ...LEASE, exceptTenants })) as Lease
    const leases = []
    for (let i = 0; i < 15; i++) leases.push(await lease(['a']))
    for (let i = 0; i < 15; i++) leases.push(await lease([]))
    const ends = await Promise.all(leases.map((held) => store.end(held, SUCCESS)))
    expect(ends.every((isOurs) => isOurs)).toBe(true)
    // Whatever was taken by its row is found to be done when its message comes.
    expect(await store.lease(LEASE)).toBeUndefined()
    const left = "select count(*) from pgboss.job where state in ('created', 'active', 'retry')"
    expect(server.sql(`${left} and name = 'sp1-tee-jobs'`)).toBe('0')
    await store.close()
  })

  it('says nothing of servers while the database was away from itself', async () => {
    const open = () => openPostgresJobStore({ url: server.url })
    const [owner, other] = [await open(), await open()]
    const job = newJob({ isBound: true })
    await owner.submit(job, PLENTY)
    // After an outage nobody was seen; whoever looks first must not take the rest for dead.
    const longAgo = "now() - interval '1 hour'"
    server.sql(`update sp1_tee.servers set seen_at = ${longAgo}, seen_since = ${longAgo}`)
    await other.reclaim()
    await owner.reclaim()
    expect(await other.lease(LEASE)).toBeUndefined()
    expect((await owner.lease(LEASE))?.job.id).toBe(job.id)
    // One that was not seen when it took a job is seen from then on.
    server.sql('delete from sp1_tee.servers')
    await other.reclaim()
    const late = newJob({ isBound: true })
    await owner.submit(late, PLENTY)
    await other.reclaim()
    expect(await other.lease(LEASE)).toBeUndefined()
    expect((await owner.lease(LEASE))?.job.id).toBe(late.id)
    await Promise.all([owner.close(), other.close()])
  })

  it('keeps for a server what only that one can run, until it is gone', async () => {
    const open = () => openPostgresJobStore({ url: server.url })
    const [owner, other] = [await open(), await open()]
    const [job, second] = [newJob({ isBound: true }), newJob({ isBound: true })]
    await owner.submit(job, PLENTY)
    await other.reclaim()
    expect(await other.lease(LEASE)).toBeUndefined()
    expect(await other.queuedHere()).toBe(0)
    const lease = (await owner.lease(LEASE)) as Lease
    expect(lease.job.id).toBe(job.id)
    expect(await owner.release(lease)).toBe(true)
    expect(await other.lease({ ...LEASE, exceptTenants: ['x'] })).toBeUndefined()

    // As if it had been away for long.
    server.sql(
      `update sp1_tee.servers set seen_since = now() - interval '2 hours';
       update sp1_tee.servers set seen_at = now() - interval '1 hour'
       where seen_at = (select min(seen_at) from sp1_tee.servers)`,
    )
    await other.reclaim()
    expect((await other.lease(LEASE))?.job.id).toBe(job.id)

    // Whoever comes back is seen again; whoever leaves says so.
    await owner.reclaim()
    await owner.submit(second, PLENTY)
    await other.reclaim()
    expect(await other.lease(LEASE)).toBeUndefined()
    await owner.close()
    await other.reclaim()
    expect((await other.lease(LEASE))?.job.id).toBe(second.id)
    await other.close()
  })

  it('that takes no writes is found out', async () => {
    const store = await openPostgresJobStore({ url: server.url })
    const setReadOnly = (value: string) => {
      server.sql(`alter system set default_transaction_read_only = ${value}`)
      server.sql('select pg_reload_conf()')
    }
    setReadOnly('on')
    const seen = () => store.check().catch((error) => error.details.reason)
    await expect.poll(seen).toBe('PostgreSQL takes no writes')
    setReadOnly('off')
    await expect.poll(seen).toBeUndefined()
    await store.close()
  })

  it('outlives a restart of the database, and refuses meanwhile', async () => {
    const store = await openPostgresJobStore({ url: server.url })
    const job = newJob()
    await store.submit(job, PLENTY)
    await server.kill()
    await expect(store.get(job.id)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    await expect(store.submit(newJob(), PLENTY)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    })
    await server.start()
    expect(await store.lease(LEASE)).toMatchObject({ job: { id: job.id } })
    await store.close()
  })

  it('gives up a connection whose other side is gone, and makes another', async () => {
    const store = await openPostgresJobStore({ url: server.url, answerTimeoutMs: 500 })
    const job = newJob()
    await store.submit(job, PLENTY)
    server.freeze()
    const refusals = [store.get(job.id), store.lease(LEASE)].map((call) =>
      call.catch(({ code }) => code),
    )
    expect(await Promise.all(refusals)).toEqual(['STORE_UNAVAILABLE', 'STORE_UNAVAILABLE'])
    server.thaw()
    expect(await store.cancel(job.id, 3_000)).toMatchObject({ id: job.id })
    await store.close()
  })

  it('shares the work of two servers: each job once', async () => {
    const stores = await Promise.all([0, 1].map(() => openPostgresJobStore({ url: server.url })))
    const [one, two] = stores as [JobStore, JobStore]
    for (let i = 0; i < 10; i++) await one.submit(newJob(), PLENTY)
    const leases = await Promise.all(
      Array.from({ length: 12 }, (_, i) => (i % 2 ? one : two).lease(LEASE)),
    )
    const ids = leases.flatMap((lease) => (lease ? [lease.job.id] : []))
    expect([ids.length, new Set(ids).size]).toEqual([10, 10])
    await Promise.all(stores.map((store) => store.close()))
  })

  it('refuses a database that cannot be reached', async () => {
    const url = 'postgres://nobody@/none?host=/nonexistent'
    await expect(openPostgresJobStore({ url })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })
})
