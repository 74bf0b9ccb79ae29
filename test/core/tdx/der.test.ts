import { describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import * as der from '../../../src/core/tdx/der.js'

/** Expected bytes as X.690 and `openssl asn1parse` have them. */
describe('DER', () => {
  it.each([
    ['integer 0', der.integer(0), '0x020100'],
    ['integer 127', der.integer(127), '0x02017f'],
    ['integer 128, with room for the sign', der.integer(128), '0x02020080'],
    ['integer 65535', der.integer(65535), '0x020300ffff'],
    ['integer from bytes, minimal', der.integer(Uint8Array.of(0, 0, 0x7f)), '0x02017f'],
    ['integer from zeros', der.integer(new Uint8Array(32)), '0x020100'],
    ['integer from bytes with the first bit', der.integer(Uint8Array.of(0, 0xff)), '0x020200ff'],
    ['enumerated', der.enumerated(1), '0x0a0101'],
    ['true', der.boolean(true), '0x0101ff'],
    ['false', der.boolean(false), '0x010100'],
    ['bit string', der.bitString(Uint8Array.of(6), 1), '0x03020106'],
    ['octet string', der.octetString(Uint8Array.of(1, 2)), '0x04020102'],
    ['text', der.utf8String('CA'), '0x0c024341'],
    ['P-256', der.objectIdentifier('1.2.840.10045.3.1.7'), '0x06082a8648ce3d030107'],
    ['SGX', der.objectIdentifier('1.2.840.113741.1.13.1'), '0x06092a864886f84d010d01'],
    ['2.5.4.3', der.objectIdentifier('2.5.4.3'), '0x0603550403'],
    ['empty sequence', der.sequence(), '0x3000'],
    ['set', der.setOf(der.integer(1)), '0x3103020101'],
    ['explicit', der.explicit(0, der.integer(2)), '0xa003020102'],
    ['implicit', der.implicit(6, Uint8Array.of(0x61)), '0x860161'],
  ])('%s', (_, encoded, expected) => expect(toHex(encoded)).toBe(expected))

  it.each([
    [127, '0x047f'],
    [128, '0x048180'],
    [255, '0x0481ff'],
    [256, '0x04820100'],
    [65536, '0x0483010000'],
  ])('length %i', (length, head) => {
    const encoded = der.octetString(new Uint8Array(length))
    expect(toHex(encoded).slice(0, head.length)).toBe(head)
    expect(encoded.length).toBe(length + (head.length - 2) / 2)
  })

  it('writes years up to 2049 with two digits, later ones with four', () => {
    const textOf = (encoded: Uint8Array) => [encoded[0], new TextDecoder().decode(encoded.slice(2))]
    expect(textOf(der.time(new Date('2049-12-31T23:59:59.999Z')))).toEqual([23, '491231235959Z'])
    expect(textOf(der.time(new Date('2050-01-01T00:00:00Z')))).toEqual([24, '20500101000000Z'])
  })
})
