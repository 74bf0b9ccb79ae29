/**
 * A real server whose guests' processes are killed, and whose tenants run guests for long: jobs end, the
 * server lives, nobody waits for somebody else's guest.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { encodeU32LE, toHex } from '../../../src/core/bytes.js'
import { verifyProof } from '../../../src/core/prover/verify.js'
import { parseAccess } from '../../../src/core/server/access.js'
import { sha256 } from '../../../src/core/sha256.js'
import { guestElf } from '../../support/cli.js'
import { BINARY_TYPE, ended, type Json, postJson, send } from '../../support/http.js'
import { busiestChildOf, childrenOf, processFacts } from '../../support/processes.js'
import { type Served, startServed } from '../../support/served.js'
import { startService, type TestService } from '../../support/service.js'
import { SLOW_GUEST } from '../../support/slow-guest.js'

const fibonacci = new Uint8Array(readFileSync(guestElf('fibonacci')))
/** 12 cycles each: seconds, and below the cycle limit. */
const LONG = 300_000_000

const inputOf = (n: number) => ({ buffer: [toHex(encodeU32LE(n))] })
const pause = () => new Promise((resolve) => setTimeout(resolve, 10))

describe('a process for guests that is killed', () => {
  let folder: string
  let server: Served
  let pid: number
  let programId: string
  let slowId: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sp1-tee-guests-'))
    server = await startServed(folder, 1)
    pid = server.process.pid ?? 0
    programId = await upload(fibonacci)
    slowId = await upload(SLOW_GUEST)
  })
  afterAll(async () => {
    await server.kill()
    rmSync(folder, { recursive: true })
  })

  async function ask(path: string, init: RequestInit = {}): Promise<Json> {
    return (await fetch(`${server.url}${path}`, init)).json()
  }

  async function upload(elf: Uint8Array): Promise<string> {
    const body = elf.slice()
    return (await ask('/v1/programs', { method: 'PUT', body, headers: BINARY_TYPE })).programId
  }

  async function submit(body: object): Promise<string> {
    const headers = { 'content-type': 'application/json' }
    return (await ask('/v1/proofs', { method: 'POST', body: JSON.stringify(body), headers })).id
  }

  const job = (id: string) => ask(`/v1/proofs/${id}`)

  /** Its process, once the guest has run for a while in another one than this. */
  async function processOf(id: string, other = 0): Promise<number> {
    for (;;) {
      const { state, cycles } = await job(id)
      expect(state === 'queued' || state === 'running').toBe(true)
      const busiest = busiestChildOf(pid)
      if (cycles > 0 && busiest !== other && processFacts(busiest)?.state === 'R') return busiest
      await pause()
    }
  }

  async function endOf(id: string): Promise<Json> {
    for (;;) {
      const seen = await job(id)
      if (seen.state !== 'queued' && seen.state !== 'running') return seen
      await pause()
    }
  }

  it('once, costs its job some time, and nobody else anything', async () => {
    const long = await submit({ programId, stdin: inputOf(LONG) })
    process.kill(await processOf(long), 'SIGKILL')
    const others = await Promise.all([1, 2, 3].map((n) => submit({ programId, stdin: inputOf(n) })))
    for (const id of others) expect((await endOf(id)).state).toBe('succeeded')
    const { state, proof } = await endOf(long)
    expect(state).toBe('succeeded')
    expect((await verifyProof(proof, { signer: proof.signer })).valid).toBe(true)
  })

  it('again in the same job, fails it and leaves the server as it was', async () => {
    const id = await submit({ programId: slowId })
    const first = await processOf(id)
    process.kill(first, 'SIGKILL')
    process.kill(await processOf(id, first), 'SIGKILL')
    const { state, error } = await endOf(id)
    expect([state, error.code]).toEqual(['failed', 'EXECUTION_LOST'])
    expect(error.detail).toContain('SIGKILL')
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    expect(server.process.exitCode).toBeNull()
    const next = await endOf(await submit({ programId, stdin: inputOf(4) }))
    expect(next.state).toBe('succeeded')
  })

  it('says how much memory runs took', async () => {
    await endOf(await submit({ programId, stdin: inputOf(5) }))
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    const value = (name: string) =>
      Number(new RegExp(`^sp1_tee_execution_memory_bytes_${name} (.*)$`, 'm').exec(metrics)?.[1])
    expect(value('sum') / value('count')).toBeGreaterThan(20 * 2 ** 20)
  })

  it('is not needed: each ends when the server is gone, a guest in it or not', async () => {
    await processOf(await submit({ programId: slowId }))
    const children = childrenOf(pid)
    expect(children.length).toBeGreaterThan(1)
    await server.kill()
    while (children.some((child) => processFacts(child) !== undefined)) await pause()
  })
})

describe('guests that run for long', () => {
  const FILE = JSON.stringify({
    keys: ['a', 'b', 'c', 'd'].map((name) => ({
      name,
      hash: toHex(sha256(new TextEncoder().encode(`key-of-${name}`))),
      requestsPerMinute: 1_000_000,
    })),
    addresses: [],
  })
  const of = (name: string) => ({ authorization: `Bearer key-of-${name}` })

  let service: TestService
  let programId: string
  let slowId: string
  beforeAll(async () => {
    service = await startService({ access: { ...parseAccess(FILE), isRequired: true } })
    const upload = async (elf: Uint8Array) =>
      (await send(service, 'PUT', '/v1/programs', elf, { ...BINARY_TYPE, ...of('a') })).json
    programId = (await upload(fibonacci)).programId
    slowId = (await upload(SLOW_GUEST)).programId
  })
  afterAll(() => service.app.drain(AbortSignal.abort()))

  const running: { id: string; name: string }[] = []
  afterEach(async () => {
    for (const { id, name } of running.splice(0)) {
      await send(service, 'DELETE', `/v1/proofs/${id}`, undefined, of(name))
    }
  })

  const state = async (name: string, id: string) =>
    (await send(service, 'GET', `/v1/proofs/${id}`, undefined, of(name))).json.state

  /** Until it is cancelled at the end of the test. */
  async function begin(name: string): Promise<string> {
    const { json } = await postJson(service, '/v1/proofs', { programId: slowId }, of(name))
    running.push({ id: json.id, name })
    return json.id
  }

  async function prove(name: string, n: number): Promise<Json> {
    const body = { programId, stdin: inputOf(n) }
    const { json } = await postJson(service, '/v1/proofs', body, of(name))
    return ended(service, json.id, of(name))
  }

  it('of one tenant, in every place, do not hold up small ones of others', async () => {
    const longs = [await begin('a'), await begin('a'), await begin('a')]
    for (let n = 1; n <= 3; n++) {
      const both = await Promise.all([prove('b', n), prove('c', n)])
      expect(both.map((job) => job.state)).toEqual(['succeeded', 'succeeded'])
    }
    const states = await Promise.all(longs.map((id) => state('a', id)))
    expect(states).toEqual(['running', 'running', 'queued'])
  })

  it('of many tenants have twice the places, and the rest waits', async () => {
    const longs = [await begin('a'), await begin('a'), await begin('b'), await begin('c')]
    const last = await begin('d')
    for (let n = 0; n < 20; n++) await pause()
    const states = await Promise.all(longs.map((id, i) => state('aabc'[i] as string, id)))
    expect(states).toEqual(['running', 'running', 'running', 'running'])
    expect(await state('d', last)).toBe('queued')
  })

  it('leave the small ones of their own tenant the other half of the machine', async () => {
    const long = await begin('a')
    const small = await Promise.all([1, 2, 3, 4].map((n) => prove('a', n)))
    expect(small.map((job) => job.state)).toEqual(Array(4).fill('succeeded'))
    expect(await state('a', long)).toBe('running')
  })
})
