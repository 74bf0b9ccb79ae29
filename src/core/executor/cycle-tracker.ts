/**
 * Cycle tracking: lines a guest writes to its standard output to time a part of itself. Only spans
 * begun and ended by the `report` forms are reported; a label's spans add up.
 * Source: sp1-core-executor 3.4.0 syscalls/write.rs.
 */

const START = new Set(['cycle-tracker-start', 'cycle-tracker-report-start'])
const END = 'cycle-tracker-end'
const REPORT_END = 'cycle-tracker-report-end'

/** Rust's `str::trim`: JavaScript's takes U+FEFF as white space and U+0085 not. */
const OUTER_WHITE_SPACE = /^\p{White_Space}+|\p{White_Space}+$/gu

export class CycleTracker {
  readonly #startedAt = new Map<string, number>()
  readonly #totals = new Map<string, number>()

  /** @returns false if `line` is no command and so ordinary output. */
  handle(line: string, cycles: number): boolean {
    const colon = line.indexOf(':')
    if (colon < 0) return false
    const command = line.slice(0, colon)
    const label = line.slice(colon + 1).replace(OUTER_WHITE_SPACE, '')
    if (START.has(command)) {
      this.#startedAt.set(label, cycles)
      return true
    }
    if (command !== END && command !== REPORT_END) return false
    const startedAt = this.#startedAt.get(label)
    this.#startedAt.delete(label)
    if (startedAt !== undefined && command === REPORT_END) {
      this.#totals.set(label, (this.#totals.get(label) ?? 0) + cycles - startedAt)
    }
    return true
  }

  /** Cycles by label, in order of the labels. */
  report(): Record<string, number> {
    return sortedRecord(this.#totals)
  }
}

/** A plain object with ascending keys; safe for any key, `__proto__` included. */
export function sortedRecord(entries: Iterable<readonly [string, number]>): Record<string, number> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
}
