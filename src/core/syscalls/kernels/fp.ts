/**
 * The base fields of BN254 and BLS12-381, and their extensions by a root of -1: addition, subtraction
 * and multiplication of reduced operands. src/core/syscalls/fp.ts and fp2.ts are the plain versions.
 */
import {
  add, copyWords, ELEMENT_BYTES, Field, fromWords, isLess, isZero, subtract, subtractTwo, toWords,
} from './field'
import { at, isPlain, isPlainTarget, markUsed } from './guest'
import { bls12381, bn254 } from './primes'

const A0 = memory.data(ELEMENT_BYTES, 8)
const A1 = memory.data(ELEMENT_BYTES, 8)
const B0 = memory.data(ELEMENT_BYTES, 8)
const B1 = memory.data(ELEMENT_BYTES, 8)
const C0 = memory.data(ELEMENT_BYTES, 8)
const C1 = memory.data(ELEMENT_BYTES, 8)
/** Two numbers as words. */
const RESULT = memory.data(2 * 4 * 12)
/** A result before and after p was subtracted or added. */
const PLAIN = memory.data(4 * 12)
const SHIFTED = memory.data(4 * 12)

export function bn254FpAdd(first: u32, second: u32): i32 {
  return addFp(bn254(), first, second)
}
export function bls12381FpAdd(first: u32, second: u32): i32 {
  return addFp(bls12381(), first, second)
}
export function bn254FpSub(first: u32, second: u32): i32 {
  return subtractFp(bn254(), first, second)
}
export function bls12381FpSub(first: u32, second: u32): i32 {
  return subtractFp(bls12381(), first, second)
}
export function bn254FpMul(first: u32, second: u32): i32 {
  return multiplyFp(bn254(), first, second)
}
export function bls12381FpMul(first: u32, second: u32): i32 {
  return multiplyFp(bls12381(), first, second)
}

export function bn254Fp2Add(first: u32, second: u32): i32 {
  return addFp2(bn254(), first, second)
}
export function bls12381Fp2Add(first: u32, second: u32): i32 {
  return addFp2(bls12381(), first, second)
}
export function bn254Fp2Sub(first: u32, second: u32): i32 {
  return subtractFp2(bn254(), first, second)
}
export function bls12381Fp2Sub(first: u32, second: u32): i32 {
  return subtractFp2(bls12381(), first, second)
}
export function bn254Fp2Mul(first: u32, second: u32): i32 {
  return multiplyFp2(bn254(), first, second)
}
export function bls12381Fp2Mul(first: u32, second: u32): i32 {
  return multiplyFp2(bls12381(), first, second)
}

function addFp(field: Field, first: u32, second: u32): i32 {
  const words = field.words
  if (!areReduced(first, second, 1, field)) return 0
  addWords(at(first), at(first), at(second), field)
  markUsed(first, words)
  markUsed(second, words)
  return 1
}

function subtractFp(field: Field, first: u32, second: u32): i32 {
  const words = field.words
  if (!areReduced(first, second, 1, field)) return 0
  subtractWords(at(first), at(first), at(second), field)
  markUsed(first, words)
  markUsed(second, words)
  return 1
}

function multiplyFp<F extends Field>(field: F, first: u32, second: u32): i32 {
  const words = field.words
  if (!areReduced(first, second, 1, field)) return 0
  fromWords(A0, at(first), field)
  fromWords(B0, at(second), field)
  field.multiply(C0, A0, B0)
  field.multiply(C0, C0, field.r2)
  toWords(at(first), C0, field)
  markUsed(first, words)
  markUsed(second, words)
  return 1
}

function addFp2(field: Field, first: u32, second: u32): i32 {
  const bytes = 4 * field.words
  if (!areReduced(first, second, 2, field)) return 0
  addWords(RESULT, at(first), at(second), field)
  addWords(RESULT + bytes, at(first) + bytes, at(second) + bytes, field)
  return writeFp2(first, second, field)
}

function subtractFp2(field: Field, first: u32, second: u32): i32 {
  const bytes = 4 * field.words
  if (!areReduced(first, second, 2, field)) return 0
  subtractWords(RESULT, at(first), at(second), field)
  subtractWords(RESULT + bytes, at(first) + bytes, at(second) + bytes, field)
  return writeFp2(first, second, field)
}

/** (a0 + a1 i)(b0 + b1 i) by three products: a0 b1 + a1 b0 = (a0 + a1)(b0 + b1) - a0 b0 - a1 b1. */
function multiplyFp2<F extends Field>(field: F, first: u32, second: u32): i32 {
  const bytes = 4 * field.words
  if (!areReduced(first, second, 2, field)) return 0
  fromWords(A0, at(first), field)
  fromWords(A1, at(first) + bytes, field)
  fromWords(B0, at(second), field)
  fromWords(B1, at(second) + bytes, field)
  add(C0, A0, A1, field)
  add(C1, B0, B1, field)
  field.multiply(C1, C0, C1)
  field.multiply(A0, A0, B0)
  field.multiply(A1, A1, B1)
  subtract(C0, A0, A1, field)
  subtractTwo(C1, C1, A0, A1, field)
  field.multiply(C0, C0, field.r2)
  field.multiply(C1, C1, field.r2)
  toWords(RESULT, C0, field)
  toWords(RESULT + bytes, C1, field)
  return writeFp2(first, second, field)
}

/** Are both operands plain, and their numbers, `count` each, below p? */
function areReduced(first: u32, second: u32, count: u32, field: Field): bool {
  const words = field.words
  if (!isPlainTarget(first, count * words) || !isPlain(second, count * words)) return false
  for (let i: u32 = 0; i < count; i++) {
    const offset = i * 4 * words
    if (!isLess(at(first) + offset, field.pWords, words)) return false
    if (!isLess(at(second) + offset, field.pWords, words)) return false
  }
  return true
}

/** a + b modulo p, all reduced; the memory of all may overlap. */
function addWords(to: usize, a: usize, b: usize, field: Field): void {
  const end: usize = 4 * field.words
  let sum: i64 = 0
  let shifted: i64 = 0
  for (let i: usize = 0; i < end; i += 4) {
    sum += <i64>load<u32>(a + i) + <i64>load<u32>(b + i)
    shifted += <i64><u32>sum - <i64>load<u32>(field.pWords + i)
    store<u32>(PLAIN + i, <u32>sum)
    store<u32>(SHIFTED + i, <u32>shifted)
    sum >>= 32
    shifted >>= 32
  }
  copyWords(to, sum + shifted < 0 ? PLAIN : SHIFTED, field.words)
}

/** a - b modulo p, all reduced; the memory of all may overlap. */
function subtractWords(to: usize, a: usize, b: usize, field: Field): void {
  const end: usize = 4 * field.words
  let difference: i64 = 0
  let shifted: i64 = 0
  for (let i: usize = 0; i < end; i += 4) {
    difference += <i64>load<u32>(a + i) - <i64>load<u32>(b + i)
    shifted += <i64><u32>difference + <i64>load<u32>(field.pWords + i)
    store<u32>(PLAIN + i, <u32>difference)
    store<u32>(SHIFTED + i, <u32>shifted)
    difference >>= 32
    shifted >>= 32
  }
  copyWords(to, difference < 0 ? SHIFTED : PLAIN, field.words)
}

/** Releases disagree if the first part's highest word is 0 and the second part is not. */
function writeFp2(first: u32, second: u32, field: Field): i32 {
  const words = field.words
  const c1 = RESULT + 4 * words
  if (load<u32>(c1 - 4) == 0 && !isZero(c1, words)) return 0
  copyWords(at(first), RESULT, 2 * words)
  markUsed(first, 2 * words)
  markUsed(second, 2 * words)
  return 1
}
