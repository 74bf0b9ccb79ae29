/** Certificates as we read them, and as node:crypto (OpenSSL) reads them: they agree, or we refuse. */
import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import { type Certificate, parseCertificate } from '../../../src/core/dcap/certificate.js'
import { parseCollateral } from '../../../src/core/dcap/collateral.js'
import { isSignedBy } from '../../../src/core/dcap/primitives.js'
import { parsePemChain } from '../../../src/core/tdx/pem.js'
import { parseQuote } from '../../../src/core/tdx/quote.js'
import { readShared, SHARED_TDX } from '../tdx/shared.js'
import { AUTHORITY } from './samples.js'

/** Names in OpenSSL's order and form; ours keep the bytes. */
function commonNameOf(subject: string): string | undefined {
  return /(?:^|\n)CN=(.*)/.exec(subject)?.[1]
}

function bareDigits(serialNumber: string): string {
  return `0x${serialNumber.toLowerCase().replace(/^(?:00)+(?=..)/, '')}`
}

function compare(ours: Certificate, issuer: Certificate): void {
  const theirs = new X509Certificate(ours.der)
  const theirIssuer = new X509Certificate(issuer.der)
  expect(ours.subject.commonName).toBe(commonNameOf(theirs.subject))
  expect(ours.issuer.commonName).toBe(commonNameOf(theirs.issuer))
  expect(ours.serialNumber).toBe(bareDigits(theirs.serialNumber))
  expect(ours.notBefore).toEqual(new Date(theirs.validFrom))
  expect(ours.notAfter).toEqual(new Date(theirs.validTo))
  expect(ours.isCa).toBe(theirs.ca)
  const { x, y } = theirs.publicKey.export({ format: 'jwk' })
  const point = Buffer.concat([Buffer.from(`${x}`, 'base64url'), Buffer.from(`${y}`, 'base64url')])
  expect(toHex(ours.publicKey)).toBe(toHex(point))
  const isOurs = isSignedBy(issuer.publicKey, ours.signed, ours.signature)
  expect(isOurs).toBe(theirs.verify(theirIssuer.publicKey))
}

const simulated = [...AUTHORITY.certificateChain, AUTHORITY.tcbSigningChain[0]!].map((der) =>
  parseCertificate(der, 'sample'),
)

describe('simulated certificates', () => {
  it('are read as OpenSSL reads them, and are signed by whom it says', () => {
    for (const certificate of simulated) {
      for (const issuer of simulated) compare(certificate, issuer)
    }
  })

  it('with any byte changed are refused, or read as OpenSSL reads them', () => {
    const [leaf, ca] = simulated as [Certificate, Certificate]
    let refused = 0
    for (let offset = 0; offset < leaf.der.length; offset++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const changed = leaf.der.slice()
        changed[offset]! ^= mask
        let certificate: Certificate
        try {
          certificate = parseCertificate(changed, 'sample')
        } catch {
          refused += 1
          continue
        }
        expect(isSignedBy(ca.publicKey, certificate.signed, certificate.signature)).toBe(false)
        if (isReadByOpenssl(changed)) compare(certificate, ca)
      }
    }
    expect(refused).toBeGreaterThan(leaf.der.length / 4)
  })
})

/** OpenSSL does not read keys that are no points, and we leave that to whoever uses the key. */
function isReadByOpenssl(der: Uint8Array): boolean {
  try {
    return new X509Certificate(der).publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1'
  } catch {
    return false
  }
}

describe.skipIf(SHARED_TDX === undefined)("Intel's certificates (SP1_TEE_SHARED)", () => {
  it.each(['dcapqvl_sgx_v3', 'dcapqvl_tdx_v4', 'dcapqvl_tdx_v5_td15ex', 'gotdx_v5'])(
    '%s',
    (name) => {
      const quote = parseQuote(readShared(`packs/${name}.quote.bin`))
      const chain = parsePemChain(quote.certificationData.certificateChain).map((der) =>
        parseCertificate(der, 'sample'),
      )
      const { tcbInfo, pckCrlIssuerChain } = parseCollateral(
        readShared(`packs/${name}.collateral.json`),
      )
      const all = [...chain, ...tcbInfo.issuerChain, ...pckCrlIssuerChain]
      for (const certificate of all) for (const issuer of all) compare(certificate, issuer)
    },
  )
})
