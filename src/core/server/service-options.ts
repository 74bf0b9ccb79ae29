/** What the service is made of, what it is asked, and what it answers. */
import type { Hex } from '../bytes.js'
import type { ExecuteLimits } from '../executor/execute.js'
import type { BlobStore } from '../jobs/blob-store.js'
import type { JobStore, JobSummary } from '../jobs/job-store.js'
import type { Proof } from '../signer/proof.js'
import type { SchemeName } from '../signer/schemes.js'
import type { JobEvent } from './job-event.js'
import type { LiveSigner } from './live-signer.js'

export const DEFAULT_MAX_QUEUED = 256
export const DEFAULT_KEEP_ENDED = 4096

export interface ServiceOptions {
  readonly signer: LiveSigner
  /** Of whoever asks where the signer is registered. */
  readonly registry: { readonly chainId: number; readonly address: Hex }
  /** True if the signer's quotes are simulated, so that its proofs prove nothing. */
  readonly simulated: boolean
  readonly store: JobStore
  readonly blobs: BlobStore
  /** Guests running at the same time. */
  readonly concurrency: number
  readonly maxQueued?: number
  /** Ended jobs whose results are kept. */
  readonly keepEnded?: number
  readonly maxStdinBytes?: number
  /** Most a request may ask for; default: the executor's. */
  readonly limits?: Partial<ExecuteLimits>
  /** The release of programs that do not tell theirs, in requests that name none. */
  readonly fallbackSp1?: string
  /**
   * What the signer signs. Only `automata` while a contract may serve that does not check the length
   * of its message: under such a one a digest of another scheme could pass as one of this.
   */
  readonly schemes?: readonly SchemeName[]
  /** Whether to take inputs that are encrypted to a key of this process, which the signer announces. */
  readonly privateInputs?: boolean
  /** The contract on the registry's chain that signatures of scheme `eip712` are for. */
  readonly multiProof?: Hex
  readonly newId: () => string
  readonly entropy: (byteCount: number) => Uint8Array
  /** Milliseconds of a monotonic clock. */
  readonly nowMs: () => number
  /** Milliseconds since 1970. */
  readonly dateMs: () => number
  readonly onJob?: (event: JobEvent) => void
}

/** What a client may choose for its job. */
export interface JobOptions {
  readonly sp1?: string
  readonly scheme?: SchemeName
  readonly teeVersion?: number
  readonly limits?: Partial<Pick<ExecuteLimits, 'cycles' | 'memoryMib' | 'timeoutMs'>>
}

/** How private inputs are encrypted. */
export interface Sealing {
  /** As it was announced. */
  readonly publicKey: Hex
  readonly encapsulatedKey: Hex
}

/** Whose job it is; a client sees and changes its own only. */
export interface Caller {
  readonly tenant: string
  readonly idempotencyKey?: string | undefined
  /** Of which trace the job is a part, as its client says. */
  readonly traceparent?: string
}

/** How a job ended that was not cancelled. */
export type JobEnding =
  | { readonly proof: Proof; readonly problem?: undefined }
  | { readonly proof?: undefined; readonly problem: Record<string, unknown> }

/** A job as its client sees it. */
export interface JobResult {
  readonly job: JobSummary
  readonly proof?: Proof
  /** problem+json of a job that failed. */
  readonly problem?: Record<string, unknown>
}
