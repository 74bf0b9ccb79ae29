/** Who waits for a job to change. */

/** Watched by who wants to hear of the end of any job. */
export const ANY_JOB = ''

export class JobWatchers {
  readonly #watches = new Map<string, Set<JobWatch>>()

  get ids(): readonly string[] {
    return [...this.#watches.keys()]
  }

  /** To be forgotten when nobody waits any more. */
  watch(id: string): JobWatch {
    const watches = this.#watches.get(id) ?? new Set()
    this.#watches.set(id, watches)
    const watch = new JobWatch(() => {
      watches.delete(watch)
      if (watches.size === 0 && this.#watches.get(id) === watches) this.#watches.delete(id)
    })
    watches.add(watch)
    return watch
  }

  tell(id: string): void {
    for (const watch of this.#watches.get(id) ?? []) watch.tell()
  }
}

export class JobWatch {
  /** Whether anything has changed since it was last set to false. */
  hasChanged = false
  readonly forget: () => void
  #wake = () => {}

  constructor(forget: () => void) {
    this.forget = forget
  }

  tell(): void {
    this.hasChanged = true
    this.#wake()
  }

  /** Resolves when something has changed, after the delay, or when `signal` aborts. Leaves nothing behind. */
  async wait(delayMs?: number, signal?: AbortSignal): Promise<void> {
    if (this.hasChanged || signal?.aborted) return
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      if (delayMs !== undefined) timer = setTimeout(resolve, delayMs)
      signal?.addEventListener('abort', this.#onAbort)
    })
    clearTimeout(timer)
    signal?.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = () => this.#wake()
}
