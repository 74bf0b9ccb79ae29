/**
 * Runs the WebAssembly kernels over one shared memory, on worker threads or, with one thread or where
 * the system gives none, here.
 * Knows nothing of what they compute.
 */
import { Worker } from 'node:worker_threads'
import { fromBase64 } from '../bytes.js'
import { InternalError, InterruptedError, UnavailableError } from '../errors.js'
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

/** Told when kernels begin and end. With one thread they come one after another. */
export interface KernelWatch {
  readonly begins: (name: KernelCall['name']) => void
  readonly ends: (name: KernelCall['name']) => void
}

export interface KernelPool {
  readonly memory: WebAssembly.Memory
  /**
   * Runs the calls in any order, several at once, also beside those of another `run`. They must not
   * write where another reads.
   */
  run(calls: readonly KernelCall[], onDone: (call: KernelCall) => void): Promise<void>
  close(): Promise<void>
}

export interface KernelPoolOptions {
  readonly bytes: number
  readonly threads: number
  /** Fills the memory before any thread looks at it. */
  readonly prepare?: (memory: WebAssembly.Memory) => void
  /** What each thread calls before anything else. */
  readonly attach: (thread: number) => KernelCall
  readonly watch?: KernelWatch | undefined
  /** Aborting fails the calls under way with InterruptedError. */
  readonly signal?: AbortSignal | undefined
}

const MIB = 2 ** 20
const PAGE_BYTES = 65_536
/** Calls that a worker has before it, so that it goes from one to the next without waiting for us. */
const CALLS_AHEAD = 2

/** Runs in the worker as CommonJS, so that it works from TypeScript source and from dist alike. */
const WORKER_SOURCE = `
const { parentPort, workerData: { module, memory } } = require('node:worker_threads')
const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports
parentPort.on('message', ({ name, args }) => {
  kernels[name](...args)
  parentPort.postMessage('done')
})`

/** @throws UnavailableError `MEMORY_UNAVAILABLE` */
export function createKernelPool(options: KernelPoolOptions): KernelPool {
  const module = new WebAssembly.Module(fromBase64(KERNELS_BASE64))
  const memory = takeMemory(options.bytes)
  options.prepare?.(memory)
  return options.threads === 1
    ? createLocalPool(module, memory, options)
    : createWorkerPool(module, memory, options)
}

function takeMemory(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / PAGE_BYTES)
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  } catch (cause) {
    // WebAssembly reports that the host has no memory by this.
    if (!(cause instanceof RangeError)) throw cause
    throw new UnavailableError('MEMORY_UNAVAILABLE', { mib: Math.ceil(bytes / MIB) }, cause)
  }
}

/** A turn of the event loop, so that messages and an abort can arrive. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function createLocalPool(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  { attach, watch, signal }: KernelPoolOptions,
): KernelPool {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } })
  const call = ({ name, args }: KernelCall) =>
    (exports[name] as (...args: number[]) => void)(...args)
  call(attach(0))
  return {
    memory,
    async run(calls, onDone) {
      for (const next of calls) {
        await turn()
        if (signal?.aborted) throw interrupted()
        watch?.begins(next.name)
        call(next)
        watch?.ends(next.name)
        onDone(next)
      }
    },
    async close() {},
  }
}

function createWorkerPool(
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  options: KernelPoolOptions,
): KernelPool {
  const { attach, signal, threads, watch } = options
  let fail: (reason: unknown) => void = () => {}
  const failed = new Promise<never>((_, reject) => {
    fail = reject
  })
  failed.catch(() => {}) // it may fail when nobody waits
  const onAbort = () => fail(interrupted())
  signal?.addEventListener('abort', onAbort)
  if (signal?.aborted) onAbort()

  const workers = startWorkers(threads, () => startWorker({ module, memory }, fail))
  if (workers.length === 0) return createLocalPool(module, memory, options)
  workers.forEach((worker, thread) => {
    // Nobody waits for it: a worker does what it is told in that order.
    worker.call(attach(thread)).catch(fail)
  })
  return {
    memory,
    async run(calls, onDone) {
      const queue = calls[Symbol.iterator]()
      const feed = async (worker: KernelWorker) => {
        for (const next of queue) {
          watch?.begins(next.name)
          await worker.call(next)
          watch?.ends(next.name)
          onDone(next)
        }
      }
      const feeds = Array.from({ length: CALLS_AHEAD }, () => workers.map(feed)).flat()
      await Promise.race([Promise.all(feeds), failed])
    },
    async close() {
      signal?.removeEventListener('abort', onAbort)
      await Promise.all(workers.map((worker) => worker.end()))
    },
  }
}

interface KernelWorker {
  /** Calls wait in the worker for their turn, and are done in the order of calling. */
  call(next: KernelCall): Promise<void>
  end(): Promise<unknown>
}

/** As many as the system lets this process have: where threads are limited, it may be none. */
function startWorkers(threads: number, start: () => KernelWorker): KernelWorker[] {
  const workers: KernelWorker[] = []
  try {
    while (workers.length < threads) workers.push(start())
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_INIT_FAILED') return workers
    for (const worker of workers) worker.end()
    throw error
  }
  return workers
}

function startWorker(workerData: object, fail: (reason: unknown) => void): KernelWorker {
  // Without the flags of this process: --input-type=module, say, would make a module of the source.
  const worker = new Worker(WORKER_SOURCE, { eval: true, workerData, execArgv: [] })
  const waiting: (() => void)[] = []
  worker.on('message', () => waiting.shift()?.())
  worker.on('error', (cause) => fail(new InternalError('A kernel thread failed.', cause)))
  worker.on('exit', () => fail(new InternalError('A kernel thread ended early.')))
  return {
    call: (next) =>
      new Promise((resolve) => {
        waiting.push(resolve)
        worker.postMessage(next)
      }),
    end() {
      worker.removeAllListeners('exit')
      return worker.terminate()
    },
  }
}

function interrupted(): InterruptedError {
  return new InterruptedError({ during: 'the verifying key' })
}
