/**
 * How often the interpreter in WebAssembly ran each instruction, from what it counts: arrivals, which
 * are executions that do not follow one of the instruction before. Counters are words in shared memory,
 * which the host sets back now and then, and sets very high where there is a unit; what they leave out
 * is kept here.
 */
import type { Code } from './code.js'

/** Counters are signed words; no wait is so long that one could overflow. */
const MAX_WAIT = 2 ** 30

export class ArrivalCounts {
  #arrivals: Int32Array = new Int32Array()
  #slots: Uint32Array = new Uint32Array()
  /** Arrivals that the counters do not tell, besides what marks a unit. */
  readonly #uncounted: Float64Array
  /** Where that is not 0. */
  readonly #adjusted = new Set<number>()

  /** @param hotArrivals - a counter beyond it makes the interpreter ask for a unit. */
  constructor(
    readonly code: Code,
    readonly hotArrivals: number,
  ) {
    this.#uncounted = new Float64Array(code.length + 1)
  }

  /** The counters, and the slots that say where there are units. */
  attach(arrivals: Int32Array, slots: Uint32Array): void {
    this.#arrivals = arrivals
    this.#slots = slots
  }

  /** No arrivals yet; there are units at `entries` and nowhere else. */
  clear(entries: Iterable<number>): void {
    this.#arrivals.fill(0)
    for (const index of this.#adjusted) this.#uncounted[index] = 0
    this.#adjusted.clear()
    for (const entry of entries) this.#arrivals[entry] = this.#unitMark
  }

  arrivalsAt(index: number): number {
    const mark = this.#slots[index] === 0 ? 0 : this.#unitMark
    return this.#arrivals[index] - mark + this.#uncounted[index]
  }

  /** Set a counter back: it will be beyond the limit again after so many more arrivals. */
  waitFor(index: number, arrivals: number): void {
    this.#set(index, this.hotArrivals - Math.min(arrivals, MAX_WAIT), 0)
  }

  /** Whoever arrived at an instruction before `index` left before this one. */
  endRunBefore(index: number): void {
    this.#uncounted[index]--
    this.#adjusted.add(index)
  }

  /** There is a unit at `index` from now on, or no more; the caller sets its slot after that. */
  setUnit(index: number, hasUnit: boolean): void {
    const mark = hasUnit ? this.#unitMark : 0
    this.#set(index, mark, mark)
  }

  visitsAt(index: number): number {
    let visits = this.arrivalsAt(index)
    for (let i = index; i > 0 && !this.code.isSteering(i - 1); i--) visits += this.arrivalsAt(i - 1)
    return visits
  }

  /** Add the visits of the instructions from `start` to before `end` to those in `sums`. */
  addTo(sums: Float64Array, start: number, end: number): void {
    let visits = start < end ? this.visitsAt(start) - this.arrivalsAt(start) : 0
    for (let index = start; index < end; index++) {
      if (index > 0 && this.code.isSteering(index - 1)) visits = 0
      visits += this.arrivalsAt(index)
      sums[index] += visits
    }
  }

  /**
   * Of the instructions from `start` to before `end`, did those that ran at all run `times` times on
   * average?
   */
  areWorth(start: number, end: number, times: number): boolean {
    let visits = this.visitsAt(start) - this.arrivalsAt(start)
    let ran = 0
    let total = 0
    for (let index = start; index < end; index++) {
      if (index > 0 && this.code.isSteering(index - 1)) visits = 0
      visits += this.arrivalsAt(index)
      if (visits === 0) continue
      ran++
      total += visits
    }
    return ran > 0 && total >= times * ran
  }

  /** A counter that says: always too hot to be interpreted. */
  get #unitMark(): number {
    return this.hotArrivals + 1
  }

  #set(index: number, counter: number, mark: number): void {
    this.#uncounted[index] = this.arrivalsAt(index) - (counter - mark)
    this.#arrivals[index] = counter
    this.#adjusted.add(index)
  }
}
