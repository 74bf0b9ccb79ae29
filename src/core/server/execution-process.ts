/**
 * One process that runs guests, seen from the server: what it is asked, what it answers, how it ends. It
 * inherits nothing: no environment, no descriptors but its two channels, no key.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Hex } from '../bytes.js'
import { GuestError, InternalError, restoreError, UnavailableError } from '../errors.js'
import { DEFAULT_LIMITS, type ExecutionResult } from '../executor/execute.js'
import type { Stdin } from '../executor/stdin.js'
import {
  BYTES_FD,
  type RunAnswer,
  type RunListeners,
  type RunRequest,
} from './execution-request.js'
import { KnownPrograms } from './known-programs.js'
import { residentBytes } from './resident-memory.js'

const MIB = 2 ** 20
/** Smaller inputs go with the message. */
const PIPED_BYTES = 64 * 1024
/** About what a buffer takes in a message, beside its bytes. */
const BUFFER_BYTES = 16
/** Between looks at the memory of a process whose run goes on. */
const LOOK_MS = 100

export interface RunWork {
  readonly elf: Uint8Array
  readonly elfHash: Hex
  readonly stdin: Stdin
  readonly options: RunRequest['options']
  readonly listeners: RunListeners
  /** What the process may have of the machine's memory, the guest's own included. */
  readonly maxMib: number
}

interface CurrentRun {
  readonly work: RunWork
  readonly resolve: (result: ExecutionResult) => void
  readonly reject: (error: unknown) => void
  readonly look: NodeJS.Timeout
}

export class ExecutionProcess {
  readonly #child: ChildProcess
  readonly #pid: number
  readonly #pipe: Socket
  readonly #programs = new KnownPrograms<{ readonly length: number }>()
  #current: CurrentRun | undefined
  #isAlive = true
  #peakBytes = 0

  /**
   * @param heapMib - of its JavaScript; beyond it the process dies. A guest's memory is not part of it.
   * @throws UnavailableError `EXECUTION_LOST`: the system has no room for a process
   */
  constructor(heapMib: number) {
    this.#child = startWorker(heapMib)
    this.#child.on('error', ({ message }) => this.#onEnd(lost(message)))
    const { pid } = this.#child
    if (pid === undefined) throw lost('the system starts no process')
    this.#pid = pid
    this.#pipe = this.#child.stdio[BYTES_FD] as Socket
    // What cannot be written has no reader any more, whose end is told.
    this.#pipe.on('error', () => {})
    this.#child.on('message', (answer: RunAnswer) => this.#onAnswer(answer))
    this.#child.on('exit', (code, signal) => this.#onEnd(lost(howItEnded(code, signal))))
    this.#keepServerUp(false)
  }

  get pid(): number {
    return this.#pid
  }

  /** False once it has ended for whatever reason; it takes no run then. */
  get isAlive(): boolean {
    return this.#isAlive
  }

  /** Whether it has run the program lately, and is warm. */
  knows(elfHash: Hex): boolean {
    return this.#programs.has(elfHash)
  }

  /** Seen of it during the run, or the last one; 0 where the system does not tell. */
  get peakBytes(): number {
    return this.#peakBytes
  }

  /**
   * One run at a time.
   *
   * @throws what `execute` throws there; GuestError `PROCESS_MEMORY_LIMIT`
   * @throws UnavailableError `EXECUTION_LOST` if the process dies
   */
  run(work: RunWork): Promise<ExecutionResult> {
    this.#peakBytes = 0
    this.#keepServerUp(true)
    return new Promise((resolve, reject) => {
      const look = setInterval(() => this.#look(), LOOK_MS).unref()
      this.#current = { work, resolve, reject, look }
      try {
        this.#send(work)
      } catch (error) {
        // Both sides' books of programs may differ now.
        void this.end(error)
      }
    })
  }

  /** End the process at once, and its run with this error. */
  async end(error: unknown): Promise<void> {
    this.#onEnd(error)
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  #send({ elf, elfHash, stdin, options, listeners }: RunWork): void {
    const { buffers, deferredProofs } = stdin
    const isNew = this.#programs.use(elfHash) === undefined
    if (isNew) this.#programs.add(elfHash, { length: elf.length })
    const messageBytes = buffers.reduce((sum, { length }) => sum + length + BUFFER_BYTES, 0)
    const isPiped = messageBytes > PIPED_BYTES
    const request: RunRequest = {
      elfHash,
      ...(isNew && { elfBytes: elf.length }),
      deferredProofs,
      inputs: isPiped ? { sizes: buffers.map(({ length }) => length) } : { buffers },
      options,
      wantsOutput: listeners.onOutput !== undefined,
    }
    this.#child.send(request, (error) => {
      if (error !== null) this.#onEnd(lost(error.message))
    })
    if (isNew) void this.#write([elf, ...(isPiped ? buffers : [])])
    else if (isPiped) void this.#write(buffers)
  }

  /** One after the other: what waits is where it was. */
  async #write(pieces: readonly Uint8Array[]): Promise<void> {
    for (const piece of gathered(pieces)) {
      if (!this.#isAlive) return
      await new Promise<void>((resolve) => this.#pipe.write(piece, () => resolve()))
    }
  }

  #onAnswer(answer: RunAnswer): void {
    if (this.#current === undefined) return
    const { work, resolve, reject } = this.#current
    if ('cycles' in answer) {
      work.listeners.onProgress?.(answer.cycles)
    } else if ('output' in answer) {
      work.listeners.onOutput?.(...answer.output)
    } else {
      this.#look()
      // What was found out a moment ago is the run's end, too.
      if (this.#current === undefined) return
      this.#endRun()
      if ('error' in answer) {
        reject(restoreError(answer.error) ?? new InternalError(answer.error.message))
      } else if (answer.result.elfHash !== work.elfHash) {
        reject(new InternalError('a process for guests has run another program'))
      } else resolve(answer.result)
    }
  }

  #look(): void {
    if (this.#current === undefined) return
    const bytes = residentBytes(this.#pid) ?? 0
    this.#peakBytes = Math.max(this.#peakBytes, bytes)
    const { maxMib, options } = this.#current.work
    if (bytes <= maxMib * MIB) return
    const residentMib = Math.ceil(bytes / MIB)
    const limitMib = options.limits?.memoryMib ?? DEFAULT_LIMITS.memoryMib
    void this.end(new GuestError('PROCESS_MEMORY_LIMIT', { limitMib, residentMib, maxMib }))
  }

  #onEnd(error: unknown): void {
    this.#isAlive = false
    const run = this.#current
    this.#endRun()
    run?.reject(error)
  }

  #endRun(): void {
    clearInterval(this.#current?.look)
    this.#current = undefined
    this.#keepServerUp(false)
  }

  /** A process that waits for work is no reason for whoever started it to go on. */
  #keepServerUp(isUp: boolean): void {
    const does = isUp ? 'ref' : 'unref'
    this.#child[does]()
    this.#child.channel?.[does]()
    this.#pipe[does]()
  }
}

function startWorker(heapMib: number): ChildProcess {
  try {
    return fork(fileURLToPath(import.meta.resolve('#execution-worker')), [], {
      execArgv: [`--max-old-space-size=${heapMib}`],
      env: {},
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc', 'pipe'],
    })
  } catch (error) {
    throw lost((error as Error).message)
  }
}

/** Large pieces as they are, small ones together. What is given is over when the next is asked for. */
function* gathered(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  const block = new Uint8Array(PIPED_BYTES)
  let used = 0
  for (const piece of pieces) {
    if (piece.length > block.length - used) {
      yield block.subarray(0, used)
      used = 0
    }
    if (piece.length > block.length) {
      yield piece
    } else {
      block.set(piece, used)
      used += piece.length
    }
  }
  yield block.subarray(0, used)
}

function howItEnded(code: number | null, signal: string | null): string {
  return signal === null ? `its process exited with code ${code}` : `its process ended by ${signal}`
}

function lost(reason: string): UnavailableError {
  return new UnavailableError('EXECUTION_LOST', { reason })
}
