/**
 * Multiplication of large integers: x * y mod m, and 256 by 2048 bits.
 * src/core/syscalls/uint256.ts is the plain version.
 */
import { copyWords, isLess, isZero } from './field'
import { at, isOverlapping, isPlain, isPlainTarget, markUsed } from './guest'

const WORDS: u32 = 8
const LONG_WORDS: u32 = 64
/** Registers lie at the start of the memory, four bytes each. */
const A2: usize = 4 * 12
const A3: usize = 4 * 13

/** A product, a word longer for the dividend. */
const PRODUCT = memory.data(4 * (64 + 8 + 1))
const DIVISOR = memory.data(4 * 8)

export function uint256Mul(x: u32, y: u32): i32 {
  if (!isPlainTarget(x, WORDS) || !isPlain(y, 2 * WORDS)) return 0
  const modulus = at(y) + 4 * WORDS
  multiply(at(x), at(y), WORDS)
  if (!isZero(modulus, WORDS)) {
    // SP1 can prove a quotient of 256 bits.
    if (!isLess(PRODUCT + 4 * WORDS, modulus, WORDS)) return 0
    reduce(modulus)
  }
  copyWords(at(x), PRODUCT, WORDS)
  markUsed(x, WORDS)
  markUsed(y, 2 * WORDS)
  return 1
}

export function u256xU2048Mul(a: u32, b: u32): i32 {
  const low = load<u32>(A2)
  const high = load<u32>(A3)
  if (!isPlain(a, WORDS) || !isPlain(b, LONG_WORDS)) return 0
  if (!isPlain(low, LONG_WORDS) || !isPlain(high, WORDS)) return 0
  if (isOverlapping(a, WORDS, b, LONG_WORDS) || isOverlapping(high, WORDS, low, LONG_WORDS)) return 0
  multiply(at(a), at(b), LONG_WORDS)
  copyWords(at(low), PRODUCT, LONG_WORDS)
  copyWords(at(high), PRODUCT + 4 * LONG_WORDS, WORDS)
  markUsed(a, WORDS)
  markUsed(b, LONG_WORDS)
  markUsed(low, LONG_WORDS)
  markUsed(high, WORDS)
  return 1
}

/** PRODUCT = a of 8 words times b. A step takes a word of b and gives a word of the product. */
function multiply(a: usize, b: usize, bWords: u32): void {
  const a0 = word(a, 0), a1 = word(a, 1), a2 = word(a, 2), a3 = word(a, 3)
  const a4 = word(a, 4), a5 = word(a, 5), a6 = word(a, 6), a7 = word(a, 7)
  let t0: u64 = 0, t1: u64 = 0, t2: u64 = 0, t3: u64 = 0, t4: u64 = 0, t5: u64 = 0, t6: u64 = 0
  let t7: u64 = 0
  for (let i: usize = 0; i < bWords; i++) {
    const x = word(b, i)
    t0 += a0 * x
    store<u32>(PRODUCT + 4 * i, <u32>t0)
    // Below 2^64, as each summand but the product is below 2^32.
    t1 += a1 * x + (t0 >> 32)
    t2 += a2 * x + (t1 >> 32)
    t3 += a3 * x + (t2 >> 32)
    t4 += a4 * x + (t3 >> 32)
    t5 += a5 * x + (t4 >> 32)
    t6 += a6 * x + (t5 >> 32)
    t7 += a7 * x + (t6 >> 32)
    t0 = <u32>t1
    t1 = <u32>t2
    t2 = <u32>t3
    t3 = <u32>t4
    t4 = <u32>t5
    t5 = <u32>t6
    t6 = <u32>t7
    t7 >>= 32
  }
  const end = PRODUCT + 4 * bWords
  store<u32>(end, <u32>t0)
  store<u32>(end, <u32>t1, 4)
  store<u32>(end, <u32>t2, 8)
  store<u32>(end, <u32>t3, 12)
  store<u32>(end, <u32>t4, 16)
  store<u32>(end, <u32>t5, 20)
  store<u32>(end, <u32>t6, 24)
  store<u32>(end, <u32>t7, 28)
}

// @ts-ignore: decorator
@inline
function word(x: usize, i: usize): u64 {
  return load<u32>(x + 4 * i)
}

/**
 * The 16 words of PRODUCT modulo m, whose quotient has 8 words: Knuth, The Art of Computer
 * Programming 2, 4.3.1, algorithm D. Both are shifted so that the highest bit of m is set.
 */
function reduce(modulus: usize): void {
  let top = WORDS - 1
  while (word(modulus, top) == 0) top--
  const wordShift = WORDS - 1 - top
  const bitShift = clz<u32>(load<u32>(modulus + 4 * top))
  shiftLeft(DIVISOR, modulus, WORDS, wordShift, bitShift)
  store<u32>(PRODUCT + 4 * 2 * WORDS, 0)
  shiftLeft(PRODUCT, PRODUCT, 2 * WORDS, wordShift, bitShift)
  const high = word(DIVISOR, WORDS - 1)
  const next = word(DIVISOR, WORDS - 2)
  for (let j = <i32>WORDS - 1; j >= 0; j--) {
    const at = PRODUCT + 4 * j
    const dividend = (word(at, 8) << 32) | word(at, 7)
    let quotient = min<u64>(dividend / high, 0xffff_ffff)
    let rest = dividend - quotient * high
    // At most twice: the first two words of the divisor leave the estimate one too large at most.
    while (rest <= 0xffff_ffff && quotient * next > ((rest << 32) | word(at, 6))) {
      quotient--
      rest += high
    }
    if (subtractMultiple(at, quotient)) addBack(at)
  }
  shiftRight(wordShift, bitShift)
}

/** Words 0 to 7 -= quotient * DIVISOR. @returns whether 0 to 8, of which 8 comes to 0, got negative. */
function subtractMultiple(at: usize, quotient: u64): bool {
  let carry: u64 = 0
  let borrow: i64 = 0
  for (let i: usize = 0; i < WORDS; i++) {
    carry += quotient * word(DIVISOR, i)
    borrow += <i64>word(at, i) - <i64><u32>carry
    store<u32>(at + 4 * i, <u32>borrow)
    carry >>= 32
    borrow >>= 32
  }
  return borrow + <i64>word(at, WORDS) - <i64>carry < 0
}

function addBack(at: usize): void {
  let carry: u64 = 0
  for (let i: usize = 0; i < WORDS; i++) {
    carry += word(at, i) + word(DIVISOR, i)
    store<u32>(at + 4 * i, <u32>carry)
    carry >>= 32
  }
}

/** In place if need be; what leaves the words is lost. */
function shiftLeft(to: usize, from: usize, words: u32, wordShift: u32, bitShift: u32): void {
  for (let i = <i32>words - 1; i >= 0; i--) {
    const source = i - <i32>wordShift
    const high = source >= 0 ? word(from, source) : 0
    const low = source >= 1 ? word(from, source - 1) : 0
    store<u32>(to + 4 * i, <u32>((((high << 32) | low) << bitShift) >> 32))
  }
}

/** The remainder, in the low 8 words of PRODUCT. */
function shiftRight(wordShift: u32, bitShift: u32): void {
  for (let i: u32 = 0; i < WORDS; i++) {
    const source = i + wordShift
    const low = source < WORDS ? word(PRODUCT, source) : 0
    const high = source + 1 < WORDS ? word(PRODUCT, source + 1) : 0
    store<u32>(PRODUCT + 4 * i, <u32>(((high << 32) | low) >> bitShift))
  }
}
