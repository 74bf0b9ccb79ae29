/** The service with its blobs in S3: alone, over an outage, with objects that somebody changed, and as a fleet. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Hex, toHex } from '../../../src/core/bytes.js'
import { encodeStdin } from '../../../src/core/executor/stdin.js'
import type { BlobStore } from '../../../src/core/jobs/blob-store.js'
import type { JobStore } from '../../../src/core/jobs/job-store.js'
import { openPostgresJobStore } from '../../../src/core/jobs/postgres-job-store.js'
import { openS3BlobStore } from '../../../src/core/jobs/s3-blob-store.js'
import type { S3Options } from '../../../src/core/jobs/s3-client.js'
import { openSqliteJobStore } from '../../../src/core/jobs/sqlite-job-store.js'
import { verifyProof } from '../../../src/core/prover/verify.js'
import { guestElf } from '../../support/cli.js'
import { BINARY_TYPE, ended, expectProblem, type Json, postJson, send } from '../../support/http.js'
import { startPostgres } from '../../support/postgres.js'
import { type S3, startS3 } from '../../support/s3.js'
import { startServed } from '../../support/served.js'
import { startService, type TestService } from '../../support/service.js'

const fibonacci = readFileSync(guestElf('fibonacci'))
const endless = readFileSync(guestElf('endless'))
const panics = readFileSync(guestElf('panics'))
const MIB = 2 ** 20
const BOUNDARY = 'edge'
const VALUES = '0x0a0000002200000037000000'
/** Behind what fibonacci reads; enough for a blob. */
const IGNORED = new Uint8Array(40_000).fill(1)
const TEN_AND_MORE = { buffer: ['0x0a000000', toHex(IGNORED)] }

let s3: S3
let spoolFolder: string
const running = new Set<TestService>()
beforeAll(async () => {
  spoolFolder = mkdtempSync(join(tmpdir(), 'sp1-tee-s3-'))
  s3 = await startS3()
})
afterAll(async () => {
  for (const service of running) await service.app.drain(AbortSignal.abort())
  await s3.stop()
  rmSync(spoolFolder, { recursive: true })
})

type Bucket = Omit<S3Options, 'nowMs'>

async function openBlobs(bucket: Bucket, store: JobStore): Promise<BlobStore> {
  return openS3BlobStore({
    ...bucket,
    timeoutMs: 2_000,
    spoolFolder,
    maxBytes: 2 ** 30,
    inUse: () => store.blobsInUse(),
    nowMs: Date.now,
  })
}

async function start(
  bucket: Bucket,
  store: JobStore = openSqliteJobStore({ path: ':memory:', nowMs: () => performance.now() }),
): Promise<TestService> {
  const service = await startService({ store, blobs: await openBlobs(bucket, store) })
  running.add(service)
  return service
}

async function stop(service: TestService): Promise<void> {
  running.delete(service)
  await service.app.drain(AbortSignal.timeout(10_000))
}

const upload = (service: TestService, elf: Uint8Array) =>
  send(service, 'PUT', '/v1/programs', elf, BINARY_TYPE)

async function submit(service: TestService, programId: Hex): Promise<Json> {
  const { status, json } = await postJson(service, '/v1/proofs', { programId, stdin: TEN_AND_MORE })
  expect([status, json.code]).toEqual([202, undefined])
  return json
}

async function expectProof(service: TestService, id: string): Promise<void> {
  const { state, proof, error } = await ended(service, id)
  expect([state, error, proof?.publicValues]).toEqual(['succeeded', undefined, VALUES])
  expect((await verifyProof(proof, { signer: service.signer.signer.address })).valid).toBe(true)
}

/** A request in multipart, whose stdin is made while it is sent. */
async function postStreaming(url: string, programId: Hex, mib: number): Promise<Json> {
  const part = (name: string, extra = '') =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${extra}\r\n\r\n`
  async function* body() {
    yield Buffer.from(`${part('request')}${JSON.stringify({ programId })}\r\n`)
    yield Buffer.from(part('stdin', '; filename="x"\r\nContent-Type: application/octet-stream'))
    // Two buffers, as bincode has them: the second is what the guest does not read.
    const whole = encodeStdin([Uint8Array.of(10, 0, 0, 0), new Uint8Array(mib * MIB)])
    for (let at = 0; at < whole.length; at += MIB) yield whole.subarray(at, at + MIB)
    yield Buffer.from(`\r\n--${BOUNDARY}--\r\n`)
  }
  const response = await fetch(`${url}/v1/proofs`, {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
    body: body(),
    duplex: 'half',
  } as unknown as RequestInit)
  return response.json()
}

describe('a service', () => {
  it('proves with a program and a large stdin that are in the bucket', async () => {
    const bucket = await s3.makeBucket()
    const service = await start(bucket)
    const { programId } = (await upload(service, fibonacci)).json
    const url = await service.app.listen({ host: '127.0.0.1', port: 0 })
    const { id } = await postStreaming(url, programId, 8)
    await expectProof(service, id)
    expect((await send(service, 'GET', '/readyz')).status).toBe(200)
    const names = await s3.names(bucket.bucket)
    expect(names).toContain(`fleet/${programId.slice(2)}`)
    expect(names).toHaveLength(3)
    expect(service.bugs).toEqual([])
    await stop(service)
  }, 180_000)

  it('refuses work while the bucket is away, keeps what it took, and goes on', async () => {
    const bucket = await s3.makeBucket()
    const service = await start(bucket)
    const { programId } = (await upload(service, fibonacci)).json
    await expectProof(service, (await submit(service, programId)).id)
    s3.close()
    const [uploaded, asked, ready] = await Promise.all([
      upload(service, panics),
      postJson(service, '/v1/proofs', { programId, stdin: TEN_AND_MORE }),
      send(service, 'GET', '/readyz'),
    ])
    for (const answer of [uploaded, asked, ready]) {
      expectProblem(answer, 503, 'STORE_UNAVAILABLE')
      expect(answer.json.detail).toContain('S3 does not answer')
    }
    // What needs no bucket works.
    const small = { programId, stdin: { buffer: ['0x0a000000'] } }
    await expectProof(service, (await postJson(service, '/v1/proofs', small)).json.id)
    await s3.open()
    const { id } = await submit(service, programId)
    await expectProof(service, id)
    await stop(service)
  }, 180_000)

  it('a job whose input is out of reach waits until it is back', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-s3-jobs-'))
    const open = () =>
      openSqliteJobStore({ path: join(folder, 'jobs.db'), nowMs: () => performance.now() })
    const bucket = await s3.makeBucket()
    // Accepted, and then the server dies before it begins.
    const store = open()
    const blobs = await openBlobs(bucket, store)
    const programId = await blobs.put(fibonacci)
    const blob = await blobs.put(encodeStdin([Uint8Array.of(10, 0, 0, 0), IGNORED]))
    const limits = { cycles: 2 ** 32 - 1, memoryMib: 1920, timeoutMs: 600_000 }
    const request = {
      programId,
      stdin: { blob },
      sp1: '3.4.0',
      scheme: 'automata',
      limits,
    }
    const id = '00000000-0000-4000-8000-000000000001'
    const text = JSON.stringify(request)
    const blobsOfJob = [programId, blob]
    await store.submit({ id, tenant: '', request: text, blobs: blobsOfJob, createdAtMs: 0 }, 9)
    await store.close()

    const failures: unknown[] = []
    const again = open()
    const reopened = await openBlobs(bucket, again)
    s3.close()
    const onJob = (event: { kind: string; error?: unknown }) => {
      if (event.kind === 'storeFailed') failures.push(event.error)
    }
    const service = await startService({ store: again, blobs: reopened, onJob })
    running.add(service)
    while (failures.length === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    expect(failures[0]).toMatchObject({ code: 'STORE_UNAVAILABLE' })
    const { json } = await send(service, 'GET', `/v1/proofs/${id}`)
    expect([json.state, json.error]).toEqual(['running', undefined])
    await s3.open()
    await expectProof(service, id)
    await stop(service)
    rmSync(folder, { recursive: true })
  }, 180_000)

  it('keeps 100 MB of stdin on their way out of memory', async () => {
    const bucket = await s3.makeBucket()
    const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-s3-served-'))
    const served = await startServed(folder, 1, undefined, { bucket })
    const put = { method: 'PUT', body: endless, headers: BINARY_TYPE }
    const uploaded = await fetch(`${served.url}/v1/programs`, put)
    const { programId } = (await uploaded.json()) as Json
    // So that no other job runs, which would read its stdin into memory.
    for (let i = 0; i < 2; i++) await postStreaming(served.url, programId, 0)
    // What the first requests of a process need anyway.
    await postStreaming(served.url, programId, 8)
    served.forgetPeak()
    const before = served.memoryMib('now')
    expect((await postStreaming(served.url, programId, 100)).state).toBe('queued')
    expect(served.memoryMib('peak') - before).toBeLessThan(64)
    // All are in the bucket, and nothing is left on the way: the program, three stdins, and what is checked.
    expect(await s3.names(bucket.bucket)).toHaveLength(5)
    expect(readdirSync(join(folder, 'spool'))).toEqual([])
    await served.kill()
    rmSync(folder, { recursive: true })
  }, 120_000)

  it.each([
    ['swapped', () => panics],
    ['cut off', () => fibonacci.subarray(0, 5000)],
    ['made larger', () => Buffer.concat([fibonacci, fibonacci])],
  ])(
    'does not run a program that was %s',
    async (_how, changed) => {
      const bucket = await s3.makeBucket()
      const first = await start(bucket)
      const { programId } = (await upload(first, fibonacci)).json
      await expectProof(first, (await submit(first, programId)).id)
      await s3.send('PUT', `/${bucket.bucket}/fleet/${programId.slice(2)}`, changed())
      // As it was when it was hashed.
      await expectProof(first, (await submit(first, programId)).id)
      await stop(first)
      const second = await start(bucket)
      const refused = await postJson(second, '/v1/proofs', { programId, stdin: TEN_AND_MORE })
      expectProblem(refused, 404, 'PROGRAM_UNKNOWN')
      await upload(second, fibonacci)
      await expectProof(second, (await submit(second, programId)).id)
      await stop(second)
    },
    180_000,
  )
})

describe('two services on one database and one bucket', () => {
  it('run jobs for programs and inputs that the other one was sent', async () => {
    const postgres = await startPostgres()
    const bucket = await s3.makeBucket()
    const store = async () => openPostgresJobStore({ url: postgres.url })
    const taking = await start(bucket, await store())
    const { programId } = (await upload(taking, fibonacci)).json
    const proving = await start(bucket, await store())
    const jobs = []
    for (let i = 0; i < 6; i++) jobs.push(await submit(i % 2 ? taking : proving, programId))
    const signers = new Set<string>()
    for (const { id } of jobs) {
      const { state, proof } = await ended(taking, id)
      expect([state, proof?.publicValues]).toEqual(['succeeded', VALUES])
      signers.add(proof.signer)
    }
    // Only the second is left, which was never sent the program.
    await stop(taking)
    const { id } = await submit(proving, programId)
    await expectProof(proving, id)
    await stop(proving)
    await postgres.stop()
  }, 120_000)
})
