/** What happens to jobs, for logs and metrics. */
import type { JobRecord } from '../jobs/job-store.js'

export type JobEvent =
  | { readonly kind: 'submitted' | 'refused' }
  | { readonly kind: 'began'; readonly job: JobRecord; readonly waitedMs: number }
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
  /** The store did not do what it was asked; it is asked again. */
  | { readonly kind: 'storeFailed'; readonly error: unknown }
