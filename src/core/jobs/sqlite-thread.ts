/**
 * A store of jobs in SQLite, in a thread of its own: a commit waits for the disk, and the server, its
 * probes and its event streams do not. The thread's own side is sqlite-thread-worker.ts.
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
  | { readonly id: number; readonly error: ErrorFacts }

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
  close: true,
}

interface Asked {
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

/** @throws UnavailableError `STORE_UNAVAILABLE`, also when another process has it open */
export async function openSqliteThread({
  nowMs,
  ...options
}: SqliteJobStoreOptions): Promise<JobStore> {
  const worker = new Worker(fileURLToPath(import.meta.resolve('#sqlite-thread')), {
    workerData: options satisfies ThreadOptions,
    execArgv: [],
  })
  const exit = new Promise((resolve) => worker.once('exit', resolve))
  const send = inBatches<StoreCall>((calls) => worker.postMessage(calls))
  const asked = new Map<number, Asked>()
  let hasEnded = false
  let lastId = OPEN_ID

  worker.on('message', (answers: readonly StoreAnswer[]) => {
    for (const answer of answers) settle(answer)
    // A thread that waits for calls is no reason for whoever started it to go on.
    if (asked.size === 0) worker.unref()
  })
  worker.on('error', onEnd)
  worker.on('exit', onEnd)
  await answerTo(OPEN_ID)

  const methods = Object.keys(METHODS).map((method) => [
    method,
    (...args: unknown[]) => ask(method as keyof StoreMethods, args),
  ])
  return {
    ...(Object.fromEntries(methods) as StoreMethods),
    isShared: false,
    async close() {
      if (hasEnded) return
      await ask('close', [])
      await exit
    },
  }

  function settle(answer: StoreAnswer): void {
    const asker = asked.get(answer.id)
    asked.delete(answer.id)
    if ('error' in answer) {
      asker?.reject(restoreError(answer.error) ?? new InternalError(answer.error.message))
    } else {
      asker?.resolve(answer.value as never)
    }
  }

  function ask(method: keyof StoreMethods, args: readonly unknown[]): Promise<unknown> {
    if (hasEnded) return Promise.reject(ended())
    const id = ++lastId
    send({ id, method, args, nowMs: nowMs() })
    return answerTo(id)
  }

  function answerTo(id: number): Promise<unknown> {
    worker.ref()
    return new Promise((resolve, reject) => asked.set(id, { resolve, reject }))
  }

  function onEnd(): void {
    hasEnded = true
    for (const { reject } of asked.values()) reject(ended())
    asked.clear()
  }
}

/** What is sent in the same turn of the event loop goes together: to wake a thread costs more than a message. */
export function inBatches<T>(send: (items: readonly T[]) => void): (item: T) => void {
  let batch: T[] = []
  return (item) => {
    batch.push(item)
    if (batch.length > 1) return
    setImmediate(() => {
      send(batch)
      batch = []
    })
  }
}

function ended(): UnavailableError {
  return new UnavailableError('STORE_UNAVAILABLE', { reason: 'the thread of the store has ended' })
}
