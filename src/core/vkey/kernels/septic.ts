/**
 * Words of memory to points of the septic curve, and the sum of the points: four words at a time, one
 * per lane. src/core/vkey/septic.ts is the plain version and says what is computed.
 *
 * An element of the extension is seven vectors, canonical and in Montgomery form. What a thread works
 * with lies in its area; addresses below are offsets in it.
 */
import { add, canonical, multiply, multiplyOne, P, P_INVERSE, subtract } from './field'
import { BLOCK_BYTES, permute } from './poseidon2'

const VECTOR: usize = 16
const ELEMENT: usize = 7 * VECTOR
const LANES: i32 = 4

/** R modulo p, which is 1 in Montgomery form, and R^2 modulo p. */
const ONE: u32 = 268_435_454
const R_SQUARED: u32 = 1_172_168_163
const HALF_P: i32 = (P - 1) / 2
const OFFSETS: u32 = 256

// Results: four points, one sum per lane, and whether something happened that only the plain version
// can deal with.
const SUM_X: usize = 0
const SUM_Y: usize = ELEMENT
const FAILED: usize = 2 * ELEMENT
// Two blocks for the permutation, and what their eight lanes are doing: index of the word, offset.
const BLOCKS: usize = FAILED + VECTOR
const INDICES: usize = BLOCKS + 2 * BLOCK_BYTES
const TRIES: usize = INDICES + 2 * VECTOR
// Temporary elements, and one product.
const T0: usize = TRIES + 2 * VECTOR
const T1: usize = T0 + ELEMENT
const T2: usize = T1 + ELEMENT
const T3: usize = T2 + ELEMENT
const T4: usize = T3 + ELEMENT
const PRODUCT: usize = T4 + ELEMENT
// Accepted candidates: x, y^2 and its norm, each with room for three that are left over and eight more.
const ACCEPTED: usize = PRODUCT + 13 * VECTOR
const ACCEPTED_ROW: usize = 3 * VECTOR
const ACCEPTED_Y: usize = ACCEPTED + 7 * ACCEPTED_ROW
const ACCEPTED_NORM: usize = ACCEPTED + 14 * ACCEPTED_ROW

let area: usize = 0
let roundConstants: usize = 0
/** (z^p)^i and (z^(p^2))^i for i = 1 to 6. */
let frobeniusOnce: usize = 0
let frobeniusTwice: usize = 0
let acceptedCount: i32 = 0

/** Must be called once per instance. The area's sums hold their start, the rest is zero. */
export function attachSums(areaAt: usize, constantsAt: usize, frobeniusAt: usize): void {
  area = areaAt
  roundConstants = constantsAt
  frobeniusOnce = frobeniusAt
  frobeniusTwice = frobeniusAt + 6 * 7 * 4
}

/** Adds the negated points of words from..to (at most 2^31) to the sums. */
export function addWords(addresses: usize, words: usize, from: usize, to: usize): void {
  let next = from
  let busy = 0
  acceptedCount = 0
  for (let lane: usize = 0; lane < 8; lane++) {
    const index = next < to ? <i32>(next++) : -1
    store<i32>(area + INDICES + lane * 4, index)
    store<u32>(area + TRIES + lane * 4, 0)
    if (index >= 0) busy++
  }
  while (busy > 0) {
    for (let lane: usize = 0; lane < 8; lane++) fillLane(addresses, words, lane)
    permute(area + BLOCKS, area + BLOCKS + BLOCK_BYTES, roundConstants)
    for (let side: usize = 0; side < 2; side++) {
      const isSquare = testBlock(area + BLOCKS + side * BLOCK_BYTES)
      for (let lane: usize = 4 * side; lane < 4 * side + 4; lane++) {
        const index = load<i32>(area + INDICES + lane * 4)
        if (index < 0) continue
        const offset = load<u32>(area + TRIES + lane * 4)
        if (isSquare & (1 << <i32>(lane & 3))) {
          accept(area + BLOCKS + side * BLOCK_BYTES, lane & 3)
          const following = next < to ? <i32>(next++) : -1
          store<i32>(area + INDICES + lane * 4, following)
          store<u32>(area + TRIES + lane * 4, 0)
          if (following < 0) busy--
        } else {
          store<u32>(area + TRIES + lane * 4, offset + 1)
          if (offset + 1 == OFFSETS) {
            store<u32>(area + FAILED, 1)
            return
          }
        }
      }
      // The temporaries of this side's test are still needed by `accept`, so add only now.
      if (acceptedCount >= LANES) addAccepted(LANES)
    }
  }
  if (acceptedCount > 0) addAccepted(acceptedCount)
}

/** The state to be hashed: kind of interaction, 0, address, four bytes, offset; the rest is 0. */
function fillLane(addresses: usize, words: usize, lane: usize): void {
  const index = load<i32>(area + INDICES + lane * 4)
  const block = area + BLOCKS + (lane >> 2) * BLOCK_BYTES + (lane & 3) * 4
  for (let i: usize = 0; i < 16; i++) store<u32>(block + i * VECTOR, 0)
  if (index < 0) return
  const word = load<u32>(words + (<usize>index << 2))
  store<u32>(block, inMontgomeryForm(1 << 16))
  store<u32>(block + 2 * VECTOR, inMontgomeryForm(load<u32>(addresses + (<usize>index << 2))))
  for (let i: usize = 0; i < 4; i++) {
    store<u32>(block + (3 + i) * VECTOR, inMontgomeryForm((word >> (8 * <u32>i)) & 0xff))
  }
  store<u32>(block + 7 * VECTOR, inMontgomeryForm(load<u32>(area + TRIES + lane * 4)))
}

function inMontgomeryForm(value: u32): u32 {
  return multiplyOne(value, R_SQUARED)
}

/** y^2 for the four x in the block to T0, their norms to T4; a bit for each lane where it is a square. */
function testBlock(x: usize): i32 {
  const y = area + T0
  multiplyElements(y, x, x)
  multiplyElements(y, y, x)
  for (let i: usize = 0; i < 7; i++) {
    const xi = get(x, i)
    set(y, i, add(get(y, i), add(xi, xi)))
  }
  set(y, 5, add(get(y, 5), i32x4.splat(inMontgomeryForm(26))))
  otherConjugates(area + T1, y)
  const norm = firstOfProduct(area + T1, y)
  v128.store(area + T4, norm)
  return i32x4.bitmask(i32x4.eq(legendre(norm), i32x4.splat(ONE)))
}

/** Takes over one lane of a tested block. */
function accept(x: usize, lane: usize): void {
  const slot = area + <usize>acceptedCount * 4
  for (let i: usize = 0; i < 7; i++) {
    const row = i * ACCEPTED_ROW
    store<u32>(slot + ACCEPTED + row, load<u32>(x + i * VECTOR + lane * 4))
    store<u32>(slot + ACCEPTED_Y + row, load<u32>(area + T0 + i * VECTOR + lane * 4))
  }
  store<u32>(slot + ACCEPTED_NORM, load<u32>(area + T4 + lane * 4))
  acceptedCount++
}

/** Adds the first `count` (1 to 4) accepted points, negated, to the sums, and forgets them. */
function addAccepted(count: i32): void {
  const square = area + T0
  for (let i: usize = 0; i < 7; i++) set(square, i, v128.load(area + ACCEPTED_Y + i * ACCEPTED_ROW))
  const y = area + T1
  rootWithoutNorm(y, square)
  for (let lane: usize = 0; lane < 4; lane++) {
    const norm = load<u32>(area + ACCEPTED_NORM + lane * 4)
    const scale = <i32>lane < count ? invertOne(rootOne(norm)) : 0
    store<u32>(area + T4 + lane * 4, scale)
  }
  const scale = v128.load(area + T4)
  for (let i: usize = 0; i < 7; i++) set(y, i, canonical(multiply(get(y, i), scale)))

  const active = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count))
  const last = canonical(multiply(get(y, 6), i32x4.splat(1)))
  fail(v128.and(active, i32x4.eq(last, i32x4.splat(0))))
  // The lifted y ends in at most half of p; its negative, which is added, in more.
  const turns = i32x4.le_s(last, i32x4.splat(HALF_P))
  const zero = i32x4.splat(0)
  for (let i: usize = 0; i < 7; i++) {
    set(y, i, v128.bitselect(subtract(zero, get(y, i)), get(y, i), turns))
  }
  addPoint(area + ACCEPTED, y, active)

  for (let i: usize = 0; i < 15; i++) {
    const row = area + ACCEPTED + i * ACCEPTED_ROW
    v128.store(row, v128.load(row, 16))
    v128.store(row + VECTOR, v128.load(row, 32))
  }
  acceptedCount -= count
}

/** sums += (x, y) where a lane is active. x has the rows of the accepted. */
function addPoint(x: usize, y: usize, active: v128): void {
  const sumX = area + SUM_X
  const sumY = area + SUM_Y
  const run = area + T0
  for (let i: usize = 0; i < 7; i++) {
    set(run, i, subtract(v128.load(x + i * ACCEPTED_ROW), get(sumX, i)))
    set(y, i, subtract(get(y, i), get(sumY, i)))
  }
  const slope = area + T2
  otherConjugates(slope, run)
  const norm = firstOfProduct(slope, run)
  fail(v128.and(active, i32x4.eq(norm, i32x4.splat(0))))
  const inverse = invertLanes(norm)
  for (let i: usize = 0; i < 7; i++) set(slope, i, canonical(multiply(get(slope, i), inverse)))
  multiplyElements(slope, slope, y)

  const newX = area + T3
  multiplyElements(newX, slope, slope)
  for (let i: usize = 0; i < 7; i++) {
    const both = add(get(sumX, i), v128.load(x + i * ACCEPTED_ROW))
    set(newX, i, subtract(get(newX, i), both))
    set(y, i, subtract(get(sumX, i), get(newX, i)))
  }
  multiplyElements(y, slope, y)
  for (let i: usize = 0; i < 7; i++) {
    const newY = subtract(get(y, i), get(sumY, i))
    set(sumY, i, v128.bitselect(newY, get(sumY, i), active))
    set(sumX, i, v128.bitselect(get(newX, i), get(sumX, i), active))
  }
}

function fail(lanes: v128): void {
  if (v128.any_true(lanes)) store<u32>(area + FAILED, 1)
}

/** a^((r + 1) / 2) for `to`: what has to be divided by the root of a's norm. Uses T2, T3. */
function rootWithoutNorm(to: usize, a: usize): void {
  const square = area + T2
  memory.copy(square, a, ELEMENT)
  memory.copy(to, a, ELEMENT)
  // (p + 1) / 2 = 1 + 2^26 + 2^27 + 2^28 + 2^29
  for (let bit = 1; bit < 30; bit++) {
    multiplyElements(square, square, square)
    if (bit >= 26) multiplyElements(to, to, square)
  }
  const conjugate = area + T3
  applyFrobenius(conjugate, to, frobeniusOnce)
  multiplyElements(to, conjugate, a)
  for (let i = 0; i < 2; i++) {
    applyFrobenius(square, conjugate, frobeniusTwice)
    memory.copy(conjugate, square, ELEMENT)
    multiplyElements(to, to, conjugate)
  }
}

/** a^(p + p^2 + … + p^6). `to` is another element than a; uses T3 and T4. */
function otherConjugates(to: usize, a: usize): void {
  const first = area + T3
  const pair = area + T4
  applyFrobenius(first, a, frobeniusOnce)
  applyFrobenius(pair, a, frobeniusTwice)
  multiplyElements(first, first, pair)
  applyFrobenius(pair, first, frobeniusTwice)
  multiplyElements(to, first, pair)
  applyFrobenius(first, pair, frobeniusTwice)
  multiplyElements(to, to, first)
}

/** The linear map that `table` tells: seven elements of BabyBear for each of z to z^6. */
function applyFrobenius(to: usize, a: usize, table: usize): void {
  for (let i: usize = 0; i < 7; i++) {
    let sum = i == 0 ? get(a, 0) : i32x4.splat(0)
    for (let j: usize = 0; j < 6; j += 3) {
      const at = table + (7 * j + i) * 4
      let low = i64x2.splat(0)
      let high = i64x2.splat(0)
      for (let k: usize = 0; k < 3; k++) {
        const x = get(a, 1 + j + k)
        const factor = v128.load32_splat(at + 28 * k)
        low = i64x2.add(low, i64x2.extmul_low_i32x4_u(x, factor))
        high = i64x2.add(high, i64x2.extmul_high_i32x4_u(x, factor))
      }
      sum = add(sum, reduceSum(low, high))
    }
    set(to, i, sum)
  }
}

/** to = a * b, any of them the same. */
function multiplyElements(to: usize, a: usize, b: usize): void {
  const product = area + PRODUCT
  for (let k: i32 = 0; k < 13; k++) {
    const first = max<i32>(0, k - 6)
    const terms = min<i32>(k, 6) - first + 1
    const aAt = a + <usize>first * VECTOR
    const bAt = b + <usize>(k - first) * VECTOR
    let coefficient = sumOfProducts(aAt, bAt, min<i32>(terms, 4))
    if (terms > 4) {
      coefficient = add(coefficient, sumOfProducts(aAt + 4 * VECTOR, bAt - 4 * VECTOR, terms - 4))
    }
    set(product, <usize>k, coefficient)
  }
  // z^7 = 2z + 5
  for (let k: usize = 7; k < 13; k++) {
    const high = get(product, k)
    const twice = add(high, high)
    const fiveTimes = add(add(twice, twice), high)
    set(product, k - 7, add(get(product, k - 7), fiveTimes))
    set(product, k - 6, add(get(product, k - 6), twice))
  }
  memory.copy(to, product, ELEMENT)
}

/** The lowest coefficient of a * b. */
function firstOfProduct(a: usize, b: usize): v128 {
  const first = sumOfProducts(a, b, 1)
  const high = add(
    sumOfProducts(a + VECTOR, b + 6 * VECTOR, 3),
    sumOfProducts(a + 4 * VECTOR, b + 3 * VECTOR, 3),
  )
  const twice = add(high, high)
  return add(first, add(add(twice, twice), high))
}

/** a[0] * b[0] + a[1] * b[-1] + …, one to four products. */
// @ts-ignore: decorator
@inline
function sumOfProducts(a: usize, b: usize, terms: i32): v128 {
  let low = i64x2.splat(0)
  let high = i64x2.splat(0)
  for (let i: i32 = 0; i < terms; i++) {
    const x = v128.load(a + <usize>i * VECTOR)
    const y = v128.load(b - <usize>i * VECTOR)
    low = i64x2.add(low, i64x2.extmul_low_i32x4_u(x, y))
    high = i64x2.add(high, i64x2.extmul_high_i32x4_u(x, y))
  }
  return reduceSum(low, high)
}

/**
 * A sum of at most four products of canonical elements, divided by 2^32, canonical.
 * It is below 4p^2, so its high half is below 1.9p; the low half equals that of quotient * p.
 */
// @ts-ignore: decorator
@inline
function reduceSum(low: v128, high: v128): v128 {
  const p = i32x4.splat(P)
  const quotient = i32x4.mul(v128.shuffle<i32>(low, high, 0, 2, 4, 6), i32x4.splat(P_INVERSE))
  const highHalf = v128.shuffle<i32>(low, high, 1, 3, 5, 7)
  const taken = v128.shuffle<i32>(
    i64x2.extmul_low_i32x4_u(quotient, p),
    i64x2.extmul_high_i32x4_u(quotient, p),
    1, 3, 5, 7,
  )
  return canonical(i32x4.sub(i32x4.min_u(highHalf, i32x4.sub(highHalf, p)), taken))
}

/** x^((p - 1) / 2) = (x^15)^(2^26). */
function legendre(x: v128): v128 {
  const cube = multiply(multiply(x, x), x)
  const sixth = multiply(cube, cube)
  let power = multiply(multiply(sixth, sixth), cube)
  for (let i = 0; i < 26; i++) power = multiply(power, power)
  return canonical(power)
}

/** 1 / x, of 0 it is 0: x^(p - 2), and p - 2 is 7 * 2^28 + 2^27 - 1. */
function invertLanes(x: v128): v128 {
  let low = x
  for (let ones = 1; ones < 27; ones++) low = multiply(multiply(low, low), x)
  const square = multiply(x, x)
  let high = multiply(multiply(square, x), multiply(square, square))
  for (let i = 0; i < 28; i++) high = multiply(high, high)
  return canonical(multiply(high, low))
}

function powerOne(base: u32, exponent: u32): u32 {
  let result = ONE
  let square = base
  for (let rest = exponent; rest > 0; rest >>= 1) {
    if (rest & 1) result = multiplyOne(result, square)
    square = multiplyOne(square, square)
  }
  return result
}

function invertOne(x: u32): u32 {
  return powerOne(x, <u32>(P - 2))
}

function addOne(a: u32, b: u32): u32 {
  const sum = a + b
  return sum >= <u32>P ? sum - <u32>P : sum
}

/** A square root of a square, by Cipolla's algorithm. */
function rootOne(square: u32): u32 {
  let a: u32 = ONE
  let nonResidue: u32 = 0
  for (;;) {
    nonResidue = addOne(multiplyOne(a, a), <u32>P - square)
    if (powerOne(nonResidue, <u32>HALF_P) == <u32>P - ONE) break
    a = addOne(a, ONE)
  }
  let real: u32 = ONE
  let imaginary: u32 = 0
  let baseReal = a
  let baseImaginary: u32 = ONE
  for (let rest: u32 = <u32>(P / 2 + 1); rest > 0; rest >>= 1) {
    if (rest & 1) {
      const cross = multiplyOne(nonResidue, multiplyOne(imaginary, baseImaginary))
      const newReal = addOne(multiplyOne(real, baseReal), cross)
      imaginary = addOne(multiplyOne(real, baseImaginary), multiplyOne(imaginary, baseReal))
      real = newReal
    }
    const cross = multiplyOne(nonResidue, multiplyOne(baseImaginary, baseImaginary))
    const product = multiplyOne(baseReal, baseImaginary)
    baseReal = addOne(multiplyOne(baseReal, baseReal), cross)
    baseImaginary = addOne(product, product)
  }
  return real
}

// @ts-ignore: decorator
@inline
function get(element: usize, i: usize): v128 {
  return v128.load(element + i * VECTOR)
}

// @ts-ignore: decorator
@inline
function set(element: usize, i: usize, x: v128): void {
  v128.store(element + i * VECTOR, x)
}
