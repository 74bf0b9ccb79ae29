/**
 * A store of jobs in SQLite, in a thread of its own: a commit waits for the disk, and the server, its
 * probes and its event streams do not. The thread's own side is sqlite-thread-worker.ts. One that died is
 * replaced, as if the server had been started again.
 */
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { type ErrorFacts, InternalError, restoreError, UnavailableError } from '../errors.js'
import type { JobStore } from './job-store.js'
import type { SqliteJobStoreOptions } from './sqlite-job-store.js'

export type StoreMethods = Omit<JobStore, 'isShared'>

/** What the thread opens. */
export type ThreadOptions = Omit<SqliteJobStoreOptions, 'nowMs'>

export interface StoreCall {
  readonly id: number
  readonly method: keyof StoreMethods
  readonly args: readonly unknown[]
  /** By the clock of whoever calls. */
  readonly nowMs: number
}

export type StoreAnswer =
  | { readonly id: number; readonly value: unknown }
  /** With where it was thrown, if it is a bug. */
  | { readonly id: number; readonly error: ErrorFacts; readonly stack: string | undefined }

/** Of the answer that tells whether the store is open. */
export const OPEN_ID = 0

const METHODS: Readonly<Record<keyof StoreMethods, true>> = {
  submit: true,
  get: true,
  list: true,
  lease: true,
  extend: true,
  end: true,
  release: true,
  cancel: true,
  reclaim: true,
  counts: true,
  check: true,
  queuedHere: true,
  blobsInUse: true,
  prune: true,
  keepAttestation: true,
  attestation: true,
  close: true,
}

export interface SqliteThreadOptions extends SqliteJobStoreOptions {
  /** Told of each thread that is started; for tests, which end it. */
  readonly onThread?: (thread: Worker) => void
}

/** @throws UnavailableError `STORE_UNAVAILABLE`, also when another process has it open */
export async function openSqliteThread(options: SqliteThreadOptions): Promise<JobStore> {
  let isClosed = false
  let thread = await StoreThread.open(options)
  let replacing: Promise<void> | undefined

  const replace = async () => {
    thread = await StoreThread.open(options)
  }
  const call = async (method: keyof StoreMethods, args: readonly unknown[]) => {
    if (isClosed) throw ended()
    if (thread.hasEnded) {
      replacing ??= replace().finally(() => {
        replacing = undefined
      })
      await replacing
    }
    return thread.call(method, args)
  }
  const methods = Object.keys(METHODS).map((method) => [
    method,
    (...args: unknown[]) => call(method as keyof StoreMethods, args),
  ])
  return {
    ...(Object.fromEntries(methods) as StoreMethods),
    isShared: false,
    async close() {
      if (isClosed) return
      isClosed = true
      await replacing?.catch(() => {})
      await thread.close()
    },
  }
}

interface Caller {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

class StoreThread {
  hasEnded = false
  readonly #worker: Worker
  readonly #exit: Promise<unknown>
  readonly #nowMs: () => number
  readonly #send: (call: StoreCall) => void
  readonly #callers = new Map<number, Caller>()
  #failure: unknown
  #lastId = OPEN_ID

  static async open({ nowMs, onThread, ...options }: SqliteThreadOptions): Promise<StoreThread> {
    const worker = new Worker(fileURLToPath(import.meta.resolve('#sqlite-thread')), {
      workerData: options satisfies ThreadOptions,
      execArgv: [],
    })
    onThread?.(worker)
    const thread = new StoreThread(worker, nowMs)
    await thread.#answerTo(OPEN_ID)
    return thread
  }

  private constructor(worker: Worker, nowMs: () => number) {
    this.#worker = worker
    this.#nowMs = nowMs
    this.#send = inBatches((calls) => this.#post(calls))
    this.#exit = new Promise((resolve) => worker.once('exit', resolve))
    worker.on('message', (answers: readonly StoreAnswer[]) => {
      for (const answer of answers) this.#settle(answer)
      // A thread that waits for calls is no reason for whoever started it to go on.
      if (this.#callers.size === 0) worker.unref()
    })
    worker.on('error', (error) => {
      this.#failure = error
      this.#onEnd()
    })
    worker.on('exit', () => this.#onEnd())
  }

  call(method: keyof StoreMethods, args: readonly unknown[]): Promise<unknown> {
    if (this.hasEnded) return Promise.reject(ended(this.#failure))
    const id = ++this.#lastId
    this.#send({ id, method, args, nowMs: this.#nowMs() })
    return this.#answerTo(id)
  }

  async close(): Promise<void> {
    if (this.hasEnded) return
    await this.call('close', [])
    await this.#exit
  }

  #answerTo(id: number): Promise<unknown> {
    this.#worker.ref()
    return new Promise((resolve, reject) => this.#callers.set(id, { resolve, reject }))
  }

  #settle(answer: StoreAnswer): void {
    const caller = this.#callers.get(answer.id)
    this.#callers.delete(answer.id)
    if ('error' in answer) {
      caller?.reject(restoreError(answer.error) ?? bugOf(answer))
    } else {
      caller?.resolve(answer.value)
    }
  }

  #onEnd(): void {
    this.hasEnded = true
    for (const { reject } of this.#callers.values()) reject(ended(this.#failure))
    this.#callers.clear()
  }

  /** What cannot be copied is a bug of whoever calls. */
  #post(calls: readonly StoreCall[]): void {
    try {
      this.#worker.postMessage(calls)
    } catch (error) {
      for (const { id } of calls) {
        this.#callers.get(id)?.reject(error)
        this.#callers.delete(id)
      }
    }
  }
}

/** What is sent in the same turn of the event loop goes together: to wake a thread costs more than a message. */
export function inBatches<T>(send: (items: readonly T[]) => void): (item: T) => void {
  let batch: T[] = []
  return (item) => {
    batch.push(item)
    if (batch.length > 1) return
    setImmediate(() => {
      const items = batch
      batch = []
      send(items)
    })
  }
}

function ended(cause?: unknown): UnavailableError {
  const reason = 'the thread of the store has ended'
  return new UnavailableError('STORE_UNAVAILABLE', { reason }, cause)
}

function bugOf({
  error,
  stack,
}: {
  readonly error: ErrorFacts
  readonly stack: string | undefined
}) {
  const bug = new InternalError(error.message)
  if (stack !== undefined) bug.stack = stack
  return bug
}
