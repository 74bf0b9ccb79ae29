/** Powers with exponents near fractions of p, for square roots. */
import { copy, ELEMENT_BYTES, Field, isZero, ONE, toWords } from './field'

/** Bits of the exponent taken at a time. */
const WINDOW: u32 = 4
/** base^0 to base^15. */
const POWERS = memory.data(16 * ELEMENT_BYTES, 8)
const EXPONENT = memory.data(4 * 13)
const T = memory.data(ELEMENT_BYTES, 8)
const T_WORDS = memory.data(4 * 12)

/**
 * base^((p + addend) / 2^shift), where all carry one R. `to` may be `base`.
 * Four bits at a time: a chain of its own for each prime would save some 40 of 320 products.
 */
export function raise<F extends Field>(
  to: usize, base: usize, addend: i64, shift: u32, field: F,
): void {
  writeExponent(addend, shift, field)
  copy(POWERS, field.r, field)
  for (let i = 0; i < 15; i++) {
    field.multiply(POWERS + (i + 1) * ELEMENT_BYTES, POWERS + i * ELEMENT_BYTES, base)
  }
  copy(to, field.r, field)
  for (let bit = <i32>(32 * field.words - WINDOW); bit >= 0; bit -= WINDOW) {
    for (let i: u32 = 0; i < WINDOW; i++) field.multiply(to, to, to)
    const digit = (load<u32>(EXPONENT + 4 * (bit >> 5)) >> (bit & 31)) & 15
    if (digit != 0) field.multiply(to, to, POWERS + digit * ELEMENT_BYTES)
  }
}

function writeExponent(addend: i64, shift: u32, field: Field): void {
  let carry = addend
  for (let i: usize = 0; i < field.words; i++) {
    carry += load<u32>(field.pWords + 4 * i)
    store<u32>(EXPONENT + 4 * i, <u32>carry)
    carry >>= 32
  }
  store<u32>(EXPONENT + 4 * field.words, <u32>carry)
  for (let i: usize = 0; i < field.words; i++) {
    store<u32>(EXPONENT + 4 * i, <u32>(load<u64>(EXPONENT + 4 * i) >> shift))
  }
}

export function isMultipleOfP<F extends Field>(x: usize, field: F): bool {
  field.multiply(T, x, ONE)
  toWords(T_WORDS, T, field)
  return isZero(T_WORDS, field.words)
}
