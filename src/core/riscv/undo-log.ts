/** Pages of memory as they were before an unconstrained block used them. */
import { PAGE_WORDS } from './marks.js'

/** A whole page, which bounds the cost of a roll-back by the memory a block uses. */
interface Page {
  readonly words: Uint32Array
  readonly used: Uint8Array
}

export class UndoLog {
  readonly #pages = new Map<number, Page>()

  /**
   * The word at an index is about to change, or to be used.
   *
   * @param touched - by page, 1 if it is in the log.
   */
  remember(index: number, words: Uint32Array, used: Uint8Array, touched: Uint8Array): void {
    const page = Math.floor(index / PAGE_WORDS)
    if (touched[page] === 1) return
    const start = page * PAGE_WORDS
    this.#pages.set(page, {
      words: words.slice(start, start + PAGE_WORDS),
      used: used.slice(start, start + PAGE_WORDS),
    })
    touched[page] = 1
  }

  rollBack(words: Uint32Array, used: Uint8Array, touched: Uint8Array): void {
    for (const [page, saved] of this.#pages) {
      words.set(saved.words, page * PAGE_WORDS)
      used.set(saved.used, page * PAGE_WORDS)
      touched[page] = 0
    }
  }
}
