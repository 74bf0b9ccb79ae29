/** How much was proved lately, for people who look: proofs by the minute, for the last half hour. */
import type { JobEvent } from './job-event.js'

const MINUTES = 30
const MINUTE_MS = 60_000

export interface MinuteOfWork {
  readonly succeeded: number
  readonly failed: number
  readonly cycles: number
}

export class Activity {
  /** By the minute they began at, oldest first. */
  readonly #minutes = new Map<number, MinuteOfWork>()
  readonly #nowMs: () => number

  /** @param nowMs - of a monotonic clock */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  onJob(event: JobEvent): void {
    if (event.kind !== 'ended') return
    const minute = this.#minute()
    const { succeeded, failed, cycles } = this.#minutes.get(minute) ?? NOTHING
    this.#minutes.set(minute, {
      succeeded: succeeded + Number(event.state === 'succeeded'),
      failed: failed + Number(event.state === 'failed'),
      cycles: cycles + event.cycles,
    })
    for (const old of this.#minutes.keys()) if (old <= minute - MINUTES) this.#minutes.delete(old)
  }

  /** The last one is the minute that goes on. */
  get minutes(): readonly MinuteOfWork[] {
    const minute = this.#minute()
    return Array.from(
      { length: MINUTES },
      (_, index) => this.#minutes.get(minute - MINUTES + 1 + index) ?? NOTHING,
    )
  }

  #minute(): number {
    return Math.floor(this.#nowMs() / MINUTE_MS)
  }
}

const NOTHING: MinuteOfWork = { succeeded: 0, failed: 0, cycles: 0 }
