/**
 * A disk and a database that lie: it may cost a job, or the time to do it again, and never makes the
 * signer sign what this process did not execute.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Hex } from '../../../src/core/bytes.js'
import { openFolderBlobStore } from '../../../src/core/jobs/folder-blob-store.js'
import type { JobStore } from '../../../src/core/jobs/job-store.js'
import { openPostgresJobStore } from '../../../src/core/jobs/postgres-job-store.js'
import { openSqliteJobStore } from '../../../src/core/jobs/sqlite-job-store.js'
import { verifyProof } from '../../../src/core/prover/verify.js'
import { createSigner } from '../../../src/core/signer/signer.js'
import { guestElf } from '../../support/cli.js'
import { BINARY_TYPE, ended, expectProblem, type Json, postJson, send } from '../../support/http.js'
import { type Postgres, startPostgres } from '../../support/postgres.js'
import { NOW_SECONDS, startService, type TestService } from '../../support/service.js'

const fibonacci = readFileSync(guestElf('fibonacci'))
const panics = readFileSync(guestElf('panics'))
const TEN = { buffer: ['0x0a000000'] }
const VALUES = '0x0a0000002200000037000000'

interface Liar {
  readonly name: string
  prepare?(): Promise<void>
  open(): Promise<JobStore>
  /** Changes what the store has of a job, as whoever owns the machine can. */
  rewrite(id: string, column: 'outcome' | 'request', change: (text: string) => string): void
  cleanUp(): Promise<void>
}

const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-tamper-'))
const path = join(folder, 'jobs.db')
let postgres: Postgres
const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`

const LIARS: readonly Liar[] = [
  {
    name: 'SQLite',
    open: async () => openSqliteJobStore({ path, nowMs: () => performance.now() }),
    rewrite(id, column, change) {
      const database = new Database(path)
      const [row] = database.prepare(`select ${column} as text from jobs where id = ?`).all(id) as [
        { text: string },
      ]
      database.exec(`update jobs set ${column} = ${quoted(change(row.text))} where id = '${id}'`)
      database.close()
    },
    cleanUp: async () => {},
  },
  {
    name: 'PostgreSQL',
    prepare: async () => {
      postgres = await startPostgres()
    },
    open: () => openPostgresJobStore({ url: postgres.url }),
    rewrite(id, column, change) {
      const text = postgres.sql(`select ${column} from sp1_tee.jobs where id = '${id}'`)
      postgres.sql(`update sp1_tee.jobs set ${column} = ${quoted(change(text))} where id = '${id}'`)
    },
    cleanUp: () => postgres.stop(),
  },
]

afterAll(() => rmSync(folder, { recursive: true }))

for (const liar of LIARS) {
  describe(liar.name, () => {
    const blobFolder = join(folder, liar.name)
    let service: TestService
    let programId: Hex

    async function start(): Promise<void> {
      const store = await liar.open()
      const blobs = await openFolderBlobStore({
        folder: blobFolder,
        maxBytes: 2 ** 30,
        inUse: () => store.blobsInUse(),
        nowMs: () => 1000 * NOW_SECONDS,
      })
      service = await startService({ store, blobs })
    }
    beforeAll(async () => {
      await liar.prepare?.()
      await start()
      programId = (await send(service, 'PUT', '/v1/programs', fibonacci, BINARY_TYPE)).json
        .programId
    })
    afterAll(async () => {
      await service.app.drain(AbortSignal.abort())
      await liar.cleanUp()
    })

    async function prove(): Promise<{ id: string; proof: Json }> {
      const { json } = await postJson(service, '/v1/proofs', { programId, stdin: TEN })
      const { proof } = await ended(service, json.id)
      expect(proof.publicValues).toBe(VALUES)
      return { id: json.id, proof }
    }
    const sign = (id: string) => send(service, 'POST', `/v1/proofs/${id}/sign`)
    const fields = (changes: object) => (text: string) => {
      const outcome = JSON.parse(text)
      return JSON.stringify({ ...outcome, proof: { ...outcome.proof, ...changes } })
    }

    it('whose public values were edited is not believed, and the run is done again', async () => {
      const { id } = await prove()
      liar.rewrite(id, 'outcome', fields({ publicValues: '0xdeadbeef' }))
      expectProblem(await send(service, 'GET', `/v1/proofs/${id}`), 503, 'STORE_DAMAGED')
      const { status, json } = await sign(id)
      expect([status, json.publicValues]).toEqual([200, VALUES])
      expect((await verifyProof(json, { signer: service.signer.signer.address })).valid).toBe(true)
    })

    it.each<[string, object]>([
      ['program', { elfHash: `0x${'11'.repeat(32)}` }],
      ['verifying key', { vkey: `0x00${'11'.repeat(31)}` }],
      ['key hash', { vkeyHash: `0x${'11'.repeat(32)}` }],
    ])('whose %s was edited is not signed', async (_what, change) => {
      const { id, proof } = await prove()
      liar.rewrite(id, 'outcome', fields(change))
      expect({ ...(await sign(id)).json, signature: '' }).toEqual({ ...proof, signature: '' })
    })

    it("that has another signer's word for it is not signed either", async () => {
      const { id, proof } = await prove()
      const stranger = createSigner(new Uint8Array(32).fill(0x77))
      const publicValues = '0x00'
      const { encodedMessageBytes } = await import('../../../src/core/signer/schemes.js')
      const { keccak_256 } = await import('@noble/hashes/sha3.js')
      const { fromHex, toHex } = await import('../../../src/core/bytes.js')
      const message = encodedMessageBytes({
        hashBytes: fromHex(proof.vkeyHash),
        bytes32: fromHex(proof.vkey),
        publicValues: fromHex(publicValues),
        teeVersion: 0,
      })
      const signature = toHex(stranger.signDigest(keccak_256(message)))
      liar.rewrite(id, 'outcome', fields({ publicValues, signature, signer: stranger.address }))
      expect((await sign(id)).json.publicValues).toBe(VALUES)
    })

    it('that gives one job the result of another is found out', async () => {
      const one = await prove()
      const { json } = await postJson(service, '/v1/proofs', {
        programId,
        stdin: { buffer: ['0x0b000000'] },
      })
      const two = await ended(service, json.id)
      let stolen = ''
      liar.rewrite(one.id, 'outcome', (text) => {
        stolen = text
        return text
      })
      liar.rewrite(json.id, 'outcome', () => stolen)
      expect((await sign(json.id)).json.publicValues).toBe(two.proof.publicValues)
    })

    it('that asks for another scheme is refused', async () => {
      const { id } = await prove()
      liar.rewrite(id, 'request', (text) =>
        JSON.stringify({ ...JSON.parse(text), scheme: 'succinct', teeVersion: 2 }),
      )
      expectProblem(await sign(id), 400, 'SCHEME_REFUSED')
    })

    it.each(['', '{}', '[1', '{"proof":{},"seal":"0x"}'])(
      'that says %j is refused',
      async (text) => {
        const { id } = await prove()
        liar.rewrite(id, 'outcome', () => text)
        expectProblem(await send(service, 'GET', `/v1/proofs/${id}`), 503, 'STORE_DAMAGED')
        expect((await sign(id)).json.publicValues).toBe(VALUES)
      },
    )

    it('after a restart, results of the process before are shown, and signed only when run again', async () => {
      const { id, proof } = await prove()
      await service.app.drain(AbortSignal.timeout(10_000))
      await start()
      expect((await send(service, 'GET', `/v1/proofs/${id}`)).json.proof).toEqual(proof)
      const signed = (await sign(id)).json
      expect(signed.signer).toBe(service.signer.signer.address)
      expect(signed.signer).not.toBe(proof.signer)
      expect({ ...signed, signature: '', signer: '' }).toEqual({
        ...proof,
        signature: '',
        signer: '',
      })
      const jobs = (await send(service, 'GET', '/v1/proofs?limit=1')).json.jobs
      expect(jobs[0].id).not.toBe(id)
    })

    it('a program that was swapped on the disk is not run, now or after a restart', async () => {
      await prove()
      for (const name of readdirSync(blobFolder)) writeFileSync(join(blobFolder, name), panics)
      await prove()
      await service.app.drain(AbortSignal.timeout(10_000))
      await start()
      const refused = await postJson(service, '/v1/proofs', { programId, stdin: TEN })
      expectProblem(refused, 404, 'PROGRAM_UNKNOWN')
      await send(service, 'PUT', '/v1/programs', fibonacci, BINARY_TYPE)
      await prove()
    })

    it('a program that is gone when its job begins fails the job', async () => {
      const { json } = await send(service, 'PUT', '/v1/programs', panics, BINARY_TYPE)
      const job = await postJson(service, '/v1/proofs', { programId: json.programId })
      expect((await ended(service, job.json.id)).state).toBe('failed')
      await service.app.drain(AbortSignal.timeout(10_000))
      const store = await liar.open()
      const id = '00000000-0000-4000-8000-000000000009'
      const old = (await store.get(job.json.id))?.request ?? ''
      const request = old.replace(json.programId, `0x${'77'.repeat(32)}`)
      await store.submit({ id, tenant: '', request, blobs: [], createdAtMs: 0 }, 9)
      await store.close()
      await start()
      expect((await ended(service, id)).error).toMatchObject({ code: 'PROGRAM_UNKNOWN' })
    })
  })
}
