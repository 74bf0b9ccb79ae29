/**
 * The base fields of BN254 and BLS12-381, and their extensions by a root of -1: addition, subtraction
 * and multiplication of reduced operands. src/core/syscalls/fp.ts and fp2.ts are the plain versions.
 */
import { add, ELEMENT_BYTES, Field, fromWords, isLess, isZero, subtract, subtractTwo, toWords } from './field'
import { at, isPlain, isPlainTarget, markUsed } from './guest'
import { bls12381, bn254 } from './primes'

const A0 = memory.data(ELEMENT_BYTES, 8)
const A1 = memory.data(ELEMENT_BYTES, 8)
const B0 = memory.data(ELEMENT_BYTES, 8)
const B1 = memory.data(ELEMENT_BYTES, 8)
const C0 = memory.data(ELEMENT_BYTES, 8)
const C1 = memory.data(ELEMENT_BYTES, 8)
const C_WORDS = memory.data(2 * 4 * 12)

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
  if (!readFp(first, second, field)) return 0
  add(C0, A0, B0, field)
  subtract(C0, C0, field.p, field)
  return writeFp(first, second, field)
}

function subtractFp(field: Field, first: u32, second: u32): i32 {
  if (!readFp(first, second, field)) return 0
  subtract(C0, A0, B0, field)
  return writeFp(first, second, field)
}

function multiplyFp<F extends Field>(field: F, first: u32, second: u32): i32 {
  if (!readFp(first, second, field)) return 0
  field.multiply(C0, A0, B0)
  field.multiply(C0, C0, field.r2)
  return writeFp(first, second, field)
}

function addFp2(field: Field, first: u32, second: u32): i32 {
  if (!readFp2(first, second, field)) return 0
  add(C0, A0, B0, field)
  subtract(C0, C0, field.p, field)
  add(C1, A1, B1, field)
  subtract(C1, C1, field.p, field)
  return writeFp2(first, second, field)
}

function subtractFp2(field: Field, first: u32, second: u32): i32 {
  if (!readFp2(first, second, field)) return 0
  subtract(C0, A0, B0, field)
  subtract(C1, A1, B1, field)
  return writeFp2(first, second, field)
}

/** (a0 + a1 i)(b0 + b1 i) by three products: a0 b1 + a1 b0 = (a0 + a1)(b0 + b1) - a0 b0 - a1 b1. */
function multiplyFp2<F extends Field>(field: F, first: u32, second: u32): i32 {
  if (!readFp2(first, second, field)) return 0
  add(C0, A0, A1, field)
  add(C1, B0, B1, field)
  field.multiply(C1, C0, C1)
  field.multiply(A0, A0, B0)
  field.multiply(A1, A1, B1)
  subtract(C0, A0, A1, field)
  subtractTwo(C1, C1, A0, A1, field)
  field.multiply(C0, C0, field.r2)
  field.multiply(C1, C1, field.r2)
  return writeFp2(first, second, field)
}

function readFp(first: u32, second: u32, field: Field): bool {
  const words = field.words
  return (
    isPlainTarget(first, words) && isPlain(second, words) &&
    readElement(A0, at(first), field) && readElement(B0, at(second), field)
  )
}

function readFp2(first: u32, second: u32, field: Field): bool {
  const words = field.words
  const bytes = 4 * words
  return (
    isPlainTarget(first, 2 * words) && isPlain(second, 2 * words) &&
    readElement(A0, at(first), field) && readElement(A1, at(first) + bytes, field) &&
    readElement(B0, at(second), field) && readElement(B1, at(second) + bytes, field)
  )
}

/** @returns false if it is not reduced. */
function readElement(to: usize, from: usize, field: Field): bool {
  if (!isLess(from, field.pWords, field.words)) return false
  fromWords(to, from, field)
  return true
}

function writeFp(first: u32, second: u32, field: Field): i32 {
  toWords(at(first), C0, field)
  markUsed(first, field.words)
  markUsed(second, field.words)
  return 1
}

/** Releases disagree if the first part's highest word is 0 and the second part is not. */
function writeFp2(first: u32, second: u32, field: Field): i32 {
  const words = field.words
  const c1Words = C_WORDS + 4 * words
  toWords(C_WORDS, C0, field)
  toWords(c1Words, C1, field)
  if (load<u32>(c1Words - 4) == 0 && !isZero(c1Words, words)) return 0
  for (let i: usize = 0; i < 2 * words; i++) {
    store<u32>(at(first) + 4 * i, load<u32>(C_WORDS + 4 * i))
  }
  markUsed(first, 2 * words)
  markUsed(second, 2 * words)
  return 1
}
