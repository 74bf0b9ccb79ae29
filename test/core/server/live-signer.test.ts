import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { UnavailableError } from '../../../src/core/errors.js'
import type { SignerEvent } from '../../../src/core/server/live-signer.js'
import { NOW_SECONDS, newLiveSigner, registered } from '../../support/service.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const outage = new UnavailableError('RPC_UNREACHABLE', { url: 'x', reason: 'y' })

describe('the live signer', () => {
  it('signs nothing before it is registered', async () => {
    const live = newLiveSigner()
    expect(() => live.signer).toThrow(expect.objectContaining({ code: 'SIGNER_NOT_READY' }))
    const { address } = await live.start()
    expect(live.signer.address).toBe(address)
    live.stop()
  })

  it('fails to start with the reason', async () => {
    const live = newLiveSigner({ register: () => Promise.reject(outage) })
    await expect(live.start()).rejects.toBe(outage)
  })

  it('is replaced on the timer, only when the next one is confirmed', async () => {
    let confirm = () => {}
    let asked = 0
    const events: SignerEvent[] = []
    const live = newLiveSigner({
      rotateEveryMs: 1000,
      register: async (address) => {
        if (asked++ > 0) {
          await new Promise<void>((resolve) => {
            confirm = resolve
          })
        }
        return registered(address)
      },
      onEvent: (event) => events.push(event),
    })
    const { address: first } = await live.start()
    await vi.advanceTimersByTimeAsync(1000)
    expect(live.signer.address).toBe(first)
    confirm()
    await vi.advanceTimersByTimeAsync(0)
    expect(live.signer.address).not.toBe(first)
    expect(events).toEqual([
      {
        kind: 'rotated',
        rotation: { previous: first, current: live.signer.address, txHash: expect.any(String) },
      },
    ])
    live.stop()
  })

  it('stays when a rotation fails, and tries again ever later until one succeeds', async () => {
    let outages = 0
    const retries: number[] = []
    const live = newLiveSigner({
      rotateEveryMs: 1000,
      register: async (address) => {
        if (outages-- > 0) throw outage
        return registered(address)
      },
      onEvent: (event) => {
        if (event.kind === 'failed') retries.push(event.retryMs)
      },
    })
    const { address: first } = await live.start()
    outages = 8
    await vi.advanceTimersByTimeAsync(1000 + 1000 + 2000 + 4000 + 8000)
    expect(live.signer.address).toBe(first)
    await vi.advanceTimersByTimeAsync(16_000 + 32_000 + 60_000 + 60_000)
    expect(retries).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
    expect(live.signer.address).not.toBe(first)
    live.stop()
  })

  it('signs nothing when its registration is about to expire, until a rotation mends it', async () => {
    let now = NOW_SECONDS
    let isOut = false
    const live = newLiveSigner({
      nowSeconds: () => now,
      register: async (address) => {
        if (isOut) throw outage
        return { ...(await registered(address)), expiresAt: now + 3600 }
      },
    })
    await live.start()
    isOut = true
    await expect(live.rotate()).rejects.toBe(outage)
    now += 3600 - 31
    expect(() => live.signer).not.toThrow()
    now += 1
    expect(() => live.signer).toThrow(expect.objectContaining({ code: 'SIGNER_NOT_READY' }))
    isOut = false
    await live.rotate()
    expect(() => live.signer).not.toThrow()
    live.stop()
  })

  it('rotates once however many ask', async () => {
    const live = newLiveSigner()
    await live.start()
    const [a, b] = await Promise.all([live.rotate(), live.rotate()])
    expect(a).toBe(b)
    live.stop()
  })

  it('rotates no more once it is stopped, and abandons a rotation under way', async () => {
    let asked = 0
    const live = newLiveSigner({
      register: (address, signal) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason))
          if (asked++ === 0) registered(address).then(resolve, reject)
        }),
    })
    await live.start()
    const rotation = live.rotate()
    live.stop()
    await expect(rotation).rejects.toBeDefined()
    expect(() => live.rotate()).toThrow(expect.objectContaining({ code: 'INTERRUPTED' }))
    expect(vi.getTimerCount()).toBe(0)
  })

  it('outlasts ten minutes without a chain: the old one signs, then nothing does, then the next', async () => {
    let isOut = false
    const events: SignerEvent[] = []
    const live = newLiveSigner({
      rotateEveryMs: 600_000,
      nowSeconds: () => Date.now() / 1000,
      register: async (address) => {
        if (isOut) throw outage
        return { ...(await registered(address)), expiresAt: Date.now() / 1000 + 900 }
      },
      onEvent: (event) => events.push(event),
    })
    const { address: first } = await live.start()
    isOut = true
    // A rotation at half the registration's life, and retries for ten minutes.
    await vi.advanceTimersByTimeAsync(450_000 + 400_000)
    expect(live.signer.address).toBe(first)
    await vi.advanceTimersByTimeAsync(100_000)
    expect(live.isReady).toBe(false)
    expect(() => live.signer).toThrow(expect.objectContaining({ code: 'SIGNER_NOT_READY' }))
    const kinds = new Set(events.map(({ kind }) => kind))
    expect(kinds).toEqual(new Set(['failed', 'expiring']))
    const waiting = live.ready(new AbortController().signal)
    isOut = false
    await vi.advanceTimersByTimeAsync(120_000)
    await waiting
    expect(live.signer.address).not.toBe(first)
    live.stop()
  })

  it('is made anew when the registry does not list it any more, as after a reorganisation', async () => {
    const listed = new Set<string>()
    const events: SignerEvent[] = []
    const live = newLiveSigner({
      register: async (address) => {
        listed.add(address)
        return registered(address)
      },
      check: async (address) => (listed.has(address) ? NOW_SECONDS + 3600 : undefined),
      onEvent: (event) => events.push(event),
    })
    const { address: first } = await live.start()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(live.signer.address).toBe(first)
    listed.clear()
    await vi.advanceTimersByTimeAsync(30_000)
    await vi.advanceTimersByTimeAsync(10)
    expect(events.map(({ kind }) => kind)).toEqual(['unlisted', 'rotated'])
    expect(live.signer.address).not.toBe(first)
    live.stop()
  })

  it('wakes who waits when the registry lists it again', async () => {
    let answer: number | undefined
    // No rotation helps meanwhile.
    let isAway = false
    const register = (address: `0x${string}`) =>
      isAway ? Promise.reject(outage) : registered(address)
    const live = newLiveSigner({ check: async () => answer, register })
    const { address } = await live.start()
    isAway = true
    await vi.advanceTimersByTimeAsync(30_000)
    expect(live.isReady).toBe(false)
    const waiting = live.ready(new AbortController().signal)
    answer = NOW_SECONDS + 3600
    await vi.advanceTimersByTimeAsync(30_000)
    await waiting
    expect(live.signer.address).toBe(address)
    live.stop()
  })

  it.each([
    ['its registration was cut short', { expiresAt: NOW_SECONDS + 1200, now: NOW_SECONDS }],
    ['the clock has jumped', { expiresAt: NOW_SECONDS + 3600, now: NOW_SECONDS + 2000 }],
  ])('is replaced early where %s', async (_why, later) => {
    let [expiresAt, now] = [NOW_SECONDS + 3600, NOW_SECONDS]
    const register = async (address: `0x${string}`) => ({
      ...(await registered(address)),
      expiresAt,
    })
    const check = async () => expiresAt
    const live = newLiveSigner({ check, register, nowSeconds: () => now })
    const { address: first } = await live.start()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(live.signer.address).toBe(first)
    ;({ expiresAt, now } = later)
    await vi.advanceTimersByTimeAsync(31_000)
    expect(live.signer.address).not.toBe(first)
    const { address: second } = live.signer
    // Half of the life that the next one has is still to come.
    await vi.advanceTimersByTimeAsync(300_000)
    expect(live.signer.address).toBe(second)
    live.stop()
  })

  it('counts a rotation that fails once, however long it takes and often it is looked at', async () => {
    const events: SignerEvent[] = []
    let isFirst = true
    const live = newLiveSigner({
      register: async (address) => {
        if (!isFirst) {
          await new Promise((resolve) => setTimeout(resolve, 100_000))
          throw outage
        }
        isFirst = false
        return registered(address)
      },
      check: async () => NOW_SECONDS + 1000,
      onEvent: (event) => events.push(event),
    })
    await live.start()
    await vi.advanceTimersByTimeAsync(131_000)
    expect(events).toMatchObject([{ kind: 'failed', retryMs: 1000 }])
    live.stop()
  })

  it('heeds a validity that was shortened, and believes a chain that does not answer nothing', async () => {
    let answer: () => Promise<number | undefined> = () => Promise.reject(outage)
    const events: SignerEvent[] = []
    const live = newLiveSigner({ check: () => answer(), onEvent: (event) => events.push(event) })
    await live.start()
    await vi.advanceTimersByTimeAsync(30_000)
    expect(live.isReady).toBe(true)
    expect(events.map(({ kind }) => kind)).toEqual(['checkFailed'])
    answer = async () => NOW_SECONDS + 10
    await vi.advanceTimersByTimeAsync(30_000)
    expect(live.isReady).toBe(false)
    live.stop()
  })

  it('follows a clock that jumps: ahead it signs nothing, back again it does', async () => {
    let now = NOW_SECONDS
    const live = newLiveSigner({ nowSeconds: () => now })
    await live.start()
    now += 365 * 86_400
    expect(live.isReady).toBe(false)
    now -= 365 * 86_400
    expect(live.isReady).toBe(true)
    live.stop()
  })

  it('remembers its last signers, and no more of them', async () => {
    const live = newLiveSigner()
    const addresses = [(await live.start()).address]
    for (let i = 0; i < 8; i++) addresses.push((await live.rotate()).current)
    expect(live.registrationOf(addresses[0]!)).toBeUndefined()
    for (const address of addresses.slice(1)) {
      expect(live.registrationOf(address)).toMatchObject({ address, expiresAt: NOW_SECONDS + 3600 })
    }
    live.stop()
  })

  it('lets who waits for it go when told to', async () => {
    const live = newLiveSigner({ register: () => Promise.reject(outage) })
    const abort = new AbortController()
    const waiting = live.ready(abort.signal)
    abort.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'INTERRUPTED' })
  })
})
