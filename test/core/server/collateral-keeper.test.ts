/** Collateral in the background: fetched in time, tried again, never in anybody's way, never stale. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import { type Collateral, openCollateral } from '../../../src/core/dcap/collateral.js'
import { UnavailableError } from '../../../src/core/errors.js'
import {
  describeRegistration,
  type SignerAttestation,
} from '../../../src/core/server/attestation.js'
import {
  type CollateralEvent,
  CollateralKeeper,
  type CollateralKeeperOptions,
} from '../../../src/core/server/collateral-keeper.js'
import type { SimulatedOverrides } from '../../../src/core/tdx/simulated-authority.js'
import { registered } from '../../support/service.js'
import { AUTHORITY, collateralOf, NOW, REPORT_DATA, ROOT, svns } from '../dcap/samples.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const outage = new UnavailableError('PCS_UNREACHABLE', { url: 'x', reason: 'y' })

beforeEach(() => {
  vi.useFakeTimers({ now: NOW })
})
let keepers: CollateralKeeper[] = []
afterEach(() => {
  for (const keeper of keepers) keeper.stop()
  keepers = []
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

async function attested(overrides: SimulatedOverrides = {}): Promise<SignerAttestation> {
  const attestation = {
    quote: toHex(AUTHORITY.quote(REPORT_DATA, overrides)),
    reportData: toHex(REPORT_DATA),
    reference: null,
  }
  const registration = { ...(await registered(`0x${'5a'.repeat(20)}`)), attestation }
  return describeRegistration(registration, { name: 'simulated', simulated: true }).attestation!
}

const fresh = () => openCollateral(collateralOf({ now: new Date(Date.now()) }))

async function keep(options: Partial<CollateralKeeperOptions> = {}) {
  const events: CollateralEvent[] = []
  const live = await attested()
  const fetch = vi.fn(async (..._: unknown[]): Promise<Collateral> => fresh())
  const keeper = new CollateralKeeper({
    root: ROOT,
    attestation: () => live,
    dateMs: Date.now,
    onEvent: (event) => events.push(event),
    fetch,
    ...options,
  })
  keepers.push(keeper)
  return { keeper, events, live, fetch }
}

describe('the keeper of collateral', () => {
  it('has the documents that the live quote verifies with, and what Intel says of it', async () => {
    const { keeper, live, events } = await keep()
    expect(keeper.documentsFor(live)).toBeUndefined()
    keeper.follow()
    await vi.advanceTimersByTimeAsync(0)
    expect(keeper.documentsFor(live)).toEqual(collateralOf())
    const expiresAt = NOW.getTime() / 1000 + 29 * 86_400
    expect(keeper.trust).toEqual({ status: 'UpToDate', advisoryIds: [], expiresAt })
    expect(events).toEqual([{ kind: 'judged', status: 'UpToDate', expiresAt }])
    expect(Object.keys(keeper.nextUpdates).toSorted()).toEqual([
      'pck_crl',
      'qe_identity',
      'root_crl',
      'tcb_info',
    ])
  })

  it('fetches it again long before it expires, and says that this is a renewal', async () => {
    const { keeper, fetch } = await keep()
    keeper.follow()
    await vi.advanceTimersByTimeAsync(12 * HOUR_MS - 1)
    expect(fetch.mock.calls.map(([, options]) => options)).toMatchObject([{ isRenewal: false }])
    await vi.advanceTimersByTimeAsync(1)
    expect(fetch.mock.lastCall?.[1]).toMatchObject({ isRenewal: true })
    expect(fetch).toHaveBeenCalledTimes(2)
  })

  it('fetches nothing again for another quote of the same platform, but judges that quote', async () => {
    let live = await attested()
    const { keeper, events, fetch } = await keep({ attestation: () => live })
    keeper.follow()
    await vi.advanceTimersByTimeAsync(0)
    live = await attested({ body: { teeTcbSvn: svns(4, 1, 2) } })
    keeper.follow()
    await vi.advanceTimersByTimeAsync(0)
    expect(fetch).toHaveBeenCalledTimes(1)
    expect(events.map((event) => event.kind === 'judged' && event.status)).toEqual([
      'UpToDate',
      'OutOfDate',
    ])
    expect(keeper.documentsFor(live)).toEqual(collateralOf())
  })

  it('outlasts an outage: ever later tries, what was there until it expires, then nothing', async () => {
    let isOut = false
    const { keeper, events, live } = await keep({
      fetch: async () => {
        if (isOut) throw outage
        return fresh()
      },
    })
    keeper.follow()
    await vi.advanceTimersByTimeAsync(0)
    isOut = true
    await vi.advanceTimersByTimeAsync(29 * DAY_MS - 1)
    expect(keeper.documentsFor(live)).toBeDefined()
    await vi.advanceTimersByTimeAsync(1)
    expect([keeper.documentsFor(live), keeper.trust]).toEqual([undefined, undefined])
    // Whoever is told of a status is told once.
    expect(events.filter(({ kind }) => kind === 'judged')).toHaveLength(1)
    const retries = events.flatMap((event) => (event.kind === 'failed' ? [event.retryMs] : []))
    expect(retries.slice(0, 3)).toEqual([10_000, 20_000, 40_000])
    expect(Math.max(...retries)).toBe(HOUR_MS)
    isOut = false
    await vi.advanceTimersByTimeAsync(HOUR_MS)
    expect(keeper.documentsFor(live)).toBeDefined()
  })

  it('gives nothing that the quote does not verify with, and asks again', async () => {
    let revoked: readonly 'pck'[] = ['pck']
    const { keeper, events, live } = await keep({
      fetch: async () => openCollateral(collateralOf({ revoked })),
    })
    keeper.follow()
    await vi.advanceTimersByTimeAsync(0)
    expect(events).toMatchObject([{ kind: 'failed', error: { code: 'CERTIFICATE_REVOKED' } }])
    expect([keeper.documentsFor(live), keeper.trust]).toEqual([undefined, undefined])
    expect(keeper.nextUpdates.tcb_info).toBeDefined()
    revoked = []
    await vi.advanceTimersByTimeAsync(10_000)
    expect(keeper.documentsFor(live)).toBeDefined()
  })

  it('takes a revocation for what it is, whatever was said before', async () => {
    let revoked: readonly 'pck'[] = []
    const { keeper, live } = await keep({
      fetch: async () => openCollateral(collateralOf({ revoked })),
    })
    keeper.follow()
    await vi.advanceTimersByTimeAsync(0)
    expect(keeper.trust).toBeDefined()
    revoked = ['pck']
    await vi.advanceTimersByTimeAsync(12 * HOUR_MS)
    expect([keeper.documentsFor(live), keeper.trust]).toEqual([undefined, undefined])
  })

  it('gives up on a fetch that never ends', async () => {
    const { keeper, events } = await keep({ fetch: () => new Promise(() => {}) })
    keeper.follow()
    await vi.advanceTimersByTimeAsync(300_000)
    expect(events).toMatchObject([{ kind: 'failed', error: { code: 'COLLATERAL_TIMEOUT' } }])
  })

  it('begins with nothing when there is no quote, and ends when told to', async () => {
    let live: SignerAttestation | undefined
    const { keeper, fetch, events } = await keep({ attestation: () => live })
    keeper.follow()
    await vi.advanceTimersByTimeAsync(DAY_MS)
    live = await attested()
    keeper.stop()
    keeper.follow()
    await vi.advanceTimersByTimeAsync(DAY_MS)
    expect([fetch.mock.calls.length, events.length]).toEqual([0, 0])
  })

  it('ends a fetch under way when told to', async () => {
    let signal: AbortSignal | undefined
    const { keeper } = await keep({
      fetch: (_quote, options) => {
        signal = options.signal
        return new Promise(() => {})
      },
    })
    keeper.follow()
    await vi.advanceTimersByTimeAsync(0)
    keeper.stop()
    expect(signal?.aborted).toBe(true)
  })

  it('is not driven mad by a clock that goes back', async () => {
    const { keeper, fetch, live } = await keep()
    keeper.follow()
    await vi.advanceTimersByTimeAsync(0)
    vi.setSystemTime(NOW.getTime() - 365 * DAY_MS)
    keeper.follow()
    await vi.advanceTimersByTimeAsync(DAY_MS)
    expect(fetch.mock.calls.length).toBeLessThan(40)
    vi.setSystemTime(NOW.getTime() + HOUR_MS)
    await vi.advanceTimersByTimeAsync(HOUR_MS)
    expect(keeper.documentsFor(live)).toBeDefined()
  })
})
