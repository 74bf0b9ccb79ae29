/** Ended jobs are kept, but not for ever: now and then the store forgets some. */
import type { JobStore } from '../jobs/job-store.js'

const PRUNE_EVERY = 64

export interface RetentionOptions {
  readonly store: JobStore
  /** Ended jobs that are kept. */
  readonly keepEnded: number
  readonly onFailure: (error: unknown) => void
}

export class Retention {
  readonly #options: RetentionOptions
  #ended = 0

  constructor(options: RetentionOptions) {
    this.#options = options
  }

  async onEnd(): Promise<void> {
    if (++this.#ended >= PRUNE_EVERY) await this.prune()
  }

  /** @returns whether there is more room than before */
  async prune(): Promise<boolean> {
    this.#ended = 0
    const { store, keepEnded, onFailure } = this.#options
    try {
      return (await store.prune(keepEnded)) > 0
    } catch (error) {
      onFailure(error)
      return false
    }
  }
}
