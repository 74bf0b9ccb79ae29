/**
 * The interpreter as WebAssembly, for what runs too seldom to be translated: ten times as fast as the
 * one in TypeScript, and made from the same instruction rows. This is the module around it: how the
 * host enters it, and how ecalls reach kernels and the host. What it knows of a program is in the
 * shared state: the module is the same for all, and the build makes it.
 */
import type { FunctionBuilder } from '../../wasm/function-builder.js'
import { ModuleBuilder } from '../../wasm/module-builder.js'
import type { FunctionType } from '../../wasm/opcodes.js'
import type { Isa } from '../isa.js'
import { FIRST_KERNEL_SLOT, HOST, MAX_KERNELS, STATE, STEPPER_SLOT } from '../memory-layout.js'
import { FAULT, UNIT } from './departures.js'
import { addToState, getState, setState } from './step-frame.js'
import { StepWriter } from './step-writer.js'

/** How many calls may nest before the stack of the host is given back. It has 984 KiB; a call takes 0.1 to 1. */
const MAX_DEPTH = 500

/** (pc, left) → pc; what is left then is in the state. */
const ENTER: FunctionType = { params: ['i32', 'i32'], results: ['i32'] }
/** () → pc: where to go on. */
const ECALL: FunctionType = { params: [], results: ['i32'] }
/** (a0, a1) → 1 if that was the whole call. */
const KERNEL: FunctionType = { params: ['i32', 'i32'], results: ['i32'] }
const T0 = 5
const A0 = 10
const A1 = 11

/**
 * A kernel takes 1 to 400 µs, which is as long as some thousand instructions; so slices that are full of
 * them end in time, too.
 */
const KERNEL_CYCLES = 4096

const HOST_TYPE: FunctionType = { params: ['i32', 'i32'], results: ['i32'] }

/**
 * A module with `enter`, which runs units, and interprets where there is none, until `left` is used
 * up, the program ends or the host is needed; `enterUnconstrained`, which interprets what has to be
 * undone later; and `ecall`, for units. It imports `env`: memory, table, host.
 */
export function translateStepper(isa: Isa): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  const host = module.importFunc('env', 'host', HOST_TYPE)
  module.importMemory('env', 'memory', { min: 1, max: 65_536 })
  module.importTable('env', 'table', { min: 1 })
  const unitType = module.type(UNIT)
  const callees = { host, ecall: writeEcall(module, host) }
  const step = module.func('step', UNIT)
  new StepWriter(step, isa, callees, unitType, false).write()
  const stepUnconstrained = module.func('stepUnconstrained', UNIT)
  new StepWriter(stepUnconstrained, isa, callees, unitType, true).write()
  module.elements(STEPPER_SLOT, [step.index])
  module.export('ecall', 'func', callees.ecall)
  module.export('enter', 'func', writeEnter(module, unitType))
  const enterUnconstrained = writeEnterUnconstrained(module, stepUnconstrained.index)
  module.export('enterUnconstrained', 'func', enterUnconstrained)
  return module.encode()
}

/**
 * if (codes[id] == t0 && !unconstrained && kernel(a0, a1)) {
 *   calls[id] += 1; left -= KERNEL_CYCLES; charged += KERNEL_CYCLES; return state.pc + 4
 * }
 * return host(ecall), where id = t0 % MAX_KERNELS. There are no codes before there are kernels.
 */
function writeEcall(module: ModuleBuilder, host: number): number {
  const f = module.func('ecall', ECALL)
  const code = f.newLocal('i32', 'code')
  const id = f.newLocal('i32', 'id')
  f.block((toHost) => {
    getState(f, STATE.isUnconstrained)
    f.br_if(toHost)
    getX(f, T0)
    f.local.tee(code)
    f.i32.const(MAX_KERNELS - 1)
    f.i32.and()
    f.local.tee(id)
    f.i32.const(2)
    f.i32.shl()
    f.i32.load(STATE.kernelCodes)
    f.local.get(code)
    f.i32.ne()
    f.local.get(code)
    f.i32.eqz()
    f.i32.or()
    f.br_if(toHost)
    getX(f, A0)
    getX(f, A1)
    f.local.get(id)
    f.i32.const(FIRST_KERNEL_SLOT)
    f.i32.add()
    f.call_indirect(module.type(KERNEL))
    f.i32.eqz()
    f.br_if(toHost)
    f.local.get(id)
    f.i32.const(2)
    f.i32.shl()
    f.local.tee(id)
    f.local.get(id)
    f.i32.load(STATE.kernelCalls)
    f.i32.const(1)
    f.i32.add()
    f.i32.store(STATE.kernelCalls)
    addToState(f, STATE.left, () => f.i32.const(-KERNEL_CYCLES))
    addToState(f, STATE.charged, () => f.i32.const(KERNEL_CYCLES))
    getState(f, STATE.pc)
    f.i32.const(4)
    f.i32.add()
    f.return()
  })
  f.i32.const(HOST.ecall)
  f.i32.const(0)
  f.call(host)
  return f.index
}

/** while (pc is an instruction's && left >= 0 && !state.exit) (pc, left) = table[slots[pc]](left, MAX_DEPTH) */
function writeEnter(module: ModuleBuilder, unitType: number): number {
  const f = module.func('enter', ENTER)
  const [pc, left] = [0, 1]
  f.nameLocal(pc, 'pc')
  f.nameLocal(left, 'left')
  const index = f.newLocal('i32', 'index')
  f.block((done) =>
    f.loop((again) => {
      f.local.get(pc)
      getState(f, STATE.pcBase)
      f.i32.sub()
      f.i32.const(2)
      f.i32.rotr()
      f.local.tee(index)
      getState(f, STATE.count)
      f.i32.ge_u()
      f.br_if(done)
      setState(f, STATE.pc, () => f.local.get(pc))
      f.local.get(left)
      f.i32.const(MAX_DEPTH)
      f.local.get(index)
      f.i32.const(2)
      f.i32.shl()
      getState(f, STATE.slotsOffset)
      f.i32.add()
      f.i32.load()
      f.call_indirect(unitType)
      f.local.set(left)
      f.local.tee(pc)
      f.i32.const(FAULT)
      f.i32.and()
      getState(f, STATE.exit)
      f.i32.or()
      f.br_if(done)
      f.local.get(left)
      f.i32.const(0)
      f.i32.ge_s()
      f.br_if(again)
    }),
  )
  setState(f, STATE.left, () => f.local.get(left))
  f.local.get(pc)
  return f.index
}

function writeEnterUnconstrained(module: ModuleBuilder, step: number): number {
  const f = module.func('enterUnconstrained', ENTER)
  const [pc, left] = [0, 1]
  setState(f, STATE.pc, () => f.local.get(pc))
  f.local.get(left)
  f.i32.const(MAX_DEPTH)
  f.call(step)
  f.local.set(left)
  f.local.set(pc)
  setState(f, STATE.left, () => f.local.get(left))
  f.local.get(pc)
  return f.index
}

function getX(f: FunctionBuilder, register: number): void {
  getState(f, STATE.registers + 4 * register)
}
