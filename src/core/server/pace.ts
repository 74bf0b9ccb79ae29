/** How fast jobs have run lately, for those who are told to come again. */
const LONGEST_RETRY_AFTER_SECONDS = 60
/** Of the last run in the mean. */
const WEIGHT = 0.2

export class Pace {
  #meanRunMs = 1_000

  onRun(ranMs: number): void {
    this.#meanRunMs += WEIGHT * (ranMs - this.#meanRunMs)
  }

  /** When so many that wait will have run, if `concurrency` run at a time; at least a second. */
  retryAfterSeconds(queued: number, concurrency: number): number {
    const seconds = Math.ceil((queued * this.#meanRunMs) / concurrency / 1000)
    return Math.min(Math.max(seconds, 1), LONGEST_RETRY_AFTER_SECONDS)
  }
}
