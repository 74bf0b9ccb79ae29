import { describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import { InputError } from '../../../src/core/errors.js'
import {
  encodeQuote,
  encodeSignedBytes,
  parseQuote,
  parseTdQuote,
} from '../../../src/core/tdx/quote.js'
import {
  patched,
  QUOTE_V3,
  QUOTE_V4,
  QUOTE_V5_EXTENDED,
  QUOTE_V5_TD15,
  quoteNaming,
  REPORT_DATA,
  refusalOf,
  SAMPLES,
} from './samples.js'

/** Where parts begin, from the published tables: what the layouts must add up to. */
const V4 = { bodyEnd: 632, length: 632, signature: 636, key: 700, outer: 764, qeReport: 770 }
const V5 = { bodyType: 48, bodySize: 50, bodyEnd: 702, length: 702, signature: 706 }
const V4_AUTH_LENGTH = 1218
const V4_INNER = 1252
const V4_PEM = 1258

describe.each(SAMPLES)('%s', (_, bytes) => {
  it('parses and encodes to the same bytes', () => {
    expect(encodeQuote(parseQuote(bytes))).toEqual(bytes)
  })

  it('reports zero padding and keeps it', () => {
    const padded = Uint8Array.from([...bytes, ...new Uint8Array(70)])
    const quote = parseQuote(padded)
    expect(quote.trailingZeroBytes).toBe(70)
    expect(encodeQuote(quote)).toEqual(padded)
    expect(encodeQuote({ ...quote, trailingZeroBytes: 0 })).toEqual(bytes)
  })

  it('refuses every truncation', () => {
    for (let length = 0; length < bytes.length; length++) {
      const { code, details } = refusalOf(() => parseQuote(bytes.subarray(0, length)))
      expect(code, `at ${length}`).toBe('QUOTE_TRUNCATED')
      expect(details).toMatchObject({ field: expect.any(String), offset: expect.any(Number) })
    }
  })

  it('shares no memory with its input', () => {
    const copy = bytes.slice()
    const quote = parseQuote(copy)
    copy.fill(0)
    expect(encodeQuote(quote)).toEqual(bytes)
  })
})

describe('places of the parts', () => {
  it('are those of the published layout of version 4', () => {
    const quote = parseQuote(QUOTE_V4)
    const part = (start: number, length: number) => QUOTE_V4.slice(start, start + length)
    expect(quote.header).toMatchObject({ version: 4, attestationKeyType: 2, teeType: 0x81 })
    expect(quote.header.userData).toEqual(part(28, 20))
    expect(quote.body).toMatchObject({
      teeTcbSvn: part(48, 16),
      mrSeam: part(64, 48),
      tdAttributes: part(168, 8),
      xfam: part(176, 8),
      mrtd: part(184, 48),
      rtmr0: part(376, 48),
      rtmr3: part(520, 48),
      reportData: REPORT_DATA,
    })
    expect(part(568, 64)).toEqual(REPORT_DATA)
    expect(quote.signature).toEqual(part(V4.signature, 64))
    expect(quote.attestationKey).toEqual(part(V4.key, 64))
    const { certificationData } = quote
    expect(certificationData.qeReport.mrSigner).toEqual(part(V4.qeReport + 128, 32))
    expect(certificationData.qeReport.reportData).toEqual(part(V4.qeReport + 320, 64))
    expect(certificationData.qeReportSignature).toEqual(part(1154, 64))
    expect(certificationData.qeAuthData).toEqual(part(1220, 32))
    expect(certificationData.certificateChain).toMatch(/^-----BEGIN CERTIFICATE-----\n/)
    expect(encodeSignedBytes(quote)).toEqual(QUOTE_V4.slice(0, V4.bodyEnd))
  })

  it('are those of the published layout of version 3', () => {
    const quote = parseQuote(QUOTE_V3)
    const part = (start: number, length: number) => QUOTE_V3.slice(start, start + length)
    expect(quote.header).toMatchObject({ version: 3, teeType: 0, qeSvn: 9, pceSvn: 14 })
    expect(quote.body).toMatchObject({ bodyType: 1, mrSigner: part(176, 32), isvProdId: 7 })
    expect(quote.body.reportData).toEqual(part(368, 64))
    expect(quote.signature).toEqual(part(436, 64))
    expect(quote.certificationData.qeReport.mrSigner).toEqual(part(564 + 128, 32))
    expect(quote.certificationData.qeAuthData).toEqual(part(1014, 32))
    expect(encodeSignedBytes(quote)).toEqual(QUOTE_V3.slice(0, 432))
  })

  it('are those of the published layout of the extended body', () => {
    const quote = parseQuote(QUOTE_V5_EXTENDED)
    const part = (start: number, length: number) => QUOTE_V5_EXTENDED.slice(start, start + length)
    expect(quote.body).toMatchObject({ fmspc: part(54 + 817, 12), tdId: part(54 + 649, 32) })
    expect(quote.signature).toEqual(part(943, 64))
    expect(encodeSignedBytes(quote)).toEqual(QUOTE_V5_EXTENDED.slice(0, 939))
  })

  it('are those of the published layout of version 5', () => {
    const quote = parseQuote(QUOTE_V5_TD15)
    const part = (start: number, length: number) => QUOTE_V5_TD15.slice(start, start + length)
    expect(quote.header.version).toBe(5)
    expect(quote.body).toMatchObject({
      bodyType: 3,
      mrtd: part(190, 48),
      reportData: part(574, 64),
      teeTcbSvn2: part(638, 16),
      mrServiceTd: part(654, 48),
    })
    expect(quote.signature).toEqual(part(V5.signature, 64))
    expect(encodeSignedBytes(quote)).toEqual(QUOTE_V5_TD15.slice(0, V5.bodyEnd))
  })
})

describe('refusals', () => {
  const chainEnd = QUOTE_V4.length
  const lengthBytes = (value: number) => [value & 0xff, (value >>> 8) & 0xff]
  const section = chainEnd - V4.signature
  const outer = chainEnd - V4.qeReport
  const inner = chainEnd - V4_PEM
  const refusals: readonly [string, Uint8Array, string, object][] = [
    ['no bytes', new Uint8Array(0), 'QUOTE_TRUNCATED', { field: 'header', offset: 0, have: 0 }],
    [
      'a TD in version 3',
      patched(QUOTE_V4, 0, 3),
      'QUOTE_UNSUPPORTED',
      { field: 'teeType', offset: 4, value: 0x81, supported: '0 (SGX)' },
    ],
    ['version 2', patched(QUOTE_V4, 0, 2), 'QUOTE_UNSUPPORTED', { field: 'version', value: 2 }],
    ['version 6', patched(QUOTE_V4, 0, 6), 'QUOTE_UNSUPPORTED', { field: 'version', value: 6 }],
    [
      'a P-384 key',
      patched(QUOTE_V4, 2, 3),
      'QUOTE_UNSUPPORTED',
      { field: 'attestationKeyType', offset: 2, value: 3 },
    ],
    [
      'a TEE that is neither',
      patched(QUOTE_V4, 4, 0x80),
      'QUOTE_UNSUPPORTED',
      { field: 'teeType', offset: 4, value: 0x80 },
    ],
    [
      'an SGX body in a TDX quote',
      patched(QUOTE_V5_TD15, V5.bodyType, 1),
      'QUOTE_UNSUPPORTED',
      { field: 'bodyType', offset: V5.bodyType, value: 1, supported: '2, 3, 4' },
    ],
    [
      'body type 5',
      patched(QUOTE_V5_TD15, V5.bodyType, 5),
      'QUOTE_UNSUPPORTED',
      { field: 'bodyType', value: 5 },
    ],
    [
      'a body size that is not its type',
      patched(QUOTE_V5_TD15, V5.bodySize, ...lengthBytes(584)),
      'QUOTE_LENGTH',
      { field: 'body', offset: V5.bodySize, stated: 584, actual: 648 },
    ],
    [
      'a section longer than the quote',
      patched(QUOTE_V4, V4.length, ...lengthBytes(section + 1)),
      'QUOTE_TRUNCATED',
      { field: 'signatureSection', offset: V4.signature, need: section + 1, have: section },
    ],
    [
      'a section shorter than its contents',
      patched(QUOTE_V4, V4.length, ...lengthBytes(section - 1)),
      'QUOTE_LENGTH',
      { field: 'certificationData', offset: V4.outer + 2, stated: outer, actual: outer - 1 },
    ],
    [
      'a section that holds less than its signature',
      patched(QUOTE_V4, V4.length, 100, 0),
      'QUOTE_LENGTH',
      { field: 'signature', offset: V4.signature, stated: 128, actual: 100 },
    ],
    [
      'plain PCK certification data outside',
      patched(QUOTE_V4, V4.outer, 5),
      'QUOTE_UNSUPPORTED',
      { field: 'certificationDataType', offset: V4.outer, value: 5, supported: '6' },
    ],
    [
      'an outer size that does not end the section',
      patched(QUOTE_V4, V4.outer + 2, ...lengthBytes(outer - 1)),
      'QUOTE_LENGTH',
      { field: 'certificationData', stated: outer - 1, actual: outer },
    ],
    [
      'authentication data longer than what is left',
      patched(QUOTE_V4, V4_AUTH_LENGTH, 0xff, 0xff),
      'QUOTE_LENGTH',
      { field: 'qeAuthData', offset: V4_AUTH_LENGTH + 2, stated: 0xffff },
    ],
    [
      'an encrypted PPID inside that is too long',
      patched(QUOTE_V4, V4_INNER, 3),
      'QUOTE_LENGTH',
      { field: 'pckReference', offset: V4_PEM, stated: 404 },
    ],
    [
      'a platform manifest inside',
      patched(QUOTE_V4, V4_INNER, 7),
      'QUOTE_UNSUPPORTED',
      { field: 'certificateChainType', offset: V4_INNER, value: 7, supported: '1, 2, 3, 4, 5' },
    ],
    [
      'an inner size that does not end the section',
      patched(QUOTE_V4, V4_INNER + 2, ...lengthBytes(inner + 1)),
      'QUOTE_LENGTH',
      { field: 'certificateChain', stated: inner + 1, actual: inner },
    ],
    [
      'a chain that is not text',
      patched(QUOTE_V4, V4_PEM + 40, 0x80),
      'QUOTE_MALFORMED',
      { field: 'certificateChain', offset: V4_PEM + 40, reason: 'is not PEM text' },
    ],
    [
      'a chain that is not PEM',
      patched(QUOTE_V4, V4_PEM, 0x20, 0x41),
      'QUOTE_MALFORMED',
      { field: 'certificateChain', offset: V4_PEM + 1 },
    ],
    [
      'a certificate that is not base64',
      patched(QUOTE_V4, V4_PEM + 60, 0x3d),
      'QUOTE_MALFORMED',
      { field: 'certificateChain', reason: 'is not PEM: a block is not base64' },
    ],
    [
      'bytes after the quote',
      Uint8Array.from([...QUOTE_V4, 0, 0, 1, 0]),
      'QUOTE_TRAILING',
      { field: 'padding', offset: chainEnd + 2 },
    ],
  ]
  it.each(refusals)('%s', (_, bytes, code, details) => {
    expect(refusalOf(() => parseQuote(bytes))).toMatchObject({ code, details })
    expect(() => parseQuote(bytes)).toThrow(InputError)
  })
})

describe('quotes of TDs', () => {
  it('are told from those of SGX enclaves', () => {
    expect(parseTdQuote(QUOTE_V4).body.bodyType).toBe(2)
    expect(refusalOf(() => parseTdQuote(QUOTE_V3))).toMatchObject({
      code: 'QUOTE_UNSUPPORTED',
      details: { field: 'teeType', offset: 4, value: 0 },
    })
  })
})

describe('encoding', () => {
  const quote = parseQuote(QUOTE_V4)

  it('refuses values that do not fit their fields', () => {
    const short = { ...quote, body: { ...quote.body, mrtd: new Uint8Array(32) } }
    expect(refusalOf(() => encodeQuote(short))).toMatchObject({
      code: 'QUOTE_MALFORMED',
      details: { field: 'mrtd', reason: 'does not have 48 bytes' },
    })
    const large = { ...quote, header: { ...quote.header, qeSvn: 0x10000 } }
    expect(refusalOf(() => encodeQuote(large))).toMatchObject({ details: { field: 'qeSvn' } })
    const { certificationData } = quote
    const signature = { ...certificationData, qeReportSignature: new Uint8Array(63) }
    expect(refusalOf(() => encodeQuote({ ...quote, certificationData: signature }))).toMatchObject({
      details: { field: 'qeReportSignature' },
    })
    const auth = { ...certificationData, qeAuthData: new Uint8Array(0x10000) }
    expect(refusalOf(() => encodeQuote({ ...quote, certificationData: auth }))).toMatchObject({
      details: { field: 'qeAuthDataLength' },
    })
    const chain = { ...certificationData, certificateChain: 'Zertifikat für' }
    expect(refusalOf(() => encodeQuote({ ...quote, certificationData: chain }))).toMatchObject({
      details: { field: 'certificateChain' },
    })
  })

  it.each([1, 2, 3, 4] as const)('keeps certification data of type %i as they are', (type) => {
    const bytes = quoteNaming(type)
    const { pckReference, certificateChain } = parseQuote(bytes).certificationData
    expect([pckReference?.type, certificateChain]).toEqual([type, ''])
    if (pckReference?.type === 3) {
      expect(pckReference).toMatchObject({
        pceSvn: 13,
        pceId: 0,
        cpuSvn: new Uint8Array(16).fill(2),
      })
      expect(toHex(pckReference.ppid)).toBe(`0x${'01'.repeat(384)}`)
    }
    expect(toHex(encodeQuote(parseQuote(bytes)))).toBe(toHex(bytes))
    const { certificationData } = parseQuote(QUOTE_V4)
    const both = { ...certificationData, ...(pckReference && { pckReference }) }
    expect(refusalOf(() => encodeQuote({ ...quote, certificationData: both }))).toMatchObject({
      details: { field: 'certificateChain', reason: 'is there, and so is what names it' },
    })
  })

  it('refuses a TD 1.5 body in version 4', () => {
    const { body } = parseQuote(QUOTE_V5_TD15)
    expect(refusalOf(() => encodeQuote({ ...quote, body }))).toMatchObject({
      code: 'QUOTE_UNSUPPORTED',
      details: { field: 'bodyType', value: 3 },
    })
  })
})
