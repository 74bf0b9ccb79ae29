/** What stands in for node:crypto in the bundle for browsers does what it stands in for. */
import { p256 } from '@noble/curves/nist.js'
import { bytesToNumberBE, numberToBytesBE } from '@noble/curves/utils.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes } from '../../src/core/bytes.js'
import * as native from '../../src/core/dcap/p256.js'
import * as portable from '../../src/core/dcap/p256-portable.js'
import { sha256 } from '../../src/core/sha256.js'
import { sha256 as portableSha256 } from '../../src/core/sha256-portable.js'

const N = p256.Point.Fn.ORDER
const P = p256.Point.Fp.ORDER
const message = new TextEncoder().encode('a certificate')
const secretKey = new Uint8Array(32).fill(7)
const publicKey = p256.getPublicKey(secretKey, false).subarray(1)
const signature = p256.sign(message, secretKey, { lowS: true, prehash: true })
const r = signature.subarray(0, 32)
const s = bytesToNumberBE(signature.subarray(32))

/** What both say; they must say the same. */
function verdict(key: Uint8Array, signed: Uint8Array, by: Uint8Array): boolean {
  const verdicts = [native, portable].map(({ isSignedBy }) => isSignedBy(key, signed, by))
  expect(verdicts[1]).toBe(verdicts[0])
  return verdicts[0]!
}

const scalar = (value: bigint) => numberToBytesBE(value, 32)
const withByte = (bytes: Uint8Array, at: number, change: number) =>
  bytes.map((byte, i) => (i === at ? byte ^ change : byte))

describe('sha256', () => {
  it('is the same of anything', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(portableSha256(bytes)).toEqual(sha256(bytes))
      }),
      { numRuns: 300 },
    )
  })

  it('is the same of a view into larger bytes, and of megabytes', () => {
    const bytes = new Uint8Array(3_000_001).map((_, i) => i * i)
    expect(portableSha256(bytes)).toEqual(sha256(bytes))
    expect(portableSha256(bytes.subarray(7, 99))).toEqual(sha256(bytes.slice(7, 99)))
  })
})

describe('P-256', () => {
  it('accepts both values of s', () => {
    expect(verdict(publicKey, message, signature)).toBe(true)
    expect(s < N / 2n).toBe(true)
    expect(verdict(publicKey, message, concatBytes(r, scalar(N - s)))).toBe(true)
  })

  it.each([
    ['another message', publicKey, message.subarray(1), signature],
    ['another key', p256.getPublicKey(scalar(9n), false).subarray(1), message, signature],
    ['a key off the curve', withByte(publicKey, 63, 1), message, signature],
    ['the negated key', concatBytes(publicKey.subarray(0, 32), negatedY()), message, signature],
    ['a key of zeros', new Uint8Array(64), message, signature],
    ['a coordinate beyond the field', concatBytes(scalar(P), scalar(P)), message, signature],
    ['a short key', publicKey.subarray(1), message, signature],
    ['a long key', concatBytes(publicKey, Uint8Array.of(0)), message, signature],
    ['a compressed key', p256.getPublicKey(secretKey, true), message, signature],
    ['no key', new Uint8Array(), message, signature],
    ['r of 0', publicKey, message, concatBytes(scalar(0n), scalar(s))],
    ['s of 0', publicKey, message, concatBytes(r, scalar(0n))],
    ['r of n', publicKey, message, concatBytes(scalar(N), scalar(s))],
    ['s of n', publicKey, message, concatBytes(r, scalar(N))],
    ['s beyond n', publicKey, message, concatBytes(r, scalar(2n ** 256n - 1n))],
    ['a short signature', publicKey, message, signature.subarray(0, 63)],
    ['a long signature', publicKey, message, concatBytes(signature, Uint8Array.of(0))],
    ['no signature', publicKey, message, new Uint8Array()],
    ['a signature in DER', publicKey, message, inDer()],
  ])('refuses %s', (_name, key, signed, by) => {
    expect(verdict(key, signed, by)).toBe(false)
  })

  it('refuses each changed byte of a signature and of a key', () => {
    for (let at = 0; at < 64; at++) {
      expect(verdict(publicKey, message, withByte(signature, at, 0x80))).toBe(false)
      expect(verdict(withByte(publicKey, at, 1), message, signature)).toBe(false)
    }
  })

  it('is the same of any key, message and signature', () => {
    const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
    const isSecret = (secret: Uint8Array) => p256.utils.isValidSecretKey(secret)
    fc.assert(
      fc.property(bytes32.filter(isSecret), fc.uint8Array(), bytes32, (secret, text, other) => {
        const key = p256.getPublicKey(secret, false).subarray(1)
        const signed = p256.sign(text, secret, { lowS: false, prehash: true })
        expect(verdict(key, text, signed)).toBe(true)
        expect(verdict(key, text, concatBytes(signed.subarray(0, 32), other))).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  function negatedY(): Uint8Array {
    return scalar(P - bytesToNumberBE(publicKey.subarray(32)))
  }

  function inDer(): Uint8Array {
    return p256.sign(message, secretKey, { lowS: true, prehash: true, format: 'der' })
  }
})
