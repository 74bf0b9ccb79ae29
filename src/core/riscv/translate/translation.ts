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
import type { IsLeftOut } from './unit.js'

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

  constructor(
    readonly code: Code,
    target: Target,
    readonly now: () => number,
  ) {
    this.#target = target
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
   * The units at some leaders.
   *
   * @param entries - their indices.
   * @param isLeftOut - of blocks that never ran, perhaps.
   */
  translate(entries: readonly number[], isLeftOut?: IsLeftOut): TranslatedModule {
    const firstSlot = this.#slots
    return this.#timed(() => {
      const { bytes, units } = translateUnits(
        ...([this.code, this.#target, entries, firstSlot, isLeftOut] as const),
      )
      const module = new WebAssembly.Module(bytes)
      const translated = { module, entries, firstSlot, units, bytes: bytes.length }
      this.#modules.push(translated)
      for (const entry of entries) this.#moduleOf.set(entry, translated)
      this.#slots += entries.length
      this.#moduleBytes += bytes.length
      return translated
    })
  }

  /** All units in one module: they call each other directly, and a run has less to link. */
  consolidate(isLeftOut: IsLeftOut): void {
    const entries = [...this.#moduleOf.keys()].sort((a, b) => a - b)
    this.#modules = []
    this.#moduleBytes = 0
    this.translate(entries, isLeftOut)
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
