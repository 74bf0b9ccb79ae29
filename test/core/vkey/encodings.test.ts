import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  bytes32ToHashBytes,
  encodeBytes32,
  encodeHashBytes,
  hashBytesToBytes32,
  parseBytes32,
  parseHashBytes,
} from '../../../src/core/vkey/encodings.js'
import { BABYBEAR_P } from '../../../src/core/vkey/field.js'

const anyDigest = fc.array(fc.integer({ min: 0, max: BABYBEAR_P - 1 }), {
  minLength: 8,
  maxLength: 8,
})
const zeros = (count: number) => '00'.repeat(count)

describe('encodings of a digest', () => {
  it('pads bytes32 on the left', () => {
    expect(encodeBytes32([0, 0, 0, 0, 0, 0, 0, 1])).toBe(`0x${zeros(31)}01`)
    expect(encodeBytes32([1, 0, 0, 0, 0, 0, 0, 0])).toBe(`0x${zeros(4)}02${zeros(27)}`)
  })

  it('writes hashBytes word by word, most significant byte first', () => {
    expect(encodeHashBytes([1, 0, 0, 0, 0, 0, 0, 0x1234])).toBe(`0x00000001${zeros(26)}1234`)
  })

  it('round trip', () => {
    fc.assert(
      fc.property(anyDigest, (digest) => {
        const bytes32 = encodeBytes32(digest)
        const hashBytes = encodeHashBytes(digest)
        expect(parseBytes32(bytes32)).toEqual(digest)
        expect(parseHashBytes(hashBytes)).toEqual(digest)
        expect(bytes32ToHashBytes(bytes32)).toBe(hashBytes)
        expect(hashBytesToBytes32(hashBytes)).toBe(bytes32)
      }),
      { numRuns: 200 },
    )
  })

  const word = (value: number) => value.toString(16).padStart(8, '0')
  for (const [name, parse, hex] of [
    ['hashBytes with the word p', parseHashBytes, `0x${zeros(28)}${word(BABYBEAR_P)}`],
    ['hashBytes with the word 2^32 - 1', parseHashBytes, `0xffffffff${zeros(28)}`],
    ['bytes32 with the word p', parseBytes32, `0x${zeros(28)}${word(BABYBEAR_P)}`],
    ['bytes32 with bit 248', parseBytes32, `0x01${zeros(31)}`],
    ['31 bytes', parseBytes32, `0x${zeros(31)}`],
    ['33 bytes', parseHashBytes, `0x${zeros(33)}`],
    ['no prefix', parseHashBytes, zeros(32)],
    ['no hex', parseBytes32, `0x${'zz'.repeat(32)}`],
  ] as const) {
    it(`refuses ${name}`, () => {
      expect(() => parse(hex)).toThrow(expect.objectContaining({ code: 'VKEY_MALFORMED' }))
    })
  }

  it('refuses digests that are none', () => {
    for (const digest of [
      [],
      [1, 2, 3],
      [0, 0, 0, 0, 0, 0, 0, BABYBEAR_P],
      [0, 0, 0, 0, 0, 0, 0, -1],
    ]) {
      expect(() => encodeBytes32(digest)).toThrow(
        expect.objectContaining({ code: 'VKEY_MALFORMED' }),
      )
    }
  })
})
