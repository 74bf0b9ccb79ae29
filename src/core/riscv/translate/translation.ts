/**
 * A program and what has been translated of it so far. Runs of the same program share it: the units
 * one run found worth translating are there when the next one begins, and so is the host's optimised
 * code for them.
 */
import { decodeProgram } from '../decode.js'
import type { Decoded } from '../instruction.js'
import type { Program } from '../program.js'
import { CodeMap } from './code-map.js'
import type { Target } from './emitter.js'
import { translateDispatcher, translateUnits } from './translator.js'
import { type IsLeftOut, unitAt } from './unit.js'

export interface TranslatedModule {
  readonly module: WebAssembly.Module
  /** Indices of the instructions whose units are in the table from `firstSlot` on. */
  readonly entries: readonly number[]
  readonly firstSlot: number
}

export class Translation {
  readonly instructions: readonly Decoded[]
  readonly map: CodeMap
  readonly dispatcher: WebAssembly.Module
  /** How often each leader was reached while it had no unit. */
  readonly arrivals: Uint32Array
  readonly #target: Target
  /** How often earlier runs interpreted each instruction, and the counts of the latest. */
  readonly #pastVisits: Float64Array
  #visits: Float64Array
  readonly #modules: TranslatedModule[] = []
  #slots = 1
  #moduleBytes = 0

  /** @throws InputError `ELF_INSTRUCTION_UNKNOWN` */
  constructor(program: Program, target: Target) {
    this.instructions = decodeProgram(program)
    this.map = new CodeMap(this.instructions, program)
    this.#target = target
    this.arrivals = new Uint32Array(this.map.count)
    this.#pastVisits = new Float64Array(this.map.count)
    this.#visits = new Float64Array(this.map.count)
    this.dispatcher = new WebAssembly.Module(translateDispatcher(this.map, target.layout))
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

  /** A run begins, which counts in `visits` how often it interprets each instruction. */
  begin(visits: Float64Array): void {
    this.#visits.forEach((count, index) => {
      this.#pastVisits[index] += count
    })
    this.#visits = visits
  }

  /** The module with the unit at a leader, which another run may have translated. */
  moduleOf(entry: number): TranslatedModule | undefined {
    return this.#modules.find(({ entries }) => entries.includes(entry))
  }

  /** @param entries - indices of leaders; blocks that never ran are part of their units. */
  translate(entries: readonly number[]): TranslatedModule {
    return this.#translate(entries)
  }

  /**
   * The unit at a leader, without blocks that never ran.
   *
   * @returns undefined unless its instructions were interpreted `times` times each, on average.
   */
  translateIfWorth(entry: number, times: number): TranslatedModule | undefined {
    const isLeftOut = (start: number) => this.visitsOf(start) === 0
    let size = 0
    let spent = 0
    for (const { start, end } of unitAt(this.map, entry, isLeftOut).blocks) {
      size += end - start
      spent += (end - start) * this.visitsOf(start)
    }
    return spent < times * size ? undefined : this.#translate([entry], isLeftOut)
  }

  /** How often this run and those before it have interpreted an instruction. */
  visitsOf(index: number): number {
    return this.#visits[index] + this.#pastVisits[index]
  }

  /** Where the program and its functions begin. */
  functions(): number[] {
    const { count, isFunction, program } = this.map
    const start = this.map.indexOf(program.pcStart)
    return Array.from({ length: count }, (_, index) => index).filter(
      (index) => isFunction[index] === 1 || index === start,
    )
  }

  #translate(entries: readonly number[], isLeftOut?: IsLeftOut): TranslatedModule {
    const firstSlot = this.#slots
    const bytes = translateUnits(this.map, this.#target, entries, firstSlot, isLeftOut)
    const translated = { module: new WebAssembly.Module(bytes), entries, firstSlot }
    this.#modules.push(translated)
    this.#slots += entries.length
    this.#moduleBytes += bytes.length
    return translated
  }
}
