/**
 * Which instructions get a unit, and when: in a run, what was interpreted so often that translating it
 * would have taken as long; between runs, what they will need again.
 */
import type { ArrivalCounts } from './arrival-counts.js'
import type { Code } from './code.js'
import type { CompiledProgram } from './translate/compiled-program.js'
import { type IsLeftOut, MAX_UNIT_INSTRUCTIONS } from './translate/unit.js'

/** A function that was called this often is better translated as a whole than from inside. */
const FEW_CALLS = 16
/** So many units make a module at most. */
const BATCH_UNITS = 16
/** A program that runs again will run more often, so a unit may take so many times as long to pay. */
const RERUN_GAIN = 4

/** Units of one function overlap, and V8's optimiser may take 36 MB for one. */
const MAX_FUNCTION_UNITS = 2

/** Is there a unit at an instruction? */
export type HasUnit = (index: number) => boolean

export class HotSpots {
  readonly #code: Code
  /** Hot instructions that wait for a unit, by the beginning of their function. */
  readonly #waiting = new Map<number, number>()

  /**
   * @param interpreted - how often the interpreter in TypeScript ran each instruction.
   * @param threshold - how often an instruction must have been interpreted; 0: every place that is reached.
   */
  constructor(
    readonly program: CompiledProgram,
    readonly arrivals: ArrivalCounts,
    readonly interpreted: Float64Array,
    readonly threshold: number,
  ) {
    this.#code = program.code
  }

  /** Another run begins. */
  begin(): void {
    this.#waiting.clear()
  }

  get isAnyWaiting(): boolean {
    return this.#waiting.size > 0
  }

  /** The function that `index` is in, if it is called again and again; else the place itself. */
  bestEntry(index: number, hasUnit: HasUnit): number {
    if (this.threshold === 0) return index
    const { start } = this.#code.functionAround(index)
    const isWhole = !hasUnit(start) && this.arrivals.visitsAt(start) >= FEW_CALLS
    return isWhole && this.#code.isLeader(start) ? start : index
  }

  /**
   * What to make units for, now that `index` was arrived at often. A module costs as much as a few units,
   * so what is hot waits for others: until it is hot once more, or there are enough of them. Of a
   * function, only one place waits: what is hot with it is mostly the same loop.
   *
   * @param entry - the best one for it.
   * @returns indices, ascending; none if it has to wait.
   */
  enough(index: number, entry: number): readonly number[] {
    if (this.threshold === 0) return [index]
    const { start, end } = this.#code.functionAround(index)
    const waiting = this.#waiting.get(start)
    if (waiting === entry) return this.#takeWaiting()
    const last = Math.min(end, entry + MAX_UNIT_INSTRUCTIONS)
    if (waiting !== undefined || !this.arrivals.areWorth(entry, last, this.threshold)) return []
    this.#waiting.set(start, entry)
    return this.#waiting.size >= BATCH_UNITS ? this.#takeWaiting() : []
  }

  /** Blocks that never ran, in this run or before. */
  get isLeftOut(): IsLeftOut {
    const { pastVisits } = this.program
    return (start) =>
      pastVisits[start] + this.interpreted[start] + this.arrivals.visitsAt(start) === 0
  }

  /**
   * What the runs before this one had to interpret so often that a unit pays for later ones: functions,
   * and where one has its unit already, a place in it. Slices end within functions; from there on they are
   * interpreted, until there is a place with a unit.
   */
  forLaterRuns(hasUnit: HasUnit): readonly number[] {
    const { pastVisits, lateVisits } = this.program
    const enough = this.threshold / RERUN_GAIN
    const starts = this.#code.functions()
    return starts.flatMap((start, i) => {
      const end = starts[i + 1] ?? this.#code.length
      if (!hasUnit(start)) return isReached(pastVisits, start, end, enough) ? [start] : []
      return isReached(lateVisits, start, end, enough) ? this.#hottestIn(start, end, hasUnit) : []
    })
  }

  /** The place that was interpreted most. */
  #hottestIn(start: number, end: number, hasUnit: HasUnit): readonly number[] {
    const { lateVisits } = this.program
    let hottest = start
    let units = 0
    for (let i = start; i < end; i++) {
      if (hasUnit(i)) units++
      if (lateVisits[i] > lateVisits[hottest] && this.#code.isLeader(i)) hottest = i
    }
    return hasUnit(hottest) || units >= MAX_FUNCTION_UNITS ? [] : [hottest]
  }

  #takeWaiting(): readonly number[] {
    const entries = [...this.#waiting.values()].sort((a, b) => a - b)
    this.#waiting.clear()
    return entries
  }
}

function isReached(visits: Float64Array, start: number, end: number, enough: number): boolean {
  for (let index = start; index < end; index++) if (visits[index] >= enough) return true
  return false
}
