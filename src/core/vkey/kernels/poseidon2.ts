/**
 * Poseidon2 of width 16 over BabyBear, for eight states at a time: two blocks of four states, one
 * state per lane. src/core/vkey/poseidon2.ts is the plain version and says where the numbers come from.
 *
 * Elements of a state have a common factor: at first R of Montgomery form, then whatever the products
 * make of it, which do not divide it out. It is known for each round, and the round constants in the
 * table have it, too (src/core/vkey/poseidon2-constants.ts); the last step gives R back.
 *
 * Work goes by short passes over many elements, and two blocks take turns in the internal rounds, which
 * are one long chain of dependent products: so there is always something to do while a product waits.
 */
import {
  absolute,
  add,
  addAndFold16,
  canonical,
  divide,
  fold16,
  limbs,
  lowerFactor,
  minus15,
  plus,
  quotientPart,
  remainderPart,
  subtract,
  times,
  upperFactor,
} from './field'

const VECTOR: usize = 16
// A block: the elements, or the lower halves of what the linear layer adds up; upper factors, or upper
// halves; lower factors; powers on their way; and two vectors of the internal rounds.
const UPPER: usize = 16 * VECTOR
const LOWER: usize = 32 * VECTOR
const POWER: usize = 48 * VECTOR
const SUM_SLOT: usize = 64 * VECTOR
const POWER_SLOT: usize = 65 * VECTOR
export const BLOCK_BYTES: usize = 66 * VECTOR

const EXTERNAL_ROUNDS: usize = 8
const INTERNAL_ROUNDS: usize = 13
// The table: a row for each external round, a row that adds nothing, the constants of the internal
// rounds, and factors (upper, lower) after each internal round and at the end.
const ROW_BYTES: usize = 16 * 4
const NOTHING: usize = EXTERNAL_ROUNDS * ROW_BYTES
const INTERNAL: usize = NOTHING + ROW_BYTES
const INTERNAL_FACTORS: usize = INTERNAL + INTERNAL_ROUNDS * 4
const LAST_FACTORS: usize = INTERNAL_FACTORS + INTERNAL_ROUNDS * 8

/** Permutes the blocks at `a` and `b`: canonical elements in and out. */
export function permute(a: usize, b: usize, table: usize): void {
  mixColumns(a, table)
  mixColumns(b, table)
  externalRounds(a, b, table, 1)
  enterInternal(a)
  enterInternal(b)
  for (let round: usize = 0; round < INTERNAL_ROUNDS; round++) {
    raiseFirst(a, table, round)
    raiseFirst(b, table, round)
    mixInternal(a)
    mixInternal(b)
  }
  const second = EXTERNAL_ROUNDS / 2
  leaveInternal(a, table + second * ROW_BYTES)
  leaveInternal(b, table + second * ROW_BYTES)
  externalRounds(a, b, table, second + 1)
  restoreFactor(a, table + LAST_FACTORS)
  restoreFactor(b, table + LAST_FACTORS)
}

/** Half of the external rounds. The constants of the first are there; a round adds those of the next. */
function externalRounds(a: usize, b: usize, table: usize, next: usize): void {
  const end = next + EXTERNAL_ROUNDS / 2 - 1
  for (let round = next; round <= end; round++) {
    const constants = table + (round < end ? round * ROW_BYTES : NOTHING)
    externalRound(a, constants)
    externalRound(b, constants)
  }
}

// @ts-ignore: decorator
@inline
function get(block: usize, element: usize): v128 {
  return v128.load(block + element * VECTOR)
}

// @ts-ignore: decorator
@inline
function set(block: usize, element: usize, x: v128): void {
  v128.store(block + element * VECTOR, x)
}

// The S-box, x^7 * 2^(-32 * 6), for |x| <= 0.501 p. By the bounds of `times`: |x^2| <= 0.868 p,
// |x^3| <= 0.954 p, which `absolute` makes 0.5 p, |x^6| <= 0.868 p and |x^7| <= 0.954 p.

/** The S-box on all elements, the linear layer, and the constants of the next round. */
function externalRound(block: usize, constants: usize): void {
  const end = block + UPPER
  for (let at = block; at < end; at += 4 * VECTOR) {
    square(at)
    square(at + VECTOR)
    square(at + 2 * VECTOR)
    square(at + 3 * VECTOR)
  }
  for (let at = block; at < end; at += 4 * VECTOR) {
    cube(at)
    cube(at + VECTOR)
    cube(at + 2 * VECTOR)
    cube(at + 3 * VECTOR)
  }
  for (let at = block; at < end; at += 4 * VECTOR) {
    squareCube(at)
    squareCube(at + VECTOR)
    squareCube(at + 2 * VECTOR)
    squareCube(at + 3 * VECTOR)
  }
  for (let at = block; at < end; at += 4 * VECTOR) {
    mixFour(
      at,
      seventhPower(at),
      seventhPower(at + VECTOR),
      seventhPower(at + 2 * VECTOR),
      seventhPower(at + 3 * VECTOR),
    )
  }
  addColumnSums(block, constants)
}

/** The factors of x, and x^2. */
// @ts-ignore: decorator
@inline
function square(at: usize): void {
  const x = limbs(v128.load(at))
  const z = limbs(fold16(x))
  const upper = upperFactor(x, z)
  const lower = lowerFactor(x, z)
  v128.store(at + UPPER, upper)
  v128.store(at + LOWER, lower)
  v128.store(at + POWER, limbs(times(x, upper, lower)))
}

/** x^3 or -x^3. */
// @ts-ignore: decorator
@inline
function cube(at: usize): void {
  v128.store(at + POWER, limbs(absolute(timesFirst(at))))
}

/** x^6. */
// @ts-ignore: decorator
@inline
function squareCube(at: usize): void {
  const x = v128.load(at + POWER)
  const z = limbs(fold16(x))
  v128.store(at + POWER, limbs(times(x, upperFactor(x, z), lowerFactor(x, z))))
}

// @ts-ignore: decorator
@inline
function seventhPower(at: usize): v128 {
  return timesFirst(at)
}

/** The power so far times x. */
// @ts-ignore: decorator
@inline
function timesFirst(at: usize): v128 {
  return times(v128.load(at + POWER), v128.load(at + UPPER), v128.load(at + LOWER))
}

/** The linear layer, and the constants of the first round. */
function mixColumns(block: usize, constants: usize): void {
  for (let group: usize = 0; group < 4; group++) {
    const at = block + group * 4 * VECTOR
    mixFour(at, get(at, 0), get(at, 1), get(at, 2), get(at, 3))
  }
  addColumnSums(block, constants)
}

/** The product of the circulant matrix (2 3 1 1) with four elements, for their 16-bit halves apart. */
// @ts-ignore: decorator
@inline
function mixFour(at: usize, x0: v128, x1: v128, x2: v128, x3: v128): void {
  const mask = i32x4.splat(0xffff)
  mixFourHalves(at, v128.and(x0, mask), v128.and(x1, mask), v128.and(x2, mask), v128.and(x3, mask))
  mixFourHalves(
    at + UPPER,
    i32x4.shr_s(x0, 16),
    i32x4.shr_s(x1, 16),
    i32x4.shr_s(x2, 16),
    i32x4.shr_s(x3, 16),
  )
}

// @ts-ignore: decorator
@inline
function mixFourHalves(at: usize, x0: v128, x1: v128, x2: v128, x3: v128): void {
  const x01 = plus(x0, x1)
  const x23 = plus(x2, x3)
  const all = plus(x01, x23)
  const all1 = plus(all, x1)
  const all3 = plus(all, x3)
  set(at, 0, plus(all1, x01))
  set(at, 1, plus(all1, plus(x2, x2)))
  set(at, 2, plus(all3, x23))
  set(at, 3, plus(all3, plus(x0, x0)))
}

/**
 * Adds to every element the sum of the elements with the same index modulo 4, and its constant. All in
 * all an element is a sum of 35, so upper halves reach 2^21 and lower ones 2^22; joined, with a factor
 * of 2^-16, they are at most 0.501 p.
 */
function addColumnSums(block: usize, constants: usize): void {
  for (let column: usize = 0; column < 4; column++) {
    const at = block + column * VECTOR
    const c = constants + column * 4
    const l0 = get(at, 0)
    const l1 = get(at, 4)
    const l2 = get(at, 8)
    const l3 = get(at, 12)
    const l = plus(plus(l0, l1), plus(l2, l3))
    const u0 = get(at + UPPER, 0)
    const u1 = get(at + UPPER, 4)
    const u2 = get(at + UPPER, 8)
    const u3 = get(at + UPPER, 12)
    const u = plus(plus(u0, u1), plus(u2, u3))
    set(at, 0, plus(plus(u0, u), addAndFold16(plus(l0, l), c)))
    set(at, 4, plus(plus(u1, u), addAndFold16(plus(l1, l), c + 16)))
    set(at, 8, plus(plus(u2, u), addAndFold16(plus(l2, l), c + 32)))
    set(at, 12, plus(plus(u3, u), addAndFold16(plus(l3, l), c + 48)))
  }
}

/** (x + constant) * 2^-16, at most 0.501 p, for any int32. */
// @ts-ignore: decorator
@inline
function addConstant(x: v128, constant: usize): v128 {
  const lower = v128.and(x, i32x4.splat(0xffff))
  return plus(i32x4.shr_s(x, 16), addAndFold16(lower, constant))
}

function enterInternal(block: usize): void {
  set(block, 0, canonical(get(block, 0)))
  let others = canonical(get(block, 1))
  for (let element: usize = 2; element < 16; element++) {
    others = add(others, canonical(get(block, element)))
  }
  v128.store(block + SUM_SLOT, canonical(divide(others, 27)))
}

/** Adds the constants of the external round that follows. */
function leaveInternal(block: usize, constants: usize): void {
  for (let element: usize = 0; element < 16; element++) {
    set(block, element, addConstant(get(block, element), constants + element * 4))
  }
}

function restoreFactor(block: usize, factors: usize): void {
  const upper = v128.load32_splat(factors)
  const lower = v128.load32_splat(factors, 4)
  for (let element: usize = 0; element < 16; element++) {
    set(block, element, canonical(times(limbs(get(block, element)), upper, lower)))
  }
}

/** (x0 + constant)^7, with the common factor that the others will have, times 2^-27. */
function raiseFirst(block: usize, table: usize, round: usize): void {
  const factors = table + INTERNAL_FACTORS + round * 8
  set(block, 0, addConstant(get(block, 0), table + INTERNAL + round * 4))
  square(block)
  cube(block)
  squareCube(block)
  const x = limbs(seventhPower(block))
  const upper = v128.load32_splat(factors)
  const lower = v128.load32_splat(factors, 4)
  v128.store(block + POWER_SLOT, canonical(times(x, upper, lower)))
}

/**
 * The internal linear layer: with the sum of all elements,
 *   y0 = (sum - 2 * x0) * 2^-32,   yi = (sum + xi * 2^shift_i) * 2^-32.
 * The common factor takes in 2^-5 of it. What is left, xi * 2^(shift_i - 27), is a division by a power of
 * two, which needs no product.
 *
 * The slot of the sum holds (x1 + ... + x15) * 2^-27. Its next value comes from the same divisions:
 * summing their parts apart (quotients, remainders < 2^27) cannot overflow, and
 *   y1 + ... + y15 = 15 * sum + quotients - 15 * remainders = quotients + (remainders - sum) * 2^-27.
 * Elements 1 to 15 stay within p + 2^19.
 */
function mixInternal(block: usize): void {
  const power = v128.load(block + POWER_SLOT)
  const others = v128.load(block + SUM_SLOT)
  const sum = add(others, power)
  set(block, 0, subtract(others, power))

  let quotients = i32x4.splat(0)
  let remainders = i32x4.splat(0)
  let xi: v128
  let quotient: v128
  let remainder: v128

  xi = get(block, 1); quotient = quotientPart(xi, 27); remainder = remainderPart(xi, 27)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 1, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 2); quotient = quotientPart(xi, 26); remainder = remainderPart(xi, 26)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 2, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 3); quotient = quotientPart(xi, 25); remainder = remainderPart(xi, 25)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 3, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 4); quotient = quotientPart(xi, 24); remainder = remainderPart(xi, 24)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 4, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 5); quotient = quotientPart(xi, 23); remainder = remainderPart(xi, 23)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 5, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 6); quotient = quotientPart(xi, 22); remainder = remainderPart(xi, 22)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 6, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 7); quotient = quotientPart(xi, 21); remainder = remainderPart(xi, 21)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 7, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 8); quotient = quotientPart(xi, 20); remainder = remainderPart(xi, 20)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 8, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 9); quotient = quotientPart(xi, 19); remainder = remainderPart(xi, 19)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 9, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 10); quotient = quotientPart(xi, 18); remainder = remainderPart(xi, 18)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 10, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 11); quotient = quotientPart(xi, 17); remainder = remainderPart(xi, 17)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 11, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 12); quotient = quotientPart(xi, 16); remainder = remainderPart(xi, 16)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 12, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 13); quotient = quotientPart(xi, 15); remainder = remainderPart(xi, 15)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 13, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 14); quotient = quotientPart(xi, 14); remainder = remainderPart(xi, 14)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 14, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 15); quotient = quotientPart(xi, 12); remainder = remainderPart(xi, 12)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 15, plus(sum, minus15(quotient, remainder)))

  const rest = divide(i32x4.sub(remainders, sum), 27)
  v128.store(block + SUM_SLOT, canonical(divide(plus(canonical(quotients), rest), 27)))
}
