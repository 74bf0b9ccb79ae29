/** A disk without room: what was accepted is kept and ends when there is room again, and nothing else is. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeU32LE, toHex } from '../../../src/core/bytes.js'
import { verifyProof } from '../../../src/core/prover/verify.js'
import { guestElf } from '../../support/cli.js'
import type { Json } from '../../support/http.js'
import { type Served, startServed } from '../../support/served.js'
import { makeSmallDisk, type SmallDisk, whyNoSmallDisk } from '../../support/small-disk.js'

const fibonacci = readFileSync(guestElf('fibonacci'))
const panics = readFileSync(guestElf('panics'))
const BINARY = { 'content-type': 'application/octet-stream' }
const JSON_TYPE = { 'content-type': 'application/json' }
/** Larger than what is kept in the database. */
const BLOB = toHex(new Uint8Array(200_000).fill(1))
const FULL = /full/
const STORE = new URL('../../../dist/core/jobs/sqlite-job-store.js', import.meta.url).href
const why = whyNoSmallDisk()

let disk: SmallDisk
let server: Served
let programId: string
const accepted = new Map<string, number>()

interface Answer {
  readonly status: number
  readonly json: Json
}

async function ask(method: string, path: string, body?: Uint8Array | object): Promise<Answer> {
  const isBytes = body instanceof Uint8Array
  const response = await fetch(`${server.url}${path}`, {
    method,
    ...(body && { body: isBytes ? body : JSON.stringify(body) }),
    headers: body === undefined ? {} : isBytes ? BINARY : JSON_TYPE,
  } as RequestInit)
  return { status: response.status, json: await response.json() }
}

async function submit(n: number, ...more: string[]): Promise<Answer> {
  const stdin = { buffer: [toHex(encodeU32LE(n)), ...more] }
  const answer = await ask('POST', '/v1/proofs', { programId, stdin })
  if (answer.status === 202) accepted.set(answer.json.id, n)
  return answer
}

function expectFull({ status, json }: Answer): void {
  expect([status, json.code]).toEqual([503, 'STORE_UNAVAILABLE'])
  expect(json.detail).toMatch(FULL)
}

/** What guests/fibonacci commits to: n, F(n - 1), F(n), in 32 bits. */
function expectedValues(n: number): string {
  let [previous, current] = [1, 0]
  for (let i = 0; i < n; i++) [previous, current] = [current, (previous + current) % 1_000_000_007]
  return toHex(Uint8Array.from([n, previous, current].flatMap((word) => [...encodeU32LE(word)])))
}

async function ended(id: string): Promise<Json> {
  for (;;) {
    const { status, json } = await ask('GET', `/v1/proofs/${id}`)
    expect(status).toBe(200)
    if (json.state !== 'queued' && json.state !== 'running') return json
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function expectAllProved(): Promise<void> {
  for (const [id, n] of accepted) {
    const { state, error, proof } = await ended(id)
    expect([state, error]).toEqual(['succeeded', undefined])
    expect(proof.publicValues).toBe(expectedValues(n))
    expect((await verifyProof(proof, { signer: proof.signer })).valid).toBe(true)
  }
}

/** By SQLite's own check, of a copy. */
function expectWholeDatabase(): void {
  const copy = mkdtempSync(join(tmpdir(), 'sp1-tee-copy-'))
  for (const name of readdirSync(disk.path)) {
    if (name.startsWith('jobs.db') && !name.includes('lock')) {
      cpSync(join(disk.path, name), join(copy, name))
    }
  }
  const database = new Database(join(copy, 'jobs.db'))
  expect(database.prepare('pragma integrity_check').all()).toEqual([{ integrity_check: 'ok' }])
  database.close()
  rmSync(copy, { recursive: true })
}

/** What opening a store of jobs comes to, in a process that sees the disk. */
function openedWithoutRoom(file: string): string {
  const path = join(disk.folder, file)
  const script = `
    const { openSqliteJobStore } = await import(${JSON.stringify(STORE)})
    try {
      openSqliteJobStore({ path: ${JSON.stringify(path)}, nowMs: () => 0 })
      console.log('opened')
    } catch ({ code }) {
      console.log(code)
    }`
  const [program = '', ...args] = [...disk.inside, process.execPath]
  args.push('--input-type=module', '--eval', script)
  return execFileSync(program, args, { encoding: 'utf8' }).trim()
}

const start = async () => {
  server = await startServed(disk.folder, 1, undefined, { inside: disk.inside })
}

describe.skipIf(why !== undefined)(`a disk that is full${why ? ` (skipped: ${why})` : ''}`, () => {
  beforeEach(async () => {
    accepted.clear()
    disk = await makeSmallDisk(24)
    await start()
    programId = (await ask('PUT', '/v1/programs', fibonacci)).json.programId
  }, 60_000)
  afterEach(async () => {
    await server.kill()
    await disk.remove()
  })

  it('refuses what is new, shows what is there, and goes on when there is room', async () => {
    await submit(10)
    await submit(11, BLOB)
    await expectAllProved()
    const before = new Map<string, string>()
    for (const id of accepted.keys()) before.set(id, JSON.stringify((await ended(id)).proof))

    disk.fill()
    expectFull(await ask('GET', '/readyz'))
    expectFull(await ask('PUT', '/v1/programs', panics))
    expectFull(await submit(12, BLOB))
    // Small ones fit into what SQLite has already, until that is used up, too.
    let last: Answer
    do last = await submit(13)
    while (last.status === 202)
    expectFull(last)
    expect((await ask('GET', '/healthz')).status).toBe(200)
    for (const [id, proof] of before) {
      expect(JSON.stringify((await ask('GET', `/v1/proofs/${id}`)).json.proof)).toBe(proof)
    }

    // A part of it fits, which is not enough.
    disk.free()
    disk.fill(100 * 1024)
    expectFull(await submit(12, BLOB))

    disk.free()
    await expect
      .poll(async () => (await ask('GET', '/readyz')).status, { timeout: 10_000 })
      .toBe(200)
    await submit(14, BLOB)
    await expectAllProved()
    for (const [id, proof] of before) expect(JSON.stringify((await ended(id)).proof)).toBe(proof)
    expect(server.process.exitCode).toBe(null)
    expectWholeDatabase()
  }, 120_000)

  it('keeps jobs that are running, and ends them when there is room', async () => {
    for (let n = 0; n < 8; n++) await submit(3_000_000 + n)
    disk.fill()
    // Their results have no room, unless in what SQLite has already.
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    for (const id of accepted.keys()) {
      expect((await ask('GET', `/v1/proofs/${id}`)).json.error).toBeUndefined()
    }
    disk.free()
    await expectAllProved()
    expectWholeDatabase()
  }, 180_000)

  it('loses nothing when it is killed while it is full', async () => {
    for (let n = 1; n <= 6; n++) await submit(n, n % 2 ? BLOB : '0x')
    disk.fill()
    for (let n = 7; n <= 12; n++) await submit(n)
    await server.kill()
    // It says why it does not start. Whether it has to write at all depends on what ran.
    expect(openedWithoutRoom('new.db')).toBe('STORE_UNAVAILABLE')
    expect(['STORE_UNAVAILABLE', 'opened']).toContain(openedWithoutRoom('jobs.db'))
    disk.free()
    await start()
    await expectAllProved()
    expectWholeDatabase()
  }, 120_000)

  it('loses nothing while room comes and goes in the midst of commits and checkpoints', async () => {
    let isOver = false
    let refused = 0
    const client = async (number: number) => {
      for (let n = number; !isOver; n += 4) {
        // Some kB a job, so that the log of SQLite is checkpointed every hundred.
        const answer = await submit(1 + (n % 40), toHex(new Uint8Array(12_000).fill(n)))
        if (answer.status !== 202) {
          expectFull(answer)
          refused++
        }
        // In all they must fit on the disk when it is free.
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
    const clients = [0, 1, 2, 3].map(client)
    for (const leaveKib of [0, 4, 8, 16, 40, 100, 200, 0, 12, 64, 400, 0]) {
      await new Promise((resolve) => setTimeout(resolve, 400))
      disk.fill(leaveKib * 1024)
      await new Promise((resolve) => setTimeout(resolve, 400))
      if (leaveKib % 8 === 0) disk.free()
    }
    disk.free()
    isOver = true
    await Promise.all(clients)
    expect(refused).toBeGreaterThan(0)
    await expectAllProved()
    expect(server.process.exitCode).toBe(null)
    await server.kill()
    expectWholeDatabase()
    await start()
    await expectAllProved()
  }, 300_000)
})
