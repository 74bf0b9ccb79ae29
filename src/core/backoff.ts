/** How long to wait before what failed is tried again: twice as long each time, up to a limit. */
export class Backoff {
  readonly #firstMs: number
  readonly #longestMs: number
  #nextMs: number

  constructor(firstMs: number, longestMs: number) {
    this.#firstMs = firstMs
    this.#longestMs = longestMs
    this.#nextMs = firstMs
  }

  get isFirst(): boolean {
    return this.#nextMs === this.#firstMs
  }

  next(): number {
    const nextMs = this.#nextMs
    this.#nextMs = Math.min(2 * nextMs, this.#longestMs)
    return nextMs
  }

  /** It worked. */
  reset(): void {
    this.#nextMs = this.#firstMs
  }
}
