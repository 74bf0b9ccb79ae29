/**
 * Guests run in threads of their own, so that none can hold up the server. A thread whose run is
 * aborted, overruns its time or dies is replaced; the others go on.
 */
import { GuestError, InputError, InterruptedError } from '../errors.js'
import { DEFAULT_LIMITS, type ExecuteOptions, type ExecutionResult } from '../executor/execute.js'
import type { Stdin } from '../executor/stdin.js'
import { ExecutionThread } from './execution-thread.js'

/** The executor stops itself at its timeout; a thread that does not is ended this much later. */
const GRACE_MS = 5_000

export interface ExecutionPoolOptions {
  /** Runs at the same time; more wait. */
  readonly size: number
  /** What a thread runs; default: execution-worker.ts, as it was built. */
  readonly script?: URL
  readonly graceMs?: number
}

export interface ExecutionPool {
  /**
   * As the executor's own, but that `now` is the thread's.
   *
   * @throws InputError `HOOKS_IN_THREAD` for hooks: functions do not get there.
   */
  execute(elf: Uint8Array, stdin: Stdin, options?: ExecuteOptions): Promise<ExecutionResult>
  /** Ends every thread, and with it whatever runs. */
  close(): Promise<void>
}

export function createExecutionPool({
  size,
  script = new URL(import.meta.resolve('#execution-worker')),
  graceMs = GRACE_MS,
}: ExecutionPoolOptions): ExecutionPool {
  const idle: ExecutionThread[] = []
  const running = new Set<ExecutionThread>()
  const waiting: (() => void)[] = []
  let taken = 0

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
    async close() {
      const error = new InterruptedError({ during: 'execution' })
      await Promise.all([...idle, ...running].map((thread) => thread.end(error)))
    },
  }

  async function run(
    elf: Uint8Array,
    stdin: Stdin,
    { signal, onProgress, onOutput, now: _now, ...options }: Omit<ExecuteOptions, 'hooks'>,
  ): Promise<ExecutionResult> {
    const abort = new InterruptedError({ during: 'execution' })
    if (signal?.aborted) throw abort
    const thread = takeThread()
    running.add(thread)
    const onAbort = () => thread.end(abort)
    signal?.addEventListener('abort', onAbort)
    const timeoutMs = options.limits?.timeoutMs ?? DEFAULT_LIMITS.timeoutMs
    const overrun = new GuestError('TIMEOUT', { timeoutSeconds: timeoutMs / 1000 })
    const timer = setTimeout(() => thread.end(overrun), timeoutMs + graceMs)
    try {
      const request = { elf, stdin, options, wantsOutput: onOutput !== undefined }
      return await thread.run(request, {
        ...(onProgress && { onProgress }),
        ...(onOutput && { onOutput }),
      })
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      running.delete(thread)
      idle.push(thread)
    }
  }

  function takeThread(): ExecutionThread {
    for (let thread = idle.pop(); thread !== undefined; thread = idle.pop()) {
      if (thread.isAlive) return thread
    }
    return new ExecutionThread(script)
  }
}
