/**
 * Inversion modulo a prime by the binary Euclidean algorithm, in batches as Pornin does it
 * ("Optimized Binary GCD for Modular Inversion", https://eprint.iacr.org/2020/972), in variable time:
 * nothing here is secret.
 *
 * a = x and b = p shrink to 0 and 1 by steps that need only their lowest bits and the order of their
 * highest: so a batch of 30 halvings is found from 61 bits of each, as a matrix, and applied to all
 * limbs at once. The top bits may order a and b wrongly; that costs a sign and nothing else.
 *
 * Meanwhile u and v, with a * 2^T = u * x and b * 2^T = v * x modulo p after T halvings, just grow:
 * in the end v / 2^T is the inverse, a division by whole limbs.
 */
import {
  ELEMENT_BYTES, Field, limb, LIMB_BITS, LIMB_BYTES, LIMB_MASK, MAX_LIMBS, setLimb, settle, signedLimb,
} from './field'

/** A halving takes a bit from a or b, so 2 * 381 / 30 batches suffice; some more for wrong orders. */
const MAX_BATCHES: usize = 32

// The limbs of these are from 0 to 2^30 - 1; the highest of u and v has the sign.
const A = memory.data(ELEMENT_BYTES, 8)
const B = memory.data(ELEMENT_BYTES, 8)
const U = memory.data(34 * 8, 8)
/** Before the limbs of v lie as many zeros as an element has limbs. */
const V_ROW = memory.data((13 + 34) * 8, 8)
const V = V_ROW + MAX_LIMBS * LIMB_BYTES

// What a batch gives: the rows of its matrix times 2^30, each two signed numbers in one, which are
// low + high * 2^32; and the numbers it was given as it left them.
let rowA: i64 = 0
let rowB: i64 = 0
let lastA: i64 = 0
let lastB: i64 = 0

/**
 * R / x for x modulo p. The result is tidy but for its last limb, and below 2 R: a product with it is
 * as far from reduced as the other factor, so it may not be the last one.
 *
 * @returns false if x is 0 modulo p.
 */
export function invert(to: usize, x: usize, field: Field): bool {
  const limbs: usize = field.limbs
  let top = limbs - 1
  const isNegative = copyAbsolute(A, x, top)
  copyAbsolute(B, field.p, top)
  setLimb(U, 0, isNegative ? -1 : 1)
  setLimb(V, 0, 0)

  let batches: usize = 0
  for (;;) {
    while (top > 1 && (limb(A, top) | limb(B, top)) == 0) top--
    if (top == 1) break
    if (batches == MAX_BATCHES) return false
    // The highest 31 bits that either has, and the lowest 30.
    const shift = 63 - clz(limb(A, top) | limb(B, top))
    const a = ((limb(A, top) << LIMB_BITS) | limb(A, top - 1)) >> shift
    const b = ((limb(B, top) << LIMB_BITS) | limb(B, top - 1)) >> shift
    batch((a << LIMB_BITS) | limb(A, 0), (b << LIMB_BITS) | limb(B, 0))
    shrink(top)
    grow(batches++)
  }
  lastA = (limb(A, 1) << LIMB_BITS) | limb(A, 0)
  lastB = (limb(B, 1) << LIMB_BITS) | limb(B, 0)
  while (lastA != 0) {
    if (batches == MAX_BATCHES) return false
    batch(lastA, lastB)
    grow(batches++)
  }
  if (lastB != 1) return false
  divide(to, batches, field)
  return true
}

/** Unsigned limbs of |x|. @returns whether x is negative. */
function copyAbsolute(to: usize, x: usize, top: usize): bool {
  const isNegative = carryThrough(to, x, top, 0) < 0
  if (isNegative) carryThrough(to, x, top, -1)
  return isNegative
}

/** Limbs of (x ^ mask) - mask, which is x or -x. @returns its sign, if it is negative. */
// @ts-ignore: decorator
@inline
function carryThrough(to: usize, x: usize, top: usize, mask: i64): i64 {
  let carry: i64 = 0
  for (let i: usize = 0; i <= top; i++) {
    const sum = (limb(x, i) ^ mask) - mask + carry
    setLimb(to, i, i < top ? sum & LIMB_MASK : sum)
    carry = sum >> LIMB_BITS
  }
  return carry
}

/** Thirty halvings of a and b, of which b is odd. */
// @ts-ignore: decorator
@inline
function batch(a: i64, b: i64): void {
  let forA: i64 = 1
  let forB: i64 = 1 << 32
  // A bit that stops the count of zeros where the batch ends.
  let stop: i64 = 1 << LIMB_BITS
  let zeros = ctz(a | stop)
  a >>= zeros
  forB <<= zeros
  stop >>= zeros
  while (stop != 1) {
    const difference = a - b
    const isLess = difference >> 63
    zeros = ctz(difference | stop)
    a = ((difference ^ isLess) - isLess) >> zeros
    b += difference & isLess
    const rows = forA - forB
    forA = (rows ^ isLess) - isLess
    forB = (forB + (rows & isLess)) << zeros
    stop >>= zeros
  }
  lastA = a
  lastB = b
  rowA = forA
  rowB = forB
}

// @ts-ignore: decorator
@inline
function lowOf(row: i64): i64 {
  return <i64>(<i32>row)
}

// @ts-ignore: decorator
@inline
function highOf(row: i64): i64 {
  return (row - lowOf(row)) >> 32
}

/** Applies the matrix to a and b, whose lowest limbs it makes 0, and drops those. */
function shrink(top: usize): void {
  const aa = lowOf(rowA), ab = highOf(rowA), ba = lowOf(rowB), bb = highOf(rowB)
  let a = limb(A, 0), b = limb(B, 0)
  let carryA = (aa * a + ab * b) >> LIMB_BITS
  let carryB = (ba * a + bb * b) >> LIMB_BITS
  const end = top * LIMB_BYTES
  // Constant addresses behind an index need no instruction of their own: 8 % of an inversion.
  for (let i: usize = 0; i < end; i += LIMB_BYTES) {
    a = load<i64>(i, A + LIMB_BYTES)
    b = load<i64>(i, B + LIMB_BYTES)
    carryA += aa * a + ab * b
    carryB += ba * a + bb * b
    store<i64>(i, carryA & LIMB_MASK, A)
    store<i64>(i, carryB & LIMB_MASK, B)
    carryA >>= LIMB_BITS
    carryB >>= LIMB_BITS
  }
  setLimb(A, top, carryA)
  setLimb(B, top, carryB)
  if (carryA < 0) {
    carryThrough(A, A, top, -1)
    rowA = -rowA
  }
  if (carryB < 0) {
    carryThrough(B, B, top, -1)
    rowB = -rowB
  }
}

/** Applies the matrix to u and v, which have as many limbs as there were batches, and one. */
function grow(batches: usize): void {
  const uu = lowOf(rowA), uv = highOf(rowA), vu = lowOf(rowB), vv = highOf(rowB)
  let carryU: i64 = 0
  let carryV: i64 = 0
  const end = batches * LIMB_BYTES
  for (let i: usize = 0; i <= end; i += LIMB_BYTES) {
    const u = load<i64>(i, U), v = load<i64>(i, V)
    carryU += uu * u + uv * v
    carryV += vu * u + vv * v
    store<i64>(i, carryU & LIMB_MASK, U)
    store<i64>(i, carryV & LIMB_MASK, V)
    carryU >>= LIMB_BITS
    carryV >>= LIMB_BITS
  }
  setLimb(U, batches + 1, carryU)
  setLimb(V, batches + 1, carryV)
}

/**
 * R * v / 2^(30 * batches): the limbs of v from `batches - limbs` on, which may be negative, when
 * multiples of p have made the others 0.
 */
function divide(to: usize, batches: usize, field: Field): void {
  const limbs: usize = field.limbs
  const p = field.p
  const from = V + batches * LIMB_BYTES - limbs * LIMB_BYTES
  for (let at = V; at < from; at += LIMB_BYTES) {
    const q = signedLimb(load<i64>(at) * field.negatedInverse)
    const carry = (load<i64>(at) + q * limb(p, 0)) >> LIMB_BITS
    for (let i: usize = 1; i < limbs; i++) setLimb(at, i, limb(at, i) + q * limb(p, i))
    setLimb(at, 1, limb(at, 1) + carry)
  }
  let carry: i64 = 0
  for (let i: usize = 0; i < limbs - 1; i++) {
    carry = settle(to, i, limb(from, i), carry)
  }
  // The limb behind is the sign.
  setLimb(to, limbs - 1, limb(from, limbs - 1) + (limb(from, limbs) << LIMB_BITS) + carry)
}
