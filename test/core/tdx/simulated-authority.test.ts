import { createHash, createPublicKey, type KeyObject, verify, X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { concatBytes, toHex } from '../../../src/core/bytes.js'
import { encodeSgxReport } from '../../../src/core/tdx/certification.js'
import { parsePemChain } from '../../../src/core/tdx/pem.js'
import { encodeSignedBytes, parseTdQuote, type Quote } from '../../../src/core/tdx/quote.js'
import {
  createSimulatedAuthority,
  SIMULATED_BODY,
} from '../../../src/core/tdx/simulated-authority.js'
import { isSimulatedQuote } from '../../../src/core/tdx/simulated-mark.js'
import { AUTHORITY, NOW, QUOTE_V4, REPORT_DATA, TD_SAMPLES } from './samples.js'

function sha256(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(
    createHash('sha256')
      .update(concatBytes(...parts))
      .digest(),
  )
}

/** node:crypto is the second opinion: it parses and verifies everything here. */
function keyOf(publicKey: Uint8Array): KeyObject {
  const [x, y] = [publicKey.subarray(0, 32), publicKey.subarray(32)]
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
  return createPublicKey({
    format: 'jwk',
    key: { kty: 'EC', crv: 'P-256', x: text(x), y: text(y) },
  })
}

function isSigned(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)
}

function chainOf(quote: Quote): X509Certificate[] {
  return parsePemChain(quote.certificationData.certificateChain).map(
    (certificate) => new X509Certificate(certificate),
  )
}

describe.each(TD_SAMPLES)('a quote of %s', (_, bytes) => {
  const quote = parseTdQuote(bytes)
  const [leaf, intermediate, root] = chainOf(quote) as [
    X509Certificate,
    X509Certificate,
    X509Certificate,
  ]

  it('has a chain that verifies to its own root', () => {
    expect(new Uint8Array(root.raw)).toEqual(AUTHORITY.rootCertificate)
    expect(leaf.verify(intermediate.publicKey) && leaf.checkIssued(intermediate)).toBe(true)
    expect(intermediate.verify(root.publicKey) && intermediate.checkIssued(root)).toBe(true)
    expect(root.verify(root.publicKey) && root.checkIssued(root)).toBe(true)
    expect([leaf.ca, intermediate.ca, root.ca]).toEqual([false, true, true])
  })

  it('is signed from the PCK key down to its body', () => {
    const { qeReport, qeReportSignature, qeAuthData } = quote.certificationData
    expect(isSigned(leaf.publicKey, encodeSgxReport(qeReport), qeReportSignature)).toBe(true)
    const vouched = concatBytes(sha256(quote.attestationKey, qeAuthData), new Uint8Array(32))
    expect(qeReport.reportData).toEqual(vouched)
    const key = keyOf(quote.attestationKey)
    expect(isSigned(key, encodeSignedBytes(quote), quote.signature)).toBe(true)
    const other = { ...quote, body: { ...quote.body, reportData: new Uint8Array(64) } }
    expect(isSigned(key, encodeSignedBytes(other), quote.signature)).toBe(false)
  })

  it('shows in every certificate that it is simulated', () => {
    for (const { subject, issuer } of [leaf, intermediate, root]) {
      expect([subject, issuer].every((name) => name.includes('O=SIMULATED - NOT INTEL'))).toBe(true)
    }
    expect(isSimulatedQuote(quote)).toBe(true)
    expect(new TextDecoder().decode(quote.header.userData)).toBe('SIMULATED, NOT INTEL')
  })
})

describe('certificates', () => {
  const [leaf, intermediate, root] = chainOf(parseTdQuote(QUOTE_V4)) as [
    X509Certificate,
    X509Certificate,
    X509Certificate,
  ]

  it('have the names that parsers look for', () => {
    const names = [leaf, intermediate, root].map(({ subject }) => subject.split('\n')[0])
    expect(names).toEqual([
      'CN=Intel SGX PCK Certificate',
      'CN=Intel SGX PCK Platform CA',
      'CN=Intel SGX Root CA',
    ])
  })

  it('are valid from the day before', () => {
    expect(new Date(leaf.validFrom)).toEqual(new Date('2026-11-22T12:00:00Z'))
    expect(new Date(leaf.validTo)).toEqual(new Date('2033-11-22T12:00:00Z'))
    expect(new Date(root.validTo)).toEqual(new Date('2046-11-22T12:00:00Z'))
  })

  it('have serial numbers that are positive and differ', () => {
    const serials = [leaf, intermediate, root].map(({ serialNumber }) => serialNumber)
    expect(new Set(serials).size).toBe(3)
    for (const serial of serials) expect(serial).toMatch(/^[4-7][0-9A-F]{39}$/)
  })
})

describe('an authority', () => {
  it('gives the same quote for the same report data, entropy and date', () => {
    const again = createSimulatedAuthority({ entropy: new Uint8Array(32).fill(7), now: NOW })
    expect(toHex(again.quote(REPORT_DATA))).toBe(toHex(QUOTE_V4))
  })

  it('shares nothing with one of other entropy', () => {
    const other = createSimulatedAuthority({ entropy: new Uint8Array(32).fill(8), now: NOW })
    const quote = parseTdQuote(other.quote(REPORT_DATA))
    const root = new X509Certificate(AUTHORITY.rootCertificate)
    expect(chainOf(quote)[1]?.verify(root.publicKey)).toBe(false)
    expect(quote.attestationKey).not.toEqual(parseTdQuote(QUOTE_V4).attestationKey)
    expect(encodeSignedBytes(quote)).toEqual(encodeSignedBytes(parseTdQuote(QUOTE_V4)))
  })

  it('needs 32 bytes of entropy', () => {
    const entropy = new Uint8Array(16)
    expect(() => createSimulatedAuthority({ entropy, now: NOW })).toThrow(/32 bytes/)
  })

  it('signs for others of its platform', () => {
    const { root, platformCa } = AUTHORITY.issuers
    const message = Uint8Array.of(1, 2, 3)
    for (const { key } of [root, platformCa]) {
      expect(isSigned(keyOf(key.publicKey), message, key.sign(message))).toBe(true)
    }
  })

  it('measures what is stable and plainly made up', () => {
    const { body } = parseTdQuote(QUOTE_V4)
    const made = createHash('sha384').update('sp1-tee simulated mrtd').digest()
    expect(body.mrtd).toEqual(new Uint8Array(made))
    expect(toHex(body.tdAttributes)).toBe('0x0000001000000000')
    const { attributes } = parseTdQuote(QUOTE_V4).certificationData.qeReport
    expect(toHex(attributes)).toBe('0x1500000000000000e700000000000000')
    expect(body.mrSignerSeam).toEqual(new Uint8Array(48))
    expect(body).toMatchObject({ ...SIMULATED_BODY, reportData: REPORT_DATA })
  })

  it('signs whatever a test wants in a quote', () => {
    const mrtd = new Uint8Array(48).fill(0xaa)
    const tdAttributes = Uint8Array.of(1, 0, 0, 0x10, 0, 0, 0, 0)
    const quote = parseTdQuote(
      AUTHORITY.quote(REPORT_DATA, {
        body: { mrtd, tdAttributes },
        qeReport: { isvSvn: 3 },
      }),
    )
    expect(quote.body).toMatchObject({ mrtd, tdAttributes })
    expect(quote.certificationData.qeReport.isvSvn).toBe(3)
    const key = keyOf(quote.attestationKey)
    expect(isSigned(key, encodeSignedBytes(quote), quote.signature)).toBe(true)
    expect(() => AUTHORITY.quote(new Uint8Array(63))).toThrow(/reportData/)
  })
})

describe('the mark', () => {
  it('is not seen where there is none', () => {
    const quote = parseTdQuote(QUOTE_V4)
    const without = (certificateChain: string) =>
      isSimulatedQuote({
        ...quote,
        certificationData: { ...quote.certificationData, certificateChain },
      })
    expect(without('-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n')).toBe(false)
    expect(without('no PEM at all')).toBe(false)
  })
})
