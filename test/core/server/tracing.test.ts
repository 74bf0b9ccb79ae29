/** What an OpenTelemetry SDK is given of jobs and rotations, and what it is not. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '../../../src/core/client/client.js'
import { UnavailableError } from '../../../src/core/errors.js'
import type { JobRecord } from '../../../src/core/jobs/job-store.js'
import { encodeRequest } from '../../../src/core/server/job-codec.js'
import { parseTraceparent, Tracing } from '../../../src/core/server/tracing.js'
import { elfOf, encode } from '../../support/assembler.js'
import { guestElf } from '../../support/cli.js'
import { BINARY_TYPE, ended, postJson, send } from '../../support/http.js'
import {
  NOW_SECONDS,
  newLiveSigner,
  registered,
  startService,
  type TestService,
} from '../../support/service.js'

const fibonacci = new Uint8Array(readFileSync(guestElf('fibonacci')))
const endless = elfOf({ text: [encode('jal', { imm: 0 })] })
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN_ID = 'b7ad6b7169203331'
const TRACEPARENT = `00-${TRACE_ID}-${SPAN_ID}-01`
const STEPS = ['queue wait', 'execution', 'verifying key', 'signing']

const exporter = new InMemorySpanExporter()
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
beforeAll(() => trace.setGlobalTracerProvider(provider))
afterAll(() => trace.disable())
afterEach(() => exporter.reset())

const idOf = (span: ReadableSpan) => span.spanContext().spanId
const named = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name)
const durationMs = ({ duration: [seconds, nanos] }: ReadableSpan) => 1000 * seconds + nanos / 1e6

describe('a job', () => {
  let service: TestService
  let programId: string
  let endlessId: string
  beforeAll(async () => {
    service = await startService({ dateMs: Date.now })
    programId = (await send(service, 'PUT', '/v1/programs', fibonacci, BINARY_TYPE)).json.programId
    endlessId = (await send(service, 'PUT', '/v1/programs', endless, BINARY_TYPE)).json.programId
  })
  afterAll(() => service.app.drain(AbortSignal.abort()))

  async function submit(body: object, headers: Record<string, string> = {}): Promise<string> {
    return (await postJson(service, '/v1/proofs', body, headers)).json.id
  }

  it('is a span in the trace of whoever asked, and its steps are within it', async () => {
    const stdin = { buffer: ['0x0a000000'] }
    const id = await submit({ programId, stdin }, { traceparent: TRACEPARENT })
    const { proof } = await ended(service, id)
    const [job] = named('proof job')
    expect(job?.spanContext().traceId).toBe(TRACE_ID)
    expect(job?.parentSpanContext).toMatchObject({ spanId: SPAN_ID, isRemote: true })
    expect(job?.kind).toBe(SpanKind.CONSUMER)
    expect(job?.attributes).toEqual({
      'sp1_tee.job.id': id,
      'sp1_tee.sp1': '3.4.0',
      'sp1_tee.state': 'succeeded',
      'sp1_tee.cycles': proof.cycles,
    })
    for (const name of STEPS) {
      const [step] = named(name)
      expect(step?.parentSpanContext?.spanId, name).toBe(idOf(job!))
      expect(step?.attributes).toEqual({})
      expect(durationMs(step!)).toBeLessThanOrEqual(durationMs(job!) + 1)
    }
    expect(durationMs(named('execution')[0]!)).toBeGreaterThan(0)
    expect(exporter.getFinishedSpans()).toHaveLength(1 + STEPS.length)
  })

  it('tells nothing of what it is about', async () => {
    const id = await submit({ programId, stdin: { buffer: ['0x0a000000'] } })
    const { proof } = await ended(service, id)
    const told = JSON.stringify(
      exporter
        .getFinishedSpans()
        .map(({ name, attributes, events, status, links }) => [
          ...[name, attributes, events, status, links],
        ]),
    )
    const { publicValues, signature, signer, vkey, vkeyHash, elfHash } = proof
    for (const secret of [publicValues, signature, signer, vkey, vkeyHash, elfHash]) {
      expect(told).not.toContain(String(secret).slice(2, 18))
    }
    expect(told).not.toMatch(/0a000000|127\.0\.0\.1/)
  })

  it('has the code of its failure, as has the step that failed', async () => {
    const limits = { cycles: 1000 }
    await ended(service, await submit({ programId: endlessId, limits }))
    const [job] = named('proof job')
    expect(job?.attributes).toMatchObject({
      'sp1_tee.state': 'failed',
      'sp1_tee.cycles': expect.any(Number),
      'error.type': 'CYCLE_LIMIT',
    })
    expect(job?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'CYCLE_LIMIT' })
    expect(named('execution')[0]?.attributes).toEqual({ 'error.type': 'CYCLE_LIMIT' })
    expect(named('signing')).toEqual([])
  })

  it('is over when it is cancelled', async () => {
    const id = await submit({ programId: endlessId })
    const job = async () => (await send(service, 'GET', `/v1/proofs/${id}`)).json
    while ((await job()).state === 'queued') await setTimeout(10)
    await send(service, 'DELETE', `/v1/proofs/${id}`)
    while (named('proof job').length === 0) await setTimeout(10)
    expect(named('proof job')[0]?.attributes).toMatchObject({ 'sp1_tee.state': 'lost' })
  })

  it.each([
    'nonsense',
    '',
    `01-${TRACE_ID}-${SPAN_ID}-01`,
    `ff-${TRACE_ID}-${SPAN_ID}-01`,
    `00-${'0'.repeat(32)}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${'0'.repeat(16)}-01`,
    `00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`,
    `00-${TRACE_ID}-${SPAN_ID}-1`,
    `00-${TRACE_ID}-${SPAN_ID}`,
    `${TRACEPARENT}-more`,
    ` ${TRACEPARENT}`,
    `${TRACEPARENT}\n`,
    `${TRACEPARENT},${TRACEPARENT}`,
    'x'.repeat(10_000),
  ])('begins a trace of its own where the header is none: %j', (text) => {
    expect(parseTraceparent(text)).toBeUndefined()
  })

  it('takes of the flags whether it is sampled, and nothing else', () => {
    const flagsOf = (flags: string) =>
      trace.getSpanContext(parseTraceparent(`00-${TRACE_ID}-${SPAN_ID}-${flags}`)!)?.traceFlags
    expect(['00', '01', 'fe', 'ff'].map(flagsOf)).toEqual([0, 1, 0, 1])
  })
})

describe('traces', () => {
  const request = encodeRequest({
    programId: `0x${'00'.repeat(32)}`,
    stdin: { inline: '0x' },
    sp1: '5.2.4',
    scheme: 'automata',
    limits: { cycles: 1, memoryMib: 1, timeoutMs: 1 },
  })
  const job = (id: string, text = request) => ({ id, request: text }) as JobRecord
  const newTracing = () => new Tracing({ version: '1', dateMs: () => 1000 * NOW_SECONDS })

  it('keep no more parents than fit: of jobs that never begin', () => {
    const tracing = newTracing()
    for (let i = 0; i < 5000; i++) {
      tracing.onJob({ kind: 'asked', id: `${i}`, traceparent: TRACEPARENT })
    }
    for (const id of ['0', '4999']) {
      tracing.onJob({ kind: 'began', job: job(id), waitedMs: 2000 })
      tracing.onJob({ kind: 'left', job: job(id), isLost: false })
    }
    const [first, last] = named('proof job')
    expect(first?.parentSpanContext).toBeUndefined()
    expect(last?.parentSpanContext?.spanId).toBe(SPAN_ID)
    expect(first?.attributes['sp1_tee.state']).toBe('given back')
    expect([first?.startTime, first?.endTime]).toEqual([
      [NOW_SECONDS - 2, 0],
      [NOW_SECONDS, 0],
    ])
  })

  it('do not fail for a request that the store has damaged', () => {
    const tracing = newTracing()
    tracing.onJob({ kind: 'began', job: job('1', '{"sp1":'), waitedMs: 0 })
    const error = new UnavailableError('STORE_DAMAGED', {})
    const end = { ranMs: 1, cycles: 0, error } as const
    tracing.onJob({ kind: 'ended', job: job('1', '{"sp1":'), state: 'failed', ...end })
    expect(named('proof job')[0]?.attributes).toEqual({
      'sp1_tee.job.id': '1',
      'sp1_tee.state': 'failed',
      'sp1_tee.cycles': 0,
      'error.type': 'STORE_DAMAGED',
    })
  })
})

describe('a rotation', () => {
  it('has its steps, and the one that failed', async () => {
    const tracing = new Tracing({ version: '1', dateMs: Date.now })
    const failures: Error[] = []
    const signer = newLiveSigner({
      register: async (address, _signal, onStep) => {
        for (const step of ['quote', 'transaction', 'check'] as const) {
          onStep(step)
          const failure = step === 'transaction' ? failures.pop() : undefined
          if (failure !== undefined) throw failure
        }
        return registered(address)
      },
      onAttempt: (attempt) => tracing.onAttempt(attempt),
    })
    const { address } = await signer.start()
    const [rotation] = named('signer rotation')
    expect(rotation?.attributes).toEqual({ 'sp1_tee.signer': address })
    for (const name of ['quote', 'transaction', 'check']) {
      expect(named(name)[0]?.parentSpanContext?.spanId).toBe(idOf(rotation!))
    }
    exporter.reset()
    failures.push(
      new UnavailableError('RPC_UNREACHABLE', { url: 'http://rpc', reason: 'it is away' }),
    )
    await expect(signer.rotate()).rejects.toMatchObject({ code: 'RPC_UNREACHABLE' })
    signer.stop()
    expect(exporter.getFinishedSpans().map(({ name, status }) => [name, status])).toEqual([
      ['quote', { code: SpanStatusCode.UNSET }],
      ['transaction', { code: SpanStatusCode.ERROR, message: 'RPC_UNREACHABLE' }],
      ['signer rotation', { code: SpanStatusCode.ERROR, message: 'RPC_UNREACHABLE' }],
    ])
  })
})

describe('a server whose operator loads an SDK', () => {
  it('gives it its spans', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-tracing-'))
    const file = (name: string) => new URL(`../../support/${name}`, import.meta.url).pathname
    const args = ['--import', file('load-tracing.mjs'), file('kill-server.mjs'), folder, '7']
    const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = createInterface(server.stdout)
    const [url] = (await once(lines, 'line')) as [string]
    const names = new Set<string>()
    lines.on('line', (line) => {
      const [, name] = /^ {2}name: '(.+)',$/.exec(line) ?? []
      if (name !== undefined) names.add(name)
    })
    const stdin = { buffers: [Uint8Array.of(10, 0, 0, 0)], deferredProofs: 0n }
    await createClient(url).prove(fibonacci, stdin)
    server.kill('SIGTERM')
    await once(server, 'exit')
    expect(names).toEqual(new Set(['proof job', ...STEPS]))
    rmSync(folder, { recursive: true })
  })
})
