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

// Two numbers side by side: a vector holds a limb of each, from 0 to 2^30 - 1; the highest has the sign.
const ROW_BYTES: usize = 16
/** a and b, and before them room for the limbs that a batch takes from them. */
const AB_ROWS = memory.data(15 * 16, 16)
const AB = AB_ROWS + ROW_BYTES
/** u and v. Before them lie as many zeros as an element has limbs. */
const UV_ROWS = memory.data((13 + 34) * 16, 16)
const UV = UV_ROWS + MAX_LIMBS * ROW_BYTES

// What a batch gives: the rows of its matrix times 2^30, each two signed numbers in one, which are
// low + high * 2^32; and the numbers it was given as it left them.
let rowA: i64 = 0
let rowB: i64 = 0
let lastA: i64 = 0
let lastB: i64 = 0

/** Limb i of the left or, with an offset of 8, of the right number. */
// @ts-ignore: decorator
@inline
function side(rows: usize, i: usize, offset: usize): i64 {
  return load<i64>(rows + i * ROW_BYTES + offset)
}

// @ts-ignore: decorator
@inline
function setSide(rows: usize, i: usize, offset: usize, value: i64): void {
  store<i64>(rows + i * ROW_BYTES + offset, value)
}

const LEFT: usize = 0
const RIGHT: usize = 8

/**
 * R / x for x modulo p. The result is tidy but for its last limb, and below 2 R: a product with it is
 * as far from reduced as the other factor, so it may not be the last one.
 *
 * @returns false if x is 0 modulo p.
 */
export function invert(to: usize, x: usize, field: Field): bool {
  let top: usize = field.limbs - 1
  const isNegative = copyAbsolute(LEFT, x, top)
  copyAbsolute(RIGHT, field.p, top)
  setSide(UV, 0, LEFT, isNegative ? -1 : 1)
  setSide(UV, 0, RIGHT, 0)

  let batches: usize = 0
  for (;;) {
    while (top > 1 && (side(AB, top, LEFT) | side(AB, top, RIGHT)) == 0) top--
    const highA = (side(AB, top, LEFT) << LIMB_BITS) | side(AB, top - 1, LEFT)
    const highB = (side(AB, top, RIGHT) << LIMB_BITS) | side(AB, top - 1, RIGHT)
    if (top == 1) {
      lastA = highA
      lastB = highB
      break
    }
    if (batches == MAX_BATCHES) return false
    // The highest 31 bits that either has, and the lowest 30.
    const shift = 33 - clz(highA | highB)
    batch(
      ((highA >> shift) << LIMB_BITS) | side(AB, 0, LEFT),
      ((highB >> shift) << LIMB_BITS) | side(AB, 0, RIGHT),
    )
    shrink(top)
    grow(batches++)
  }
  while (lastA != 0) {
    if (batches == MAX_BATCHES) return false
    batch(lastA, lastB)
    grow(batches++)
  }
  if (lastB != 1) return false
  divide(to, batches, field)
  return true
}

/** Makes |x| one of a and b. @returns whether x is negative. */
function copyAbsolute(offset: usize, x: usize, top: usize): bool {
  let carry: i64 = 0
  for (let i: usize = 0; i <= top; i++) {
    carry += limb(x, i)
    setSide(AB, i, offset, carry & LIMB_MASK)
    carry >>= LIMB_BITS
  }
  if (carry < 0) negate(offset, top)
  return carry < 0
}

/** Negates one of a and b, modulo 2^30 to the number of its limbs. */
function negate(offset: usize, top: usize): void {
  let carry: i64 = 0
  for (let i: usize = 0; i <= top; i++) {
    carry -= side(AB, i, offset)
    setSide(AB, i, offset, carry & LIMB_MASK)
    carry >>= LIMB_BITS
  }
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

/** Applies the matrix to a and b, whose lowest limbs it makes 0, and drops those. */
function shrink(top: usize): void {
  const signs = combine(AB - ROW_BYTES, AB, top)
  if (i64x2.extract_lane(signs, 0) < 0) {
    rowA = -rowA
    negate(LEFT, top)
  }
  if (i64x2.extract_lane(signs, 1) < 0) {
    rowB = -rowB
    negate(RIGHT, top)
  }
}

/** Applies the matrix to u and v, which have as many limbs as there were batches, and one. */
function grow(batches: usize): void {
  combine(UV, UV, batches)
}

/**
 * Applies the matrix to a pair of numbers whose last limbs have this index; the results have a limb
 * more, which is returned. Sums of products are below 2^61; a bias makes them positive, because
 * there is no quick signed shift.
 */
// @ts-ignore: decorator
@inline
function combine(to: usize, from: usize, last: usize): v128 {
  const lowA: i64 = <i32>rowA
  const lowB: i64 = <i32>rowB
  const forLeft = i64x2.splat((lowA & 0xffff_ffff) | (lowB << 32))
  const forRight = i64x2.splat((((rowA - lowA) >> 32) & 0xffff_ffff) | (rowB - lowB))
  const bias = i64x2.splat((1 << 62) - (1 << 32))
  const carryBias = i64x2.splat(1 << 32)
  const mask = i64x2.splat(LIMB_MASK)
  let carry = carryBias
  const end = from + last * ROW_BYTES
  for (; from <= end; from += ROW_BYTES) {
    const left = i64x2.extmul_low_i32x4_s(v128.load32_splat(from), forLeft)
    const right = i64x2.extmul_low_i32x4_s(v128.load32_splat(from, 8), forRight)
    const sum = i64x2.add(i64x2.add(i64x2.add(left, right), bias), carry)
    v128.store(to, v128.and(sum, mask))
    carry = i64x2.shr_u(sum, <i32>LIMB_BITS)
    to += ROW_BYTES
  }
  carry = i64x2.sub(carry, carryBias)
  v128.store(to, carry)
  return carry
}

/**
 * R * v / 2^(30 * batches): the limbs of v from `batches - limbs` on, which may be negative, when
 * multiples of p have made the others 0.
 */
function divide(to: usize, batches: usize, field: Field): void {
  const limbs: usize = field.limbs
  const p = field.p
  const from = UV + batches * ROW_BYTES - limbs * ROW_BYTES
  for (let at = UV; at < from; at += ROW_BYTES) {
    const q = signedLimb(side(at, 0, RIGHT) * field.negatedInverse)
    const carry = (side(at, 0, RIGHT) + q * limb(p, 0)) >> LIMB_BITS
    for (let i: usize = 1; i < limbs; i++) {
      setSide(at, i, RIGHT, side(at, i, RIGHT) + q * limb(p, i))
    }
    setSide(at, 1, RIGHT, side(at, 1, RIGHT) + carry)
  }
  let carry: i64 = 0
  for (let i: usize = 0; i < limbs - 1; i++) carry = settle(to, i, side(from, i, RIGHT), carry)
  // The limb behind is the sign.
  const last = side(from, limbs - 1, RIGHT) + (side(from, limbs, RIGHT) << LIMB_BITS)
  setLimb(to, limbs - 1, last + carry)
}
