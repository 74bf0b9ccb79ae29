/**
 * BabyBear, the field of SP1 3 to 5: numbers modulo p = 15 * 2^27 + 1.
 * This is the plain arithmetic; the kernels have their own, four elements at a time.
 * Elements are bigints from 0 to p - 1 inside a computation and numbers at rest.
 */

export const BABYBEAR_P = 15 * 2 ** 27 + 1

const P = BigInt(BABYBEAR_P)

/** p - 1 = 15 * 2^27, so there are subgroups of order 2^0 to 2^27. */
export const BABYBEAR_TWO_ADICITY = 27

/** Generates all nonzero elements. */
export const BABYBEAR_GENERATOR = 31n

/** The factor of Montgomery form. */
export const MONTGOMERY_R = 2n ** 32n

export function isFieldElement(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < BABYBEAR_P
}

/** The element congruent to any integer. */
export function reduce(value: bigint): bigint {
  const remainder = value % P
  return remainder < 0n ? remainder + P : remainder
}

export function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = reduce(base)
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P
    square = (square * square) % P
  }
  return result
}

/** 1 / value, by Fermat's little theorem. */
export function invert(value: bigint): bigint {
  return power(value, P - 2n)
}

/** The generator of the subgroup of order 2^log2 that Plonky3 uses. */
export function rootOfUnity(log2: number): bigint {
  return power(BABYBEAR_GENERATOR, (P - 1n) >> BigInt(log2))
}

/** The word a kernel works on. */
export function toMontgomery(value: bigint): number {
  return Number(reduce(value * MONTGOMERY_R))
}

const R_INVERSE = invert(MONTGOMERY_R)

export function fromMontgomery(word: number): number {
  return Number(reduce(BigInt(word) * R_INVERSE))
}
