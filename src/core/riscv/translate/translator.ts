/**
 * Units of a program as WebAssembly modules. Modules of one program share the memory, and one table
 * through which they call what is in none of them; slot 0 of it is for what is not translated.
 */
import { ModuleBuilder } from '../../wasm/module-builder.js'
import type { FunctionType } from '../../wasm/opcodes.js'
import type { MemoryLayout } from '../memory-layout.js'
import { STATE } from '../memory-layout.js'
import type { CodeMap } from './code-map.js'
import type { Target } from './emitter.js'
import { type IsLeftOut, unitAt } from './unit.js'
import { writeUnit } from './unit-writer.js'

const PAGE_BYTES = 65_536
const UNIT: FunctionType = { params: ['i32', 'i32'], results: ['i32', 'i32'] }
/** (pc) → pc */
const ENTER: FunctionType = { params: ['i32'], results: ['i32'] }
/** How many calls may nest before the stack of the host is given back. It has 984 KiB; a call takes 0.1 to 1. */
const MAX_DEPTH = 500

/**
 * A module of the units at `entries`, for the table from slot `firstSlot` on. It imports `env`:
 * memory, table, and ecall, which returns the pc to go on at.
 *
 * @param entries - indices of leaders.
 */
export function translateUnits(
  map: CodeMap,
  target: Target,
  entries: readonly number[],
  firstSlot: number,
  isLeftOut?: IsLeftOut,
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  const ecall = module.importFunc('env', 'ecall', { params: [], results: ['i32'] })
  importShared(module, target.layout)
  const functions = entries.map((entry) => {
    const pc = map.pcOf(entry)
    return { pc, entry, wasm: module.func(`0x${pc.toString(16)}`, UNIT) }
  })
  const functionAt = new Map(functions.map(({ pc, wasm }) => [pc, wasm.index]))
  const unitType = module.type(UNIT)
  for (const { entry, wasm } of functions) {
    writeUnit(wasm, unitAt(map, entry, isLeftOut), { map, target, functionAt, unitType, ecall })
  }
  module.elements(
    firstSlot,
    functions.map(({ wasm }) => wasm.index),
  )
  return module.encode()
}

/**
 * The module that runs units one after the other for as long as there is one at the pc: `enter(pc)`
 * returns the pc where that ends. It also fills slot 0.
 */
export function translateDispatcher(map: CodeMap, layout: MemoryLayout): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  importShared(module, layout)

  const missing = module.func('missing', UNIT)
  // return (state.pc, left)
  missing.i32.const(0)
  missing.i32.load(STATE.pc)
  missing.local.get(0)
  module.elements(0, [missing.index])

  const enter = module.func('enter', ENTER)
  const pc = 0
  const slot = enter.newLocal('i32', 'slot')
  const left = enter.newLocal('i32', 'left')
  enter.nameLocal(pc, 'pc')
  enter.i32.const(0)
  enter.i32.load(STATE.left)
  enter.local.set(left)
  enter.block((done) =>
    enter.loop((again) => {
      // slot = rotr(pc - base, 2); if (slot >= count) break
      enter.local.get(pc)
      enter.i32.const(map.program.pcBase)
      enter.i32.sub()
      enter.i32.const(2)
      enter.i32.rotr()
      enter.local.tee(slot)
      enter.i32.const(map.count)
      enter.i32.ge_u()
      enter.br_if(done)
      // slot = slots[slot]; if (slot == 0) break
      enter.local.get(slot)
      enter.i32.const(2)
      enter.i32.shl()
      enter.i32.load(layout.slotsOffset)
      enter.local.tee(slot)
      enter.i32.eqz()
      enter.br_if(done)
      // (pc, left) = table[slot](left, MAX_DEPTH); if (left >= 0 && !state.exit) continue
      enter.local.get(left)
      enter.i32.const(MAX_DEPTH)
      enter.local.get(slot)
      enter.call_indirect(module.type(UNIT))
      enter.local.set(left)
      enter.local.set(pc)
      enter.local.get(left)
      enter.i32.const(0)
      enter.i32.ge_s()
      enter.i32.const(0)
      enter.i32.load(STATE.exit)
      enter.i32.eqz()
      enter.i32.and()
      enter.br_if(again)
    }),
  )
  // state.left = left; return pc
  enter.i32.const(0)
  enter.local.get(left)
  enter.i32.store(STATE.left)
  enter.local.get(pc)
  module.export('enter', 'func', enter.index)
  return module.encode()
}

function importShared(module: ModuleBuilder, layout: MemoryLayout): void {
  const pages = layout.totalBytes / PAGE_BYTES
  module.importMemory('env', 'memory', { min: pages, max: pages })
  module.importTable('env', 'table', { min: 1 })
}
