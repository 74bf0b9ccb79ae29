/**
 * What those see of the store of jobs who watch the service: as often as they like, soon, and nothing in
 * place of an error, because the rest of what they look at matters most when the store is away.
 */
import { UnavailableError } from '../errors.js'
import type { JobState, JobSummary } from '../jobs/job-store.js'
import { askedRarely } from './asked-rarely.js'
import { beforeDeadline } from './deadline.js'
import { isBug } from './problem.js'
import type { Service } from './service.js'

const GOOD_FOR_MS = 1_000
/** Less than what Prometheus waits for all metrics. */
const PATIENCE_MS = 3_000
const SHOWN_JOBS = 12

export type JobCounts = Readonly<Record<JobState, number>>

export class StoreView {
  readonly counts: () => Promise<JobCounts | undefined>
  /** The last jobs, of everybody. */
  readonly latest: () => Promise<readonly JobSummary[] | undefined>
  /** As /readyz says. */
  readonly isReady: () => Promise<boolean>

  constructor(service: Service, nowMs: () => number) {
    const counts = askedRarely(() => service.counts(), GOOD_FOR_MS, nowMs)
    const latest = askedRarely(() => service.list({ limit: SHOWN_JOBS }), GOOD_FOR_MS, nowMs)
    this.counts = () => orNothing(counts)
    this.latest = () => orNothing(latest)
    this.isReady = async () => {
      const ready = async () => {
        await service.requireWorking()
        return true
      }
      return (await orNothing(ready)) ?? false
    }
  }
}

async function orNothing<T>(ask: () => Promise<T>): Promise<T | undefined> {
  const error = () => new UnavailableError('STORE_UNAVAILABLE', { reason: 'it does not answer' })
  try {
    return await beforeDeadline({ timeoutMs: PATIENCE_MS, error }, ask)
  } catch (failure) {
    if (isBug(failure)) throw failure
    return undefined
  }
}
