import { expect, it } from 'vitest'
import { UnavailableError } from '../../../src/core/errors.js'
import type { JobEvent } from '../../../src/core/server/job-event.js'
import { storePatience } from '../../../src/core/server/store-patience.js'

const away = () => new UnavailableError('STORE_UNAVAILABLE', { reason: 'the disk is full' })

it('does it when the store can, and tells each time that it could not', async () => {
  const failures = [away(), new UnavailableError('STORE_FULL', { limitBytes: 1 })]
  const told: JobEvent[] = []
  const patiently = storePatience(new AbortController().signal, (event) => told.push(event))
  const expected = [...failures].map((error) => ({ kind: 'storeFailed', error }))
  const work = async () => {
    const failure = failures.shift()
    if (failure !== undefined) throw failure
    return 'stored'
  }
  expect(await patiently(work)).toBe('stored')
  expect(told).toEqual(expected)
})

it('gives up at once what a store can never do, or when it is told to stop', async () => {
  const stop = new AbortController()
  const patiently = storePatience(stop.signal)
  const unknown = new UnavailableError('INPUT_UNKNOWN', { hash: '0x00' })
  await expect(patiently(() => Promise.reject(unknown))).rejects.toBe(unknown)
  const waiting = patiently(() => Promise.reject(away()))
  stop.abort()
  await expect(waiting).rejects.toMatchObject({ code: 'INTERRUPTED' })
})
