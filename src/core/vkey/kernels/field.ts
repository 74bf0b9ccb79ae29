/**
 * BabyBear arithmetic on four elements at a time (AssemblyScript, not TypeScript).
 *
 * p = 15 * 2^27 + 1. A lane is one 32-bit residue, in Montgomery form with R = 2^32 unless said
 * otherwise. "Canonical" means 0 <= x < p; "signed" means any int32 congruent to the value. Products
 * take and give signed lanes, so that a chain of them needs no corrections; sums need canonical lanes.
 */

export const P: i32 = 15 * (1 << 27) + 1
/** The inverse of p modulo 2^32. */
export const P_INVERSE: i32 = <i32>0x8800_0001

/** Signed a + b for lanes whose sum fits int32. */
// @ts-ignore: decorator
@inline
export function plus(a: v128, b: v128): v128 {
  return i32x4.add(a, b)
}

/** Signed a - b for lanes whose difference fits int32. */
// @ts-ignore: decorator
@inline
export function minus(a: v128, b: v128): v128 {
  return i32x4.sub(a, b)
}

/** From -p <= x < p to canonical: as unsigned numbers, the wanted one of x and x + p is the smaller. */
// @ts-ignore: decorator
@inline
export function canonical(x: v128): v128 {
  return i32x4.min_u(x, i32x4.add(x, i32x4.splat(P)))
}

/** a + b, all canonical. */
// @ts-ignore: decorator
@inline
export function add(a: v128, b: v128): v128 {
  const sum = i32x4.add(a, b)
  return i32x4.min_u(sum, i32x4.sub(sum, i32x4.splat(P)))
}

/** a - b, all canonical. */
// @ts-ignore: decorator
@inline
export function subtract(a: v128, b: v128): v128 {
  return canonical(i32x4.sub(a, b))
}

/**
 * a * b / 2^32 modulo p (Montgomery), signed lanes.
 * |result| <= |a * b| / 2^32 + p / 2, which is below p for canonical a and b, and fits int32 for all.
 */
// @ts-ignore: decorator
@inline
export function multiply(a: v128, b: v128): v128 {
  const low = i64x2.extmul_low_i32x4_s(a, b)
  const high = i64x2.extmul_high_i32x4_s(a, b)
  const quotient = i32x4.mul(v128.shuffle<i32>(low, high, 0, 2, 4, 6), i32x4.splat(P_INVERSE))
  return reduce(low, high, quotient)
}

/** High halves of products minus quotient * p, where both have the same low halves. */
// @ts-ignore: decorator
@inline
function reduce(low: v128, high: v128, quotient: v128): v128 {
  const p = i32x4.splat(P)
  return v128.shuffle<i32>(
    i64x2.sub(low, i64x2.extmul_low_i32x4_s(quotient, p)),
    i64x2.sub(high, i64x2.extmul_high_i32x4_s(quotient, p)),
    1, 3, 5, 7,
  )
}

// Limbs. x = high * 2^16 + low with -2^15 <= low < 2^15, high in the upper 16 bits of a lane and low in the
// lower ones. `i32x4.dot_i16x8_s` adds up the two products of a lane's limbs, and 2^-16 = -15 * 2^11 modulo
// p is itself a limb. So a product of elements needs three instructions that multiply, none of 64 bits:
// with z = b * 2^-16,
//   a * b * 2^-16 = a.high * b + a.low * z
//                 = (a.high * b.high + a.low * z.high) * 2^16 + (a.high * b.low + a.low * z.low),
// and what is left is to take the last sum times 2^-16.
//
// Bounds, in units of p (2^31 is 1.067 of them); H(x) is the largest |high|. |fold16(x)| <= 0.5 + H(x) / p.
// Of `times`: a.low * z.high is at most 0.25, a.high * b.high at most H(a) * H(b) / p, the rest at most
// 0.5; none of its sums leaves int32 while H(a) * H(b) <= 0.316 p.

/** The limbs of x < 2^31 - 2^15. */
// @ts-ignore: decorator
@inline
export function limbs(x: v128): v128 {
  const half = i32x4.splat(0x8000)
  return v128.xor(i32x4.add(x, half), half)
}

/** x * 2^-16 for x in limbs. */
// @ts-ignore: decorator
@inline
export function fold16(x: v128): v128 {
  return i32x4.dot_i16x8_s(x, i16x8(-30720, 1, -30720, 1, -30720, 1, -30720, 1))
}

/** (x + constant) * 2^-16; the constant in memory has 2^15 added, and the sum of all three fits int32. */
// @ts-ignore: decorator
@inline
export function addAndFold16(x: v128, constant: usize): v128 {
  const sum = i32x4.add(x, v128.load32_splat(constant))
  return fold16(v128.xor(sum, i32x4.splat(0x8000)))
}

/** Of a factor b in limbs, with z = b * 2^-16 in limbs: what `times` multiplies with to get upper halves. */
// @ts-ignore: decorator
@inline
export function upperFactor(b: v128, z: v128): v128 {
  return v128.shuffle<i16>(i32x4.shr_u(z, 16), b, 0, 9, 2, 11, 4, 13, 6, 15)
}

/** The same for lower halves. */
// @ts-ignore: decorator
@inline
export function lowerFactor(b: v128, z: v128): v128 {
  return v128.shuffle<i16>(z, i32x4.shl(b, 16), 0, 9, 2, 11, 4, 13, 6, 15)
}

/** a * b * 2^-32 for a in limbs and b by its two factors. */
// @ts-ignore: decorator
@inline
export function times(a: v128, upper: v128, lower: v128): v128 {
  return i32x4.add(i32x4.dot_i16x8_s(a, upper), fold16(limbs(i32x4.dot_i16x8_s(a, lower))))
}

/** x or -x modulo p, from 0 to (p - 1) / 2, for |x| <= p. */
// @ts-ignore: decorator
@inline
export function absolute(x: v128): v128 {
  const positive = i32x4.abs(x)
  return i32x4.min_s(positive, i32x4.sub(i32x4.splat(P), positive))
}

// Division by powers of two: 15 * 2^27 = -1 modulo p, so 2^-27 = -15, and with x = high * 2^k + low,
//   x * 2^-k = high + low * 2^(27-k) * 2^-27 = high - 15 * (low * 2^(27-k))      for k <= 27,
// where low * 2^(27-k) < 2^27, so nothing overflows.

/** The first term of x * 2^-k. */
// @ts-ignore: decorator
@inline
export function quotientPart(x: v128, k: i32): v128 {
  return i32x4.shr_s(x, k)
}

/** low * 2^(27-k), to be taken 15 times from the first term. */
// @ts-ignore: decorator
@inline
export function remainderPart(x: v128, k: i32): v128 {
  return i32x4.shr_u(i32x4.shl(x, 32 - k), 5)
}

/** base - 15 * part. */
// @ts-ignore: decorator
@inline
export function minus15(base: v128, part: v128): v128 {
  return i32x4.sub(i32x4.add(base, part), i32x4.shl(part, 4))
}

/** x * 2^-k for 1 <= k <= 27 and signed x; -p <= result < max(1, 2^(31-k)). */
// @ts-ignore: decorator
@inline
export function divide(x: v128, k: i32): v128 {
  return minus15(quotientPart(x, k), remainderPart(x, k))
}

/** One element's a * b / 2^32, canonical. */
export function multiplyOne(a: u32, b: u32): u32 {
  const product = <u64>a * <u64>b
  const quotient = <u32>product * <u32>P_INVERSE
  const difference = <i32>((product >> 32) - ((<u64>quotient * <u64>P) >> 32))
  return difference < 0 ? difference + P : difference
}
