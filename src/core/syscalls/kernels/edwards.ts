/**
 * Points on -x^2 + y^2 = 1 + dx^2y^2 (Ed25519): addition and decompression.
 * src/core/syscalls/edwards.ts is the plain version and says what SP1 does with every other call.
 */
import {
  add, copy, ELEMENT_BYTES, isZero, ONE, setLimb, subtract, subtractTwo, toWords, ZERO,
} from './field'
import { at, isPlain, isPlainTarget, markUsed } from './guest'
import { invert } from './inverse'
import { readCoordinate, readPoint, X1, X2, Y1, Y2 } from './point'
import { isMultipleOfP, raise } from './power'
import { ed25519, Ed25519Field } from './primes'

const WORDS: u32 = 8

const A = memory.data(ELEMENT_BYTES, 8)
const B = memory.data(ELEMENT_BYTES, 8)
const C = memory.data(ELEMENT_BYTES, 8)
const T = memory.data(ELEMENT_BYTES, 8)

let hasConstants = false
/** 1 / R, d R, d R^3, and the root of -1 times R. */
const R_INVERSE = memory.data(ELEMENT_BYTES, 8)
const D_R = memory.data(ELEMENT_BYTES, 8)
const D_R3 = memory.data(ELEMENT_BYTES, 8)
const ROOT_R = memory.data(ELEMENT_BYTES, 8)

function prepare(field: Ed25519Field): void {
  hasConstants = true
  field.multiply(R_INVERSE, ONE, ONE)
  // d = -121665 / 121666
  copy(T, ZERO, field)
  setLimb(T, 0, 121666)
  invert(D_R, T, field)
  setLimb(T, 0, -121665)
  field.multiply(D_R, D_R, T)
  field.multiply(D_R, D_R, field.r2)
  field.multiply(D_R3, D_R, field.r2)
  field.multiply(D_R3, D_R3, field.r2)
  // p = 5 modulo 8, so 2 is no square.
  add(T, field.r, field.r, field)
  raise(ROOT_R, T, -1, 2, field)
}

/**
 * x = (x1 y2 + y1 x2) / (1 + t), y = (y1 y2 + x1 x2) / (1 - t) with t = d x1 x2 y1 y2. One inversion
 * does for both: 1 / (1 + t) = (1 - t) / (1 - t^2).
 */
export function edAdd(first: u32, second: u32): i32 {
  const field = ed25519()
  if (!isPlainTarget(first, 2 * WORDS) || !isPlain(second, 2 * WORDS)) return 0
  if (!readPoint(X1, Y1, first, field) || !readPoint(X2, Y2, second, field)) return 0
  if (!hasConstants) prepare(field)
  // A = x1 x2 / R, B = y1 y2 / R, C = (x1 y2 + y1 x2) / R
  field.multiply(A, X1, X2)
  field.multiply(B, Y1, Y2)
  add(X1, X1, Y1, field)
  add(X2, X2, Y2, field)
  field.multiply(C, X1, X2)
  subtractTwo(C, C, A, B, field)
  // With t / R the powers of R cancel in the end: (1 - t) / R, (1 + t) / R, and R^4 / (1 - t^2)
  field.multiply(T, A, B)
  field.multiply(T, T, D_R3)
  subtract(X1, R_INVERSE, T, field)
  add(X2, R_INVERSE, T, field)
  field.multiply(T, X1, X2)
  if (!invert(T, T, field)) return 0

  const to = at(first)
  field.multiply(C, C, T)
  field.multiply(C, C, X1)
  toWords(to, C, field)
  add(A, A, B, field)
  field.multiply(A, A, T)
  field.multiply(A, A, X2)
  toWords(to + 4 * WORDS, A, field)
  markUsed(first, 2 * WORDS)
  markUsed(second, 2 * WORDS)
  return 1
}

/**
 * A root of u / v with u = y^2 - 1, v = d y^2 + 1 is u v^3 (u v^7)^((p - 5) / 8), perhaps times a root
 * of -1 (RFC 8032, 5.1.3). y = 0 and x = 0 are left to the plain version, because releases differ.
 */
export function edDecompress(pointer: u32, sign: u32): i32 {
  const field = ed25519()
  if (sign > 1 || !isPlain(pointer, 2 * WORDS)) return 0
  const yPointer = pointer + 4 * WORDS
  if (!readCoordinate(Y1, yPointer, field) || isZero(at(yPointer), WORDS)) return 0
  if (!hasConstants) prepare(field)
  // All of these carry one R.
  field.multiply(Y1, Y1, field.r2)
  field.multiply(Y1, Y1, Y1)
  subtract(A, Y1, field.r, field)
  field.multiply(B, Y1, D_R)
  add(B, B, field.r, field)
  // C = v^3, T = u v^7
  field.multiply(C, B, B)
  field.multiply(C, C, B)
  field.multiply(T, C, C)
  field.multiply(T, T, B)
  field.multiply(T, T, A)
  raise(X1, T, -5, 3, field)
  field.multiply(X1, X1, C)
  field.multiply(X1, X1, A)
  // v x^2 is u, or -u, or u has no root.
  field.multiply(T, X1, X1)
  field.multiply(T, T, B)
  subtract(X2, T, A, field)
  if (!isMultipleOfP(X2, field)) {
    add(X2, T, A, field)
    if (!isMultipleOfP(X2, field)) return 0
    field.multiply(X1, X1, ROOT_R)
  }
  if (isMultipleOfP(X1, field)) return 0

  const to = at(pointer)
  field.multiply(X1, X1, ONE)
  subtract(X2, ZERO, X1, field)
  toWords(to, X1, field)
  if ((load<u32>(to) & 1) != sign) toWords(to, X2, field)
  markUsed(pointer, 2 * WORDS)
  return 1
}
