/**
 * What an `ecall` in compiled code reaches: the kernel of its syscall, and the host if there is none,
 * if the case is not plain, or in an unconstrained block. One function, `ecall() → pc`: where to go on.
 */
import type { FunctionBuilder } from '../../wasm/function-builder.js'
import { ModuleBuilder } from '../../wasm/module-builder.js'
import type { FunctionType } from '../../wasm/opcodes.js'
import { FIRST_KERNEL_SLOT, STATE } from '../memory-layout.js'

const T0 = 5
const A0 = 10
const A1 = 11
/** A syscall's identifier is in the lowest byte of its code. */
const IDENTIFIER = 0xff

const ECALL: FunctionType = { params: [], results: ['i32'] }
/** (a0, a1) → 1 if that was the whole call. */
const KERNEL: FunctionType = { params: ['i32', 'i32'], results: ['i32'] }

/**
 * Imports `env`: memory, table, and `host`, which does an ecall. Kernels are in the table; this module
 * puts there one that leaves everything to the host, so that making them can wait for the first call.
 *
 * @param codes - of the syscalls that have kernels; no two have the same identifier.
 */
export function translateEcalls(codes: readonly number[]): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder()
  const host = module.importFunc('env', 'host', ECALL)
  module.importMemory('env', 'memory', { min: 1, max: 65_536 })
  module.importTable('env', 'table', { min: FIRST_KERNEL_SLOT + codes.length })
  const absent = module.func('absent', KERNEL)
  absent.i32.const(0)
  module.elements(FIRST_KERNEL_SLOT, Array(codes.length).fill(absent.index))
  const kernelType = module.type(KERNEL)
  const f = module.func('ecall', ECALL)
  f.block((toHost) => {
    loadState(f, STATE.isUnconstrained)
    f.br_if(toHost)
    f.blocks(
      codes.length,
      (labels) => {
        const byIdentifier = Array(IDENTIFIER + 1).fill(toHost)
        codes.forEach((code, i) => {
          byIdentifier[code & IDENTIFIER] = labels[i]
        })
        getX(f, T0)
        f.i32.const(IDENTIFIER)
        f.i32.and()
        f.br_table(byIdentifier, toHost)
      },
      (i) => {
        // if (t0 == code && kernel(a0, a1)) { calls[i] += 1; return state.pc + 4 }
        getX(f, T0)
        f.i32.const(codes[i])
        f.i32.ne()
        f.br_if(toHost)
        getX(f, A0)
        getX(f, A1)
        f.i32.const(FIRST_KERNEL_SLOT + i)
        f.call_indirect(kernelType)
        f.i32.eqz()
        f.br_if(toHost)
        f.i32.const(0)
        loadState(f, STATE.kernelCalls + 4 * i)
        f.i32.const(1)
        f.i32.add()
        f.i32.store(STATE.kernelCalls + 4 * i)
        loadState(f, STATE.pc)
        f.i32.const(4)
        f.i32.add()
        f.return()
      },
    )
    f.unreachable()
  })
  f.call(host)
  module.export('ecall', 'func', f.index)
  return module.encode()
}

function loadState(f: FunctionBuilder, offset: number): void {
  f.i32.const(0)
  f.i32.load(offset)
}

function getX(f: FunctionBuilder, register: number): void {
  loadState(f, STATE.registers + 4 * register)
}
