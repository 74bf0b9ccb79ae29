/**
 * The primes p: a multiplication for each, with -1 / p modulo 2^30 and the limbs of p as literals, and
 * p as words, from which all else is computed. src/core/syscalls/curves.ts says where they come from.
 */
import {
  ELEMENT_BYTES, Field, FIELD_BYTES, fromWords, limb, montgomery, ONE, signedLimb,
} from './field'
import { invert } from './inverse'

// @ts-ignore: decorator
@unmanaged
export class Secp256k1Field extends Field {
  multiply(to: usize, a: usize, b: usize): void {
    // p = 2^256 - 4 * 2^30 - 977
    montgomery(
      9, to, a, b, 304428337,
      -977, -4, 0, 0, 0, 0, 0, 0, 1 << 16,
      0, 0, 0, 0,
    )
  }
}

// @ts-ignore: decorator
@unmanaged
export class Secp256r1Field extends Field {
  multiply(to: usize, a: usize, b: usize): void {
    // p = 2^256 - 2^224 + 2^192 + 2^96 - 1
    montgomery(
      9, to, a, b, 1,
      -1, 0, 0, 1 << 6, 0, 0, 1 << 12, -(1 << 14), 1 << 16,
      0, 0, 0, 0,
    )
  }
}

// @ts-ignore: decorator
@unmanaged
export class Ed25519Field extends Field {
  multiply(to: usize, a: usize, b: usize): void {
    // p = 2^255 - 19
    montgomery(
      9, to, a, b, -395589093,
      -19, 0, 0, 0, 0, 0, 0, 0, 1 << 15,
      0, 0, 0, 0,
    )
  }
}

// @ts-ignore: decorator
@unmanaged
export class Bn254Field extends Field {
  multiply(to: usize, a: usize, b: usize): void {
    montgomery(
      9, to, a, b, -460954743,
      410844487, -259903397, 119318740, -530930598, 22568344, 18274822, 436378501, 329037900, 12388,
      0, 0, 0, 0,
    )
  }
}

// @ts-ignore: decorator
@unmanaged
export class Bls12381Field extends Field {
  multiply(to: usize, a: usize, b: usize): void {
    montgomery(
      13, to, a, b, -196611,
      -21845, -402915328, 356515836, -352321620, -252304353, 55215067, 288093811,
      316751073, -321428361, 517541167, -375082566, -91332614, 1704210,
    )
  }
}

/** p, lowest word first. */
const SECP256K1_P = memory.data<u32>([
  0xffff_fc2f, 0xffff_fffe, 0xffff_ffff, 0xffff_ffff,
  0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff,
])
const SECP256R1_P = memory.data<u32>([
  0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0, 0, 0, 1, 0xffff_ffff,
])
const ED25519_P = memory.data<u32>([
  0xffff_ffed, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff,
  0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0x7fff_ffff,
])
const BN254_P = memory.data<u32>([
  0xd87c_fd47, 0x3c20_8c16, 0x6871_ca8d, 0x9781_6a91,
  0x8181_585d, 0xb850_45b6, 0xe131_a029, 0x3064_4e72,
])
const BLS12381_P = memory.data<u32>([
  0xffff_aaab, 0xb9fe_ffff, 0xb153_ffff, 0x1eab_fffe, 0xf6b0_f624, 0x6730_d2a0,
  0xf385_12bf, 0x6477_4b84, 0x434b_acd7, 0x4b1b_a7b6, 0x397f_e69a, 0x1a01_11ea,
])

const SECP256K1 = changetype<Secp256k1Field>(memory.data(FIELD_BYTES, 8))
const SECP256R1 = changetype<Secp256r1Field>(memory.data(FIELD_BYTES, 8))
const ED25519 = changetype<Ed25519Field>(memory.data(FIELD_BYTES, 8))
const BN254 = changetype<Bn254Field>(memory.data(FIELD_BYTES, 8))
const BLS12381 = changetype<Bls12381Field>(memory.data(FIELD_BYTES, 8))

// A run uses few fields, so each is prepared by the first kernel that needs it.

// @ts-ignore: decorator
@inline
export function secp256k1(): Secp256k1Field {
  if (SECP256K1.words == 0) prepare(SECP256K1, 8, SECP256K1_P)
  return SECP256K1
}

// @ts-ignore: decorator
@inline
export function secp256r1(): Secp256r1Field {
  if (SECP256R1.words == 0) prepare(SECP256R1, 8, SECP256R1_P)
  return SECP256R1
}

// @ts-ignore: decorator
@inline
export function ed25519(): Ed25519Field {
  if (ED25519.words == 0) prepare(ED25519, 8, ED25519_P)
  return ED25519
}

// @ts-ignore: decorator
@inline
export function bn254(): Bn254Field {
  if (BN254.words == 0) prepare(BN254, 8, BN254_P)
  return BN254
}

// @ts-ignore: decorator
@inline
export function bls12381(): Bls12381Field {
  if (BLS12381.words == 0) prepare(BLS12381, 12, BLS12381_P)
  return BLS12381
}

const T = memory.data(ELEMENT_BYTES, 8)

function prepare<F extends Field>(field: F, words: u32, pWords: usize): void {
  field.words = words
  field.limbs = words + 1
  for (let i: usize = 0; i < words; i++) store<u32>(field.pWords + 4 * i, load<u32>(pWords + 4 * i))
  fromWords(field.p, pWords, field)
  // An odd number is its own inverse modulo 8, and each of Newton's steps doubles the bits.
  const p0 = limb(field.p, 0)
  let inverse = p0
  for (let i = 0; i < 4; i++) inverse *= 2 - p0 * inverse
  field.negatedInverse = signedLimb(-inverse)
  // The product of 1 and 1 is 1 / R, and the inversion of that R / (1 / R).
  field.multiply(T, ONE, ONE)
  invert(field.r2, T, field)
  field.multiply(field.r, field.r2, ONE)
  field.multiply(field.r2, field.r2, field.r)
}
