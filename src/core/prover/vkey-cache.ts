/**
 * Verifying keys that were computed by this process, by program and release. In memory only: the
 * disk is outside the trust boundary, and what comes from here is signed.
 */
import { InterruptedError } from '../errors.js'
import { computeElfVkey, type ElfVkey, type ElfVkeyOptions, hashElf } from './elf-vkey.js'

const DEFAULT_MAX_ENTRIES = 256

export interface VkeyCacheOptions {
  readonly maxEntries?: number
  readonly compute?: typeof computeElfVkey
}

interface Computation {
  readonly result: Promise<ElfVkey>
  readonly abort: AbortController
  readonly listeners: Set<(fraction: number) => void>
  waiters: number
}

export class VkeyCache {
  readonly #maxEntries: number
  readonly #compute: typeof computeElfVkey
  /** In order of last use. */
  readonly #known = new Map<string, ElfVkey>()
  readonly #running = new Map<string, Computation>()

  constructor({
    maxEntries = DEFAULT_MAX_ENTRIES,
    compute = computeElfVkey,
  }: VkeyCacheOptions = {}) {
    this.#maxEntries = maxEntries
    this.#compute = compute
  }

  /**
   * The key, computed once however many ask. A caller whose `signal` aborts leaves; the computation
   * stops when nobody waits for it. A failure is not remembered.
   *
   * @param elf - must not change until the promise settles.
   * @throws whatever `computeElfVkey` throws
   */
  async get(elf: Uint8Array, options: ElfVkeyOptions): Promise<ElfVkey> {
    const id = `${options.sp1 ?? `(${options.fallbackSp1})`}/${hashElf(elf)}`
    const known = this.#known.get(id)
    if (known !== undefined) {
      this.#remember(id, known)
      return known
    }
    const running = this.#running.get(id) ?? this.#start(id, elf, options)
    return this.#waitFor(id, running, options)
  }

  #start(id: string, elf: Uint8Array, options: ElfVkeyOptions): Computation {
    const abort = new AbortController()
    const listeners = new Set<(fraction: number) => void>()
    const onProgress = (fraction: number) => {
      for (const listener of listeners) listener(fraction)
    }
    const result = this.#compute(elf, { ...options, onProgress, signal: abort.signal })
      .then((vkey) => {
        this.#remember(id, vkey)
        return vkey
      })
      .finally(() => this.#forget(id, computation))
    const computation = { result, abort, listeners, waiters: 0 }
    this.#running.set(id, computation)
    return computation
  }

  async #waitFor(id: string, computation: Computation, options: ElfVkeyOptions): Promise<ElfVkey> {
    const { signal, onProgress } = options
    const { result, abort, listeners } = computation
    if (onProgress) listeners.add(onProgress)
    computation.waiters++
    let leave: () => void = () => {}
    const left = new Promise<never>((_resolve, reject) => {
      leave = () => reject(new InterruptedError({ during: 'the verifying key' }))
      if (signal?.aborted) leave()
      signal?.addEventListener('abort', leave)
    })
    try {
      return await Promise.race([result, left])
    } finally {
      signal?.removeEventListener('abort', leave)
      if (onProgress) listeners.delete(onProgress)
      if (--computation.waiters === 0) {
        // Whoever asks from now on gets another one: this one fails.
        this.#forget(id, computation)
        abort.abort()
        // Nobody is left to hear how it ended.
        result.catch(() => {})
      }
    }
  }

  #forget(id: string, computation: Computation): void {
    if (this.#running.get(id) === computation) this.#running.delete(id)
  }

  #remember(id: string, vkey: ElfVkey): void {
    this.#known.delete(id)
    this.#known.set(id, vkey)
    const [oldest] = this.#known.keys()
    if (this.#known.size > this.#maxEntries && oldest !== undefined) this.#known.delete(oldest)
  }
}
