/**
 * Units of a program as WebAssembly modules. Modules of one program share the memory, and one table
 * through which they call what is in none of them; slot 0 of it has the interpreter (stepper.ts), for what is not translated.
 */
import { ModuleBuilder } from '../../wasm/module-builder.js'
import type { Code } from '../code.js'
import { UNIT } from './departures.js'
import type { Target } from './emitter.js'
import type { Unit } from './unit.js'
import { writeUnit } from './unit-writer.js'

const PAGE_BYTES = 65_536
/** Of a 32-bit memory. */
const MAX_PAGES = 65_536

/**
 * A module of some units, for the table from slot `firstSlot` on. It imports `env`: memory, table, and
 * ecall, which returns the pc to go on at.
 */
export function translateUnits(
  code: Code,
  target: Target,
  units: readonly Unit[],
  firstSlot: number,
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  const ecall = module.importFunc('env', 'ecall', { params: [], results: ['i32'] })
  const minPages = target.layout.totalBytes / PAGE_BYTES
  module.importMemory('env', 'memory', { min: minPages, max: MAX_PAGES })
  module.importTable('env', 'table', { min: 1 })
  const functions = units.map((unit) => ({
    unit,
    wasm: module.func(`0x${unit.entryPc.toString(16)}`, UNIT),
  }))
  const functionAt = new Map(functions.map(({ unit, wasm }) => [unit.entryPc, wasm.index]))
  const unitType = module.type(UNIT)
  for (const { unit, wasm } of functions) {
    writeUnit(wasm, unit, { code, target, functionAt, unitType, ecall })
  }
  module.elements(
    firstSlot,
    functions.map(({ wasm }) => wasm.index),
  )
  return module.encode({ names: false })
}
