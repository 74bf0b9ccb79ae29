/**
 * A program and what has been translated of it so far, for one way of laying out its memory. Runs of the
 * same program share it: the units one run found worth translating are there when the next one begins,
 * and so is the host's optimised code for them.
 */
import type { Code } from '../code.js'
import type { UnitFacts } from '../engine.js'
import { FIRST_UNIT_SLOT } from '../memory-layout.js'
import type { Target } from './emitter.js'
import { translateUnits } from './translator.js'
import { type IsLeftOut, instructionsOf, type Unit, unitAt } from './unit.js'

/**
 * So many instructions are translated for each that the program has, and for programs that are small,
 * at least so many: a program whose units overlap without end stops costing the host, and is interpreted.
 * All functions of a program take 1.1 to 2.9 of it.
 */
const MAX_TRANSLATED_SHARE = 4
const MIN_TRANSLATED = 2 ** 18
/** A unit takes as long as so many instructions, however small it is. */
const UNIT_INSTRUCTIONS = 32

export interface TranslatedModule {
  readonly module: WebAssembly.Module
  /** Indices of the instructions whose units are in the table from `firstSlot` on. */
  readonly entries: readonly number[]
  readonly firstSlot: number
  readonly units: readonly UnitFacts[]
  readonly bytes: number
}

export class Translation {
  readonly #target: Target
  #modules: TranslatedModule[] = []
  readonly #moduleOf = new Map<number, TranslatedModule>()
  #slots = FIRST_UNIT_SLOT
  #moduleBytes = 0
  #translateMs = 0
  #roomLeft: number

  constructor(
    readonly code: Code,
    target: Target,
    readonly now: () => number,
  ) {
    this.#target = target
    this.#roomLeft = Math.max(MIN_TRANSLATED, MAX_TRANSLATED_SHARE * code.length)
  }

  /** Instructions that may still be translated; 0 or less: no more. */
  get roomLeft(): number {
    return this.#roomLeft
  }

  get modules(): readonly TranslatedModule[] {
    return this.#modules
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

  /**
   * The units at some leaders: as many of the first ones as there is room for.
   *
   * @param entries - their indices.
   * @param isLeftOut - of blocks that never ran, perhaps.
   */
  translate(entries: readonly number[], isLeftOut?: IsLeftOut): TranslatedModule {
    return this.#timed(() => this.#add(this.#affordable(entries, isLeftOut)))
  }

  /** All units in one module, and more: they call each other directly, and a run has less to link. */
  consolidate(more: readonly number[], isLeftOut: IsLeftOut): void {
    this.#timed(() => {
      const known = [...this.#moduleOf.keys()].map((entry) => unitAt(this.code, entry, isLeftOut))
      const units = [...known, ...this.#affordable(more, isLeftOut)]
      this.#modules = []
      this.#moduleBytes = 0
      this.#add(units.sort((a, b) => a.entryPc - b.entryPc))
    })
  }

  #affordable(entries: readonly number[], isLeftOut?: IsLeftOut): Unit[] {
    const units: Unit[] = []
    for (const entry of entries) {
      if (this.#roomLeft <= 0) break
      const unit = unitAt(this.code, entry, isLeftOut)
      this.#roomLeft -= instructionsOf(unit) + UNIT_INSTRUCTIONS
      units.push(unit)
    }
    return units
  }

  #add(units: readonly Unit[]): TranslatedModule {
    const firstSlot = this.#slots
    const bytes = translateUnits(this.code, this.#target, units, firstSlot)
    const translated = {
      ...{ module: new WebAssembly.Module(bytes), firstSlot, bytes: bytes.length },
      entries: units.map(({ entryPc }) => this.code.indexOf(entryPc) as number),
      units: units.map((unit) => ({ pc: unit.entryPc, instructions: instructionsOf(unit) })),
    }
    this.#modules.push(translated)
    for (const entry of translated.entries) this.#moduleOf.set(entry, translated)
    this.#slots += units.length
    this.#moduleBytes += bytes.length
    return translated
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
