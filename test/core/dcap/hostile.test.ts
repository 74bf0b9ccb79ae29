/** Inputs made to be misread, or to cost more than they should: refused in a typed way, and soon. */
import { describe, expect, it } from 'vitest'
import { concatBytes, fromHex, toHex } from '../../../src/core/bytes.js'
import {
  type CollateralDocuments,
  openCollateral,
  parseCollateral,
} from '../../../src/core/dcap/collateral.js'
import { DerReader } from '../../../src/core/dcap/der-reader.js'
import { parseTrustedRoot } from '../../../src/core/dcap/trusted-root.js'
import { checkQuote } from '../../../src/core/dcap/verify-quote.js'
import { parsePolicy } from '../../../src/core/policy/policy.js'
import { findRepeatedField } from '../../../src/core/policy/repeated-field.js'
import { parseAttestation } from '../../../src/core/signer/attestation.js'
import { parseEventLog } from '../../../src/core/tdx/event-log.js'
import { parseUserData } from '../../../src/core/tdx/hcl-report.js'
import { encodePemChain, parsePemChain } from '../../../src/core/tdx/pem.js'
import { parseQuote } from '../../../src/core/tdx/quote.js'
import { QUOTE_V4, refusalOf } from '../tdx/samples.js'
import { resignedCertificate, resignedCrl } from './resigned.js'
import { AUTHORITY, collateralOf, evaluate, failuresOf, NOW, ROOT } from './samples.js'

const utf8 = (text: string) => new TextEncoder().encode(text)
const DOCUMENTS = collateralOf()
const { tcbSigning, root } = AUTHORITY.issuers

/** A statement with other text, signed by the genuine signer: what Intel could write, and does not. */
function signedAs(text: string): Partial<CollateralDocuments> {
  const signature = toHex(tcbSigning.key.sign(utf8(text))).slice(2)
  return { tcb_info: text, tcb_info_signature: signature }
}

describe('signed JSON', () => {
  it.each([
    ['a space at its beginning', (text: string) => ` ${text}`],
    ['a newline at its end', (text: string) => `${text}\n`],
    [
      'another order of its fields',
      (text: string) =>
        JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text)).reverse())),
    ],
    ['an escape for a letter', (text: string) => text.replace('UpToDate', '\\u0055pToDate')],
    ['a field twice', (text: string) => text.replace('{"id":"TDX"', '{"id":"SGX","id":"TDX"')],
    ['a number written otherwise', (text: string) => text.replace('"version":3', '"version":3.0')],
    ['a byte beside UTF-8', (text: string) => text.replace('TDX', 'TDX\ud800')],
  ])('is not the same with %s', (_, change) => {
    const changed = change(DOCUMENTS.tcb_info)
    expect(changed).not.toBe(DOCUMENTS.tcb_info)
    const failures = (() => {
      try {
        return failuresOf(evaluate({ documents: { tcb_info: changed } }))
      } catch (error) {
        return [`tcbInfo ${(error as { code: string }).code}`]
      }
    })()
    expect(failures[0]).toMatch(/^tcbInfo (COLLATERAL_SIGNATURE|COLLATERAL_MALFORMED)$/)
  })

  it.each([
    ['a negative SVN', '"svn":5', '"svn":-5'],
    ['an SVN that is no integer', '"svn":5', '"svn":5.5'],
    ['an SVN as text', '"svn":5', '"svn":"5"'],
    ['an SVN beyond exactness', '"pcesvn":11', '"pcesvn":1e300'],
    ['a date of another form', '"issueDate":"2026', '"issueDate":"+002026'],
    ['a date with milliseconds', '00Z","nextUpdate"', '00.000Z","nextUpdate"'],
    ['a date in another zone', '00Z","nextUpdate"', '00+00:00","nextUpdate"'],
    ['a leap second', '00Z","nextUpdate"', '60Z","nextUpdate"'],
    ['hex with a sign', '"pceId":"0000"', '"pceId":"+000"'],
    ['a byte order mark', '{"id"', '\ufeff{"id"'],
  ])('is refused with %s, though it is signed', (_, from, to) => {
    const text = DOCUMENTS.tcb_info.replace(from, to)
    expect(text).not.toBe(DOCUMENTS.tcb_info)
    expect(refusalOf(() => openCollateral({ ...DOCUMENTS, ...signedAs(text) })).code).toBe(
      'COLLATERAL_MALFORMED',
    )
  })

  it('has its levels in any order, and the same one is reached', () => {
    const info = JSON.parse(DOCUMENTS.tcb_info)
    const reversed = { ...info, tcbLevels: info.tcbLevels.toReversed() }
    reversed.tdxModuleIdentities[0].tcbLevels.reverse()
    const { verified } = evaluate({ documents: signedAs(JSON.stringify(reversed)) })
    expect(verified?.status).toBe('UpToDate')
  })

  it('may not reach a prototype', () => {
    const text = DOCUMENTS.tcb_info.replace('"tcbType":0,', '"__proto__":{"tcbType":0},')
    expect(refusalOf(() => openCollateral({ ...DOCUMENTS, ...signedAs(text) }))).toMatchObject({
      code: 'COLLATERAL_MALFORMED',
      details: { path: 'tcbType', reason: 'is missing' },
    })
  })

  it('may be nested as deep as it likes', () => {
    const deep = `{"a":${'['.repeat(4_000_000)}`
    for (const parse of [parseCollateral, parseAttestation, parseUserData]) {
      expect(refusalOf(() => parse(utf8(deep.slice(0, 1_000_000)))).code).toMatch(/_MALFORMED$/)
    }
    expect(refusalOf(() => parseCollateral(utf8(deep))).code).toBe('COLLATERAL_MALFORMED')
  })
})

describe('certificates and lists', () => {
  const [LEAF, CA] = AUTHORITY.certificateChain as [Uint8Array, Uint8Array]

  /** The chain of the quote with this CA, which the root did sign. */
  function failuresWithCa(ca: Uint8Array): string[] {
    const quote = parseQuote(QUOTE_V4)
    const chain = [LEAF, ca, AUTHORITY.rootCertificate]
    const certificationData = {
      ...quote.certificationData,
      certificateChain: encodePemChain(chain),
    }
    const collateral = openCollateral(DOCUMENTS)
    return failuresOf(
      checkQuote({ quote: { ...quote, certificationData }, collateral, now: NOW, root: ROOT }),
    )
  }

  it('are no CA by a wrong boolean, and no DER by a right one', () => {
    // basicConstraints: cA TRUE as 0x01, which BER reads as true.
    const ber = resignedCertificate(CA, root, ['30060101ff020100', '3006010101020100'])
    expect(failuresWithCa(ber)).toEqual(['pckChain DER_MALFORMED'])
    const no = resignedCertificate(CA, root, ['30060101ff020100', '3006010100020100'])
    expect(failuresWithCa(no)).toEqual(['pckChain DER_MALFORMED'])
  })

  it('do not go beyond their path length', () => {
    const long = resignedCertificate(CA, root, ['30060101ff020100', '30060101ff020101'])
    expect(failuresWithCa(long)).toEqual(['pckChain CERTIFICATE_PROFILE'])
  })

  it('may not be numbered below zero', () => {
    const crl = fromHex(`0x${DOCUMENTS.pck_crl}`)
    const edit = ['0603551d140403020101', '0603551d140403020181'] as const
    const negative = resignedCrl(crl, AUTHORITY.issuers.platformCa, edit)
    const documents = { ...DOCUMENTS, pck_crl: toHex(negative).slice(2) }
    expect(refusalOf(() => openCollateral(documents))).toMatchObject({
      code: 'DER_MALFORMED',
      details: { reason: 'cRLNumber is negative' },
    })
  })

  it('have names and bits of a length that is known', () => {
    const element = (tag: number, contents: Uint8Array) =>
      concatBytes(Uint8Array.of(tag, 0x83, 0x0f, 0x00, 0x00), contents)
    const zeros = new Uint8Array(0x0f0000)
    const oid = new DerReader(element(0x06, zeros), 'sample')
    expect(refusalOf(() => oid.objectIdentifier('oid')).details).toMatchObject({
      reason: 'oid is too long',
    })
    const bits = new DerReader(element(0x03, zeros), 'sample')
    expect(refusalOf(() => bits.namedBits('bits')).details).toMatchObject({
      reason: 'bits is too long',
    })
  })

  it('are PEM, and nothing before, between or behind it', () => {
    const pem = encodePemChain([LEAF])
    for (const text of [
      `x${pem}`,
      `${pem}x${pem}`,
      `${pem}x`,
      pem.replace('CERTIFICATE', 'X509'),
    ]) {
      expect(refusalOf(() => parsePemChain(text)).code).toBe('PEM_MALFORMED')
    }
  })
})

describe('what is too long', () => {
  const MIB = 2 ** 20
  it.each<[string, () => unknown, string]>([
    ['a quote', () => parseQuote(new Uint8Array(16 * MIB + 1)), 'QUOTE_MALFORMED'],
    ['collateral', () => parseCollateral(new Uint8Array(16 * MIB + 1)), 'COLLATERAL_MALFORMED'],
    ['an event log', () => parseEventLog(new Uint8Array(16 * MIB + 1)), 'EVENT_LOG_MALFORMED'],
    ['a root', () => parseTrustedRoot(new Uint8Array(2 ** 16 + 1)), 'ROOT_MALFORMED'],
    [
      'an attestation',
      () => parseAttestation(new Uint8Array(64 * MIB + 1)),
      'ATTESTATION_MALFORMED',
    ],
    ['runtime data', () => parseUserData(new Uint8Array(MIB + 1)), 'HCL_REPORT_MALFORMED'],
  ])('%s is refused', (_, parse, code) => {
    expect(refusalOf(parse).code).toBe(code)
  })
})

describe('runtime data', () => {
  const userData = 'AB'.repeat(64)
  it.each([
    ['their bytes twice', `{"user-data":"${'00'.repeat(64)}","user-data":"${userData}"}`],
    ['their bytes in an array', `{"user-data":["${userData}"]}`],
    ['their bytes within another object', `{"a":{"user-data":"${userData}"}}`],
    ['too few bytes', '{"user-data":"AB"}'],
    ['a byte order mark', `\ufeff{"user-data":"${userData}"}`],
    ['no object', 'null'],
  ])('are refused with %s', (_, json) => {
    expect(refusalOf(() => parseUserData(utf8(json))).code).toBe('HCL_REPORT_MALFORMED')
  })

  it('name 64 bytes', () => {
    expect(toHex(parseUserData(utf8(`{"user-data":"${userData}"}`)))).toBe(
      `0x${userData.toLowerCase()}`,
    )
  })
})

describe('a policy', () => {
  it.each([
    ['an unknown field', { version: 1, workload: [] }],
    ['a measurement that is cut', { version: 1, workloads: [{ mrtd: '0x00' }] }],
    ['a list of no workload', { version: 1, workloads: [] }],
    ['a workload that pins nothing', { version: 1, workloads: [{ name: 'all' }] }],
    ['a status that is none', { version: 1, acceptedStatuses: ['Revoked'] }],
    [
      'a day that is none',
      { version: 1, ignoredAdvisories: [{ id: 'INTEL-SA-1', until: '2026-02-30' }] },
    ],
    ['a grace without end', { version: 1, outOfDateGraceDays: Number.POSITIVE_INFINITY }],
    ['a negative number', { version: 1, minimumEvaluationNumber: -1 }],
  ])('is refused with %s', (_, policy) => {
    expect(refusalOf(() => parsePolicy(policy)).code).toBe('POLICY_MALFORMED')
  })

  it.each<[string, string | undefined]>([
    ['{"version":1,"workloads":[],"workloads":[]}', 'workloads'],
    ['{"version":1,"version":1}', 'version'],
    ['{"a":{"b":1},"b":1,"c":[{"b":1},{"b":2}]}', undefined],
    [String.raw`{"a":"\"","b":"\"b\":1","c":1}`, undefined],
    ['{"a" : 1, "\u0061":2}', 'a'],
    ['[["x","x"],{"x":"x"}]', undefined],
  ])('as JSON has no field twice: %s', (text, expected) => {
    expect(JSON.parse(text)).toBeDefined()
    expect(findRepeatedField(text)).toBe(expected)
  })
})
