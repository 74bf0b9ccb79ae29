import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, type Hex } from '../../../src/core/bytes.js'
import { DerReader } from '../../../src/core/dcap/der-reader.js'
import * as der from '../../../src/core/tdx/der.js'
import { TAG } from '../../../src/core/tdx/der.js'
import { refusalOf } from '../tdx/samples.js'

const readerOf = (hex: Hex) => new DerReader(fromHex(hex), 'sample')

describe('strictness', () => {
  const refusals: readonly [string, Hex, (reader: DerReader) => unknown, string][] = [
    ['nothing', '0x', (r) => r.sequence('x'), 'x is missing'],
    ['a tag alone', '0x30', (r) => r.sequence('x'), 'x is cut off'],
    ['another tag', '0x0500', (r) => r.sequence('x'), 'x has tag 0x05, not 0x30'],
    ['an indefinite length', '0x30800000', (r) => r.sequence('x'), 'x has no such length'],
    ['a padded length', '0x30810102', (r) => r.sequence('x'), 'x has a padded length'],
    ['a length of five bytes', '0x308500', (r) => r.sequence('x'), 'x has no such length'],
    ['a length with a zero first', '0x308200ff', (r) => r.sequence('x'), 'x has a padded length'],
    [
      'fewer bytes than said',
      '0x30020205',
      (r) => r.enter(TAG.sequence, 'x').unsigned('y'),
      'y is cut off',
    ],
    ['more bytes than said', '0x3002', (r) => r.sequence('x'), 'x is cut off'],
    [
      'bytes at the end',
      '0x020100ff',
      (r) => [r.unsigned('x'), r.end('x')],
      'x has more than it should',
    ],
    ['an integer without digits', '0x0200', (r) => r.unsigned('x'), 'x has no digits'],
    ['a negative integer', '0x0201ff', (r) => r.unsigned('x'), 'x is negative'],
    ['a padded integer', '0x02020001', (r) => r.unsigned('x'), 'x is padded'],
    [
      'an integer that is too large',
      '0x02020100',
      (r) => r.number('x', 255),
      'x is larger than 255',
    ],
    ['a boolean that is neither', '0x010101', (r) => r.boolean('x'), 'x is no boolean'],
    ['a default that is written', '0x010100', (r) => r.flag('x'), 'x is written though false'],
    ['bits that are no bytes', '0x030201fe', (r) => r.bits('x'), 'x is not whole bytes'],
    [
      'named bits with a zero at the end',
      '0x03020100',
      (r) => r.namedBits('x'),
      'x is no list of bits',
    ],
    ['unused bits that are set', '0x03020203', (r) => r.namedBits('x'), 'x is no list of bits'],
    ['an empty OID', '0x0600', (r) => r.objectIdentifier('x'), 'x is empty'],
    ['a padded OID', '0x06028001', (r) => r.objectIdentifier('x'), 'x is padded'],
    ['an OID that is cut off', '0x06022a86', (r) => r.objectIdentifier('x'), 'x is cut off'],
    ['octets of another length', '0x040100', (r) => r.octets('x', 2), 'x has 1 bytes, not 2'],
  ]
  it.each(refusals)('refuses %s', (_, hex, read, reason) => {
    expect(refusalOf(() => read(readerOf(hex)))).toMatchObject({
      code: 'DER_MALFORMED',
      details: { what: 'sample', reason },
    })
  })

  const timeOf = (tag: number, text: string) =>
    new DerReader(
      Uint8Array.from([tag, text.length, ...new TextEncoder().encode(text)]),
      'sample',
    ).time('x')

  it.each([
    [TAG.utcTime, '2511231200Z'],
    [TAG.utcTime, '251123120000'],
    [TAG.utcTime, '251123120000+0100'],
    [TAG.utcTime, '251323120000Z'],
    [TAG.utcTime, '250230120000Z'],
    [TAG.utcTime, '251123240000Z'],
    [TAG.utcTime, '20251123120000Z'],
    [TAG.generalizedTime, '20251123120000Z'],
    [TAG.generalizedTime, '20501123120000.5Z'],
  ])('refuses the time %i %s', (tag, text) => {
    expect(refusalOf(() => timeOf(tag, text))).toMatchObject({
      details: { reason: 'x is no time' },
    })
  })

  it('reads times of both forms', () => {
    expect(timeOf(TAG.utcTime, '491231235959Z')).toEqual(new Date('2049-12-31T23:59:59Z'))
    expect(timeOf(TAG.utcTime, '500101000000Z')).toEqual(new Date('1950-01-01T00:00:00Z'))
    expect(timeOf(TAG.generalizedTime, '20500101000000Z')).toEqual(new Date('2050-01-01T00:00:00Z'))
  })
})

describe('what was written is read', () => {
  it('for numbers, bits, identifiers and times', () => {
    fc.assert(
      fc.property(
        fc.nat(2 ** 31 - 1),
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.nat(2 ** 28), { minLength: 1, maxLength: 6 }),
        fc.date({ min: new Date('1990-01-01'), max: new Date('2120-01-01'), noInvalidDate: true }),
        (number, bytes, arcs, date) => {
          const oid = `1.2.${arcs.join('.')}`
          const reader = new DerReader(
            der.sequence(
              der.integer(number),
              der.integer(bytes),
              der.bitString(bytes),
              der.octetString(bytes),
              der.objectIdentifier(oid),
              der.time(date),
              der.boolean(true),
            ),
            'sample',
          )
          const inner = reader.sequence('all')
          expect(inner.number('number', 2 ** 31)).toBe(number)
          const digits = bytes.subarray(
            Math.max(
              0,
              bytes.findIndex((byte) => byte !== 0),
            ),
          )
          const isZero = bytes.every((byte) => byte === 0)
          expect([...inner.unsigned('digits')]).toEqual(isZero ? [0] : [...digits])
          expect([...inner.bits('bits')]).toEqual([...bytes])
          expect([...inner.octets('octets')]).toEqual([...bytes])
          expect(inner.objectIdentifier('oid')).toBe(oid)
          expect(inner.time('time').getTime()).toBe(Math.floor(date.getTime() / 1000) * 1000)
          expect(inner.boolean('boolean')).toBe(true)
          inner.end('all')
          reader.end('all')
        },
      ),
      { numRuns: 200 },
    )
  })
})
