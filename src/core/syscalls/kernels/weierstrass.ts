/**
 * Points on y^2 = x^3 + ax + b: addition, doubling and decompression.
 * src/core/syscalls/weierstrass.ts is the plain version and says what SP1 does with every other call.
 */
import {
  add, copy, copyWords, ELEMENT_BYTES, Field, fromWords, isLess, isZero, ONE, subtract,
  subtractTwo, toWords, ZERO,
} from './field'
import { at, isPlain, isPlainTarget, markUsed } from './guest'
import { invert } from './inverse'
import { readCoordinate, readPoint, X1, X2, Y1, Y2 } from './point'
import { isMultipleOfP, raise } from './power'
import { bls12381, bn254, secp256k1, secp256r1, Secp256r1Field } from './primes'

const RISE = memory.data(ELEMENT_BYTES, 8)
const RUN = memory.data(ELEMENT_BYTES, 8)
const SLOPE = memory.data(ELEMENT_BYTES, 8)
const SLOPE_R = memory.data(ELEMENT_BYTES, 8)

export function secp256k1Add(first: u32, second: u32): i32 {
  return addPoints(secp256k1(), first, second)
}
export function secp256r1Add(first: u32, second: u32): i32 {
  return addPoints(secp256r1(), first, second)
}
export function bn254Add(first: u32, second: u32): i32 {
  return addPoints(bn254(), first, second)
}
export function bls12381Add(first: u32, second: u32): i32 {
  return addPoints(bls12381(), first, second)
}

export function secp256k1Double(point: u32, arg2: u32): i32 {
  return doublePoint(secp256k1(), point, arg2)
}
export function secp256r1Double(point: u32, arg2: u32): i32 {
  return doublePoint(secp256r1(), point, arg2)
}
export function bn254Double(point: u32, arg2: u32): i32 {
  return doublePoint(bn254(), point, arg2)
}
export function bls12381Double(point: u32, arg2: u32): i32 {
  return doublePoint(bls12381(), point, arg2)
}

function addPoints<F extends Field>(field: F, first: u32, second: u32): i32 {
  const words = field.words
  if (!isPlainTarget(first, 2 * words) || !isPlain(second, 2 * words)) return 0
  if (!readPoint(X1, Y1, first, field) || !readPoint(X2, Y2, second, field)) return 0
  subtract(RUN, X2, X1, field)
  subtract(RISE, Y2, Y1, field)
  if (!invert(RUN, RUN, field)) return 0
  field.multiply(SLOPE, RISE, RUN)
  writeThirdPoint(field, first)
  markUsed(second, 2 * words)
  return 1
}

/** The slope is (3 x^2 + a) / 2 y. */
function doublePoint<F extends Field>(field: F, point: u32, arg2: u32): i32 {
  const words = field.words
  if (arg2 != 0 || !isPlainTarget(point, 2 * words)) return 0
  if (!readPoint(X1, Y1, point, field)) return 0
  copy(X2, X1, field)
  add(RUN, Y1, Y1, field)
  field.multiply(RUN, RUN, ONE)
  if (!invert(RUN, RUN, field)) return 0
  // (x^2 + a / 3) / R, R^2 / 2 y
  field.multiply(RISE, X1, X1)
  if (field instanceof Secp256r1Field) {
    field.multiply(SLOPE, ONE, ONE)
    subtract(RISE, RISE, SLOPE, field)
  }
  add(SLOPE, RISE, RISE, field)
  add(RISE, RISE, SLOPE, field)
  field.multiply(SLOPE, RISE, RUN)
  writeThirdPoint(field, point)
  return 1
}

/** Writes the mirror image of the third point of the line through (x1, y1) and x2. */
// @ts-ignore: decorator
@inline
function writeThirdPoint<F extends Field>(field: F, point: u32): void {
  const to = at(point)
  field.multiply(SLOPE_R, SLOPE, field.r2)
  field.multiply(SLOPE, SLOPE, SLOPE_R)
  subtractTwo(SLOPE, SLOPE, X1, X2, field)
  subtract(X1, X1, SLOPE, field)
  toWords(to, SLOPE, field)
  field.multiply(X1, X1, SLOPE_R)
  subtract(X1, X1, Y1, field)
  toWords(to + 4 * field.words, X1, field)
  markUsed(point, 2 * field.words)
}

const Y_SQUARED = memory.data(ELEMENT_BYTES, 8)
const B = memory.data(ELEMENT_BYTES, 8)
const Y_WORDS = memory.data(4 * 12)
const OTHER_WORDS = memory.data(4 * 12)

/** b, lowest word first. */
const SECP256K1_B = memory.data<u32>([7, 0, 0, 0, 0, 0, 0, 0])
const SECP256R1_B = memory.data<u32>([
  0x27d2_604b, 0x3bce_3c3e, 0xcc53_b0f6, 0x651d_06b0,
  0x7698_86bc, 0xb3eb_bd55, 0xaa3a_93e7, 0x5ac6_35d8,
])
const BLS12381_B = memory.data<u32>([4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])

export function secp256k1Decompress(pointer: u32, sign: u32): i32 {
  if (!findRoots(secp256k1(), SECP256K1_B, pointer, sign)) return 0
  return writeY(pointer, 8, load<u32>(Y_WORDS) % 2 == sign)
}
export function secp256r1Decompress(pointer: u32, sign: u32): i32 {
  if (!findRoots(secp256r1(), SECP256R1_B, pointer, sign)) return 0
  return writeY(pointer, 8, load<u32>(Y_WORDS) % 2 == sign)
}
export function bls12381Decompress(pointer: u32, sign: u32): i32 {
  if (!findRoots(bls12381(), BLS12381_B, pointer, sign)) return 0
  return writeY(pointer, 12, <u32>isLess(OTHER_WORDS, Y_WORDS, 12) == sign)
}

/** y and p - y for the x behind y at `pointer`. @returns false if the call is not plain. */
function findRoots<F extends Field>(field: F, b: usize, pointer: u32, sign: u32): bool {
  const words = field.words
  if (sign > 1 || !isPlain(pointer, 2 * words)) return false
  if (!readCoordinate(X1, pointer + 4 * words, field)) return false
  // All of these carry one R.
  field.multiply(X1, X1, field.r2)
  fromWords(B, b, field)
  field.multiply(B, B, field.r2)
  field.multiply(Y_SQUARED, X1, X1)
  if (field instanceof Secp256r1Field) {
    for (let i = 0; i < 3; i++) subtract(Y_SQUARED, Y_SQUARED, field.r, field)
  }
  field.multiply(Y_SQUARED, Y_SQUARED, X1)
  add(Y_SQUARED, Y_SQUARED, B, field)
  // p is 3 modulo 4, so this is a root if there is one.
  raise(Y1, Y_SQUARED, 1, 2, field)
  field.multiply(Y2, Y1, Y1)
  subtract(Y2, Y2, Y_SQUARED, field)
  if (!isMultipleOfP(Y2, field)) return false
  field.multiply(Y1, Y1, ONE)
  subtract(Y2, ZERO, Y1, field)
  toWords(Y_WORDS, Y1, field)
  toWords(OTHER_WORDS, Y2, field)
  return !isZero(Y_WORDS, words)
}

function writeY(pointer: u32, words: u32, isY: bool): i32 {
  copyWords(at(pointer), isY ? Y_WORDS : OTHER_WORDS, words)
  markUsed(pointer, 2 * words)
  return 1
}
