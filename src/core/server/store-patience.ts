/** What was accepted is not given up because a store cannot do it now: it waits, and goes on. */

import { Backoff } from '../backoff.js'
import { InterruptedError, UnavailableError } from '../errors.js'
import { pause } from '../pause.js'
import type { JobEvent } from './job-event.js'

const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 5_000
const PASSING_CODES = ['STORE_UNAVAILABLE', 'STORE_FULL']

/**
 * Does things until the store can.
 *
 * @throws InterruptedError `signal` was aborted first
 */
export function storePatience(
  signal: AbortSignal,
  onEvent: (event: JobEvent) => void = () => {},
): <T>(work: () => Promise<T>) => Promise<T> {
  return async (work) => {
    const backoff = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS)
    for (;;) {
      try {
        return await work()
      } catch (error) {
        const isPassing = error instanceof UnavailableError && PASSING_CODES.includes(error.code)
        if (!isPassing) throw error
        onEvent({ kind: 'storeFailed', error })
        await pause(backoff.next(), signal)
        if (signal.aborted) throw new InterruptedError({ during: 'the wait for the store' })
      }
    }
  }
}
