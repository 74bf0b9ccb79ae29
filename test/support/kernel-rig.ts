/**
 * One call of a precompile three times: by its kernel, and by the definitions of both releases, each
 * on memory of its own that looks the same before.
 */
import { Memory } from '../../src/core/riscv/memory.js'
import {
  instantiateKernels,
  type KernelExports,
  type KernelName,
} from '../../src/core/syscalls/kernel-module.js'
import type { Syscall, SyscallContext } from '../../src/core/syscalls/syscall.js'
import { SYSCALLS_3_4_0, SYSCALLS_5_2_4 } from '../../src/core/syscalls/table.js'

const LIMIT_MIB = 1
/** Where guest memory ends. */
export const END = LIMIT_MIB * 2 ** 20
/** The kernels' own, and nobody's business. */
const SCRATCH_START = 1024
const SCRATCH_END = 65_536
const A0 = 10

/** What is in guest memory before the call. */
export interface Contents {
  readonly address: number
  readonly bytes: Uint8Array
  /** False: a hint put it there, and nothing has loaded it yet. */
  readonly isUsed?: boolean
}

export interface KernelCall {
  readonly kernel: KernelName
  /** From a0 on. */
  readonly args: readonly number[]
  readonly memory: readonly Contents[]
}

/** Syscalls with a kernel, by its name: one definition, or one of each release. */
export function kernelSyscalls(): Map<KernelName, Syscall[]> {
  const all = [...SYSCALLS_3_4_0.values(), ...SYSCALLS_5_2_4.values()]
  const byName = new Map<KernelName, Syscall[]>()
  for (const syscall of all) {
    const { kernel } = syscall
    if (kernel === undefined) continue
    byName.set(kernel, [...(byName.get(kernel) ?? []), syscall])
  }
  return byName
}

/** An instance of the kernels with guest memory of their own. */
export function createKernels(): { memory: Memory; kernels: KernelExports } {
  const memory = new Memory({ limitMib: LIMIT_MIB })
  const { layout, ordinaryEndBytes } = memory
  const kernels = instantiateKernels(memory.wasm, { ...layout, ordinaryEndBytes })
  return { memory, kernels }
}

export class KernelRig {
  readonly #kernel = createKernels()
  readonly #releases = [
    { table: SYSCALLS_3_4_0, memory: new Memory({ limitMib: LIMIT_MIB }) },
    { table: SYSCALLS_5_2_4, memory: new Memory({ limitMib: LIMIT_MIB, isStrict: true }) },
  ]

  /**
   * @returns undefined if the kernel declined, or else the guest's memory, until the next call.
   * @throws Error if a kernel that declined changed something, or one that did not differs from a
   * definition, or from what a definition refuses.
   */
  run(call: KernelCall): Uint8Array | undefined {
    const { memory, kernels } = this.#kernel
    prepare(memory, call)
    for (const { memory: expected } of this.#releases) prepare(expected, call)
    const [arg1 = 0, arg2 = 0] = call.args
    const isDone = kernels[call.kernel](arg1 | 0, arg2 | 0)
    if (isDone !== 0 && isDone !== 1) throw new Error(`it returned ${isDone}`)
    for (const { table, memory: expected } of this.#releases) {
      const syscall = [...table.values()].find(({ kernel }) => kernel === call.kernel)
      if (syscall === undefined) continue
      if (isDone === 1) execute(syscall, expected, arg1, arg2)
      if (!isSame(memory, expected)) {
        throw new Error(
          isDone ? 'it differs from the definition' : 'it declined, but changed memory',
        )
      }
    }
    if (isDone === 0) return undefined
    return new Uint8Array(memory.buffer, memory.layout.guestOffset, END)
  }
}

function prepare(memory: Memory, { args, memory: contents }: KernelCall): void {
  const { buffer, layout } = memory
  new Uint8Array(buffer, layout.guestOffset).fill(0)
  memory.registers.fill(0)
  for (const [i, arg] of args.entries()) memory.registers[A0 + i] = arg
  const guest = new Uint8Array(buffer, layout.guestOffset, END)
  const used = new Uint8Array(buffer, layout.usedOffset, END / 4)
  for (const { address, bytes, isUsed = true } of contents) {
    const fitting = bytes.subarray(0, Math.max(0, END - address))
    guest.set(fitting, Math.min(address, END))
    if (isUsed) used.fill(1, address >>> 2, (address + fitting.length) >>> 2)
  }
}

/** But for the kernels' scratch. */
function isSame(a: Memory, b: Memory): boolean {
  return [
    [0, SCRATCH_START],
    [SCRATCH_END, a.layout.totalBytes],
  ].every(([start = 0, end = 0]) =>
    Buffer.from(a.buffer, start, end - start).equals(Buffer.from(b.buffer, start, end - start)),
  )
}

/** Nothing a kernel does may make a definition throw or a run unprovable. */
function execute(syscall: Syscall, memory: Memory, arg1: number, arg2: number): void {
  const refuse = (reason: string) => {
    throw new Error(`it did what cannot be proved: ${reason}`)
  }
  memory.onUnprovable = refuse
  const context = { hart: { x: memory.registers }, memory, markUnprovable: refuse }
  syscall.execute(context as unknown as SyscallContext, arg1, arg2)
}
