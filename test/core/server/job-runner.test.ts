/** Jobs done once, ended in the store, and not lost, whatever the store does meanwhile. */
import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { GuestError, InterruptedError, UnavailableError } from '../../../src/core/errors.js'
import type { JobStore } from '../../../src/core/jobs/job-store.js'
import { openSqliteJobStore } from '../../../src/core/jobs/sqlite-job-store.js'
import type { JobEvent } from '../../../src/core/server/job-event.js'
import { JobRunner } from '../../../src/core/server/job-runner.js'
import type { JobRunnerOptions } from '../../../src/core/server/job-runner-options.js'

const stores: JobStore[] = []
const runners: JobRunner[] = []
afterEach(async () => {
  await Promise.all(runners.splice(0).map((runner) => runner.drain(AbortSignal.abort())))
  await Promise.all(stores.splice(0).map((store) => store.close()))
})

function newStore(): JobStore {
  const store = openSqliteJobStore({ path: ':memory:', nowMs: () => performance.now() })
  stores.push(store)
  return store
}

type Work = JobRunnerOptions['work']

function start(work: Work, options: Partial<JobRunnerOptions> = {}) {
  const events: JobEvent[] = []
  const store = options.store ?? newStore()
  const runner = new JobRunner({
    store,
    work,
    concurrency: 1,
    maxQueued: 100,
    keepEnded: 100,
    nowMs: () => performance.now(),
    dateMs: () => 1_000,
    onEvent: (event) => events.push(event),
    ...options,
  })
  runners.push(runner)
  runner.start()
  return { runner, store, events }
}

const newJob = (tenant = '') => {
  const id = randomUUID()
  return { id, tenant, request: '{}', blobs: [], createdAtMs: 500 }
}
const done = { outcome: '"done"', cycles: 5 }
const outage = new UnavailableError('STORE_UNAVAILABLE', { reason: 'test' })

/** A store of which some things are other than they are. */
function altered(store: JobStore, changes: Partial<JobStore>): JobStore {
  return new Proxy(store, {
    get(target, name: keyof JobStore) {
      if (name in changes) return changes[name]
      const value = target[name]
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** A store some of whose methods fail so many times first. */
function flaky(store: JobStore, failures: Partial<Record<keyof JobStore, number>>): JobStore {
  return new Proxy(store, {
    get(target, name: keyof JobStore) {
      const value = target[name]
      if (typeof value !== 'function') return value
      return (...args: never[]) => {
        const left = failures[name] ?? 0
        if (left > 0) {
          failures[name] = left - 1
          return Promise.reject(outage)
        }
        return (value as (...args: never[]) => unknown).apply(target, args)
      }
    },
  })
}

/** Work that ends when it is told to, or is stopped. */
function held() {
  const finishers: (() => void)[] = []
  const begun: string[] = []
  const work: Work = ({ id }, signal) => {
    begun.push(id)
    return new Promise((resolve, reject) => {
      const finish = () => resolve(done)
      finishers.push(finish)
      signal.addEventListener('abort', () => {
        finishers.splice(finishers.indexOf(finish), 1)
        reject(new InterruptedError({ during: 'the test' }))
      })
    })
  }
  return { work, begun, finish: () => finishers.shift()?.() }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('a job', () => {
  it('is done, and who waits is told', async () => {
    const { runner, events } = start(async () => done)
    const { job } = await runner.submit(newJob())
    expect(await runner.wait(job.id)).toMatchObject({
      state: 'succeeded',
      outcome: '"done"',
      cycles: 5,
    })
    await until(() => events.length === 3)
    expect(events.map(({ kind }) => kind)).toEqual(['submitted', 'began', 'ended'])
    expect(events[1]).toMatchObject({ waitedMs: 500 })
  })

  it('that fails ends with its problem', async () => {
    const { runner } = start(async () => {
      throw new GuestError('TIMEOUT', { timeoutSeconds: 1 })
    })
    const { job } = await runner.submit(newJob())
    const { state, outcome = '' } = await runner.wait(job.id)
    expect(state).toBe('failed')
    expect(JSON.parse(outcome).error).toMatchObject({ code: 'TIMEOUT', status: 422 })
  })

  it('that fails by a bug of ours tells nobody why', async () => {
    const { runner } = start(async () => {
      throw new RangeError('secret')
    })
    const { job } = await runner.submit(newJob())
    const { outcome } = await runner.wait(job.id)
    expect(outcome).toContain('INTERNAL')
    expect(outcome).not.toContain('secret')
  })

  it('says how far it is', async () => {
    const { work, finish } = held()
    const { runner } = start((job, signal, onCycles) => {
      onCycles(7)
      return work(job, signal, onCycles)
    })
    const { job } = await runner.submit(newJob())
    await until(() => runner.running === 1)
    expect(await runner.get(job.id)).toMatchObject({ state: 'running', cycles: 7 })
    finish()
    await runner.wait(job.id)
  })

  it('that was cancelled stops, and the next one begins', async () => {
    const { work, begun, finish } = held()
    const { runner } = start(work)
    const { job: first } = await runner.submit(newJob())
    const { job: second } = await runner.submit(newJob())
    await until(() => begun.length === 1)
    expect(await runner.cancel(first.id)).toMatchObject({ state: 'cancelled' })
    await until(() => begun.length === 2)
    finish()
    expect((await runner.wait(second.id)).state).toBe('succeeded')
    expect((await runner.wait(first.id)).state).toBe('cancelled')
  })

  it('is refused above the queue, with a time to come again', async () => {
    const { work } = held()
    const { runner } = start(work, { maxQueued: 1 })
    await runner.submit(newJob())
    await until(() => runner.running === 1)
    await runner.submit(newJob())
    await expect(runner.submit(newJob())).rejects.toMatchObject({
      code: 'QUEUE_FULL',
      details: { queued: 1, retryAfterSeconds: 1 },
    })
  })

  it('that is unknown is an error', async () => {
    const { runner } = start(async () => done)
    for (const ask of [runner.get, runner.wait, runner.cancel]) {
      await expect(ask.call(runner, randomUUID())).rejects.toMatchObject({ code: 'JOB_UNKNOWN' })
    }
  })

  it('that took the server down again and again is given up', async () => {
    const store = newStore()
    await store.submit(newJob(), 9)
    for (let i = 0; i < 100; i++) {
      await store.lease({ leaseMs: -1, nowMs: 0 })
      await store.reclaim()
    }
    let begun = 0
    const { events } = start(
      async () => {
        begun++
        return done
      },
      { store },
    )
    await until(() => events.some(({ kind }) => kind === 'ended'))
    expect(begun).toBe(0)
    const [job] = await store.list({ limit: 1 })
    expect(await store.get(job?.id ?? '')).toMatchObject({
      state: 'failed',
      outcome: expect.stringContaining('EXECUTION_LOST'),
    })
  })
})

describe('a store that fails', () => {
  it('gives a job again that still runs: one run of it is left, and known', async () => {
    const { work, begun, finish } = held()
    const inner = newStore()
    const { id } = newJob()
    const job = { ...newJob(), id, state: 'running', cycles: 0 } as const
    // As when the thread of the store is replaced.
    const leases = [1, 2].map((fence) => ({ job, fence, attempts: fence }))
    const store = altered(inner, {
      lease: async () => leases.shift(),
      release: async () => false,
      end: async ({ fence }) => fence === 2,
    })
    const { runner, events } = start(work, { store, concurrency: 2 })
    await until(() => events.some(({ kind }) => kind === 'left'))
    expect(begun).toEqual([id, id])
    expect(runner.running).toBe(1)
    const drained = runner.drain(new AbortController().signal)
    finish()
    await drained
    expect(events.map(({ kind }) => kind)).toEqual(['began', 'began', 'left', 'ended'])
    expect(runner.running).toBe(0)
  })

  it('is asked again to take the end of a job, until it does', async () => {
    let begun = 0
    const store = flaky(newStore(), { end: 3 })
    const { runner, events } = start(
      async () => {
        begun++
        return done
      },
      { store },
    )
    const { job } = await runner.submit(newJob())
    expect((await runner.wait(job.id)).state).toBe('succeeded')
    expect(begun).toBe(1)
    expect(events.filter(({ kind }) => kind === 'storeFailed')).toHaveLength(3)
  })

  it('is asked again for work', async () => {
    const { runner } = start(async () => done, { store: flaky(newStore(), { lease: 2 }) })
    const { job } = await runner.submit(newJob())
    expect((await runner.wait(job.id)).state).toBe('succeeded')
  })

  it('refuses what is submitted meanwhile', async () => {
    const { runner } = start(async () => done, { store: flaky(newStore(), { submit: 1 }) })
    await expect(runner.submit(newJob())).rejects.toBe(outage)
    const { job } = await runner.submit(newJob())
    expect((await runner.wait(job.id)).state).toBe('succeeded')
  })
})

describe('the end', () => {
  it('comes when what was accepted has ended', async () => {
    const { work, begun, finish } = held()
    const { runner, store } = start(work)
    const jobs = [await runner.submit(newJob()), await runner.submit(newJob())]
    await until(() => begun.length === 1)
    const drained = runner.drain(new AbortController().signal)
    finish()
    await until(() => begun.length === 2)
    finish()
    await drained
    for (const { job } of jobs) expect((await store.get(job.id))?.state).toBe('succeeded')
  })

  it('gives back at its deadline what has not, and tells who waits', async () => {
    const { work, begun } = held()
    const { runner, store } = start(work)
    const { job: running } = await runner.submit(newJob())
    const { job: waiting } = await runner.submit(newJob())
    await until(() => begun.length === 1)
    const waits = [running, waiting].map(({ id }) => runner.wait(id).catch(({ code }) => code))
    await runner.drain(AbortSignal.timeout(50))
    expect(await Promise.all(waits)).toEqual(['INTERRUPTED', 'INTERRUPTED'])
    expect(await store.counts()).toMatchObject({ queued: 2, running: 0 })
  })

  it('is told to who watches a job that another server may run', async () => {
    const { work, begun } = held()
    const store = altered(newStore(), { isShared: true, queuedHere: async () => 0 })
    const { runner } = start(work, { store })
    await runner.submit(newJob())
    const { job: waiting } = await runner.submit(newJob())
    await until(() => begun.length === 1)
    const states: string[] = []
    const watch = (async () => {
      const { signal } = new AbortController()
      for await (const { state } of runner.changes(waiting.id, signal, 10)) states.push(state)
    })()
    await until(() => states.length === 1)
    const watched = expect(watch).rejects.toMatchObject({ code: 'INTERRUPTED' })
    await runner.drain(AbortSignal.timeout(50))
    await watched
    expect(states).toEqual(['queued'])
  })

  it('comes at once where nothing was begun, whatever waits', async () => {
    const store = newStore()
    await store.submit(newJob(), 9)
    const options = { store, work: async () => done, concurrency: 1, maxQueued: 9, keepEnded: 9 }
    const runner = new JobRunner({ ...options, nowMs: () => 0, dateMs: () => 0 })
    await runner.drain(new AbortController().signal)
    expect(await store.lease({ leaseMs: 1, nowMs: 1 })).toMatchObject({ attempts: 1 })
  })

  it('comes though the store never answers', async () => {
    const lease = () => new Promise<never>(() => {})
    const { runner } = start(async () => done, { store: altered(newStore(), { lease }) })
    await runner.drain(AbortSignal.timeout(50))
  })
})

describe('what ended', () => {
  it('is kept with the end of what a guest wrote, and no more', async () => {
    const stderr = `${'\u0000'.repeat(2 ** 20)}panicked at the end`
    const failure = new GuestError('TIMEOUT', { timeoutSeconds: 1 }, { pc: 4, stderr })
    const { runner, store } = start(() => Promise.reject(failure))
    const { job } = await runner.submit(newJob())
    await runner.wait(job.id)
    const { outcome = '' } = (await store.get(job.id)) ?? {}
    expect(outcome.length).toBeLessThan(40_000)
    const { code, details } = JSON.parse(outcome).error
    expect(code).toBe('TIMEOUT')
    expect(details).toMatchObject({ pc: 4, timeoutSeconds: 1 })
    expect(details.stderr).toMatch(/^\[1044\d{3} characters left out\] .*panicked at the end$/su)
  })

  it('goes at the start and when jobs are cancelled, if it is too much', async () => {
    const store = newStore()
    for (let i = 0; i < 70; i++) {
      const job = newJob()
      await store.submit(job, 99)
      if (i < 5) await store.cancel(job.id, 1)
    }
    const { work } = held()
    const { runner } = start(work, { store, keepEnded: 1 })
    await until(async () => (await store.counts()).cancelled === 1)
    const queued = await store.list({ state: 'queued', limit: 99 })
    for (const { id } of queued) await runner.cancel(id)
    expect((await store.counts()).cancelled).toBeLessThan(5)
  })

  it('makes room for new jobs where the store is full', async () => {
    const full = new UnavailableError('STORE_FULL', { limitBytes: 1 })
    let isFull = true
    const inner = newStore()
    const submit: JobStore['submit'] = (...job) =>
      isFull ? Promise.reject(full) : inner.submit(...job)
    const prune = async () => {
      isFull = false
      return 1
    }
    const { runner } = start(async () => done, { store: altered(inner, { submit, prune }) })
    isFull = true
    const { job } = await runner.submit(newJob())
    expect((await runner.wait(job.id)).state).toBe('succeeded')
  })
})

describe('tenants', () => {
  /** Submits a job for each, in this order. @returns whose jobs have begun, so far */
  async function submitFor(runner: JobRunner, begun: readonly string[], tenants: string) {
    const names = new Map<string, string>()
    for (const tenant of tenants) {
      const { job } = await runner.submit(newJob(tenant))
      names.set(job.id, tenant)
    }
    return () => begun.map((id) => names.get(id)).join('')
  }

  it('take turns', async () => {
    const { work, begun, finish } = held()
    const { runner } = start(work, { concurrency: 2 })
    const tenants = await submitFor(runner, begun, 'abaaab')
    for (let i = 2; i <= 6; i++) {
      await until(() => begun.length === i)
      finish()
    }
    expect(tenants()).toBe('ababaa')
  })

  it('with nothing running need not wait for those who have taken every place', async () => {
    const { work, begun, finish } = held()
    const { runner } = start(work, { concurrency: 2 })
    const tenants = await submitFor(runner, begun, 'aaaabb')
    await until(() => begun.length === 3)
    expect(tenants()).toBe('aab')
    // The first to end makes no room: two of a or of b are two.
    finish()
    await quiet()
    expect(tenants()).toBe('aab')
    finish()
    await until(() => begun.length === 4)
    expect(tenants()).toBe('aaba')
  })

  it('get as many places more as there are, and no more', async () => {
    const { work, begun, finish } = held()
    const { runner } = start(work, { concurrency: 2 })
    const tenants = await submitFor(runner, begun, 'aabcdef')
    await until(() => begun.length === 4)
    await quiet()
    expect(tenants()).toBe('aabc')
    finish()
    await until(() => begun.length === 5)
    await quiet()
    expect(tenants()).toBe('aabcd')
  })

  it('get them also from a queue that is full with jobs of others', async () => {
    const { work, begun } = held()
    const { runner } = start(work, { maxQueued: 1 })
    await submitFor(runner, begun, 'aa')
    await expect(runner.submit(newJob('a'))).rejects.toMatchObject({ code: 'QUEUE_FULL' })
    await runner.submit(newJob('b'))
    await until(() => begun.length === 2)
    await expect(runner.submit(newJob('c'))).rejects.toMatchObject({ code: 'QUEUE_FULL' })
  })

  it('who are alone cost the store no question while every place is taken', async () => {
    let asked = 0
    const store = newStore()
    const counting = new Proxy(store, {
      get(target, name: keyof JobStore) {
        const value = target[name]
        if (typeof value !== 'function') return value
        if (name === 'lease') asked++
        return value.bind(target)
      },
    })
    const { work, begun } = held()
    const { runner } = start(work, { store: counting })
    await submitFor(runner, begun, 'aaaaaa')
    await until(() => begun.length === 1)
    await quiet()
    const before = asked
    for (let i = 0; i < 3; i++) await submitFor(runner, begun, 'a')
    await quiet()
    expect(asked).toBe(before)
  })
})

/** Until whatever was set off has had its turn. */
async function quiet(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 5))
}
