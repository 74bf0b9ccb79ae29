/**
 * A guest's input buffers and everything it writes, each stream with its limit.
 * Source of the descriptors' meaning: sp1-core-executor syscalls/write.rs.
 */
import { concatBytes } from '../bytes.js'
import { GuestError } from '../errors.js'
import { type GuestIo, invalid } from '../syscalls/syscall.js'
import { CycleTracker } from './cycle-tracker.js'
import type { Hook } from './hooks/hook.js'
import type { Sp1Release } from './release.js'

const STDOUT_FD = 1
const STDERR_FD = 2
/** How many bytes a guest may hand itself as hints in one run, by itself and through hooks. */
const MAX_HINT_BYTES = 256 * 2 ** 20

/** Told of a guest's text as it comes, each time all of one write; labels are no text. */
export type OutputListener = (stream: 'stdout' | 'stderr', text: string) => void

export interface OutputLimits {
  /** Each of stdout (cycle tracker commands included) and stderr. */
  readonly outputBytes: number
  readonly publicValuesBytes: number
}

/** Bytes of one stream, refused past a limit. */
class Stream {
  readonly #parts: Uint8Array[] = []
  #length = 0

  constructor(
    readonly name: string,
    readonly limitBytes: number,
  ) {}

  /** @throws GuestError `OUTPUT_LIMIT` */
  requireRoom(byteCount: number): void {
    const { name, limitBytes } = this
    if (this.#length + byteCount > limitBytes) {
      throw new GuestError('OUTPUT_LIMIT', { stream: name, limitBytes })
    }
  }

  charge(byteCount: number): void {
    this.requireRoom(byteCount)
    this.#length += byteCount
  }

  append(bytes: Uint8Array): void {
    this.charge(bytes.length)
    this.#parts.push(bytes)
  }

  bytes(): Uint8Array {
    return concatBytes(...this.#parts)
  }
}

export class GuestStreams implements GuestIo {
  readonly cycleTracker = new CycleTracker()
  /** What is unread, the next one last. */
  readonly #inputs: Uint8Array[]
  readonly #release: Sp1Release
  readonly #hooks: ReadonlyMap<number, Hook>
  readonly #cyclesNow: () => number
  readonly #onOutput: OutputListener
  readonly #stdout: Stream
  readonly #stderr: Stream
  readonly #publicValues: Stream
  readonly #hints = new Stream('its own input', MAX_HINT_BYTES)
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  #inputsRead = 0
  #stdoutText = ''
  #stderrText = ''

  constructor(options: {
    inputs: readonly Uint8Array[]
    release: Sp1Release
    /** The caller's own, besides those of the release. */
    hooks?: ReadonlyMap<number, Hook>
    limits: OutputLimits
    cyclesNow: () => number
    onOutput?: OutputListener
  }) {
    const { outputBytes, publicValuesBytes } = options.limits
    this.#inputs = options.inputs.toReversed()
    this.#release = options.release
    this.#hooks = new Map([...(options.hooks ?? []), ...options.release.descriptors.hooks])
    this.#cyclesNow = options.cyclesNow
    this.#onOutput = options.onOutput ?? (() => {})
    this.#stdout = new Stream('standard output', outputBytes)
    this.#stderr = new Stream('standard error', outputBytes)
    this.#publicValues = new Stream('its public values', publicValuesBytes)
  }

  get stdout(): string {
    return this.#stdoutText
  }

  get stderr(): string {
    return this.#stderrText
  }

  get publicValues(): Uint8Array {
    return this.#publicValues.bytes()
  }

  get nextInputLength(): number | undefined {
    return this.#inputs.at(-1)?.length
  }

  get inputsRead(): number {
    return this.#inputsRead
  }

  takeInput(): Uint8Array {
    const input = this.#inputs.pop()
    if (input === undefined) {
      throw new GuestError('HINT_MISSING', { buffersRead: this.#inputsRead })
    }
    this.#inputsRead++
    return input
  }

  /** Writes to other descriptors are not kept, so each may be as long as standard output. */
  requireRoom(fd: number, byteCount: number): void {
    const { limitBytes } = this.#stdout
    const stream = this.#streamOf(fd) ?? new Stream(`file descriptor ${fd}`, limitBytes)
    stream.requireRoom(byteCount)
  }

  write(fd: number, bytes: Uint8Array): void {
    const { publicValues, hint, hintGoesTo, lastReserved = -1 } = this.#release.descriptors
    if (fd === STDOUT_FD) {
      this.#stdout.charge(bytes.length)
      const text = this.#decode(bytes)
      if (this.cycleTracker.handle(text, this.#cyclesNow())) return
      this.#stdoutText += text
      this.#onOutput('stdout', text)
    } else if (fd === STDERR_FD) {
      this.#stderr.charge(bytes.length)
      const text = this.#decode(bytes)
      this.#stderrText += text
      this.#onOutput('stderr', text)
    } else if (fd === publicValues) {
      this.#publicValues.append(bytes)
    } else if (fd === hint) {
      this.#hints.charge(bytes.length)
      if (hintGoesTo === 'front') this.#inputs.push(bytes)
      else this.#inputs.unshift(bytes)
    } else if (fd <= lastReserved) {
      invalid('WRITE', `file descriptor ${fd} is reserved`)
    } else {
      this.#callHook(fd, bytes)
    }
  }

  /** SP1 logs a warning for a descriptor that nothing is behind, and goes on. */
  #callHook(fd: number, bytes: Uint8Array): void {
    const answers = this.#hooks.get(fd)?.answer(bytes) ?? []
    for (const answer of answers.toReversed()) {
      this.#hints.charge(answer.length)
      this.#inputs.push(answer)
    }
  }

  #streamOf(fd: number): Stream | undefined {
    if (fd === STDOUT_FD) return this.#stdout
    if (fd === STDERR_FD) return this.#stderr
    const { publicValues, hint } = this.#release.descriptors
    if (fd === hint) return this.#hints
    return fd === publicValues ? this.#publicValues : undefined
  }

  #decode(bytes: Uint8Array): string {
    try {
      return this.#decoder.decode(bytes)
    } catch {
      return invalid('WRITE', 'its text is not UTF-8')
    }
  }
}
