/** Killed as by a power cut, again and again, under load: nothing that was accepted is lost or changed. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { encodeU32LE, toHex } from '../../../src/core/bytes.js'
import { verifyProof } from '../../../src/core/prover/verify.js'
import { guestElf } from '../../support/cli.js'
import type { Json } from '../../support/http.js'
import { startPostgres } from '../../support/postgres.js'
import { type Served, startServed } from '../../support/served.js'

const fibonacci = readFileSync(guestElf('fibonacci'))
const KILLS = 50
const CLIENTS = 4
/** Of a client that waits before it asks for more. */
const OPEN_JOBS = 5
/** Of a server: most are killed early in it, some only after many jobs. */
const LONGEST_LIFE_MS = 5_000

const servers = new Set<Served>()
afterEach(async () => {
  for (const server of servers) await server.kill()
  servers.clear()
})

let seeds = 0
async function start(folder: string, databaseUrl?: string): Promise<Served> {
  const server = await startServed(folder, ++seeds, databaseUrl)
  servers.add(server)
  return server
}

async function kill(server: Served): Promise<void> {
  await server.kill()
  servers.delete(server)
}

/** What guests/fibonacci commits to: n, F(n - 1), F(n), in 32 bits. */
function expectedValues(n: number): string {
  let [previous, current] = [1, 0]
  for (let i = 0; i < n; i++) [previous, current] = [current, (previous + current) % 1_000_000_007]
  return toHex(Uint8Array.from([n, previous, current].flatMap((word) => [...encodeU32LE(word)])))
}

async function ask(url: string, path: string, body?: unknown, headers = {}): Promise<Json> {
  const response = await fetch(`${url}${path}`, {
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
  })
  return { status: response.status, json: await response.json() }
}

it(`loses and changes nothing over ${KILLS} kills`, { timeout: 600_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-kill-'))
  let server = await start(folder)
  const upload = await fetch(`${server.url}/v1/programs`, {
    method: 'PUT',
    body: fibonacci,
    headers: { 'content-type': 'application/octet-stream' },
  })
  const { programId } = (await upload.json()) as Json
  /** Job id → its n, once the server has said that it took it. */
  const accepted = new Map<string, number>()
  /** Job id → the proof as it was first seen. */
  const seen = new Map<string, string>()
  let isOver = false

  /** Until the server answers, as a client asks that wants to know. */
  const insist = async (path: string, body?: unknown, headers = {}): Promise<Json> => {
    for (;;) {
      try {
        const { status, json } = await ask(server.url, path, body, headers)
        if (status < 300) return json
      } catch {
        // It was killed meanwhile.
      }
      await sleep(20)
    }
  }
  const client = async (number: number) => {
    const open = new Set<string>()
    for (let i = 0; !isOver; i++) {
      const n = 1 + ((number * 7 + i) % 40)
      const stdin = { buffer: [toHex(encodeU32LE(n))] }
      const headers = { 'idempotency-key': `${number}-${i}` }
      const { id } = await insist('/v1/proofs', { programId, stdin }, headers)
      accepted.set(id, n)
      open.add(id)
      do {
        for (const other of open) {
          const { state, proof } = await insist(`/v1/proofs/${other}`)
          if (state !== 'succeeded') continue
          seen.set(other, JSON.stringify(proof))
          open.delete(other)
        }
      } while (open.size >= OPEN_JOBS && !isOver)
    }
  }
  const clients = Array.from({ length: CLIENTS }, (_, number) => client(number))
  for (let i = 0; i < KILLS; i++) {
    // Every other one lives to show a result, however slow the machine is.
    const { size } = seen
    while (i % 2 === 0 && seen.size === size) await sleep(20)
    await sleep(LONGEST_LIFE_MS * Math.random() ** 4)
    await kill(server)
    server = await start(folder)
  }
  isOver = true
  await Promise.all(clients)

  let resultsSeenBefore = 0
  for (const [id, n] of accepted) {
    let job: Json
    do job = (await ask(server.url, `/v1/proofs/${id}`)).json
    while (job.state === 'queued' || job.state === 'running')
    expect([job.state, job.error]).toEqual(['succeeded', undefined])
    expect(job.proof.publicValues).toBe(expectedValues(n))
    expect((await verifyProof(job.proof, { signer: job.proof.signer })).valid).toBe(true)
    const before = seen.get(id)
    if (before !== undefined) {
      resultsSeenBefore++
      expect(JSON.stringify(job.proof)).toBe(before)
    }
  }
  // A request that was repeated because nobody answered made no second job.
  const { jobs } = (await ask(server.url, '/v1/proofs?limit=500')).json
  expect(jobs.length).toBe(Math.min(accepted.size, 500))
  expect(resultsSeenBefore).toBeGreaterThanOrEqual(KILLS / 2)
  await kill(server)
  rmSync(folder, { recursive: true })
})

it('two servers on one database: one is killed, the other ends its jobs', {
  timeout: 300_000,
}, async () => {
  const postgres = await startPostgres()
  const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-fleet-'))
  const [one, two] = [await start(folder, postgres.url), await start(folder, postgres.url)]
  await fetch(`${one.url}/v1/programs`, {
    method: 'PUT',
    body: fibonacci,
    headers: { 'content-type': 'application/octet-stream' },
  })
  const { programId } = (await (
    await fetch(`${two.url}/v1/programs`, {
      method: 'PUT',
      body: fibonacci,
      headers: { 'content-type': 'application/octet-stream' },
    })
  ).json()) as Json
  const ids: string[] = []
  for (let n = 1; n <= 40; n++) {
    const stdin = { buffer: [toHex(encodeU32LE(n))] }
    ids.push((await ask(one.url, '/v1/proofs', { programId, stdin })).json.id)
  }
  await kill(one)
  // The dead one's leases would run out in a minute; so that no test has to wait, they do now.
  postgres.sql("update sp1_tee.jobs set lease_until = now() where state = 'running'")
  const signers = new Set<string>()
  for (const [index, id] of ids.entries()) {
    let job: Json
    do job = (await ask(two.url, `/v1/proofs/${id}`)).json
    while (job.state === 'queued' || job.state === 'running')
    expect(job.proof.publicValues).toBe(expectedValues(index + 1))
    signers.add(job.proof.signer)
  }
  expect(signers.size).toBeGreaterThan(0)
  await kill(two)
  await postgres.stop()
  rmSync(folder, { recursive: true })
})
