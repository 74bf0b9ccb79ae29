/** A quote provider that fails inside a service: the old signer goes on, and its operator hears of it. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { UnavailableError } from '../../../src/core/errors.js'
import { withDeadline } from '../../../src/core/server/deadline.js'
import type { SignerEvent } from '../../../src/core/server/live-signer.js'
import { Metrics } from '../../../src/core/server/metrics.js'
import { createProvider, type QuoteProvider } from '../../../src/core/tdx/provider.js'
import { newAttestedSigner } from '../../support/attested.js'
import { NOW_SECONDS } from '../../support/service.js'
import { AUTHORITY, unmarked } from '../tdx/samples.js'

beforeEach(() => {
  // Not setImmediate, by which metrics measure the event loop.
  const toFake = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] as const
  vi.useFakeTimers({ now: 1000 * NOW_SECONDS, toFake: [...toFake] })
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

type Request = (reportData: Uint8Array) => Promise<Uint8Array>
const good: Request = async (reportData) => unmarked(AUTHORITY.quote(reportData))
const busy = new UnavailableError('TDX_BUSY', { step: 'outblob' })

/** What may be wrong with a provider, and what its failure is called. */
const FAULTS: readonly [string, string, Request][] = [
  ['that is busy', 'TDX_BUSY', () => Promise.reject(busy)],
  ['that never answers', 'QUOTE_TIMEOUT', () => new Promise(() => {})],
  ['that gives the quote of another request', 'QUOTE_FOREIGN', () => good(new Uint8Array(64))],
  ['that gives half a quote', 'QUOTE_UNUSABLE', async (data) => (await good(data)).slice(0, 700)],
  ['that gives nothing', 'QUOTE_UNUSABLE', async () => new Uint8Array(0)],
  ['that simulates', 'QUOTE_SIMULATION', async (data) => AUTHORITY.quote(data)],
]

/** A signer whose provider can be broken and mended. */
function newSigner(rotateEveryMs: number) {
  let request = good
  const provider: QuoteProvider = withDeadline(
    createProvider({ name: 'http', simulated: false, request: (data) => request(data) }),
  )
  const events: SignerEvent[] = []
  const metrics = newMetrics(() => live.facts)
  const nowSeconds = () => Date.now() / 1000
  const live = newAttestedSigner(provider, {
    ...{ rotateEveryMs, nowSeconds },
    onEvent: (event) => {
      events.push(event)
      metrics.onSigner(event)
    },
  })
  const set = (next: Request) => {
    request = next
  }
  return { live, events, metrics, set }
}

function newMetrics(signer: ConstructorParameters<typeof Metrics>[0]['signer']) {
  return new Metrics({
    ...{ version: '1', simulated: false, signer, isReady: async () => true },
    counts: async () => ({ queued: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 }),
    nowSeconds: () => NOW_SECONDS,
  })
}

describe.each(FAULTS)('a provider %s', (_, code, fault) => {
  it('at the start is the reason why there is no service', async () => {
    const { live, set } = newSigner(600_000)
    set(fault)
    const starting = expect(live.start()).rejects.toMatchObject({ code, exitCode: 6 })
    await vi.advanceTimersByTimeAsync(120_000)
    await starting
    live.stop()
  })

  it('later on leaves the old signer, is counted by its cause, and may come back', async () => {
    const { live, events, metrics, set } = newSigner(600_000)
    const { address } = await live.start()
    set(fault)
    await vi.advanceTimersByTimeAsync(600_000 + 120_000)
    expect(live.signer.address).toBe(address)
    expect(events[0]).toMatchObject({ kind: 'failed', error: { code }, retryMs: 1000 })
    set(good)
    // A request that hangs, and the longest wait.
    await vi.advanceTimersByTimeAsync(120_000 + 64_000)
    expect(live.signer.address).not.toBe(address)
    expect(live.registrationOf(live.signer.address)?.attestation?.provider).toBe('http')
    const text = await metrics.text()
    const failures = events.filter(({ kind }) => kind === 'failed').length
    expect(text).toContain(`sp1_tee_quote_failures_total{cause="${code}"} ${failures}`)
    live.stop()
  })
})

it('raises the alarm ten minutes before nothing can be signed, and then signs nothing', async () => {
  const { live, events, set } = newSigner(600_000)
  await live.start()
  set(() => new Promise(() => {}))
  const alarms = () => events.flatMap((event) => (event.kind === 'expiring' ? [event] : []))
  await vi.advanceTimersByTimeAsync(2_990_000)
  expect([alarms().length, live.isReady]).toEqual([0, true])
  await vi.advanceTimersByTimeAsync(200_000)
  expect(alarms()[0]!.secondsLeft).toBeGreaterThan(400)
  await vi.advanceTimersByTimeAsync(410_000)
  expect(() => live.signer).toThrow(expect.objectContaining({ code: 'SIGNER_NOT_READY' }))
  set(good)
  await vi.advanceTimersByTimeAsync(200_000)
  expect(events.some(({ kind }) => kind === 'rotated')).toBe(true)
  live.stop()
})

it('what fails on the chain is no failure of quotes', async () => {
  const metrics = newMetrics(() => undefined)
  const error = new UnavailableError('RPC_UNREACHABLE', { url: 'x', reason: 'y' })
  metrics.onSigner({ kind: 'failed', error, retryMs: 1000 })
  const text = await metrics.text()
  expect(text).toContain('sp1_tee_registration_tx_total{outcome="failed"} 1')
  expect(text).not.toContain('sp1_tee_quote_failures_total{')
})
