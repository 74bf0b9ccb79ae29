/**
 * A program and what has been translated of it so far, for one way of laying out its memory. Runs of the
 * same program share it: the units one run found worth translating are there when the next one begins,
 * and so is the host's optimised code for them.
 */
import type { Code } from '../code.js'
import { CodeMap } from './code-map.js'
import type { Target } from './emitter.js'
import { translateUnits } from './translator.js'
import { type IsLeftOut, unitAt } from './unit.js'

export interface TranslatedModule {
  readonly module: WebAssembly.Module
  /** Indices of the instructions whose units are in the table from `firstSlot` on. */
  readonly entries: readonly number[]
  readonly firstSlot: number
}

/** How often an instruction has run without having a unit. */
export type Visits = (index: number) => number

export class Translation {
  readonly #target: Target
  #modules: TranslatedModule[] = []
  readonly #moduleOf = new Map<number, TranslatedModule>()
  #map: CodeMap | undefined
  #slots = 1
  #moduleBytes = 0
  #translateMs = 0

  constructor(
    readonly code: Code,
    target: Target,
    readonly now: () => number,
  ) {
    this.#target = target
  }

  /** Made when something is to be translated. */
  get map(): CodeMap {
    this.#map ??= this.#timed(() => new CodeMap(this.code))
    return this.#map
  }

  get modules(): readonly TranslatedModule[] {
    return this.#modules
  }

  /** How many slots of the function table are taken. */
  get slots(): number {
    return this.#slots
  }

  /** Of WebAssembly, all modules together. */
  get moduleBytes(): number {
    return this.#moduleBytes
  }

  /** Spent here since the translation was made. */
  get translateMs(): number {
    return this.#translateMs
  }

  /** The module that has the unit at an instruction. */
  moduleOf(entry: number): TranslatedModule | undefined {
    return this.#moduleOf.get(entry)
  }

  /** @param entries - indices of leaders; blocks that never ran are part of their units. */
  translate(entries: readonly number[]): TranslatedModule {
    return this.#translate(entries)
  }

  /**
   * The units at some leaders, without blocks that never ran, each only if its instructions ran `times`
   * times on average.
   */
  translateIfWorth(
    entries: readonly number[],
    times: number,
    visitsOf: Visits,
  ): TranslatedModule | undefined {
    const isLeftOut = (start: number) => visitsOf(start) === 0
    const worthy = entries.filter((entry) => this.#isWorth(entry, times, visitsOf, isLeftOut))
    return worthy.length > 0 ? this.#translate(worthy, isLeftOut) : undefined
  }

  /** All units in one module: they call each other directly, and a run has less to link. */
  consolidate(): void {
    const entries = this.#modules.flatMap((module) => module.entries)
    this.#modules = []
    this.#moduleBytes = 0
    this.#translate(entries)
  }

  /** Where the program and its functions begin. */
  functions(): number[] {
    const { count, isFunction, program } = this.map
    const start = this.map.indexOf(program.pcStart)
    return Array.from({ length: count }, (_, index) => index).filter(
      (index) => isFunction[index] === 1 || index === start,
    )
  }

  #isWorth(entry: number, times: number, visitsOf: Visits, isLeftOut: IsLeftOut): boolean {
    let size = 0
    let spent = 0
    for (const { start, end } of unitAt(this.map, entry, isLeftOut).blocks) {
      size += end - start
      spent += (end - start) * visitsOf(start)
    }
    return spent >= times * size
  }

  #translate(entries: readonly number[], isLeftOut?: IsLeftOut): TranslatedModule {
    const firstSlot = this.#slots
    const { map } = this
    return this.#timed(() => {
      const bytes = translateUnits(map, this.#target, entries, firstSlot, isLeftOut)
      const translated = { module: new WebAssembly.Module(bytes), entries, firstSlot }
      this.#modules.push(translated)
      for (const entry of entries) this.#moduleOf.set(entry, translated)
      this.#slots += entries.length
      this.#moduleBytes += bytes.length
      return translated
    })
  }

  #timed<T>(work: () => T): T {
    const startedAt = this.now()
    try {
      return work()
    } finally {
      this.#translateMs += this.now() - startedAt
    }
  }
}
