/**
 * Guests run in processes of their own, so that none can hold up or take down the server and its signer.
 * A process whose run is aborted, overruns its time or memory, or dies is replaced; the others go on.
 */

import { Backoff } from '../backoff.js'
import { type Hex, toHex } from '../bytes.js'
import { GuestError, InputError, InterruptedError, UnavailableError } from '../errors.js'
import { DEFAULT_LIMITS, type ExecuteOptions, type ExecutionResult } from '../executor/execute.js'
import type { Stdin } from '../executor/stdin.js'
import { pause } from '../pause.js'
import { sha256 } from '../sha256.js'
import { ExecutionProcess } from './execution-process.js'

/** The executor stops itself at its timeout; a process that does not is ended this much later. */
const GRACE_MS = 5_000
const HEAP_MIB = 1024
/**
 * Of the machine's memory, a guest that uses all of its own takes 1.46 times as much: words have marks.
 * Beside that node takes 55 MiB, the engine up to 180, and what earlier runs left up to `KEPT_MIB`; the
 * rest is for hints, output and public values.
 */
const SHARE_OF_GUEST = 1.5
const ALLOWANCE_MIB = 1024
/** A process that has grown beyond keeps it for ever, so it is ended. Warm ones have 60 to 180. */
const KEPT_MIB = 512
const MIB = 2 ** 20
/** Of a run, while the system has no room for a process: others may take all there is for a moment. */
const PATIENCE_MS = 20_000
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 5_000

export interface ExecutionPoolOptions {
  /** Runs at the same time; more wait. */
  readonly size: number
  /** Processes that there are before any run needs them; default: one. */
  readonly ready?: number
  readonly graceMs?: number
  /** Of a process's JavaScript. */
  readonly heapMib?: number
  /** What a process may have of the machine's memory beside what the guest and its input take. */
  readonly allowanceMib?: number
  /** How long a run waits at least for a process to be started. */
  readonly patienceMs?: number
  /** Told at the end of each run: the most that its process was seen to have of the machine's memory. */
  readonly onMemory?: (peakBytes: number) => void
}

export interface ExecutionPool {
  /**
   * As the executor's own, but that `now` is the process's.
   *
   * @throws InputError `HOOKS_IN_THREAD` for hooks: functions do not get there.
   * @throws GuestError `PROCESS_MEMORY_LIMIT`
   * @throws UnavailableError `EXECUTION_LOST`: the process died, or the system starts none
   */
  execute(elf: Uint8Array, stdin: Stdin, options?: ExecuteOptions): Promise<ExecutionResult>
  /** Ids of the processes there are. */
  readonly pids: readonly number[]
  /** Ends every process, and with it whatever runs. */
  close(): Promise<void>
}

export function createExecutionPool({
  size,
  ready = 1,
  graceMs = GRACE_MS,
  heapMib = HEAP_MIB,
  allowanceMib = ALLOWANCE_MIB,
  patienceMs = PATIENCE_MS,
  onMemory,
}: ExecutionPoolOptions): ExecutionPool {
  const idle: ExecutionProcess[] = []
  const running = new Set<ExecutionProcess>()
  const waiting: (() => void)[] = []
  let taken = 0
  const closing = new AbortController()
  for (let i = 0; i < ready; i++) startOne()

  return {
    async execute(elf, stdin, { hooks = {}, ...options } = {}) {
      if (Object.keys(hooks).length > 0) throw new InputError('HOOKS_IN_THREAD', {})
      if (taken === size) await new Promise<void>((resolve) => waiting.push(resolve))
      else taken++
      try {
        return await run(elf, stdin, options)
      } finally {
        // Whoever waits takes this place, so the count stays.
        const next = waiting.shift()
        if (next === undefined) taken--
        else next()
      }
    },
    get pids() {
      return [...running, ...idle].filter(({ isAlive }) => isAlive).map(({ pid }) => pid)
    },
    async close() {
      closing.abort()
      const error = new InterruptedError({ during: 'execution' })
      await Promise.all([...idle, ...running].map((process) => process.end(error)))
    },
  }

  async function run(
    elf: Uint8Array,
    stdin: Stdin,
    { signal, onProgress, onOutput, now: _now, ...options }: Omit<ExecuteOptions, 'hooks'>,
  ): Promise<ExecutionResult> {
    const abort = new InterruptedError({ during: 'execution' })
    const { timeoutMs, memoryMib } = { ...DEFAULT_LIMITS, ...options.limits }
    const elfHash = toHex(sha256(elf))
    const process = await takePatiently(elfHash, signal)
    running.add(process)
    const onAbort = () => process.end(abort)
    signal?.addEventListener('abort', onAbort)
    const overrun = new GuestError('TIMEOUT', { timeoutSeconds: timeoutMs / 1000 })
    const timer = setTimeout(() => process.end(overrun), timeoutMs + graceMs)
    const inputBytes = stdin.buffers.reduce((sum, { length }) => sum + length, elf.length)
    const maxMib = Math.ceil(SHARE_OF_GUEST * memoryMib + allowanceMib + inputBytes / MIB)
    const listeners = { ...(onProgress && { onProgress }), ...(onOutput && { onOutput }) }
    try {
      return await process.run({ elf, elfHash, stdin, options, listeners, maxMib })
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      running.delete(process)
      if (process.peakBytes > KEPT_MIB * MIB) void process.end(abort)
      else if (process.isAlive) idle.push(process)
      keepReady()
      onMemory?.(process.peakBytes)
    }
  }

  /** @throws InterruptedError it is aborted, or the pool closes, before there is one */
  async function takePatiently(elfHash: Hex, signal?: AbortSignal): Promise<ExecutionProcess> {
    const backoff = new Backoff(FIRST_RETRY_MS, LONGEST_RETRY_MS)
    let waitedMs = 0
    for (;;) {
      if (signal?.aborted || closing.signal.aborted) {
        throw new InterruptedError({ during: 'execution' })
      }
      try {
        return takeProcess(elfHash)
      } catch (error) {
        if (waitedMs >= patienceMs) throw error
        const signals = [closing.signal, ...(signal ? [signal] : [])]
        const retryMs = backoff.next()
        await pause(retryMs, AbortSignal.any(signals))
        waitedMs += retryMs
      }
    }
  }

  /** One that is warm for the program, if there is; one that died has no place. */
  function takeProcess(elfHash: Hex): ExecutionProcess {
    for (let i = idle.length - 1; i >= 0; i--) if (!idle[i]?.isAlive) idle.splice(i, 1)
    const warm = idle.findLastIndex((process) => process.knows(elfHash))
    const [process] = idle.splice(warm === -1 ? idle.length - 1 : warm, 1)
    return process ?? new ExecutionProcess(heapMib)
  }

  /** So that no run waits until node has started, in place of one that has ended. */
  function keepReady(): void {
    const alive = [...running, ...idle].filter(({ isAlive }) => isAlive).length
    if (!closing.signal.aborted && alive < ready) startOne()
  }

  function startOne(): void {
    try {
      idle.push(new ExecutionProcess(heapMib))
    } catch {
      // The run that needs one will say so.
    }
  }
}

/** A process that died may have done so for a reason of its own; a second one is the run's. */
export function onceMore(execute: ExecutionPool['execute']): ExecutionPool['execute'] {
  return async (...run) => {
    try {
      return await execute(...run)
    } catch (error) {
      const isLost = error instanceof UnavailableError && error.code === 'EXECUTION_LOST'
      if (!isLost) throw error
      return execute(...run)
    }
  }
}
