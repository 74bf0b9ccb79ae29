/**
 * Poseidon2 of width 16 over BabyBear, for eight states at a time: two blocks of four states, one
 * state per lane. A block is 16 vectors (element i of its four states) and one scratch vector.
 * src/core/vkey/poseidon2.ts is the plain version and says where the numbers come from.
 *
 * Two blocks, because an internal round is one long chain of dependent products: the second block's
 * round fills the processor while the first waits.
 */
import {
  add,
  canonical,
  divide,
  minus15,
  multiply,
  multiplyPrepared,
  plus,
  quotientPart,
  remainderPart,
  subtract,
  timesInverse,
} from './field'

const VECTOR_BYTES: usize = 16
export const BLOCK_BYTES: usize = 17 * VECTOR_BYTES
const OTHERS_SLOT: usize = 16 * VECTOR_BYTES

const EXTERNAL_ROUNDS: usize = 8
const INTERNAL_ROUNDS: usize = 13

/** Permutes the blocks at `a` and `b`: canonical elements in and out. */
export function permute(a: usize, b: usize, constants: usize): void {
  const external = constants
  const internal = constants + EXTERNAL_ROUNDS * 16 * 4
  mixColumns(a)
  mixColumns(b)
  for (let round: usize = 0; round < EXTERNAL_ROUNDS / 2; round++) {
    externalRound(a, external + round * 64)
    externalRound(b, external + round * 64)
  }
  enterInternal(a)
  enterInternal(b)
  for (let round: usize = 0; round < INTERNAL_ROUNDS; round++) {
    internalRound(a, internal + round * 4)
    internalRound(b, internal + round * 4)
  }
  leaveInternal(a)
  leaveInternal(b)
  for (let round = EXTERNAL_ROUNDS / 2; round < EXTERNAL_ROUNDS; round++) {
    externalRound(a, external + round * 64)
    externalRound(b, external + round * 64)
  }
}

// @ts-ignore: decorator
@inline
function get(block: usize, element: usize): v128 {
  return v128.load(block + element * VECTOR_BYTES)
}

// @ts-ignore: decorator
@inline
function set(block: usize, element: usize, x: v128): void {
  v128.store(block + element * VECTOR_BYTES, x)
}

/** A canonical element plus a round constant; the table holds constants minus p, so the sum fits int32. */
// @ts-ignore: decorator
@inline
function addConstant(x: v128, constant: usize): v128 {
  return plus(x, v128.load32_splat(constant))
}

/** The S-box x^7 on four vectors, element by element in turn so that their products overlap. */
function externalRound(block: usize, constants: usize): void {
  for (let group: usize = 0; group < 4; group++) {
    const at = block + group * 64
    const c = constants + group * 16
    const x0 = addConstant(get(at, 0), c)
    const x1 = addConstant(get(at, 1), c + 4)
    const x2 = addConstant(get(at, 2), c + 8)
    const x3 = addConstant(get(at, 3), c + 12)
    const i0 = timesInverse(x0)
    const i1 = timesInverse(x1)
    const i2 = timesInverse(x2)
    const i3 = timesInverse(x3)
    const s0 = multiplyPrepared(x0, x0, i0)
    const s1 = multiplyPrepared(x1, x1, i1)
    const s2 = multiplyPrepared(x2, x2, i2)
    const s3 = multiplyPrepared(x3, x3, i3)
    const t0 = multiplyPrepared(s0, x0, i0)
    const t1 = multiplyPrepared(s1, x1, i1)
    const t2 = multiplyPrepared(s2, x2, i2)
    const t3 = multiplyPrepared(s3, x3, i3)
    const u0 = multiply(t0, t0)
    const u1 = multiply(t1, t1)
    const u2 = multiply(t2, t2)
    const u3 = multiply(t3, t3)
    mixFour(
      at,
      canonical(multiplyPrepared(u0, x0, i0)),
      canonical(multiplyPrepared(u1, x1, i1)),
      canonical(multiplyPrepared(u2, x2, i2)),
      canonical(multiplyPrepared(u3, x3, i3)),
    )
  }
  addColumnSums(block)
}

/** The external linear layer. */
function mixColumns(block: usize): void {
  for (let group: usize = 0; group < 4; group++) {
    const at = block + group * 64
    mixFour(at, get(at, 0), get(at, 1), get(at, 2), get(at, 3))
  }
  addColumnSums(block)
}

/** Stores the product of the circulant matrix (2 3 1 1) with four elements. */
// @ts-ignore: decorator
@inline
function mixFour(at: usize, x0: v128, x1: v128, x2: v128, x3: v128): void {
  const x01 = add(x0, x1)
  const x23 = add(x2, x3)
  const all = add(x01, x23)
  const all1 = add(all, x1)
  const all3 = add(all, x3)
  set(at, 0, add(all1, x01))
  set(at, 1, add(all1, add(x2, x2)))
  set(at, 2, add(all3, x23))
  set(at, 3, add(all3, add(x0, x0)))
}

/** Adds to every element the sum of the elements with the same index modulo 4. */
// @ts-ignore: decorator
@inline
function addColumnSums(block: usize): void {
  for (let column: usize = 0; column < 4; column++) {
    const at = block + column * VECTOR_BYTES
    const x0 = get(at, 0)
    const x1 = get(at, 4)
    const x2 = get(at, 8)
    const x3 = get(at, 12)
    const sum = add(add(x0, x1), add(x2, x3))
    set(at, 0, add(x0, sum))
    set(at, 4, add(x1, sum))
    set(at, 8, add(x2, sum))
    set(at, 12, add(x3, sum))
  }
}

/** x * 2^-32, canonical. */
// @ts-ignore: decorator
@inline
function divideBy32Bits(x: v128): v128 {
  return canonical(divide(divide(x, 27), 5))
}

function enterInternal(block: usize): void {
  let others = get(block, 1)
  for (let element: usize = 2; element < 16; element++) others = add(others, get(block, element))
  v128.store(block + OTHERS_SLOT, divideBy32Bits(others))
}

/** Elements 1 to 15 leave the internal rounds as signed numbers from -p to p + 2^14. */
function leaveInternal(block: usize): void {
  for (let element: usize = 1; element < 16; element++) {
    set(block, element, canonical(get(block, element)))
  }
}

/**
 * x0 = (x0 + constant)^7; then, with the sum of all elements,
 *   y0 = (sum - 2 * x0) * 2^-32,   yi = (sum + xi * 2^shift_i) * 2^-32.
 * xi * 2^(shift_i - 32) is a division by a power of two, which needs no product.
 *
 * The scratch vector holds (x1 + ... + x15) * 2^-32. Its next value comes from the same divisions:
 * summing their parts apart (quotients, remainders < 2^27) cannot overflow, and
 *   y1 + ... + y15 = 15 * sum + quotients - 15 * remainders = quotients + (remainders - sum) * 2^-27.
 */
function internalRound(block: usize, constant: usize): void {
  const x = addConstant(get(block, 0), constant)
  const inverse = timesInverse(x)
  const square = multiplyPrepared(x, x, inverse)
  const cube = multiplyPrepared(square, x, inverse)
  const power = canonical(multiply(multiply(cube, cube), divide(divide(x, 27), 5)))
  const others = v128.load(block + OTHERS_SLOT)
  const sum = add(others, power)
  set(block, 0, subtract(others, power))

  let quotients = i32x4.splat(0)
  let remainders = i32x4.splat(0)
  let xi: v128
  let quotient: v128
  let remainder: v128

  // Shifts 0 to 4 divide by more than 2^27, in two steps.
  xi = divide(get(block, 1), 27); quotient = quotientPart(xi, 5); remainder = remainderPart(xi, 5)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 1, plus(sum, minus15(quotient, remainder)))
  xi = divide(get(block, 2), 27); quotient = quotientPart(xi, 4); remainder = remainderPart(xi, 4)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 2, plus(sum, minus15(quotient, remainder)))
  xi = divide(get(block, 3), 27); quotient = quotientPart(xi, 3); remainder = remainderPart(xi, 3)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 3, plus(sum, minus15(quotient, remainder)))
  xi = divide(get(block, 4), 27); quotient = quotientPart(xi, 2); remainder = remainderPart(xi, 2)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 4, plus(sum, minus15(quotient, remainder)))
  xi = divide(get(block, 5), 27); quotient = quotientPart(xi, 1); remainder = remainderPart(xi, 1)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 5, plus(sum, minus15(quotient, remainder)))

  // Shifts 5 to 13 and 15.
  xi = get(block, 6); quotient = quotientPart(xi, 27); remainder = remainderPart(xi, 27)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 6, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 7); quotient = quotientPart(xi, 26); remainder = remainderPart(xi, 26)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 7, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 8); quotient = quotientPart(xi, 25); remainder = remainderPart(xi, 25)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 8, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 9); quotient = quotientPart(xi, 24); remainder = remainderPart(xi, 24)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 9, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 10); quotient = quotientPart(xi, 23); remainder = remainderPart(xi, 23)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 10, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 11); quotient = quotientPart(xi, 22); remainder = remainderPart(xi, 22)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 11, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 12); quotient = quotientPart(xi, 21); remainder = remainderPart(xi, 21)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 12, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 13); quotient = quotientPart(xi, 20); remainder = remainderPart(xi, 20)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 13, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 14); quotient = quotientPart(xi, 19); remainder = remainderPart(xi, 19)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 14, plus(sum, minus15(quotient, remainder)))
  xi = get(block, 15); quotient = quotientPart(xi, 17); remainder = remainderPart(xi, 17)
  quotients = plus(quotients, quotient); remainders = plus(remainders, remainder)
  set(block, 15, plus(sum, minus15(quotient, remainder)))

  const rest = divide(i32x4.sub(remainders, sum), 27)
  v128.store(block + OTHERS_SLOT, divideBy32Bits(plus(canonical(quotients), rest)))
}
