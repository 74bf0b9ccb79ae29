/** Our own interface beyond asking and looking: listing, cancelling, events, signing again, uploads. */
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeStdin } from '../../../src/core/executor/stdin.js'
import { openFolderBlobStore } from '../../../src/core/jobs/folder-blob-store.js'
import { verifyProof } from '../../../src/core/prover/verify.js'
import { elfOf, encode } from '../../support/assembler.js'
import { guestElf } from '../../support/cli.js'
import { BINARY_TYPE, ended, expectProblem, type Json, postJson, send } from '../../support/http.js'
import { startService, type TestService } from '../../support/service.js'

const fibonacci = new Uint8Array(readFileSync(guestElf('fibonacci')))
const endless = elfOf({ text: [encode('jal', { imm: 0 })] })
const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000'
const ZEROS = `0x${'00'.repeat(32)}`
const TEN = { buffer: ['0x0a000000'] }

let service: TestService
let programId: string
let endlessId: string
let url: string
/** Of one connection. */
const agent = new Agent({ keepAlive: true, maxSockets: 1 })
beforeAll(async () => {
  service = await startService({ maxStdinBytes: 2 ** 20 })
  programId = await upload(fibonacci)
  endlessId = await upload(endless)
  url = await service.app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => {
  agent.destroy()
  return service.app.drain(AbortSignal.abort())
})

async function upload(elf: Uint8Array): Promise<string> {
  return (await send(service, 'PUT', '/v1/programs', elf, BINARY_TYPE)).json.programId
}

async function submit(body: object, headers: Record<string, string> = {}): Promise<Json> {
  const { status, json } = await postJson(service, '/v1/proofs', body, headers)
  expect([status, json.code]).toEqual([202, undefined])
  return json
}

describe('Idempotency-Key', () => {
  it('makes a repeated request the first one', async () => {
    const headers = { 'idempotency-key': 'once' }
    const first = await submit({ programId, stdin: TEN }, headers)
    const again = await submit({ programId, stdin: TEN }, headers)
    expect(again.id).toBe(first.id)
    expect((await submit({ programId, stdin: TEN })).id).not.toBe(first.id)
  })

  it('is refused for another request', async () => {
    const headers = { 'idempotency-key': 'twice' }
    await submit({ programId, stdin: TEN }, headers)
    const other = { programId, stdin: { buffer: ['0x0b000000'] } }
    expectProblem(
      await postJson(service, '/v1/proofs', other, headers),
      409,
      'IDEMPOTENCY_CONFLICT',
    )
  })
})

describe('GET /v1/proofs', () => {
  it('lists jobs, the newest first, by state, page by page', async () => {
    const jobs = []
    for (let i = 0; i < 3; i++) jobs.push(await submit({ programId, stdin: TEN }))
    for (const { id } of jobs) await ended(service, id)
    const page = async (query: string) =>
      (await send(service, 'GET', `/v1/proofs?${query}`)).json as Json
    const first = await page('state=succeeded&limit=2')
    expect(first.jobs.map(({ id }: Json) => id)).toEqual([jobs[2].id, jobs[1].id])
    const second = await page(`state=succeeded&limit=1&after=${first.next}`)
    expect(second.jobs.map(({ id }: Json) => id)).toEqual([jobs[0].id])
    // Others may run: those of the tests before.
    const running = (await page('state=running')).jobs.map(({ id }: Json) => id)
    expect(jobs.filter(({ id }) => running.includes(id))).toEqual([])
  })

  it.each(['state=lost', 'limit=0', 'limit=x', 'after=1', 'x=1'])('refuses ?%s', async (query) => {
    expectProblem(await send(service, 'GET', `/v1/proofs?${query}`), 400, 'REQUEST_MALFORMED')
  })
})

describe('DELETE /v1/proofs/ID', () => {
  it('ends a running job and tells who waits', async () => {
    const { id } = await submit({ programId: endlessId })
    const waiting = send(service, 'POST', '/wait_proof', id)
    const { status, json } = await send(service, 'DELETE', `/v1/proofs/${id}`)
    expect([status, json.state]).toEqual([200, 'cancelled'])
    expectProblem(await waiting, 409, 'JOB_CANCELLED')
    expect((await ended(service, id)).state).toBe('cancelled')
  })

  it('refuses a job that has ended, and one that is unknown', async () => {
    const { id } = await submit({ programId, stdin: TEN })
    await ended(service, id)
    expectProblem(await send(service, 'DELETE', `/v1/proofs/${id}`), 409, 'JOB_STATE')
    expectProblem(await send(service, 'DELETE', `/v1/proofs/${UNKNOWN_ID}`), 404, 'JOB_UNKNOWN')
  })

  it('frees its place', async () => {
    const jobs = [await submit({ programId: endlessId }), await submit({ programId: endlessId })]
    for (const { id } of jobs) await send(service, 'DELETE', `/v1/proofs/${id}`)
    const { id } = await submit({ programId, stdin: TEN })
    expect((await ended(service, id)).state).toBe('succeeded')
  })
})

describe('GET /v1/proofs/ID/events', () => {
  async function eventsOf(id: string): Promise<[string, Json][]> {
    const { status, type, text } = await send(service, 'GET', `/v1/proofs/${id}/events`)
    expect([status, type]).toEqual([200, 'text/event-stream'])
    const blocks = text.split('\n\n').filter((block) => block.startsWith('event'))
    return blocks.map((block) => {
      const [, event = '', data = ''] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? []
      return [event, JSON.parse(data)]
    })
  }

  it('tell states, progress, and the result', async () => {
    const { id } = await submit({ programId: endlessId, limits: { timeoutMs: 900 } })
    const events = await eventsOf(id)
    const names = events.map(([name]) => name)
    expect(names[0]).toBe('state')
    expect(names).toContain('progress')
    expect(names.at(-1)).toBe('result')
    expect(events.at(-1)?.[1]).toMatchObject({ state: 'failed', error: { code: 'TIMEOUT' } })
    const cycles = events.map(([, { cycles }]) => cycles)
    expect(Math.max(...cycles)).toBeGreaterThan(0)
  })

  it('of a job that has ended are its result', async () => {
    const { id } = await submit({ programId, stdin: TEN })
    await ended(service, id)
    const events = await eventsOf(id)
    expect(events.map(([name]) => name)).toEqual(['state', 'result'])
    expect(events[1]?.[1].proof.publicValues).toBe('0x0a0000002200000037000000')
  })

  it('of an unknown job are a problem', async () => {
    expectProblem(await send(service, 'GET', `/v1/proofs/${UNKNOWN_ID}/events`), 404, 'JOB_UNKNOWN')
  })
})

describe('POST /v1/proofs/ID/sign', () => {
  it('signs a result again with the signer that lives now', async () => {
    const { id } = await submit({ programId, stdin: TEN })
    const { proof } = await ended(service, id)
    const { previous, current } = (await postJson(service, '/v1/signer/rotate', {})).json
    expect(proof.signer).toBe(previous)
    const { status, json } = await send(service, 'POST', `/v1/proofs/${id}/sign`)
    expect([status, json.signer]).toEqual([200, current])
    expect({ ...json, signer: '', signature: '' }).toEqual({ ...proof, signer: '', signature: '' })
    expect((await verifyProof(json, { signer: current })).valid).toBe(true)
  })

  it('refuses a job without a result', async () => {
    const { id } = await submit({ programId: endlessId, limits: { cycles: 1000 } })
    await ended(service, id)
    expectProblem(await send(service, 'POST', `/v1/proofs/${id}/sign`), 409, 'JOB_STATE')
    const unknown = await send(service, 'POST', `/v1/proofs/${UNKNOWN_ID}/sign`)
    expectProblem(unknown, 404, 'JOB_UNKNOWN')
  })
})

describe('multipart', () => {
  const BOUNDARY = 'edge'
  const TYPE = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }

  function partsOf(parts: readonly [string, string, Uint8Array][]): Uint8Array {
    const chunks = parts.flatMap(([name, extra, bytes]) => [
      Buffer.from(
        `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${extra}\r\n\r\n`,
      ),
      bytes,
      Buffer.from('\r\n'),
    ])
    return Buffer.concat([...chunks, Buffer.from(`--${BOUNDARY}--\r\n`)])
  }
  const request = (value: object): [string, string, Uint8Array] => [
    'request',
    '',
    Buffer.from(JSON.stringify(value)),
  ]
  const FILE = '; filename="stdin.bin"\r\nContent-Type: application/octet-stream'
  const stdin: [string, string, Uint8Array] = [
    'stdin',
    FILE,
    encodeStdin([Uint8Array.of(10, 0, 0, 0)]),
  ]
  const SEALING = { publicKey: ZEROS, encapsulatedKey: ZEROS }
  const ask = (method: string, path: string, headers = {}) =>
    httpRequest(new URL(path, url), { method, headers, agent })
  const post = (body: Uint8Array) => send(service, 'POST', '/v1/proofs', body, TYPE)

  it('takes the stdin as a part of its own', async () => {
    const { status, json } = await post(partsOf([request({ programId }), stdin]))
    expect([status, json.code]).toEqual([202, undefined])
    expect((await ended(service, json.id)).proof.publicValues).toBe('0x0a0000002200000037000000')
  })

  it.each<[string, [string, string, Uint8Array][]]>([
    ['nothing', []],
    ['a request alone', [['request', '', Buffer.from(`{"programId":"0x${'00'.repeat(32)}"}`)]]],
    ['the stdin first', [stdin, request({})]],
    ['an unknown field', [request({ programId: `0x${'00'.repeat(32)}`, x: 1 }), stdin]],
    ['no JSON', [['request', '', Buffer.from('{')], stdin]],
  ])('refuses %s', async (_what, parts) => {
    expectProblem(await post(partsOf(parts)), 400, 'REQUEST_MALFORMED')
  })

  it('refuses a stdin above the limit, and a body that breaks off', async () => {
    const large: [string, string, Uint8Array] = ['stdin', FILE, new Uint8Array(2 ** 20 + 1)]
    expectProblem(await post(partsOf([request({ programId }), large])), 413, 'BODY_TOO_LARGE')
    const whole = partsOf([request({ programId }), stdin])
    const broken = await post(whole.subarray(0, whole.length - 20))
    expectProblem(broken, 400, 'REQUEST_MALFORMED')
  })

  it.each<[string, object, number, string]>([
    ['program', { programId: ZEROS }, 404, 'PROGRAM_UNKNOWN'],
    ['scheme', { scheme: 'eip712' }, 400, 'SCHEME_REFUSED'],
    ['choice', { teeVersion: 1 }, 400, 'FLAG_INVALID'],
    ['member', { x: 1 }, 400, 'REQUEST_MALFORMED'],
    ['key', { programId: undefined, private: SEALING }, 404, 'PRIVATE_INPUTS_OFF'],
  ])('refuses a wrong %s before it has the stdin', async (_what, wrong, status, code) => {
    const name = Object.hasOwn(wrong, 'private') ? 'sealed' : 'stdin'
    const large: [string, string, Uint8Array] = [name, FILE, new Uint8Array(2 ** 20)]
    const whole = partsOf([request({ programId, ...wrong }), large])
    const asking = ask('POST', '/v1/proofs', TYPE)
    asking.write(whole.subarray(0, 100_000))
    const [response] = (await once(asking, 'response')) as [IncomingMessage]
    const problem = JSON.parse((await response.toArray()).join(''))
    expect([response.statusCode, problem.code]).toEqual([status, code])
    // The connection is good for what comes next.
    asking.end(whole.subarray(100_000))
    await once(asking, 'close')
    const next = ask('GET', '/v1/proofs').end()
    const [answer] = (await once(next, 'response')) as [IncomingMessage]
    await answer.toArray()
    expect([answer.statusCode, next.reusedSocket]).toEqual([200, true])
  })

  it('refuses an upload that the store has no room for, and reads on', async () => {
    const maxBytes = fibonacci.length + 2 ** 18
    const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-proofs-'))
    const options = { folder, maxBytes, inUse: async () => new Set<string>(), nowMs: Date.now }
    const small = await startService({ blobs: await openFolderBlobStore(options) })
    await send(small, 'PUT', '/v1/programs', fibonacci, BINARY_TYPE)
    const large: [string, string, Uint8Array] = ['stdin', FILE, new Uint8Array(2 ** 18 + 1)]
    const body = partsOf([request({ programId }), large])
    expectProblem(await send(small, 'POST', '/v1/proofs', body, TYPE), 503, 'STORE_FULL')
    expect(readdirSync(folder)).toEqual([programId.slice(2)])
    await small.app.drain(AbortSignal.abort())
    rmSync(folder, { recursive: true })
  })

  it('fails a job whose stdin is none', async () => {
    const { json } = await post(partsOf([request({ programId }), ['stdin', FILE, fibonacci]]))
    expect((await ended(service, json.id)).error).toMatchObject({ code: 'STDIN_MALFORMED' })
  })
})
