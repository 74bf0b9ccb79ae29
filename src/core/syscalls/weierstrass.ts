/**
 * Addition and doubling of points on short Weierstrass curves: SECP256K1, SECP256R1, BN254 and
 * BLS12381, each with _ADD and _DOUBLE.
 *
 * SP1 applies the affine formulas to whatever numbers it finds: points off the curve, unreduced
 * coordinates, and a division by 0 that gives 0. Which of these it can prove is another matter:
 * where a coordinate is unreduced or a slope does not exist, a run is unprovable (of which SP1 could
 * still prove an unreduced y of the first operand and, in 3.4.0, twice (0, 0), where we refuse).
 *
 * Sources: sp1-core-executor 3.4.0 and 5.2.4 events/precompiles/ec.rs, sp1-curves weierstrass/mod.rs,
 * sp1-core-machine syscall/precompiles/weierstrass.
 */
import { BLS12_381, BN254, SECP256K1, SECP256R1, type WeierstrassCurve } from './curves.js'
import { inverseOrZero } from './field.js'
import type { KernelName } from './kernel-module.js'
import { readNumbers, readTarget, subtract, writeNumbers } from './operands.js'
import { defineSyscall, invalid, refuseMisaligned, type Syscall } from './syscall.js'

interface CurveSyscall {
  readonly name: string
  readonly kernel: KernelName
  readonly code: number
  readonly curve: WeierstrassCurve
}

/** A line through the points with these x, of which (x, y) is one. */
interface Line {
  readonly slope: bigint
  readonly x: bigint
  readonly y: bigint
  readonly otherX: bigint
}

export const secp256k1Add = weierstrassAdd({
  name: 'SECP256K1_ADD',
  kernel: 'secp256k1Add',
  code: 0x00_01_01_0a,
  curve: SECP256K1,
})
export const secp256k1Double = weierstrassDouble({
  name: 'SECP256K1_DOUBLE',
  kernel: 'secp256k1Double',
  code: 0x00_00_01_0b,
  curve: SECP256K1,
})
export const secp256r1Add = weierstrassAdd({
  name: 'SECP256R1_ADD',
  kernel: 'secp256r1Add',
  code: 0x00_01_01_2c,
  curve: SECP256R1,
})
export const secp256r1Double = weierstrassDouble({
  name: 'SECP256R1_DOUBLE',
  kernel: 'secp256r1Double',
  code: 0x00_00_01_2d,
  curve: SECP256R1,
})
export const bn254Add = weierstrassAdd({
  name: 'BN254_ADD',
  kernel: 'bn254Add',
  code: 0x00_01_01_0e,
  curve: BN254,
})
export const bn254Double = weierstrassDouble({
  name: 'BN254_DOUBLE',
  kernel: 'bn254Double',
  code: 0x00_00_01_0f,
  curve: BN254,
})
export const bls12381Add = weierstrassAdd({
  name: 'BLS12381_ADD',
  kernel: 'bls12381Add',
  code: 0x00_01_01_1e,
  curve: BLS12_381,
})
export const bls12381Double = weierstrassDouble({
  name: 'BLS12381_DOUBLE',
  kernel: 'bls12381Double',
  code: 0x00_00_01_1f,
  curve: BLS12_381,
})

/** The point at the first pointer becomes its sum with the point at the second. */
function weierstrassAdd({ name, kernel, code, curve }: CurveSyscall): Syscall {
  const { p, words } = curve
  const shape = { count: 2, words }
  return defineSyscall({
    name,
    kernel,
    code,
    extraCycles: 1,
    execute(context, firstPointer, secondPointer) {
      refuseMisaligned(name, firstPointer, secondPointer)
      const [x1, y1] = readTarget(context, firstPointer, shape)
      const [x2, y2] = readNumbers(context.memory, secondPointer, shape)
      if (x1 === x2 && y1 === y2) invalid(name, 'its points are the same')
      const rise = subtract(name, p + y2, y1)
      const run = subtract(name, p + x2, x1) % p
      if (run === 0n) context.markUnprovable(`${name} was called on points with the same x`)
      if ([x1, y1, x2, y2].some((value) => value >= p)) {
        context.markUnprovable(`${name} was called with a coordinate that is not reduced`)
      }
      const slope = (rise * inverseOrZero(run, p)) % p
      const sum = thirdPoint(name, curve, { slope, x: x1, y: y1, otherX: x2 })
      writeNumbers(context.memory, firstPointer, sum, words)
    },
  })
}

/** The point at the first pointer becomes its double. */
function weierstrassDouble({ name, kernel, code, curve }: CurveSyscall): Syscall {
  const { p, a, words } = curve
  return defineSyscall({
    name,
    kernel,
    code,
    extraCycles: 0,
    execute(context, pointer, arg2) {
      refuseMisaligned(name, pointer)
      if (arg2 !== 0) context.markUnprovable(`${name} was called with a second argument`)
      const [x, y] = readTarget(context, pointer, { count: 2, words })
      const run = (2n * y) % p
      if (run === 0n) context.markUnprovable(`${name} was called on a point whose y is 0`)
      if (x >= p || y >= p) {
        context.markUnprovable(`${name} was called with a coordinate that is not reduced`)
      }
      const slope = ((a + 3n * x * x) * inverseOrZero(run, p)) % p
      const double = thirdPoint(name, curve, { slope, x, y, otherX: x })
      writeNumbers(context.memory, pointer, double, words)
    },
  })
}

/** The mirror image of the line's third point on the curve. */
function thirdPoint(
  name: string,
  { p }: WeierstrassCurve,
  { slope, x, y, otherX }: Line,
): [bigint, bigint] {
  const x3 = subtract(name, slope * slope + 2n * p, x + otherX) % p
  const y3 = subtract(name, slope * (p + x - x3) + p, y) % p
  return [x3, y3]
}
