/** Connections that are kept open until something happens: bounded, and shared among tenants. */
import { UnavailableError } from '../errors.js'
import type { Caller } from './service-options.js'
import { Shares } from './shares.js'

/** One tenant may have half of them. */
const MAX_WAITING = 2048
const RETRY_SECONDS = 10

/**
 * Does something that keeps a connection open. What it submits, it submits within, so that no job runs for
 * somebody who may not wait for it.
 *
 * @throws UnavailableError `QUEUE_FULL` too many wait already
 */
export type Waiting = <T>(caller: Pick<Caller, 'tenant'>, work: () => Promise<T>) => Promise<T>

export function createWaiting(): Waiting {
  const shares = new Shares(MAX_WAITING)
  return async ({ tenant }, work) => {
    if (!shares.take(tenant, 1)) {
      const facts = { queued: shares.taken, retryAfterSeconds: RETRY_SECONDS }
      throw new UnavailableError('QUEUE_FULL', facts)
    }
    try {
      return await work()
    } finally {
      shares.giveBack(tenant, 1)
    }
  }
}
