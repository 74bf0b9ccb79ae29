/**
 * Cycle tracking: lines a guest writes to its standard output to time a part of itself. Only spans
 * begun and ended by the `report` forms are reported; a label's spans add up.
 * Source: sp1-core-executor 3.4.0 syscalls/write.rs.
 */

const START = new Set(['cycle-tracker-start', 'cycle-tracker-report-start'])
const END = 'cycle-tracker-end'
const REPORT_END = 'cycle-tracker-report-end'

/** With more labels open at a time nobody reads how they nest, and finding it out would be slow. */
const MAX_OPEN_LABELS = 256

/** Rust's `str::trim`: JavaScript's takes U+FEFF as white space and U+0085 not. */
const OUTER_WHITE_SPACE = /^\p{White_Space}+|\p{White_Space}+$/gu

export class CycleTracker {
  /** Labels that are open, in the order of their starts. */
  readonly #startedAt = new Map<string, number>()
  readonly #totals = new Map<string, number>()
  /** The innermost label that each label's spans lie in; undefined for none and for several. */
  readonly #parents = new Map<string, string | undefined>()

  /** @returns false if `line` is no command and so ordinary output. */
  handle(line: string, cycles: number): boolean {
    const colon = line.indexOf(':')
    if (colon < 0) return false
    const command = line.slice(0, colon)
    const label = line.slice(colon + 1).replace(OUTER_WHITE_SPACE, '')
    if (START.has(command)) {
      this.#startedAt.delete(label)
      this.#startedAt.set(label, cycles)
      return true
    }
    if (command !== END && command !== REPORT_END) return false
    const startedAt = this.#startedAt.get(label)
    if (startedAt !== undefined && command === REPORT_END) {
      this.#noteParent(label)
      this.#totals.set(label, (this.#totals.get(label) ?? 0) + cycles - startedAt)
    }
    this.#startedAt.delete(label)
    return true
  }

  /** Cycles by label, in order of the labels. */
  report(): Record<string, number> {
    return sortedRecord(this.#totals)
  }

  /** For each label all of whose spans lie within spans of one other reported label: that one. */
  parents(): Record<string, string> {
    const isReported = (entry: [string, string | undefined]): entry is [string, string] =>
      entry[1] !== undefined && this.#totals.has(entry[1])
    return sortedRecord([...this.#parents].filter(isReported))
  }

  /** What is still open at a label's end and was begun before it encloses it. */
  #noteParent(label: string): void {
    let parent: string | undefined
    if (this.#startedAt.size <= MAX_OPEN_LABELS) {
      for (const open of this.#startedAt.keys()) {
        if (open === label) break
        parent = open
      }
    }
    const isFirst = !this.#parents.has(label)
    this.#parents.set(label, isFirst || this.#parents.get(label) === parent ? parent : undefined)
  }
}

/** A plain object with ascending keys; safe for any key, `__proto__` included. */
export function sortedRecord<Value>(
  entries: Iterable<readonly [string, Value]>,
): Record<string, Value> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)))
}
