/** What those see who watch the service while its store is away: all but the store. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { UnavailableError } from '../../../src/core/errors.js'
import { openSqliteJobStore } from '../../../src/core/jobs/sqlite-job-store.js'
import { askedRarely } from '../../../src/core/server/asked-rarely.js'
import { expectProblem, send } from '../../support/http.js'
import { startService, type TestService } from '../../support/service.js'

const away = () =>
  Promise.reject(new UnavailableError('STORE_UNAVAILABLE', { reason: 'it is away' }))
const hangs = () => new Promise<never>(() => {})

describe.each([
  ['does not work', away],
  ['does not answer', hangs],
])('a store that %s', (_what, instead) => {
  let service: TestService
  let asked = 0
  beforeAll(async () => {
    const store = openSqliteJobStore({ path: ':memory:', nowMs: () => performance.now() })
    service = await startService({ store })
    const ask = () => {
      asked++
      return instead()
    }
    Object.assign(store, { counts: ask, list: ask, check: ask })
  })
  afterAll(() => service.app.drain(AbortSignal.abort()))

  it('leaves the metrics, with a server that is not ready', async () => {
    const { status, text } = await send(service, 'GET', '/metrics')
    expect(status).toBe(200)
    const lines = text.split('\n')
    expect(lines).toContain('sp1_tee_ready 0')
    expect(lines.filter((line) => line.startsWith('sp1_tee_jobs{'))).toEqual([])
    expect(text).toContain('sp1_tee_signer_info{')
  })

  it('leaves the status without what it has', async () => {
    const { status, json } = await send(service, 'GET', '/status.json')
    expect(status).toBe(200)
    expect(json).toMatchObject({ ready: false, version: '1.2.3', minutes: expect.any(Array) })
    expect([json.jobs, json.recent]).toEqual([undefined, undefined])
  })

  it('is asked once for all who ask at the same time', async () => {
    asked = 0
    await Promise.all(Array.from({ length: 50 }, () => send(service, 'GET', '/status.json')))
    // Counts, jobs and the check; again if that took more than a second.
    expect(asked).toBeLessThanOrEqual(6)
  })
})

it('a store that is away is what /readyz says', async () => {
  const store = openSqliteJobStore({ path: ':memory:', nowMs: () => performance.now() })
  const service = await startService({ store })
  Object.assign(store, { check: away })
  expectProblem(await send(service, 'GET', '/readyz'), 503, 'STORE_UNAVAILABLE')
  await service.app.drain(AbortSignal.abort())
})

it('what is asked rarely has one answer, or one error, for a while', async () => {
  let now = 0
  let times = 0
  const ask = askedRarely(
    async () => {
      times++
      if (times === 2) throw new Error('away')
      return times
    },
    100,
    () => now,
  )
  expect(await Promise.all([ask(), ask()])).toEqual([1, 1])
  now = 100
  await expect(ask()).rejects.toThrow('away')
  await expect(ask()).rejects.toThrow('away')
  now = 200
  expect(await ask()).toBe(3)
})
