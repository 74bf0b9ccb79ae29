/**
 * Units of a program as WebAssembly modules. Modules of one program share the memory, and one table
 * through which they call what is in none of them; slot 0 of it has the interpreter (stepper.ts), for what is not translated.
 */
import { ModuleBuilder } from '../../wasm/module-builder.js'
import type { Code } from '../code.js'
import type { UnitFacts } from '../engine.js'
import { UNIT } from './departures.js'
import type { Target } from './emitter.js'
import { type IsLeftOut, unitAt } from './unit.js'
import { writeUnit } from './unit-writer.js'

const PAGE_BYTES = 65_536
/** Of a 32-bit memory. */
const MAX_PAGES = 65_536

/**
 * A module of the units at `entries`, for the table from slot `firstSlot` on. It imports `env`:
 * memory, table, and ecall, which returns the pc to go on at.
 *
 * @param entries - indices of leaders.
 * @returns the module, and what its units are.
 */
export function translateUnits(
  code: Code,
  target: Target,
  entries: readonly number[],
  firstSlot: number,
  isLeftOut?: IsLeftOut,
): { readonly bytes: Uint8Array<ArrayBuffer>; readonly units: readonly UnitFacts[] } {
  const module = new ModuleBuilder()
  const ecall = module.importFunc('env', 'ecall', { params: [], results: ['i32'] })
  const minPages = target.layout.totalBytes / PAGE_BYTES
  module.importMemory('env', 'memory', { min: minPages, max: MAX_PAGES })
  module.importTable('env', 'table', { min: 1 })
  const functions = entries.map((entry) => {
    const pc = code.pcOf(entry)
    return { pc, entry, wasm: module.func(`0x${pc.toString(16)}`, UNIT) }
  })
  const functionAt = new Map(functions.map(({ pc, wasm }) => [pc, wasm.index]))
  const unitType = module.type(UNIT)
  const units = functions.map(({ pc, entry, wasm }) => {
    const unit = unitAt(code, entry, isLeftOut)
    writeUnit(wasm, unit, { code, target, functionAt, unitType, ecall })
    const instructions = unit.blocks.reduce((sum, { start, end }) => sum + end - start, 0)
    return { pc, instructions }
  })
  module.elements(
    firstSlot,
    functions.map(({ wasm }) => wasm.index),
  )
  return { bytes: module.encode({ names: false }), units }
}
