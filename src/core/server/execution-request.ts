/**
 * What a process for guests is asked, and what it answers. Messages go by node's channel; programs and
 * large inputs follow a request through a pipe, so that nobody copies them on the way.
 */
import type { Hex } from '../bytes.js'
import type { ErrorFacts } from '../errors.js'
import type { ExecuteOptions, ExecutionResult } from '../executor/execute.js'
import type { OutputListener } from '../executor/guest-io.js'

/** File descriptor of the pipe, in the process for guests. */
export const BYTES_FD = 4

export type RunListeners = Pick<ExecuteOptions, 'onProgress' | 'onOutput'>
export type RunOptions = Omit<ExecuteOptions, 'signal' | keyof RunListeners | 'now' | 'hooks'>

export interface RunRequest {
  /** SHA-256 of the program. */
  readonly elfHash: Hex
  /** Present if the program comes through the pipe: its size. */
  readonly elfBytes?: number
  readonly deferredProofs: bigint
  /** The buffers, or their sizes if they come through the pipe, after the program. */
  readonly inputs:
    | { readonly buffers: readonly Uint8Array[] }
    | { readonly sizes: readonly number[] }
  readonly options: RunOptions
  /** Whether to answer with what the guest writes, as it comes. */
  readonly wantsOutput: boolean
}

/** Any number of `cycles` and `output`, then one of the others. */
export type RunAnswer =
  | { readonly cycles: number }
  | { readonly output: Parameters<OutputListener> }
  | { readonly result: ExecutionResult }
  | { readonly error: ErrorFacts }
