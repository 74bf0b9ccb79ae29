/**
 * Room for blobs: what is there and what is on its way stay below a limit together, because what no job
 * needs is removed, the least used first. What is removed, and how it is known, is a member's own.
 */
import { UnavailableError } from '../errors.js'
import { oneAtATime } from '../one-at-a-time.js'
import type { BlobStoreOptions } from './blob-store.js'

/** Making room leaves some for what comes next, because each time costs a look at everything. */
const FULLEST_AFTER = 0.9
/** And a store that is full is not looked through for every upload that it refuses. */
const FULL_FOR_MS = 5_000

export interface KeptBlob {
  readonly name: string
  readonly bytes: number
  readonly usedAtMs: number
}

export interface BlobRoomOptions extends BlobStoreOptions {
  /** A blob this young is kept though no job needs it yet: one may be on its way. */
  readonly youngestToGoMs: number
  /** How long others may put blobs that are not counted here; absent where there are no others. */
  readonly countedForMs?: number
  /** All that is there. */
  readonly list: () => Promise<readonly KeptBlob[]>
  /** Unless it was used since then, by whomever; tells `add` what is gone. */
  readonly remove: (blob: KeptBlob, usedBeforeMs: number) => Promise<void>
}

/** @throws UnavailableError `STORE_FULL`, `STORE_UNAVAILABLE` */
export type Reserve = (bytes: number) => Promise<void>

export class BlobRoom {
  readonly #options: BlobRoomOptions
  /** There in all, as of the last list and what was added since. */
  #bytes = 0
  /** Of blobs on their way from here. */
  #arriving = 0
  #countedAtMs = Number.NEGATIVE_INFINITY
  #fullAtMs = Number.NEGATIVE_INFINITY
  #counting: Promise<void> | undefined
  /** One after the other, because the first may make room for all. */
  readonly #makeInTurn = oneAtATime(() => this.#makeNow())

  constructor(options: BlobRoomOptions) {
    this.#options = options
  }

  /** @param bytes - less than none for what is gone */
  add(bytes: number): void {
    this.#bytes += bytes
  }

  /** Learns how much is there. */
  async count(): Promise<void> {
    this.#setCounted(await this.#options.list())
  }

  /** What `work` reserves is spoken for until it is over, so that those who come together all fit. */
  async during<T>(work: (reserve: Reserve) => Promise<T>): Promise<T> {
    let reserved = 0
    try {
      return await work((bytes) => {
        reserved += bytes
        this.#arriving += bytes
        return this.#make()
      })
    } finally {
      this.#arriving -= reserved
    }
  }

  async #make(): Promise<void> {
    if (this.#isWithin(this.#options.maxBytes)) return this.#countNowAndThen()
    return this.#makeInTurn()
  }

  async #makeNow(): Promise<void> {
    const { maxBytes, nowMs } = this.#options
    if (this.#isWithin(maxBytes)) return
    if (!isLately(this.#fullAtMs, FULL_FOR_MS, nowMs())) {
      await this.#removeOldest()
      if (this.#isWithin(maxBytes)) return
      this.#fullAtMs = nowMs()
    }
    throw new UnavailableError('STORE_FULL', { limitBytes: maxBytes })
  }

  /** Beside the upload that came at the right time. */
  #countNowAndThen(): void {
    const { countedForMs, nowMs } = this.#options
    if (countedForMs === undefined) return
    if (isLately(this.#countedAtMs, countedForMs, nowMs())) return
    this.#counting ??= this.count()
      // The next upload tries again, and meets the same error itself if it lasts.
      .catch(() => {})
      .finally(() => {
        this.#counting = undefined
      })
  }

  async #removeOldest(): Promise<void> {
    const { maxBytes, inUse, nowMs, youngestToGoMs, list, remove } = this.#options
    const kept = await list()
    this.#setCounted(kept)
    // Asked after the list, so that a job which is not in it yet has made its blobs young before.
    const needed = await inUse()
    const usedBeforeMs = nowMs() - youngestToGoMs
    for (const blob of blobsToGo(kept, needed, usedBeforeMs)) {
      if (this.#isWithin(FULLEST_AFTER * maxBytes)) return
      await remove(blob, usedBeforeMs)
    }
  }

  #isWithin(maxBytes: number): boolean {
    return this.#bytes + this.#arriving <= maxBytes
  }

  #setCounted(kept: readonly KeptBlob[]): void {
    this.#bytes = kept.reduce((sum, { bytes }) => sum + bytes, 0)
    this.#countedAtMs = this.#options.nowMs()
  }
}

/** Whether it is less than that ago. What is ahead of a clock that was set back is not. */
export function isLately(atMs: number, withinMs: number, nowMs: number): boolean {
  return atMs <= nowMs && nowMs - atMs < withinMs
}

/**
 * What may go when room is needed, the least used first: nothing that a job needs, and nothing that was
 * used so lately that the job it is for may be on its way.
 */
function blobsToGo(
  kept: readonly KeptBlob[],
  needed: ReadonlySet<string>,
  usedBeforeMs: number,
): KeptBlob[] {
  return kept
    .filter(({ name, usedAtMs }) => usedAtMs < usedBeforeMs && !needed.has(`0x${name}`))
    .sort((a, b) => a.usedAtMs - b.usedAtMs)
}
