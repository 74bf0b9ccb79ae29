/**
 * Whether the stores take work now. That costs writes, and anybody may ask, so they are asked once for
 * all who ask within some seconds.
 */

const GOOD_FOR_MS = 2_000

export class StoreCheck {
  readonly #stores: readonly { check(): Promise<void> }[]
  readonly #nowMs: () => number
  #last: Promise<void> | undefined
  #lastAtMs = 0

  constructor(stores: readonly { check(): Promise<void> }[], nowMs: () => number) {
    this.#stores = stores
    this.#nowMs = nowMs
  }

  /** @throws UnavailableError `STORE_UNAVAILABLE` */
  run(): Promise<void> {
    const now = this.#nowMs()
    if (this.#last === undefined || now - this.#lastAtMs >= GOOD_FOR_MS) {
      this.#lastAtMs = now
      this.#last = this.#ask()
    }
    return this.#last
  }

  async #ask(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.check()))
  }
}
