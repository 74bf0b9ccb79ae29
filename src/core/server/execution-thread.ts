/** One thread that runs guests, seen from outside: what it is asked, what it answers, how it ends. */
import { Worker } from 'node:worker_threads'
import { type ErrorDetails, InternalError, restoreError, UnavailableError } from '../errors.js'
import type { ExecuteOptions, ExecutionResult } from '../executor/execute.js'
import type { OutputListener } from '../executor/guest-io.js'
import type { Stdin } from '../executor/stdin.js'

/**
 * Of a thread's JavaScript; beyond it the thread dies and no other. A guest's memory is not part of it:
 * that is bounded by the run's own limit.
 */
const MAX_HEAP_MIB = 1024

export type RunListeners = Pick<ExecuteOptions, 'onProgress' | 'onOutput'>

export interface ThreadRequest {
  readonly elf: Uint8Array
  readonly stdin: Stdin
  readonly options: Omit<ExecuteOptions, 'signal' | keyof RunListeners | 'now' | 'hooks'>
  /** Whether to answer with what the guest writes, as it comes. */
  readonly wantsOutput: boolean
}

/** Any number of `cycles` and `output`, then one of the others. */
export type ThreadAnswer =
  | { readonly cycles: number }
  | { readonly output: Parameters<OutputListener> }
  | { readonly result: ExecutionResult }
  | { readonly error: { code: string; message: string; details: ErrorDetails } }

interface CurrentRun {
  readonly resolve: (result: ExecutionResult) => void
  readonly reject: (error: unknown) => void
  readonly listeners: RunListeners
}

export class ExecutionThread {
  readonly #worker: Worker
  #current: CurrentRun | undefined
  #isAlive = true

  /** @param script - the built execution-worker. */
  constructor(script: URL) {
    this.#worker = new Worker(script, { resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB } })
    this.#worker.on('message', (answer: ThreadAnswer) => this.#onAnswer(answer))
    this.#worker.on('error', ({ message }) => this.#onEnd(lost(message)))
    this.#worker.on('exit', () => this.#onEnd(lost('its thread ended')))
  }

  /** False once it has ended for whatever reason; it takes no run then. */
  get isAlive(): boolean {
    return this.#isAlive
  }

  /**
   * One run at a time.
   *
   * @throws what `execute` throws in the thread; UnavailableError `EXECUTION_LOST` if the thread dies
   */
  run(request: ThreadRequest, listeners: RunListeners = {}): Promise<ExecutionResult> {
    return new Promise((resolve, reject) => {
      this.#current = { resolve, reject, listeners }
      this.#worker.postMessage(request)
    })
  }

  /** End the thread at once, and its run with this error. */
  async end(error: unknown): Promise<void> {
    this.#onEnd(error)
    await this.#worker.terminate()
  }

  #onAnswer(answer: ThreadAnswer): void {
    const run = this.#current
    if ('cycles' in answer) {
      run?.listeners.onProgress?.(answer.cycles)
      return
    }
    if ('output' in answer) {
      run?.listeners.onOutput?.(...answer.output)
      return
    }
    this.#current = undefined
    if ('result' in answer) run?.resolve(answer.result)
    else run?.reject(restoreError(answer.error) ?? new InternalError(answer.error.message))
  }

  #onEnd(error: unknown): void {
    this.#isAlive = false
    this.#current?.reject(error)
    this.#current = undefined
  }
}

function lost(reason: string): UnavailableError {
  return new UnavailableError('EXECUTION_LOST', { reason })
}
