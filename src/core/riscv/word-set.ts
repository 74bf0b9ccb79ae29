/** A set of words of memory, by index: a bit each, in pages that are made when they are needed. */
import { PAGE_WORDS } from './marks.js'

export class WordSet {
  readonly #pages = new Map<number, Uint32Array>()

  /** @returns false if it was there. */
  add(index: number): boolean {
    const page = Math.floor(index / PAGE_WORDS)
    const bits = this.#pages.get(page) ?? new Uint32Array(PAGE_WORDS / 32)
    this.#pages.set(page, bits)
    const at = (index % PAGE_WORDS) >>> 5
    const bit = 1 << (index & 31)
    if ((bits[at] & bit) !== 0) return false
    bits[at] |= bit
    return true
  }

  /** Numbers of pages that have any. */
  pages(): Iterable<number> {
    return this.#pages.keys()
  }

  clear(): void {
    this.#pages.clear()
  }
}
