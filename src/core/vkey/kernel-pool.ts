/**
 * Runs the WebAssembly kernels over one shared memory, on worker threads or, with one thread, here.
 * Knows nothing of what they compute.
 */
import { Worker } from 'node:worker_threads'
import { fromBase64 } from '../bytes.js'
import { InternalError, InterruptedError } from '../errors.js'
import { KERNELS_BASE64 } from './kernels.wasm.js'

/** A call of an exported function. Addresses and counts are numbers, truth values 0 and 1. */
export interface KernelCall {
  readonly name:
    | 'absorb'
    | 'addWords'
    | 'attach'
    | 'attachSums'
    | 'compress'
    | 'extend'
    | 'fillPowers'
    | 'permuteBlocks'
  readonly args: readonly number[]
}

export interface KernelPool {
  readonly memory: WebAssembly.Memory
  /** Runs the calls in any order, several at once. They must not write where another reads. */
  run(calls: readonly KernelCall[], onDone: (call: KernelCall) => void): Promise<void>
  close(): Promise<void>
}

export interface KernelPoolOptions {
  readonly bytes: number
  readonly threads: number
  /** Fills the memory before any thread looks at it. */
  readonly prepare?: (memory: WebAssembly.Memory) => void
  /** What each thread must call before anything else. */
  readonly attach: (thread: number) => KernelCall
  /** Aborting fails the calls under way with InterruptedError. */
  readonly signal?: AbortSignal | undefined
}

const PAGE_BYTES = 65_536

/** Runs in the worker as CommonJS, so that it works from TypeScript source and from dist alike. */
const WORKER_SOURCE = `
const { parentPort, workerData: { module, memory } } = require('node:worker_threads')
const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports
parentPort.on('message', ({ name, args }) => {
  kernels[name](...args)
  parentPort.postMessage('done')
})`

export async function createKernelPool(options: KernelPoolOptions): Promise<KernelPool> {
  const module = new WebAssembly.Module(fromBase64(KERNELS_BASE64))
  const pages = Math.ceil(options.bytes / PAGE_BYTES)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  options.prepare?.(memory)
  return options.threads === 1
    ? createLocalPool(module, memory, options)
    : createWorkerPool(module, memory, options)
}

function createLocalPool(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  { attach, signal }: KernelPoolOptions,
): KernelPool {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  const call = ({ name, args }: KernelCall) =>
    (exports[name] as (...args: number[]) => void)(...args)
  call(attach(0))
  return {
    memory,
    async run(calls, onDone) {
      for (const next of calls) {
        // A turn of the event loop, so that an abort can arrive.
        await new Promise((resolve) => setImmediate(resolve))
        if (signal?.aborted) throw interrupted()
        call(next)
        onDone(next)
      }
    },
    async close() {},
  }
}

async function createWorkerPool(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  { attach, signal, threads }: KernelPoolOptions,
): Promise<KernelPool> {
  const workers = Array.from(
    { length: threads },
    () => new Worker(WORKER_SOURCE, { eval: true, workerData: { module, memory } }),
  )
  let fail: (reason: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => {}) // it may fail when nobody waits
  const onAbort = () => fail(interrupted())
  signal?.addEventListener('abort', onAbort)
  for (const worker of workers) {
    worker.on('error', (cause) => fail(new InternalError('A kernel thread failed.', cause)))
    worker.on('exit', () => fail(new InternalError('A kernel thread ended early.')))
  }

  const call = (worker: Worker, next: KernelCall) =>
    new Promise<void>((resolve) => {
      worker.once('message', () => resolve())
      worker.postMessage(next)
    })
  const close = async () => {
    signal?.removeEventListener('abort', onAbort)
    for (const worker of workers) worker.removeAllListeners('exit')
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
  try {
    await Promise.race([Promise.all(workers.map((worker, i) => call(worker, attach(i)))), failed])
  } catch (error) {
    await close()
    throw error
  }
  return {
    memory,
    async run(calls, onDone) {
      const queue = calls[Symbol.iterator]()
      const work = async (worker: Worker) => {
        for (const next of queue) {
          await call(worker, next)
          onDone(next)
        }
      }
      await Promise.race([Promise.all(workers.map(work)), failed])
    },
    close,
  }
}

function interrupted(): InterruptedError {
  return new InterruptedError({ during: 'the verifying key' })
}
