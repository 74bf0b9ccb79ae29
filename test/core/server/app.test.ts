/** Every route by its own rules: what it answers, and each refusal, over injected requests. */
import { readdirSync, readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import { detectStdin, encodeStdin } from '../../../src/core/executor/stdin.js'
import { openSqliteJobStore } from '../../../src/core/jobs/sqlite-job-store.js'
import { sealInputs } from '../../../src/core/private-inputs/sealed-inputs.js'
import { verifyProof } from '../../../src/core/prover/verify.js'
import { ROUTES } from '../../../src/core/server/routes.js'
import { elfOf, encode, li } from '../../support/assembler.js'
import { newAttestedSigner, openTestProvider } from '../../support/attested.js'
import { guestElf, guestInput } from '../../support/cli.js'
import * as http from '../../support/http.js'
import { BINARY_TYPE, expectProblem, JSON_TYPE } from '../../support/http.js'
import { newLiveSigner, startService, type TestService } from '../../support/service.js'

const fibonacci = new Uint8Array(readFileSync(guestElf('fibonacci')))
const panics = new Uint8Array(readFileSync(guestElf('panics')))
const endless = elfOf({ text: [encode('jal', { imm: 0 })] })
/** n = 10 */
const STDIN = { buffer: [[10, 0, 0, 0]], ptr: 0, proofs: [] }
const TEE = 'TEE'
const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000'

let service: TestService
beforeAll(async () => {
  service = await startService({ bodyLimitBytes: 2 ** 20, limits: { timeoutMs: 500 } })
})
afterAll(() => service.app.drain(AbortSignal.abort()))

const send = (
  method: 'GET' | 'POST' | 'PUT',
  url: string,
  payload?: string | Uint8Array,
  headers: Record<string, string> = {},
  to = service,
) => http.send(to, method, url, payload, headers)

const postJson = (url: string, body: unknown, to = service) => http.postJson(to, url, body)

const requestProof = (elf: Uint8Array, more = {}, to = service) =>
  postJson('/request_proof', { elf: [...elf], stdin: STDIN, proof_mode: TEE, ...more }, to)

const upload = (elf: Uint8Array, query = '') =>
  send('PUT', `/v1/programs${query}`, elf, BINARY_TYPE)

const ended = (id: string) => http.ended(service, id)

describe('POST /request_proof and /wait_proof', () => {
  it('answer as the proof of concept does', async () => {
    const request = await requestProof(fibonacci)
    expect([request.status, request.type]).toEqual([200, 'text/plain'])
    expect(request.text).toMatch(/^[0-9a-f-]{36}$/)
    for (const [body, headers] of [
      [request.text],
      [` ${request.text}\n`],
      [`"${request.text}"`],
      [`"${request.text}"`, JSON_TYPE],
    ] as const) {
      const { status, json } = await send('POST', '/wait_proof', body, headers)
      expect(status).toBe(200)
      expect(Object.keys(json)).toEqual(['signature', 'vk', 'public_values'])
      expect(json.signature).toHaveLength(65)
      expect(toHex(Uint8Array.from(json.vk))).toBe(
        '0x71e551711833ec06696d4341170b521b0afbe2b61cfd73824ecc0fbe290e8cd6',
      )
      expect(toHex(Uint8Array.from(json.public_values))).toBe('0x0a0000002200000037000000')
    }
    const { proof } = await ended(request.text)
    const verdict = await verifyProof(proof, { signer: service.signer.signer.address })
    expect(verdict.valid).toBe(true)
  })

  it('tell a guest that failed (422), with its code and output', async () => {
    const { buffers } = detectStdin(readFileSync(guestInput('panics')))
    const stdin = { buffer: buffers.map(toHex) }
    const { text: id } = await requestProof(panics, { stdin })
    const answer = await send('POST', '/wait_proof', id)
    expectProblem(answer, 422, 'GUEST_EXIT')
    expect(answer.json.details.stderr).toContain('panicked')
  })

  it('tell a guest that never ends (422), and live on', async () => {
    const { text: id } = await requestProof(endless)
    expectProblem(await send('POST', '/wait_proof', id), 422, 'TIMEOUT')
    expect((await send('GET', '/healthz')).status).toBe(200)
  })

  it.each<[string, number, string, unknown]>([
    ['another proof mode', 400, 'PROOF_MODE', { elf: [], stdin: STDIN, proof_mode: 'Groth16' }],
    ['no proof mode', 400, 'REQUEST_MALFORMED', { elf: [], stdin: STDIN }],
    ['no stdin', 400, 'REQUEST_MALFORMED', { elf: [], proof_mode: TEE }],
    [
      'an unknown field',
      400,
      'REQUEST_MALFORMED',
      { elf: [], stdin: STDIN, proof_mode: TEE, x: 1 },
    ],
    [
      'bytes that are none',
      400,
      'REQUEST_MALFORMED',
      { elf: [256], stdin: STDIN, proof_mode: TEE },
    ],
    ['no ELF', 400, 'ELF_NOT_ELF', { elf: [1, 2, 3], stdin: STDIN, proof_mode: TEE }],
    [
      'a stdin that is none',
      400,
      'STDIN_MALFORMED',
      { elf: [], stdin: { buffer: [['a']] }, proof_mode: TEE },
    ],
    [
      'deferred proofs',
      400,
      'STDIN_DEFERRED_PROOFS',
      { elf: [...fibonacci], stdin: { buffer: [], proofs: [0] }, proof_mode: TEE },
    ],
  ])('refuse %s', async (_what, status, code, body) => {
    expectProblem(await postJson('/request_proof', body), status, code)
  })

  it('refuse what is no id (400) and one that is unknown (404)', async () => {
    for (const body of [
      '5',
      '"x"',
      '{}',
      `["${UNKNOWN_ID}"]`,
      `"${' '.repeat(100)}${UNKNOWN_ID}"`,
    ]) {
      const answer = await send('POST', '/wait_proof', body, JSON_TYPE)
      expectProblem(answer, 400, 'REQUEST_MALFORMED')
    }
    for (const body of ['', 'x', '1'.repeat(1000), `${UNKNOWN_ID}/..`]) {
      expectProblem(await send('POST', '/wait_proof', body), 400, 'REQUEST_MALFORMED')
    }
    expectProblem(await send('POST', '/wait_proof', UNKNOWN_ID), 404, 'JOB_UNKNOWN')
  })
})

describe('PUT /v1/programs', () => {
  it('names the program and its key', async () => {
    const { status, json } = await upload(fibonacci)
    expect(status).toBe(200)
    expect(json).toEqual({
      programId: '0xf986602b5356c100b78f0005a431d7a693de4c2db402241e7dcffb38fa831930',
      vkey: '0x00e3caa2e260cfb01b4b6a1a0970b521b15f7c56c73f5ce0a76607df290e8cd6',
      vkeyHash: '0x71e551711833ec06696d4341170b521b0afbe2b61cfd73824ecc0fbe290e8cd6',
      sp1: '3.4.0',
    })
  })

  it('refuses what is no program, an unknown release, and another media type', async () => {
    expectProblem(await upload(Uint8Array.of(1)), 400, 'ELF_NOT_ELF')
    expectProblem(await upload(fibonacci, '?sp1=9.9.9'), 400, 'RELEASE_UNKNOWN')
    expectProblem(await send('PUT', '/v1/programs', '{}', JSON_TYPE), 415, 'MEDIA_TYPE')
  })
})

describe('POST /v1/proofs', () => {
  it('answers 202 with the place of the job, which ends with a proof file', async () => {
    const { json: program } = await upload(fibonacci)
    const body = { programId: program.programId, stdin: { buffer: ['0x0a000000'] } }
    const accepted = await postJson('/v1/proofs', body)
    expect(accepted.status).toBe(202)
    expect(accepted.headers.location).toBe(`/v1/proofs/${accepted.json.id}`)
    const { state, proof, cycles } = await ended(accepted.json.id)
    expect([state, cycles]).toEqual(['succeeded', proof.cycles])
    expect((await verifyProof(proof, { signer: service.signer.signer.address })).valid).toBe(true)
  })

  it('says of a job that failed why', async () => {
    const { json } = await upload(elfOf({ text: [...li(5, 0), ...li(10, 3), encode('ecall')] }))
    const { json: job } = await postJson('/v1/proofs', { programId: json.programId })
    const { state, error, proof } = await ended(job.id)
    expect([state, error.code, error.status, proof]).toEqual([
      'failed',
      'GUEST_EXIT',
      422,
      undefined,
    ])
  })

  it('runs within the limits that the client asks for, and never beyond its own', async () => {
    const { json } = await upload(endless)
    const run = async (limits: object) => {
      const { json: job } = await postJson('/v1/proofs', { programId: json.programId, limits })
      return (await ended(job.id)).error
    }
    expect(await run({ cycles: 1000 })).toMatchObject({
      code: 'CYCLE_LIMIT',
      details: { limit: 1000 },
    })
    expect(await run({ timeoutMs: 86_400_000 })).toMatchObject({
      code: 'TIMEOUT',
      details: { timeoutSeconds: 0.5 },
    })
  })

  it('signs no scheme but its own', async () => {
    const { json } = await upload(fibonacci)
    const body = { programId: json.programId, scheme: 'succinct', teeVersion: 1 }
    expectProblem(await postJson('/v1/proofs', body), 400, 'SCHEME_REFUSED')
  })

  it.each<[string, number, string, object]>([
    ['a program it does not have', 404, 'PROGRAM_UNKNOWN', { programId: `0x${'00'.repeat(32)}` }],
    ['no program', 400, 'REQUEST_MALFORMED', {}],
    ['a program id of another form', 400, 'REQUEST_MALFORMED', { programId: '0xAB' }],
    [
      'an unknown limit',
      400,
      'REQUEST_MALFORMED',
      { programId: `0x${'00'.repeat(32)}`, limits: { gas: 1 } },
    ],
    [
      'a limit of 0',
      400,
      'REQUEST_MALFORMED',
      { programId: `0x${'00'.repeat(32)}`, limits: { cycles: 0 } },
    ],
    [
      'a limit as text',
      400,
      'REQUEST_MALFORMED',
      { programId: `0x${'00'.repeat(32)}`, limits: { cycles: '1' } },
    ],
  ])('refuses %s', async (_what, status, code, body) => {
    expectProblem(await postJson('/v1/proofs', body), status, code)
  })

  it('refuses, in problem+json, bodies that are no JSON, too large, or of another type', async () => {
    const url = '/v1/proofs'
    expectProblem(await send('POST', url, '{', JSON_TYPE), 400, 'REQUEST_MALFORMED')
    expectProblem(await send('POST', url, '', JSON_TYPE), 400, 'REQUEST_MALFORMED')
    expectProblem(
      await send('POST', url, '{}', { 'content-type': 'text/plain' }),
      415,
      'MEDIA_TYPE',
    )
    expectProblem(await send('POST', url, '{}'), 415, 'MEDIA_TYPE')
    const large = JSON.stringify({ programId: 'x'.repeat(2 ** 20) })
    expectProblem(await send('POST', url, large, JSON_TYPE), 413, 'BODY_TOO_LARGE')
    expectProblem(await postJson(url, JSON.parse('{"__proto__": 1}')), 400, 'REQUEST_MALFORMED')
  })
})

describe('GET /v1/proofs/ID', () => {
  it('refuses an id that is unknown, or is none', async () => {
    expectProblem(await send('GET', `/v1/proofs/${UNKNOWN_ID}`), 404, 'JOB_UNKNOWN')
    expectProblem(await send('GET', '/v1/proofs/..%2fetc'), 400, 'REQUEST_MALFORMED')
  })
})

describe('the signer', () => {
  it('is shown with where it is registered, and replaced for its operator', async () => {
    const before = (await send('GET', '/v1/signer')).json
    expect(before).toEqual({
      address: service.signer.signer.address,
      expiresAt: expect.any(Number),
      chainId: 31337,
      registry: `0x${'22'.repeat(20)}`,
      schemes: ['automata'],
    })
    const { status, json } = await postJson('/v1/signer/rotate', {})
    expect(status).toBe(200)
    expect(json.previous).toBe(before.address)
    expect((await send('GET', '/v1/signer')).json.address).toBe(json.current)
  })

  it('is not replaced for others: another machine, another name, a form of a web page', async () => {
    const url = '/v1/signer/rotate'
    const options = { method: 'POST', url, payload: '{}', headers: JSON_TYPE } as const
    const elsewhere = await service.app.inject({ ...options, remoteAddress: '10.0.0.1' })
    expect([elsewhere.statusCode, elsewhere.json().code]).toEqual([403, 'OPERATOR_ONLY'])
    const headers = { ...JSON_TYPE, host: 'rebound.example' }
    expectProblem(await send('POST', url, '{}', headers), 403, 'OPERATOR_ONLY')
    expectProblem(
      await send('POST', url, '{}', { 'content-type': 'text/plain' }),
      415,
      'MEDIA_TYPE',
    )
  })
})

describe('what waits in the store', () => {
  it('is not begun before there is a signer, which may never be', async () => {
    const store = openSqliteJobStore({ path: ':memory:', nowMs: () => performance.now() })
    const id = '00000000-0000-4000-8000-000000000000'
    const job = { id, tenant: '', request: '{}', blobs: [], createdAtMs: 1 }
    await store.submit(job, 9)
    const signer = newLiveSigner()
    const waiting = await startService({ store, signer })
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(await store.counts()).toMatchObject({ queued: 1 })
    await signer.start()
    // It is no request, so it fails: it was looked at.
    await expect.poll(() => store.counts()).toMatchObject({ failed: 1 })
    await waiting.app.drain(AbortSignal.abort())
  })
})

describe('health', () => {
  it('healthz and readyz are 200 while it serves', async () => {
    expect(await send('GET', '/healthz')).toMatchObject({ status: 200, json: { status: 'ok' } })
    expect(await send('GET', '/readyz')).toMatchObject({ status: 200, json: { status: 'ready' } })
  })

  it('readyz and new work are 503 without a signer that is registered for long enough', async () => {
    const signer = newLiveSigner({
      register: async (address) => ({
        address,
        txHash: '0x',
        blockNumber: 1,
        expiresAt: 1_800_000_010,
      }),
    })
    const other = await startService({ signer })
    expectProblem(await send('GET', '/readyz', undefined, {}, other), 503, 'SIGNER_NOT_READY')
    await signer.start()
    expectProblem(await send('GET', '/readyz', undefined, {}, other), 503, 'SIGNER_NOT_READY')
    expectProblem(await requestProof(fibonacci, {}, other), 503, 'SIGNER_NOT_READY')
    expect((await send('GET', '/healthz', undefined, {}, other)).status).toBe(200)
    await other.app.drain(AbortSignal.abort())
  })
})

describe('limits and the end', () => {
  it('refuses above its queue with 429 and Retry-After', async () => {
    const small = await startService({ concurrency: 1, maxQueued: 1 })
    const first = await requestProof(endless, {}, small)
    const second = await requestProof(endless, {}, small)
    expect([first.status, second.status]).toEqual([200, 200])
    const third = await requestProof(endless, {}, small)
    expectProblem(third, 429, 'QUEUE_FULL')
    expect(Number(third.headers['retry-after'])).toBeGreaterThanOrEqual(1)
    await small.app.drain(AbortSignal.abort())
  })

  it('ends what it accepted and answers who waits, before it stops', async () => {
    const stopping = await startService()
    const { text: id } = await requestProof(fibonacci, {}, stopping)
    const waiting = send('POST', '/wait_proof', id, {}, stopping)
    const drained = stopping.app.drain(new AbortController().signal)
    expectProblem(await requestProof(fibonacci, {}, stopping), 503, 'SERVER_DRAINING')
    expect((await waiting).status).toBe(200)
    await drained
  })

  it('at its deadline ends a job as interrupted', async () => {
    const stopping = await startService()
    const { text: id } = await requestProof(endless, {}, stopping)
    const waiting = send('POST', '/wait_proof', id, {}, stopping)
    await stopping.app.drain(AbortSignal.timeout(200))
    expectProblem(await waiting, 503, 'INTERRUPTED')
  })

  it('tells no client of a bug, and its operator everything', async () => {
    const broken = await startService()
    Object.defineProperty(broken.signer, 'rotate', {
      value: () => Promise.reject(new RangeError('secret detail')),
    })
    const answer = await postJson('/v1/signer/rotate', {}, broken)
    expectProblem(answer, 500, 'INTERNAL')
    expect(answer.text).not.toContain('secret')
    expect(broken.bugs.map(String)).toEqual(['RangeError: secret detail'])
    await broken.app.drain(AbortSignal.abort())
  })
})

describe('a bug within a job', () => {
  const logged: string[] = []
  const log = { level: 'error', stream: { write: (line: string) => logged.push(line) } }
  let broken: TestService
  beforeAll(async () => {
    broken = await startService({ log, schemes: ['automata', 'succinct'] })
    Object.defineProperty(broken.signer, 'ready', {
      value: () => Promise.reject(new TypeError('secret detail')),
    })
  })
  afterAll(() => broken.app.drain(AbortSignal.abort()))

  it('is told its client as a bug of the server, and its operator with everything', async () => {
    const { text: id } = await requestProof(fibonacci, {}, broken)
    for (const answer of [
      await send('POST', '/wait_proof', id, {}, broken),
      await send('POST', '/wait_proof', id, {}, broken),
    ]) {
      expectProblem(answer, 500, 'INTERNAL')
      expect(answer.text).not.toContain('secret')
    }
    // Of one bug there is one report, however many ask.
    expect(broken.bugs.map(String)).toEqual(['TypeError: secret detail'])
    expect(logged.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({
        msg: 'a bug of sp1-tee',
        job: id,
        err: expect.objectContaining({
          message: 'secret detail',
          stack: expect.stringContaining('app.test.ts'),
        }),
      }),
    ])
    const { text } = await send('GET', '/metrics', undefined, {}, broken)
    expect(text).toContain('sp1_tee_bugs_total 1')
  })

  it('is told nobody with what it says, if the inputs are private', async () => {
    const signer = newAttestedSigner(await openTestProvider())
    await signer.start()
    const hushed = await startService({ signer, log, privateInputs: true, simulated: true })
    Object.defineProperty(signer, 'ready', {
      value: () => Promise.reject(new TypeError('private detail')),
    })
    const { publicKey } = (await send('GET', '/v1/attestation', undefined, {}, hushed)).json
      .privateInputs
    const stdin = encodeStdin([Uint8Array.of(10, 0, 0, 0)])
    const inputs = { choices: new TextEncoder().encode('{}'), elf: fibonacci, stdin }
    const { encapsulatedKey, sealed } = await sealInputs(publicKey, inputs)
    const form = new FormData()
    form.append('request', JSON.stringify({ private: { publicKey, encapsulatedKey } }))
    form.append('sealed', new Blob([sealed as Uint8Array<ArrayBuffer>]), 'sealed')
    const encoded = new Response(form)
    const headers = { 'content-type': encoded.headers.get('content-type') ?? '' }
    const body = new Uint8Array(await encoded.arrayBuffer())
    const { json: job } = await send('POST', '/v1/proofs', body, headers, hushed)
    expectProblem(await send('POST', '/wait_proof', job.id, {}, hushed), 500, 'INTERNAL')
    expect(hushed.bugs.map(String)).toEqual([expect.stringMatching(/^InternalError: a job with/)])
    expect(logged.at(-1)).toContain('a bug of sp1-tee')
    expect(logged.join('')).not.toContain('private detail')
    await hushed.app.drain(AbortSignal.abort())
  })
})

it('tells a machine that does not say which addresses it has, and does not end of it', async () => {
  const systemError = Object.assign(new Error('no addresses'), { code: 'ERR_SYSTEM_ERROR' })
  vi.spyOn(os, 'networkInterfaces').mockImplementation(() => {
    throw systemError
  })
  syncBuiltinESMExports()
  const other = await startService()
  const failed = { code: 'LISTEN_FAILED', details: { reason: 'no addresses' } }
  for (const host of ['0.0.0.0', '::']) {
    await expect(other.app.listen({ host, port: 0 })).rejects.toMatchObject(failed)
  }
  expect(await other.app.listen({ host: '127.0.0.1', port: 0 })).toContain('127.0.0.1')
  vi.restoreAllMocks()
  syncBuiltinESMExports()
  await other.app.drain(AbortSignal.abort())
})

it('knows no other route', async () => {
  expectProblem(await send('GET', '/etc/passwd'), 404, 'ROUTE_UNKNOWN')
  const wrongMethod = await send('PUT', '/request_proof', '{}', JSON_TYPE)
  expectProblem(wrongMethod, 404, 'ROUTE_UNKNOWN')
})

it('every route has a test in this folder', () => {
  const folder = new URL('.', import.meta.url)
  const texts = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8'))
  const text = texts.join('')
  const missing = ROUTES.filter(
    ({ url }) => !new RegExp(url.replace(':id', '[^`\\s]*').replaceAll('/', '\\/')).test(text),
  )
  expect(missing.map(({ method, url }) => `${method} ${url}`)).toEqual([])
})
