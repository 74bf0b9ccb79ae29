/**
 * Arithmetic modulo a prime of 256 or 381 bits (AssemblyScript, not TypeScript).
 *
 * An element is a row of signed limbs in radix 2^30, lowest first, eight bytes each: 9 limbs for the 8
 * words of a 256-bit number, 13 for 12 words. "Tidy" means that every limb but the last is from -2^29
 * to 2^29 - 1. A column of products of tidy limbs fits 64 bits, so carries wait until the end;
 * WebAssembly has no wide multiplication, and it is carries that would cost.
 *
 * Multiplication is Montgomery's with R = 2^(30 * limbs), always a * b / R. Which power of R a value
 * carries is the caller's business. An element stands for its residue and may have either sign:
 * products of factors below 8 p are from -0.7 p to 0.7 p.
 */

export const LIMB_BITS: i64 = 30
export const LIMB_MASK: i64 = (1 << LIMB_BITS) - 1
/** Limbs are from -HALF on. */
const HALF: i64 = 1 << (LIMB_BITS - 1)
export const LIMB_BYTES: usize = 8
export const MAX_LIMBS: usize = 13

/** Space for an element of any field. */
// @ts-ignore: decorator
@inline
export const ELEMENT_BYTES: i32 = 13 * 8

/** What is known of a prime. Each has a subclass with its `multiply` in primes.ts. */
// @ts-ignore: decorator
@unmanaged
export class Field {
  /** Of an element in guest memory; 0 until the field is prepared. */
  words: u32
  limbs: u32
  /** -1 / p modulo 2^30. */
  negatedInverse: i64

  // Behind these lie p as words, and as elements p, and R and R^2 modulo p.

  // @ts-ignore: decorator
  @inline
  get pWords(): usize {
    return changetype<usize>(this) + 16
  }

  // @ts-ignore: decorator
  @inline
  get p(): usize {
    return this.pWords + 4 * 12
  }

  // @ts-ignore: decorator
  @inline
  get r(): usize {
    return this.p + ELEMENT_BYTES
  }

  // @ts-ignore: decorator
  @inline
  get r2(): usize {
    return this.r + ELEMENT_BYTES
  }
}

// @ts-ignore: decorator
@inline
export const FIELD_BYTES: i32 = 16 + 4 * 12 + 3 * ELEMENT_BYTES

/** The numbers 0 and 1 in every field. */
export const ZERO = memory.data<i64>([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
export const ONE = memory.data<i64>([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])

// @ts-ignore: decorator
@inline
export function limb(x: usize, i: usize): i64 {
  return load<i64>(x + i * LIMB_BYTES)
}

// @ts-ignore: decorator
@inline
export function setLimb(x: usize, i: usize, value: i64): void {
  store<i64>(x + i * LIMB_BYTES, value)
}

/** The number from -2^29 to 2^29 - 1 that equals x modulo 2^30. */
// @ts-ignore: decorator
@inline
export function signedLimb(x: i64): i64 {
  return (x << (64 - LIMB_BITS)) >> (64 - LIMB_BITS)
}

/** Stores the tidy limb of a column, and gives the rest, which belongs to the next column. */
// @ts-ignore: decorator
@inline
export function settle(to: usize, i: usize, column: i64, carry: i64): i64 {
  // Two operations from carry to carry: the next limb waits for nothing else.
  const shifted = column + HALF + carry
  setLimb(to, i, (shifted & LIMB_MASK) - HALF)
  return shifted >> LIMB_BITS
}

/**
 * a * b / R, tidy, in place if need be. Row by row: add a limb of a times b, then the multiple of p
 * that makes the lowest limb 0, and drop that. Columns hold at most 13 products of each sort, 2^58.
 *
 * The limbs of p are literals, so those of secp256k1, P-256 and Ed25519 that are 0 or powers of two
 * cost nothing or a shift: no prime needs a reduction of its own. Unrolled columns were 10 to 20 %
 * faster than this loop; that is 2 % of an addition of points, and 500 lines.
 */
// @ts-ignore: decorator
@inline
export function montgomery(
  limbs: usize, to: usize, a: usize, b: usize, negatedInverse: i64,
  p0: i64, p1: i64, p2: i64, p3: i64, p4: i64, p5: i64, p6: i64, p7: i64, p8: i64,
  p9: i64, p10: i64, p11: i64, p12: i64,
): void {
  const b0 = limb(b, 0), b1 = limb(b, 1), b2 = limb(b, 2), b3 = limb(b, 3), b4 = limb(b, 4)
  const b5 = limb(b, 5), b6 = limb(b, 6), b7 = limb(b, 7), b8 = limb(b, 8)
  let b9: i64 = 0, b10: i64 = 0, b11: i64 = 0, b12: i64 = 0
  if (limbs == 13) {
    b9 = limb(b, 9)
    b10 = limb(b, 10)
    b11 = limb(b, 11)
    b12 = limb(b, 12)
  }
  let t0: i64 = 0, t1: i64 = 0, t2: i64 = 0, t3: i64 = 0, t4: i64 = 0, t5: i64 = 0
  let t6: i64 = 0, t7: i64 = 0, t8: i64 = 0, t9: i64 = 0, t10: i64 = 0, t11: i64 = 0
  const end = a + limbs * LIMB_BYTES
  for (; a < end; a += LIMB_BYTES) {
    const x = load<i64>(a)
    t0 += x * b0
    const q = signedLimb(t0 * negatedInverse)
    t0 = t1 + x * b1 + q * p1 + ((t0 + q * p0) >> LIMB_BITS)
    t1 = t2 + x * b2 + q * p2
    t2 = t3 + x * b3 + q * p3
    t3 = t4 + x * b4 + q * p4
    t4 = t5 + x * b5 + q * p5
    t5 = t6 + x * b6 + q * p6
    t6 = t7 + x * b7 + q * p7
    t7 = t8 + x * b8 + q * p8
    if (limbs == 13) {
      t8 = t9 + x * b9 + q * p9
      t9 = t10 + x * b10 + q * p10
      t10 = t11 + x * b11 + q * p11
      t11 = x * b12 + q * p12
    }
  }
  let carry = settle(to, 0, t0, 0)
  carry = settle(to, 1, t1, carry)
  carry = settle(to, 2, t2, carry)
  carry = settle(to, 3, t3, carry)
  carry = settle(to, 4, t4, carry)
  carry = settle(to, 5, t5, carry)
  carry = settle(to, 6, t6, carry)
  carry = settle(to, 7, t7, carry)
  if (limbs == 13) {
    carry = settle(to, 8, t8, carry)
    carry = settle(to, 9, t9, carry)
    carry = settle(to, 10, t10, carry)
    carry = settle(to, 11, t11, carry)
  }
  setLimb(to, limbs - 1, carry)
}

/** a + b, tidy. */
export function add(to: usize, a: usize, b: usize, field: Field): void {
  const last: usize = field.limbs - 1
  let carry: i64 = 0
  for (let i: usize = 0; i < last; i++) carry = settle(to, i, limb(a, i) + limb(b, i), carry)
  setLimb(to, last, limb(a, last) + limb(b, last) + carry)
}

/** a - b, tidy. */
export function subtract(to: usize, a: usize, b: usize, field: Field): void {
  const last: usize = field.limbs - 1
  let carry: i64 = 0
  for (let i: usize = 0; i < last; i++) carry = settle(to, i, limb(a, i) - limb(b, i), carry)
  setLimb(to, last, limb(a, last) - limb(b, last) + carry)
}

/** a - b - c, tidy. */
export function subtractTwo(to: usize, a: usize, b: usize, c: usize, field: Field): void {
  const last: usize = field.limbs - 1
  let carry: i64 = 0
  for (let i: usize = 0; i < last; i++) {
    carry = settle(to, i, limb(a, i) - limb(b, i) - limb(c, i), carry)
  }
  setLimb(to, last, limb(a, last) - limb(b, last) - limb(c, last) + carry)
}

/** Limb i is bits 30 i to 30 i + 29, so it begins 2 i bits below word i. */
export function fromWords(to: usize, words: usize, field: Field): void {
  const last: usize = field.limbs - 1
  let carry = settle(to, 0, load<u32>(words) & LIMB_MASK, 0)
  for (let i: usize = 1; i < last; i++) {
    const pair = load<u64>(words + 4 * (i - 1))
    carry = settle(to, i, (pair >> (32 - 2 * i)) & LIMB_MASK, carry)
  }
  setLimb(to, last, (<i64>load<u32>(words + 4 * (last - 1)) >> (32 - 2 * last)) + carry)
}

/** As words, the number from 0 to p - 1 that x equals modulo p, for x from -3 p to p - 1. Spoils x. */
export function toWords(words: usize, x: usize, field: Field): void {
  const p = field.p
  const last: usize = field.limbs - 1
  // The highest limbs tell how often p must be added, or, close to a multiple of p, once less.
  const high = limb(x, last)
  const highOfP = limb(p, last)
  const times = (high >>> 63) + ((high + highOfP) >>> 63) + ((high + 2 * highOfP + 1) >>> 63)
  let isNegative = addTimes(x, times, p, last)
  while (isNegative) isNegative = addTimes(x, 1, p, last)
  for (let i: usize = 0; i < last; i++) {
    store<u32>(words + 4 * i, <u32>((limb(x, i) >> (2 * i)) | (limb(x, i + 1) << (30 - 2 * i))))
  }
}

/** x + times * p, with limbs from 0 to 2^30 - 1 but for the last. @returns whether it is negative. */
function addTimes(x: usize, times: i64, p: usize, last: usize): bool {
  let carry: i64 = 0
  for (let i: usize = 0; i < last; i++) {
    carry += limb(x, i) + times * limb(p, i)
    setLimb(x, i, carry & LIMB_MASK)
    carry >>= LIMB_BITS
  }
  carry += limb(x, last) + times * limb(p, last)
  setLimb(x, last, carry)
  return carry < 0
}

export function copy(to: usize, from: usize, field: Field): void {
  for (let i: usize = 0; i < field.limbs; i++) setLimb(to, i, limb(from, i))
}

export function copyWords(to: usize, from: usize, words: u32): void {
  for (let i: usize = 0; i < words; i++) store<u32>(to + 4 * i, load<u32>(from + 4 * i))
}

/** Is a number of words at `a` less than that at `b`? */
export function isLess(a: usize, b: usize, words: u32): bool {
  for (let i = <i32>words - 1; i >= 0; i--) {
    const x = load<u32>(a + 4 * i), y = load<u32>(b + 4 * i)
    if (x != y) return x < y
  }
  return false
}

export function isZero(a: usize, words: u32): bool {
  for (let i: u32 = 0; i < words; i++) if (load<u32>(a + 4 * i) != 0) return false
  return true
}
