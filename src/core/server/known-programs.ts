/**
 * Programs that a process for guests keeps, so that each is sent to it once: those used last, up to a
 * size. Both sides of the process keep the same books, so neither has to ask.
 */
import type { Hex } from '../bytes.js'

const MAX_BYTES = 64 * 2 ** 20

export class KnownPrograms<T extends { readonly length: number }> {
  /** By the hash of the program; the one used last is the last. */
  readonly #programs = new Map<Hex, T>()
  #bytes = 0

  constructor(readonly maxBytes = MAX_BYTES) {}

  has(hash: Hex): boolean {
    return this.#programs.has(hash)
  }

  /** @returns undefined for a program that has to be added */
  use(hash: Hex): T | undefined {
    const known = this.#programs.get(hash)
    if (known === undefined) return undefined
    this.#programs.delete(hash)
    this.#programs.set(hash, known)
    return known
  }

  /** One that is larger than all may be together is not kept. */
  add(hash: Hex, program: T): void {
    this.#programs.set(hash, program)
    this.#bytes += program.length
    for (const [oldest, { length }] of this.#programs) {
      if (this.#bytes <= this.maxBytes) return
      this.#programs.delete(oldest)
      this.#bytes -= length
    }
  }
}
