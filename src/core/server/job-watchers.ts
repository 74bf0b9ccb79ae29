/** Who waits for a job to change, and how one waits for time to pass. */

/** Watched by who wants to hear of the end of any job. */
export const ANY_JOB = ''

export interface Change {
  readonly happens: Promise<void>
  /** To be called when one does not wait any more, whether it has happened or not. */
  forget(): void
}

export class JobWatchers {
  readonly #watchers = new Map<string, Set<() => void>>()

  get ids(): readonly string[] {
    return [...this.#watchers.keys()]
  }

  next(id: string): Change {
    const watchers = this.#watchers.get(id) ?? new Set()
    this.#watchers.set(id, watchers)
    let watcher = () => {}
    const happens = new Promise<void>((resolve) => {
      watcher = resolve
    })
    watchers.add(watcher)
    return {
      happens,
      forget: () => {
        watchers.delete(watcher)
        if (watchers.size === 0 && this.#watchers.get(id) === watchers) this.#watchers.delete(id)
      },
    }
  }

  tell(id: string): void {
    for (const watcher of this.#watchers.get(id) ?? []) watcher()
  }
}

/** Resolves after the delay, or when `signal` aborts. */
export function timePasses(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, delayMs)
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
  })
}
