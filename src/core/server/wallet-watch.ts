/** What the gas payer has left, asked now and then, so that whoever wants to know need not wait. */

const ASK_EVERY_MS = 60_000
/** An older answer says nothing any more. */
const MAX_AGE_MS = 600_000

export interface WalletWatchOptions {
  /** In wei; comes to an end by itself. */
  readonly ask: () => Promise<bigint>
  /** Milliseconds of a monotonic clock. */
  readonly nowMs: () => number
  readonly onFailure?: (error: unknown) => void
}

export class WalletWatch {
  readonly #options: WalletWatchOptions
  #timer: NodeJS.Timeout | undefined
  #known: { readonly wei: bigint; readonly sinceMs: number } | undefined
  #isAsking = false

  constructor(options: WalletWatchOptions) {
    this.#options = options
  }

  start(): void {
    this.#ask()
    this.#timer = setInterval(() => this.#ask(), ASK_EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Undefined if the chain has not answered for long. */
  get wei(): bigint | undefined {
    const { wei, sinceMs } = this.#known ?? {}
    const isKnown = sinceMs !== undefined && this.#options.nowMs() - sinceMs < MAX_AGE_MS
    return isKnown ? wei : undefined
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    const { ask, nowMs, onFailure } = this.#options
    try {
      this.#known = { wei: await ask(), sinceMs: nowMs() }
    } catch (error) {
      onFailure?.(error)
    } finally {
      this.#isAsking = false
    }
  }
}
