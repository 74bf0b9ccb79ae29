/** Whether the stores take work now. That costs writes, and anybody may ask. */
import { askedRarely } from './asked-rarely.js'

const GOOD_FOR_MS = 2_000

export class StoreCheck {
  /** @throws UnavailableError `STORE_UNAVAILABLE` */
  readonly run: () => Promise<unknown>

  constructor(stores: readonly { check(): Promise<void> }[], nowMs: () => number) {
    const ask = () => Promise.all(stores.map((store) => store.check()))
    this.run = askedRarely(ask, GOOD_FOR_MS, nowMs)
  }
}
