import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { equalBytes } from '../../../src/core/bytes.js'
import { InputError } from '../../../src/core/errors.js'
import type { PckReference } from '../../../src/core/tdx/certification.js'
import { encodePemChain, parsePemChain } from '../../../src/core/tdx/pem.js'
import { encodeQuote, parseQuote, type Quote } from '../../../src/core/tdx/quote.js'
import { QUOTE_V4, SAMPLES } from './samples.js'

const anyU16 = fc.integer({ min: 0, max: 0xffff })
const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const anyChain = fc
  .array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 4 })
  .map((chain) => encodePemChain(chain))

const anyTd10Fields = {
  teeTcbSvn: bytesOf(16),
  mrSeam: bytesOf(48),
  mrSignerSeam: bytesOf(48),
  seamAttributes: bytesOf(8),
  tdAttributes: bytesOf(8),
  xfam: bytesOf(8),
  mrtd: bytesOf(48),
  mrConfigId: bytesOf(48),
  mrOwner: bytesOf(48),
  mrOwnerConfig: bytesOf(48),
  rtmr0: bytesOf(48),
  rtmr1: bytesOf(48),
  rtmr2: bytesOf(48),
  rtmr3: bytesOf(48),
  reportData: bytesOf(64),
}
const anyTd10Body = fc.record({ bodyType: fc.constant(2 as const), ...anyTd10Fields })
const anyTd15Body = fc.record({
  bodyType: fc.constant(3 as const),
  ...anyTd10Fields,
  teeTcbSvn2: bytesOf(16),
  mrServiceTd: bytesOf(48),
})
const anyExtendedBody = fc.record({
  bodyType: fc.constant(4 as const),
  ...anyTd10Fields,
  teeTcbSvn2: bytesOf(16),
  mrServiceTd: bytesOf(48),
  vmId: bytesOf(1),
  tdId: bytesOf(32),
  deviceInfo: bytesOf(48),
  initServiceTdHash: bytesOf(48),
  initServiceTdAttributes: bytesOf(8),
  cpuSvn: bytesOf(16),
  initTeeTcbSvn: bytesOf(16),
  fmspc: bytesOf(12),
  curServiceTdHash: bytesOf(48),
  curServiceTdAttributes: bytesOf(8),
})
const anyHeader = <V extends 3 | 4 | 5, T extends 0 | 0x81>(version: V, teeType: T) =>
  fc.record({
    version: fc.constant(version),
    attestationKeyType: fc.constant(2 as const),
    teeType: fc.constant(teeType),
    qeSvn: anyU16,
    pceSvn: anyU16,
    qeVendorId: bytesOf(16),
    userData: bytesOf(20),
  })
const anySgxFields = {
  cpuSvn: bytesOf(16),
  miscSelect: bytesOf(4),
  reserved1: bytesOf(28),
  attributes: bytesOf(16),
  mrEnclave: bytesOf(32),
  reserved2: bytesOf(32),
  mrSigner: bytesOf(32),
  reserved3: bytesOf(96),
  isvProdId: anyU16,
  isvSvn: anyU16,
  reserved4: bytesOf(60),
  reportData: bytesOf(64),
}
const anyQeReport = fc.record(anySgxFields)
const anySgxBody = fc.record({ bodyType: fc.constant(1 as const), ...anySgxFields })
const anyQeParts = {
  qeReport: anyQeReport,
  qeReportSignature: bytesOf(64),
  qeAuthData: fc.uint8Array({ maxLength: 64 }),
}
const anyIdentifier = <const T extends 1 | 2 | 3>(type: T, ppidBytes: number) =>
  fc.record({
    type: fc.constant(type),
    ppid: bytesOf(ppidBytes),
    cpuSvn: bytesOf(16),
    pceSvn: anyU16,
    pceId: anyU16,
  })
const anyReference: fc.Arbitrary<PckReference> = fc.oneof(
  anyIdentifier(1, 16),
  anyIdentifier(2, 256),
  anyIdentifier(3, 384),
  fc.record({ type: fc.constant(4 as const), certificate: fc.uint8Array({ maxLength: 64 }) }),
)
const anySignatures = {
  signature: bytesOf(64),
  attestationKey: bytesOf(64),
  certificationData: fc.oneof(
    fc.record({ ...anyQeParts, certificateChain: anyChain }),
    fc.record({ ...anyQeParts, certificateChain: fc.constant(''), pckReference: anyReference }),
  ),
  trailingZeroBytes: fc.integer({ min: 0, max: 100 }),
}
const anyQuote: fc.Arbitrary<Quote> = fc.oneof(
  fc.record({ header: anyHeader(3, 0), body: anySgxBody, ...anySignatures }),
  fc.record({ header: anyHeader(4, 0), body: anySgxBody, ...anySignatures }),
  fc.record({ header: anyHeader(4, 0x81), body: anyTd10Body, ...anySignatures }),
  fc.record({ header: anyHeader(5, 0), body: anySgxBody, ...anySignatures }),
  fc.record({ header: anyHeader(5, 0x81), body: anyTd10Body, ...anySignatures }),
  fc.record({ header: anyHeader(5, 0x81), body: anyTd15Body, ...anySignatures }),
  fc.record({ header: anyHeader(5, 0x81), body: anyExtendedBody, ...anySignatures }),
)

/** Parses to a value that encodes to the same bytes, or gives an InputError with field and offset. */
function parsesOrRefuses(bytes: Uint8Array): void {
  let quote: Quote
  try {
    quote = parseQuote(bytes)
  } catch (error) {
    expect(error).toBeInstanceOf(InputError)
    expect((error as InputError).details).toMatchObject({
      field: expect.any(String),
      offset: expect.any(Number),
    })
    return
  }
  if (!equalBytes(encodeQuote(quote), bytes)) expect.fail('it encodes to other bytes')
}

describe('quotes', () => {
  it('parse to what was encoded', () => {
    fc.assert(
      fc.property(anyQuote, (quote) => {
        expect(parseQuote(encodeQuote(quote))).toEqual(quote)
      }),
      { numRuns: 100 },
    )
  })

  it.each(SAMPLES)('of %s with changed bytes parse or are refused', (_, sample) => {
    const anyChange = fc.tuple(fc.nat(sample.length - 1), fc.integer({ min: 1, max: 255 }))
    fc.assert(
      fc.property(fc.array(anyChange, { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = sample.slice()
        for (const [offset, mask] of changes) changed[offset]! ^= mask
        parsesOrRefuses(changed)
      }),
      { numRuns: 500 },
    )
  })

  it('with any of their structural bytes changed parse or are refused', () => {
    const structural = [...Array(8).keys(), 632, 633, 634, 764, 766, 1218, 1252, 1254]
    for (const offset of structural) {
      for (let value = 0; value < 256; value++) {
        const changed = QUOTE_V4.slice()
        changed[offset] = value
        parsesOrRefuses(changed)
      }
    }
  })

  it('are never taken for something else', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 3000 }), parsesOrRefuses), { numRuns: 500 })
  })
})

describe('PEM chains', () => {
  it('parse to what was encoded', () => {
    const anyCertificates = fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), {
      minLength: 1,
      maxLength: 5,
    })
    fc.assert(
      fc.property(anyCertificates, (chain) => {
        expect(parsePemChain(encodePemChain(chain))).toEqual(chain)
      }),
      { numRuns: 200 },
    )
  })
})
