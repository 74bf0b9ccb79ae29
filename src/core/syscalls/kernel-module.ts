/**
 * The precompiles as WebAssembly, for calls that are plain: pointers into ordinary memory, reduced
 * operands, nothing that releases of SP1 disagree about. A kernel works on the guest's own memory.
 */
import { fromBase64 } from '../bytes.js'
import type { Kernels } from '../riscv/engine.js'
import { KERNELS_BASE64 } from './kernels.wasm.js'
import type { Syscall } from './syscall.js'

export type KernelName =
  | 'bls12381Add'
  | 'bls12381Decompress'
  | 'bls12381Double'
  | 'bls12381Fp2Add'
  | 'bls12381Fp2Mul'
  | 'bls12381Fp2Sub'
  | 'bls12381FpAdd'
  | 'bls12381FpMul'
  | 'bls12381FpSub'
  | 'bn254Add'
  | 'bn254Double'
  | 'bn254Fp2Add'
  | 'bn254Fp2Mul'
  | 'bn254Fp2Sub'
  | 'bn254FpAdd'
  | 'bn254FpMul'
  | 'bn254FpSub'
  | 'edAdd'
  | 'edDecompress'
  | 'keccakPermute'
  | 'secp256k1Add'
  | 'secp256k1Decompress'
  | 'secp256k1Double'
  | 'secp256r1Add'
  | 'secp256r1Decompress'
  | 'secp256r1Double'
  | 'shaCompress'
  | 'shaExtend'
  | 'u256xU2048Mul'
  | 'uint256Mul'

/**
 * Does the whole call and returns 1, or changes nothing and returns 0: then the syscall's definition
 * has to do it.
 */
export type Kernel = (arg1: number, arg2: number) => number

export type KernelExports = Readonly<Record<KernelName, Kernel>>

/**
 * What kernels must know of the memory. The bytes from 1024 to 65535 are theirs, and must be 0 when the
 * instance is made.
 */
export interface KernelLayout {
  /** Guest address 0. */
  readonly guestOffset: number
  /** A byte per word of guest memory: 1 if it was used. */
  readonly usedOffset: number
  /** Guest memory is ordinary from 32 up to here. */
  readonly ordinaryEndBytes: number
}

/** What an engine may use instead of the syscalls of a table. */
export function kernelsOf(syscalls: Iterable<Syscall>): Kernels {
  const withKernel = [...syscalls].filter(({ kernel }) => kernel !== undefined)
  return {
    codes: withKernel.map(({ code }) => code),
    instantiate: (memory, layout) => {
      const kernels = instantiateKernels(memory, layout)
      return withKernel.map(({ kernel }) => kernels[kernel as KernelName])
    },
  }
}

let module: WebAssembly.Module | undefined

/** An instance for this memory; all of them share the compiled module. */
export function instantiateKernels(
  memory: WebAssembly.Memory<ArrayBuffer>,
  layout: KernelLayout,
): KernelExports {
  module ??= new WebAssembly.Module(fromBase64(KERNELS_BASE64))
  const { init, ...kernels } = new WebAssembly.Instance(module, { env: { memory } }).exports
  const { guestOffset, usedOffset, ordinaryEndBytes } = layout
  ;(init as (...offsets: number[]) => void)(guestOffset, usedOffset, ordinaryEndBytes)
  return kernels as KernelExports
}
