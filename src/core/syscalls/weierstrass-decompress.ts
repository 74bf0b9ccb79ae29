/**
 * Decompression of points on short Weierstrass curves: SECP256K1_DECOMPRESS, SECP256R1_DECOMPRESS
 * and BLS12381_DECOMPRESS. Memory holds y and then x; x is read and y written. The second argument
 * says which of the two y: the odd one, or for BLS12381 the larger one.
 *
 * Sources: SEC 1, 2.3.4; draft-irtf-cfrg-pairing-friendly-curves, C.2 (BLS12-381); sp1-core-executor
 * 3.4.0 and 5.2.4 events/precompiles/ec.rs, sp1-curves weierstrass/{secp256k1,secp256r1,bls12_381}.rs,
 * which use the crates k256, p256 and snowbridge-amcl (bls381/core.rs).
 */
import { BLS12_381, SECP256K1, SECP256R1, type WeierstrassCurve } from './curves.js'
import { squareRoot3Mod4 } from './field.js'
import type { KernelName } from './kernel-module.js'
import { readNumbers, writeNumbers } from './operands.js'
import {
  defineSyscall,
  invalid,
  refuseMisaligned,
  type Syscall,
  type SyscallContext,
} from './syscall.js'

interface DecompressCall {
  readonly context: SyscallContext
  readonly name: string
  readonly curve: WeierstrassCurve
  readonly x: bigint
  /** 0 or 1. */
  readonly sign: bigint
}

/** Bits above those of x in an encoded point of BLS12-381; bit 383, which says "compressed", is moot. */
const INFINITY_BIT = 2n ** 382n
const LARGER_Y_BIT = 2n ** 381n
const X_MASK = LARGER_Y_BIT - 1n

export const secp256k1Decompress = weierstrassDecompress({
  name: 'SECP256K1_DECOMPRESS',
  kernel: 'secp256k1Decompress',
  code: 0x00_00_01_0c,
  curve: SECP256K1,
  findY: yOfParity,
})
export const secp256r1Decompress = weierstrassDecompress({
  name: 'SECP256R1_DECOMPRESS',
  kernel: 'secp256r1Decompress',
  code: 0x00_00_01_2e,
  curve: SECP256R1,
  findY: yOfParity,
})
export const bls12381Decompress = weierstrassDecompress({
  name: 'BLS12381_DECOMPRESS',
  kernel: 'bls12381Decompress',
  code: 0x00_00_01_1c,
  curve: BLS12_381,
  findY: yOfEncoding,
})

function weierstrassDecompress(options: {
  readonly name: string
  readonly kernel: KernelName
  readonly code: number
  readonly curve: WeierstrassCurve
  readonly findY: (call: DecompressCall) => bigint
}): Syscall {
  const { name, kernel, code, curve, findY } = options
  const { words } = curve
  return defineSyscall({
    name,
    kernel,
    code,
    extraCycles: 0,
    execute(context, pointer, sign) {
      refuseMisaligned(name, pointer)
      if (sign > 1) invalid(name, 'its sign is neither 0 nor 1')
      const [x] = readNumbers(context.memory, pointer + 4 * words, { count: 1, words })
      const y = findY({ context, name, curve, x, sign: BigInt(sign) })
      writeNumbers(context.memory, pointer, [y], words)
    },
  })
}

function yOfParity({ name, curve, x, sign }: DecompressCall): bigint {
  const y = rootOf(name, curve, x)
  return y % 2n === sign ? y : curve.p - y
}

/** SP1 makes an encoded point of x and the sign; if x is too large, its bits act as flags. */
function yOfEncoding({ context, name, curve, x, sign }: DecompressCall): bigint {
  const { p } = curve
  if (x >= p) context.markUnprovable(`${name} was called with an x that is not reduced`)
  const encoded = x | (sign * LARGER_Y_BIT)
  if ((encoded & INFINITY_BIT) !== 0n) {
    if ((encoded & (INFINITY_BIT - 1n)) !== 0n) invalid(name, 'its infinity has coordinates')
    return 1n
  }
  const y = rootOf(name, curve, encoded & X_MASK)
  const isLarger = y > p - y
  const wantsLarger = (encoded & LARGER_Y_BIT) !== 0n
  return isLarger === wantsLarger ? y : p - y
}

/** One of the two y for which (x, y) is on the curve. */
function rootOf(name: string, { p, a, b }: WeierstrassCurve, x: bigint): bigint {
  if (x >= p) invalid(name, 'its x is not reduced')
  const y = squareRoot3Mod4((x * x * x + a * x + b) % p, p)
  if (y === undefined) invalid(name, 'no point of the curve has this x')
  return y
}
