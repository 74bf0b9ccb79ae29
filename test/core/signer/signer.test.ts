import { inspect } from 'node:util'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { privateKeyToAccount } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../../src/core/bytes.js'
import {
  createSigner,
  generateSecretKey,
  isSecretKey,
  recoverAddress,
} from '../../../src/core/signer/signer.js'

const GROUP_ORDER = secp256k1.Point.CURVE().n
const anySecretKey = fc
  .bigInt({ min: 1n, max: GROUP_ORDER - 1n })
  .map((scalar) => fromHex(`0x${scalar.toString(16).padStart(64, '0')}`))
const anyDigest = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('createSigner', () => {
  it('has the address and the signatures that viem computes', async () => {
    await fc.assert(
      fc.asyncProperty(anySecretKey, anyDigest, async (secretKey, digest) => {
        const signer = createSigner(secretKey)
        const account = privateKeyToAccount(toHex(secretKey))
        expect(signer.address).toBe(account.address.toLowerCase())
        expect(toHex(signer.signDigest(digest))).toBe(await account.sign({ hash: toHex(digest) }))
      }),
      { numRuns: 40 },
    )
  })

  it('shows its key to nobody', () => {
    const secretKey = fromHex(`0x${'5a'.repeat(32)}`)
    const signer = createSigner(secretKey)
    for (const text of [JSON.stringify(signer), inspect(signer, { depth: 9, showHidden: true })]) {
      expect(text.toLowerCase()).not.toContain('5a5a')
    }
    expect(Object.keys(signer).sort()).toEqual(['address', 'signDigest'])
  })

  it('does not follow a caller who changes the key bytes', () => {
    const secretKey = fromHex(`0x${'01'.repeat(32)}`)
    const signer = createSigner(secretKey)
    const before = signer.signDigest(new Uint8Array(32))
    secretKey.fill(2)
    expect(signer.signDigest(new Uint8Array(32))).toEqual(before)
  })

  it.each([
    ['zero', '00'.repeat(32)],
    ['the group order', GROUP_ORDER.toString(16)],
    ['all ones', 'ff'.repeat(32)],
    ['31 bytes', '01'.repeat(31)],
  ])('refuses %s as a key', (_name, hex) => {
    expect(isSecretKey(fromHex(`0x${hex}`))).toBe(false)
    expect(() => createSigner(fromHex(`0x${hex}`))).toThrow()
  })

  it('signs nothing but digests', () => {
    const signer = createSigner(fromHex(`0x${'01'.repeat(32)}`))
    expect(() => signer.signDigest(new Uint8Array(31))).toThrow()
  })
})

describe('generateSecretKey', () => {
  it('draws again while the draw is no scalar of the group', () => {
    const draws = ['00'.repeat(32), 'ff'.repeat(32), `${'00'.repeat(31)}07`]
    const key = generateSecretKey(() => fromHex(`0x${draws.shift()}`))
    expect(toHex(key)).toBe(`0x${'00'.repeat(31)}07`)
  })
})

describe('recoverAddress', () => {
  const signer = createSigner(fromHex(`0x${'11'.repeat(32)}`))
  const digest = fromHex(`0x${'22'.repeat(32)}`)
  const signature = signer.signDigest(digest)

  it('finds the signer', () => {
    expect(recoverAddress(digest, signature)).toBe(signer.address)
  })

  it('does not find it in a signature with any bit changed', () => {
    fc.assert(
      fc.property(fc.nat(65 * 8 - 1), (bit) => {
        const changed = signature.slice()
        changed[bit >>> 3] ^= 1 << (bit & 7)
        expect(recoverAddress(digest, changed)).not.toBe(signer.address)
      }),
      { numRuns: 200 },
    )
  })

  it('refuses the other signature that verifies, (r, n - s)', () => {
    const s = BigInt(toHex(signature.subarray(32, 64)))
    const twin = signature.slice()
    twin.set(fromHex(`0x${(GROUP_ORDER - s).toString(16).padStart(64, '0')}`), 32)
    twin[64] = 27 + 28 - signature[64]
    expect(recoverAddress(digest, twin)).toBeUndefined()
  })

  it.each([
    ['v 0', 64, 0],
    ['v 29', 64, 29],
  ])('refuses %s', (_name, index, value) => {
    const changed = signature.slice()
    changed[index] = value
    expect(recoverAddress(digest, changed)).toBeUndefined()
  })

  it('refuses r = 0, s = 0, and other lengths', () => {
    const zeroR = signature.slice().fill(0, 0, 32)
    const zeroS = signature.slice().fill(0, 32, 64)
    for (const bad of [zeroR, zeroS, signature.subarray(0, 64), new Uint8Array(66)]) {
      expect(recoverAddress(digest, bad)).toBeUndefined()
    }
    expect(recoverAddress(digest.subarray(1), signature)).toBeUndefined()
  })
})
