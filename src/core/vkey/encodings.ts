/**
 * The two encodings of a verifying key's digest, 8 BabyBear words:
 * `bytes32`, what contracts call `programVKey`, and `hashBytes`, what SP1's tools call `hash_bytes`.
 *
 * Source: sp1-prover 3.4.0 src/types.rs `HashableKey` and src/utils.rs `babybears_to_bn254`.
 */
import { type Hex, isHex } from '../bytes.js'
import { InputError } from '../errors.js'
import { BABYBEAR_P, isFieldElement } from './field.js'
import { DIGEST_WORDS } from './poseidon2.js'

const WORD_HEX_DIGITS = 8
const DIGEST_HEX_DIGITS = DIGEST_WORDS * WORD_HEX_DIGITS
/** Words below p need 31 bits; eight of them fit the 254 bits of a BN254 scalar. */
const BYTES32_WORD_BITS = 31n

/** @param digest - 8 canonical words, the first most significant. */
export function encodeBytes32(digest: readonly number[]): Hex {
  assertDigest(digest, 'The digest')
  const value = digest.reduce((sum, word) => (sum << BYTES32_WORD_BITS) | BigInt(word), 0n)
  return `0x${value.toString(16).padStart(DIGEST_HEX_DIGITS, '0')}`
}

/** Each word as four big-endian bytes. */
export function encodeHashBytes(digest: readonly number[]): Hex {
  assertDigest(digest, 'The digest')
  return `0x${digest.map((word) => word.toString(16).padStart(WORD_HEX_DIGITS, '0')).join('')}`
}

/**
 * @throws InputError `VKEY_MALFORMED` not 32 bytes, more than 8 * 31 bits, or a word is not below p.
 */
export function parseBytes32(hex: string): number[] {
  assertHex(hex, 'bytes32')
  let rest = BigInt(hex)
  const digest = new Array<number>(DIGEST_WORDS)
  for (let i = DIGEST_WORDS - 1; i >= 0; i--) {
    digest[i] = Number(BigInt.asUintN(Number(BYTES32_WORD_BITS), rest))
    rest >>= BYTES32_WORD_BITS
  }
  if (rest !== 0n) throw malformed('bytes32', 'has bits beyond the eight 31-bit words')
  assertDigest(digest, 'bytes32')
  return digest
}

/** @throws InputError `VKEY_MALFORMED` not 32 bytes, or a word is not below p. */
export function parseHashBytes(hex: string): number[] {
  assertHex(hex, 'hashBytes')
  const digest = Array.from({ length: DIGEST_WORDS }, (_, i) =>
    Number.parseInt(hex.slice(2 + i * WORD_HEX_DIGITS, 2 + (i + 1) * WORD_HEX_DIGITS), 16),
  )
  assertDigest(digest, 'hashBytes')
  return digest
}

export function bytes32ToHashBytes(hex: string): Hex {
  return encodeHashBytes(parseBytes32(hex))
}

export function hashBytesToBytes32(hex: string): Hex {
  return encodeBytes32(parseHashBytes(hex))
}

function assertHex(hex: string, what: string): void {
  if (!isHex(hex) || hex.length !== 2 + DIGEST_HEX_DIGITS) {
    throw malformed(what, `is not 0x and ${DIGEST_HEX_DIGITS} hex digits`)
  }
}

function assertDigest(digest: readonly number[], what: string): void {
  if (digest.length !== DIGEST_WORDS) throw malformed(what, `does not have ${DIGEST_WORDS} words`)
  const bad = digest.findIndex((word) => !isFieldElement(word))
  if (bad !== -1) throw malformed(what, `has a word ${bad} that is not below ${BABYBEAR_P}`)
}

function malformed(what: string, reason: string): InputError<'VKEY_MALFORMED'> {
  return new InputError('VKEY_MALFORMED', { what, reason })
}
