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
  return reduce(low, high, timesInverse(v128.shuffle<i32>(low, high, 0, 2, 4, 6)))
}

/** The same, given `timesInverse(b)`: quicker when b has several partners. */
// @ts-ignore: decorator
@inline
export function multiplyPrepared(a: v128, b: v128, bTimesInverse: v128): v128 {
  const low = i64x2.extmul_low_i32x4_s(a, b)
  const high = i64x2.extmul_high_i32x4_s(a, b)
  return reduce(low, high, i32x4.mul(a, bTimesInverse))
}

/** x / p modulo 2^32. */
// @ts-ignore: decorator
@inline
export function timesInverse(x: v128): v128 {
  return i32x4.mul(x, i32x4.splat(P_INVERSE))
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
