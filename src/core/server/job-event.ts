/** What happens to jobs, for logs, metrics and traces. */
import type { JobRecord } from '../jobs/job-store.js'
import type { JobStep } from './job-steps.js'

export type JobEvent =
  | { readonly kind: 'submitted' | 'refused' }
  /** Somebody asks for the job that will have this id, as part of a trace: as the header says, unchecked. */
  | { readonly kind: 'asked'; readonly id: string; readonly traceparent: string }
  | { readonly kind: 'began'; readonly job: JobRecord; readonly waitedMs: number }
  | {
      readonly kind: 'step'
      readonly job: JobRecord
      readonly step: JobStep
      readonly ranMs: number
      readonly error?: unknown
    }
  | {
      readonly kind: 'ended'
      readonly job: JobRecord
      readonly state: JobRecord['state']
      readonly ranMs: number
      readonly cycles: number
      readonly error?: unknown
    }
  /** A run is over. The most that its process was seen to have of the machine's memory; 0 if unknown. */
  | { readonly kind: 'executed'; readonly peakBytes: number }
  /** It runs here no more and did not end here: given back, or lost to a cancellation or another server. */
  | { readonly kind: 'left'; readonly job: JobRecord; readonly isLost: boolean }
  /** The store did not do what it was asked; it is asked again. */
  | { readonly kind: 'storeFailed'; readonly error: unknown }
