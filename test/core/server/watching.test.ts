/** What those see who watch the service: metrics, logs, its status, its interface, its attestation. */
import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fromHex, type Hex, toHex } from '../../../src/core/bytes.js'
import { openCollateral, parseCollateral } from '../../../src/core/dcap/collateral.js'
import { parseTrustedRoot } from '../../../src/core/dcap/trusted-root.js'
import { detectStdin } from '../../../src/core/executor/stdin.js'
import { openSqliteJobStore } from '../../../src/core/jobs/sqlite-job-store.js'
import { judgeAttestation } from '../../../src/core/policy/judge-attestation.js'
import { parsePolicy } from '../../../src/core/policy/policy.js'
import { ROUTES } from '../../../src/core/server/routes.js'
import { parseAttestation } from '../../../src/core/signer/attestation.js'
import type { QuoteProvider } from '../../../src/core/tdx/provider.js'
import { parseTdQuote } from '../../../src/core/tdx/quote.js'
import { newAttestedSigner, openTestProvider } from '../../support/attested.js'
import { guestElf, guestInput } from '../../support/cli.js'
import { ended, expectProblem, postJson, send } from '../../support/http.js'
import { NOW_SECONDS, startService, type TestService } from '../../support/service.js'

const SECRET = 'c0ffee'
const elfOf = (name: string) => [...readFileSync(guestElf(name))]

let service: TestService
let provider: QuoteProvider
let firstSigner: Hex
const lines: string[] = []
beforeAll(async () => {
  provider = await openTestProvider()
  const signer = newAttestedSigner(provider, {
    onEvent: (event) => service.app.onSigner(event),
  })
  firstSigner = (await signer.start()).address
  const log = { level: 'info', stream: { write: (line: string) => lines.push(line) } }
  service = await startService({
    ...{ signer, log, simulated: true },
    collateral: {
      root: parseTrustedRoot(readFileSync(provider.rootCertificatePath!)),
      fetch: async () => openCollateral(provider.collateral!()),
    },
    askBalance: async () => 10n ** 18n,
  })
  const stdin = { buffer: [`0x${SECRET}00`, '0x0a000000'].slice(1) }
  const good = await postJson(
    service,
    '/request_proof',
    { elf: elfOf('fibonacci'), stdin, proof_mode: 'TEE' },
    { 'x-request-id': 'mine-1' },
  )
  await ended(service, good.text)
  const { buffers } = detectStdin(readFileSync(guestInput('panics')))
  const bad = await postJson(service, '/request_proof', {
    elf: elfOf('panics'),
    stdin: { buffer: buffers.map(toHex) },
    proof_mode: 'TEE',
  })
  await ended(service, bad.text)
  await postJson(service, '/v1/signer/rotate', {})
})
afterAll(() => service.app.drain(AbortSignal.abort()))

describe('GET /metrics', () => {
  it('counts what happened', async () => {
    const { text, type } = await send(service, 'GET', '/metrics')
    expect(type).toBe('text/plain')
    const { address, expiresAt, attestation } = service.signer.registration
    for (const line of [
      'sp1_tee_build_info{version="1.2.3",simulated="true"} 1',
      'sp1_tee_ready 1',
      'sp1_tee_requests_total{route="/request_proof",code="200"} 2',
      'sp1_tee_jobs{state="succeeded"} 1',
      'sp1_tee_jobs{state="failed"} 1',
      'sp1_tee_jobs{state="queued"} 0',
      'sp1_tee_job_duration_seconds_count{outcome="succeeded"} 1',
      'sp1_tee_queue_wait_seconds_count 2',
      'sp1_tee_guest_failures_total{cause="GUEST_EXIT"} 1',
      `sp1_tee_signer_info{address="${address}",workload_id="${attestation?.workloadId}"} 1`,
      'sp1_tee_tcb_status{status="UpToDate"} 1',
      'sp1_tee_wallet_balance_wei 1000000000000000000',
      `sp1_tee_signer_expiry_timestamp_seconds ${expiresAt}`,
      'sp1_tee_attestation_age_seconds 0',
      'sp1_tee_registration_tx_total{outcome="confirmed"} 1',
    ]) {
      expect(text.split('\n')).toContain(line)
    }
    expect(text).toMatch(/sp1_tee_execution_cycles_total [1-9]/)
    for (const kind of ['tcb_info', 'qe_identity', 'pck_crl', 'root_crl']) {
      const line = `sp1_tee_collateral_next_update_timestamp_seconds{kind="${kind}"} `
      const [, seconds] = text.split(line)
      expect(Number.parseInt(seconds!, 10)).toBeGreaterThan(NOW_SECONDS)
    }
  })

  it('has a label for a route as the table has it, whatever is asked for', async () => {
    await send(service, 'GET', '/v1/proofs/00000000-0000-4000-8000-000000000001')
    await send(service, 'GET', '/etc/passwd')
    const { text } = await send(service, 'GET', '/metrics')
    expect(text).toContain('route="/v1/proofs/:id",code="404"')
    expect(text).toContain('route="unknown",code="404"')
    expect(text).not.toContain('passwd')
  })
})

describe('the log', () => {
  it('is JSON with request ids, and without inputs, programs and outputs', () => {
    const entries = lines.map((line) => JSON.parse(line))
    expect(entries).toContainEqual(
      expect.objectContaining({
        reqId: 'mine-1',
        method: 'POST',
        route: '/request_proof',
        status: 200,
      }),
    )
    expect(entries).toContainEqual(
      expect.objectContaining({ state: 'failed', code: 'GUEST_EXIT', msg: 'job' }),
    )
    expect(entries).toContainEqual(expect.objectContaining({ msg: 'signer rotated' }))
    const text = lines.join('')
    for (const part of ['0a000000', '7f454c46', 'panicked', 'publicValues', 'signature']) {
      expect(text).not.toContain(part)
    }
  })
})

it('every answer has a request id; a strange one is replaced', async () => {
  const id = async (headers: Record<string, string>) =>
    (await send(service, 'GET', '/healthz', undefined, headers)).headers['x-request-id']
  expect(await id({ 'x-request-id': 'abc.1' })).toBe('abc.1')
  expect(await id({ 'x-request-id': 'a b"c' })).toMatch(/^[0-9a-f-]{36}$/)
  expect(await id({})).toMatch(/^[0-9a-f-]{36}$/)
})

describe('GET /status.json and /', () => {
  it('tell how it is, without ids', async () => {
    const { json, text } = await send(service, 'GET', '/status.json')
    expect(json).toMatchObject({
      version: '1.2.3',
      simulated: true,
      ready: true,
      signer: { address: service.signer.signer.address, chainId: 31337 },
      attestation: { provider: 'simulated', measurements: { mrtd: expect.stringMatching(/^0x/) } },
      collateral: { status: 'UpToDate', advisoryIds: [], expiresAt: expect.any(Number) },
      jobs: { succeeded: 1, failed: 1, queued: 0, running: 0 },
      limits: { concurrency: 2, queue: 256 },
    })
    expect(json.minutes).toHaveLength(30)
    expect(json.recent.map(({ state }: { state: string }) => state)).toEqual([
      'failed',
      'succeeded',
    ])
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-/)
  })

  it('the page needs nothing from elsewhere', async () => {
    const { text, type, headers } = await send(service, 'GET', '/')
    expect(type).toBe('text/html')
    expect(headers['content-security-policy']).toContain("default-src 'none'")
    expect(text).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/)
  })
})

describe('GET /v1/attestation', () => {
  it('is what a client needs to judge the live signer, and those before it', async () => {
    const { address: live } = service.signer.registration
    for (const address of [firstSigner, live]) {
      const { json, text } = await send(service, 'GET', `/v1/attestation?signer=${address}`)
      expect(json).toMatchObject({ address, provider: 'simulated', simulated: true })
      expect(json.expiresAt).toBe(NOW_SECONDS + 3600)
      const { quote, collateral, ...binding } = parseAttestation(new TextEncoder().encode(text))
      const verdict = judgeAttestation({
        ...binding,
        quote: parseTdQuote(fromHex(quote)),
        collateral: parseCollateral(new TextEncoder().encode(JSON.stringify(collateral))),
        root: parseTrustedRoot(readFileSync(provider.rootCertificatePath!)),
        policy: parsePolicy({ version: 1, workloads: [{ workloadId: json.workloadId }] }),
        now: new Date(1000 * NOW_SECONDS),
        signer: address,
      })
      expect(verdict.checks.filter(({ ok }) => !ok)).toEqual([])
    }
    const { json } = await send(service, 'GET', '/v1/attestation')
    expect(json.address).toBe(live)
  })

  it('knows the signer in any case of its digits, and none that it never had', async () => {
    const url = (signer: string) => `/v1/attestation?signer=${signer}`
    const upper = `0x${firstSigner.slice(2).toUpperCase()}`
    expect((await send(service, 'GET', url(upper))).json.address).toBe(firstSigner)
    const other = `0x${'5b'.repeat(20)}`
    expectProblem(await send(service, 'GET', url(other)), 404, 'ATTESTATION_UNKNOWN')
    expectProblem(await send(service, 'GET', url('0x12')), 400, 'REQUEST_MALFORMED')
  })

  it('knows signers of other servers on the same store, and of those before it', async () => {
    const store = openSqliteJobStore({ path: ':memory:', nowMs: () => performance.now() })
    const known = service.signer.registrationOf(firstSigner)
    const { attestation, expiresAt } = known ?? {}
    await store.keepAttestation(firstSigner, JSON.stringify({ expiresAt, ...attestation }))
    const lie = { ...attestation, simulated: false, measurements: {}, workloadId: '0x00' }
    const other = `0x${'5c'.repeat(20)}`
    await store.keepAttestation(other, JSON.stringify({ expiresAt, ...lie }))
    await store.keepAttestation(`0x${'5d'.repeat(20)}`, '{"quote":"0x00"}')
    const another = await startService({ store })
    const ask = (signer: string) => send(another, 'GET', `/v1/attestation?signer=${signer}`)
    const { json } = await ask(firstSigner)
    expect(json).toEqual({ address: firstSigner, expiresAt, ...attestation })
    // The quote tells, not the database.
    expect((await ask(other)).json).toEqual({ ...json, address: other })
    expectProblem(await ask(`0x${'5d'.repeat(20)}`), 503, 'STORE_DAMAGED')
    await another.app.drain(AbortSignal.abort())
  })

  it('says so of a signer that was registered without a quote', async () => {
    const other = await startService()
    expectProblem(await send(other, 'GET', '/v1/attestation'), 404, 'ATTESTATION_UNKNOWN')
    await other.app.drain(AbortSignal.abort())
  })
})

it('GET /openapi.json describes every route by the schemas that validate', async () => {
  const { json } = await send(service, 'GET', '/openapi.json')
  expect(json.openapi).toBe('3.1.0')
  for (const { method, url, schema } of ROUTES) {
    const operation = json.paths[url.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]
    expect(operation?.summary, url).toBeTruthy()
    const described = operation.requestBody?.content?.['application/json']?.schema
    if (schema?.body !== undefined)
      expect(described).toEqual(JSON.parse(JSON.stringify(schema.body)))
  }
  const { content } = json.paths['/v1/proofs'].post.requestBody
  const { oneOf: forms } = content['multipart/form-data'].schema
  const ajv = new Ajv({ strict: false, formats: { binary: true } })
  const isForm = (value: unknown) =>
    forms.filter((form: object) => ajv.validate(form, value)).length
  const programId = `0x${'00'.repeat(32)}`
  const sealing = { publicKey: programId, encapsulatedKey: programId }
  expect(isForm({ request: { programId }, stdin: '' })).toBe(1)
  expect(isForm({ request: { private: sealing }, sealed: '' })).toBe(1)
  expect(isForm({ request: { programId, stdin: { buffer: [] } }, stdin: '' })).toBe(0)
  expect(isForm({ request: { programId }, sealed: '' })).toBe(0)
  expect(
    ajv.validate(content['application/json'].schema, { programId, stdin: { buffer: [] } }),
  ).toBe(true)
  const { parameters, responses } = json.paths['/v1/proofs'].get
  expect(parameters.map(({ name }: { name: string }) => name)).toEqual(['state', 'limit', 'after'])
  expect(Object.keys(responses)).toEqual(['200', '400', '401', '429', '500', '503'])
})
