/** Who waits for jobs takes a place first, and leaves some to others. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openFolderBlobStore } from '../../../src/core/jobs/folder-blob-store.js'
import { openSqliteJobStore } from '../../../src/core/jobs/sqlite-job-store.js'
import { createWaiting } from '../../../src/core/server/waiting.js'
import { guestElf } from '../../support/cli.js'
import { BINARY_TYPE, ended, expectProblem, postJson, send } from '../../support/http.js'
import { startService } from '../../support/service.js'
import { teeRequest } from '../../support/tee-request.js'

/** As many as one tenant may have. */
const SHARE = 1024

it('one tenant that waits as often as it can keeps nobody else from waiting', async () => {
  const waiting = createWaiting()
  const ends: (() => void)[] = []
  const wait = (tenant: string) =>
    waiting({ tenant }, () => new Promise<void>((resolve) => ends.push(resolve)))
  const refused = { code: 'QUEUE_FULL', details: { retryAfterSeconds: 10 } }
  const first = Array.from({ length: SHARE }, () => wait('greedy'))
  await expect(wait('greedy')).rejects.toMatchObject(refused)
  const others = ['b', 'c', 'd'].map(wait)
  expect(ends).toHaveLength(SHARE + 3)
  for (const end of ends.splice(0)) end()
  await Promise.all([...first, ...others])
  const again = wait('greedy')
  ends.pop()?.()
  await again
})

it('no job begins for somebody who may not wait for it', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-waiting-'))
  const nowMs = () => performance.now()
  const start = async () => {
    const store = openSqliteJobStore({ path: join(folder, 'jobs.db'), nowMs })
    const options = { maxBytes: 2 ** 30, inUse: () => store.blobsInUse(), nowMs: Date.now }
    const blobs = await openFolderBlobStore({ ...options, folder: join(folder, 'blobs') })
    return startService({ store, blobs, schemes: ['automata', 'succinct'] })
  }
  const fibonacci = readFileSync(guestElf('fibonacci'))
  const first = await start()
  const upload = await send(first, 'PUT', '/v1/programs', fibonacci, BINARY_TYPE)
  const { programId } = upload.json
  const body = { programId, stdin: { buffer: ['0x0a000000'] } }
  const { id: done } = (await postJson(first, '/v1/proofs', body)).json
  await ended(first, done)
  await first.app.drain(AbortSignal.abort())

  // It has not executed that itself.
  const service = await start()
  const program = readFileSync(guestElf('endless'))
  const endless = (await send(service, 'PUT', '/v1/programs', program, BINARY_TYPE)).json.programId
  const { id } = (await postJson(service, '/v1/proofs', { programId: endless })).json
  const waits = Array.from({ length: SHARE + 1 }, () => send(service, 'POST', '/wait_proof', id))
  expectProblem(await Promise.race(waits), 429, 'QUEUE_FULL')
  const jobs = async () => (await send(service, 'GET', '/v1/proofs')).json.jobs.length
  const sign = () => send(service, 'POST', `/v1/proofs/${done}/sign`)
  const execute = () => send(service, 'POST', '/execute', teeRequest(fibonacci), BINARY_TYPE)
  const before = await jobs()
  for (const ask of [sign, execute]) {
    const refused = await ask()
    expectProblem(refused, 429, 'QUEUE_FULL')
    expect(refused.headers['retry-after']).toBe('10')
  }
  expect(await jobs()).toBe(before)
  await send(service, 'DELETE', `/v1/proofs/${id}`)
  const cancelled = (await Promise.all(waits)).filter(({ status }) => status === 409)
  expect(cancelled).toHaveLength(SHARE)
  expect((await execute()).status).toBe(200)
  expect((await sign()).status).toBe(200)
  await service.app.drain(AbortSignal.abort())
  rmSync(folder, { recursive: true })
})
