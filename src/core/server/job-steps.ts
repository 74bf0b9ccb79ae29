/** The steps of a job, told when they are over: how long each took, and whether it failed. */
import type { JobRecord } from '../jobs/job-store.js'
import type { RunStep } from '../prover/prove.js'
import type { JobEvent } from './job-event.js'

export type JobStep = RunStep | 'signing'
export type WatchStep = <T>(step: JobStep, work: () => Promise<T>) => Promise<T>

export function watchSteps(
  job: JobRecord,
  {
    nowMs,
    onJob,
  }: {
    readonly nowMs: () => number
    readonly onJob?: (event: JobEvent) => void
  },
): WatchStep {
  return async (step, work) => {
    const beganMs = nowMs()
    const tell = (failure: { readonly error?: unknown }) =>
      onJob?.({ kind: 'step', job, step, ranMs: nowMs() - beganMs, ...failure })
    try {
      const result = await work()
      tell({})
      return result
    } catch (error) {
      tell({ error })
      throw error
    }
  }
}
