/** How long keys for private inputs are held for jobs. */
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { UnavailableError } from '../../../src/core/errors.js'
import { createInputKey } from '../../../src/core/private-inputs/sealed-inputs.js'
import { PrivateInputKeys } from '../../../src/core/server/private-input-keys.js'

const SEALED = { blob: `0x${'11'.repeat(32)}`, encapsulatedKey: `0x${'22'.repeat(32)}` } as const
const key = await createInputKey(randomBytes)

let keys: PrivateInputKeys
let hasEnded: (job: string) => Promise<boolean>
beforeEach(() => {
  vi.useFakeTimers()
  keys = new PrivateInputKeys({
    registry: { chainId: 1, address: `0x${'33'.repeat(20)}` },
    entropy: randomBytes,
    nowMs: () => performance.now(),
    dateMs: Date.now,
    hasEnded: (job) => hasEnded(job),
  })
  keys.hold('job', key, SEALED)
})
afterEach(() => {
  keys.close()
  vi.useRealTimers()
})

const unknown = async () => {
  throw new UnavailableError('JOB_UNKNOWN', { id: 'job' })
}
const away = async () => {
  throw new UnavailableError('STORE_UNAVAILABLE', { reason: 'the disk is full' })
}

describe('the key of a job', () => {
  it.each([
    ['has ended', async () => true],
    ['was removed from the store', unknown],
  ])('is forgotten when the job %s', async (_how, answer) => {
    keys.onStored('job')
    hasEnded = answer
    await vi.advanceTimersByTimeAsync(60_000)
    expect(() => keys.keyOf('job', SEALED)).toThrow(
      expect.objectContaining({ code: 'PRIVATE_KEY_LOST' }),
    )
  })

  it.each([
    ['has not ended', async () => false],
    ['is in a store that is away', away],
  ])('is held while the job %s', async (_how, answer) => {
    keys.onStored('job')
    hasEnded = answer
    await vi.advanceTimersByTimeAsync(180_000)
    expect(keys.keyOf('job', SEALED)).toBe(key)
  })

  it('is held while the job is on its way into the store, which does not know it yet', async () => {
    hasEnded = unknown
    await vi.advanceTimersByTimeAsync(180_000)
    expect(keys.keyOf('job', SEALED)).toBe(key)
  })
})
