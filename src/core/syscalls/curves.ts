/**
 * The fields and curves of SP1's precompiles.
 * Sources: SEC 2, 2.4.1 and 2.4.2; EIP-196; draft-irtf-cfrg-pairing-friendly-curves, 4.2.1; RFC 8032, 5.1.
 */
import { inverseOrZero } from './field.js'

export interface PrimeField {
  readonly p: bigint
  /** Words of an element in guest memory. */
  readonly words: number
}

/** y^2 = x^3 + ax + b */
export interface WeierstrassCurve extends PrimeField {
  readonly a: bigint
  readonly b: bigint
}

/** -x^2 + y^2 = 1 + dx^2y^2 */
export interface TwistedEdwardsCurve extends PrimeField {
  readonly d: bigint
}

export const SECP256K1: WeierstrassCurve = {
  p: 2n ** 256n - 2n ** 32n - 977n,
  words: 8,
  a: 0n,
  b: 7n,
}

const SECP256R1_P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n

export const SECP256R1: WeierstrassCurve = {
  p: SECP256R1_P,
  words: 8,
  a: SECP256R1_P - 3n,
  b: 0x5ac635d8_aa3a93e7_b3ebbd55_769886bc_651d06b0_cc53b0f6_3bce3c3e_27d2604bn,
}

/** The parameter of the family of curves. */
const BN254_U = 0x44e9_92b4_4a69_09f1n

export const BN254: WeierstrassCurve = {
  p: 36n * BN254_U ** 4n + 36n * BN254_U ** 3n + 24n * BN254_U ** 2n + 6n * BN254_U + 1n,
  words: 8,
  a: 0n,
  b: 3n,
}

/** The parameter of the family of curves. */
const BLS12_381_T = -0xd201_0000_0001_0000n

export const BLS12_381: WeierstrassCurve = {
  p: ((BLS12_381_T - 1n) ** 2n * (BLS12_381_T ** 4n - BLS12_381_T ** 2n + 1n)) / 3n + BLS12_381_T,
  words: 12,
  a: 0n,
  b: 4n,
}

const ED25519_P = 2n ** 255n - 19n

export const ED25519: TwistedEdwardsCurve = {
  p: ED25519_P,
  words: 8,
  d: ((ED25519_P - 121665n) * inverseOrZero(121666n, ED25519_P)) % ED25519_P,
}
