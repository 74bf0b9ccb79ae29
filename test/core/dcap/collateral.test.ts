import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../../src/core/bytes.js'
import {
  type CollateralDocuments,
  encodeCollateral,
  openCollateral,
  parseCollateral,
} from '../../../src/core/dcap/collateral.js'
import { parseTrustedRoot } from '../../../src/core/dcap/trusted-root.js'
import { encodePemChain } from '../../../src/core/tdx/pem.js'
import { refusalOf } from '../tdx/samples.js'
import { AUTHORITY, collateralOf, ROOT } from './samples.js'

const DOCUMENTS = collateralOf({ revoked: ['pck', 'platformCa'] })

function edited(name: 'tcb_info' | 'qe_identity', from: string, to: string) {
  expect(DOCUMENTS[name]).toContain(from)
  return { [name]: DOCUMENTS[name].replace(from, to) }
}

describe('a collateral file', () => {
  it('parses to what was encoded', () => {
    const collateral = openCollateral(DOCUMENTS)
    expect(parseCollateral(encodeCollateral(collateral))).toEqual(collateral)
    expect(collateral.pckCrl.revoked.size).toBe(1)
    expect(collateral.rootCrl.revoked.size).toBe(1)
    expect(collateral.tcbInfo.value.levels.map(({ status }) => status)).toEqual([
      'UpToDate',
      'OutOfDate',
    ])
  })

  it.each([
    ['no JSON', '{', { document: 'file', reason: 'is not JSON' }],
    ['no object', '[]', { document: 'file', reason: 'is no object' }],
    ['nothing', '{}', { path: 'pck_crl_issuer_chain', reason: 'is missing' }],
    [
      'a number',
      JSON.stringify({ ...DOCUMENTS, pck_crl: 1 }),
      { path: 'pck_crl', reason: 'is no text' },
    ],
  ])('with %s is refused', (_, text, details) => {
    expect(refusalOf(() => parseCollateral(new TextEncoder().encode(text)))).toMatchObject({
      code: 'COLLATERAL_MALFORMED',
      details,
    })
  })

  it('that is no UTF-8, or too large, is refused', () => {
    for (const bytes of [Uint8Array.of(0xff), new Uint8Array(2 ** 24 + 1)]) {
      expect(refusalOf(() => parseCollateral(bytes)).code).toBe('COLLATERAL_MALFORMED')
    }
  })

  const refusals: readonly [string, Partial<CollateralDocuments>, object][] = [
    ['an empty CRL', { pck_crl: '' }, { document: 'pck_crl', reason: 'is empty' }],
    [
      'a CRL that is no hex',
      { root_ca_crl: 'zz' },
      { document: 'root_ca_crl', reason: 'is not hex' },
    ],
    ['no chain', { tcb_info_issuer_chain: '' }, { document: 'tcb_info_issuer_chain' }],
    [
      'a long chain',
      { qe_identity_issuer_chain: DOCUMENTS.qe_identity_issuer_chain.repeat(3) },
      { document: 'qe_identity_issuer_chain', reason: 'has 6 certificates' },
    ],
    [
      'a short signature',
      { tcb_info_signature: '00' },
      { document: 'tcb_info_signature', reason: 'does not have 64 bytes' },
    ],
    [
      'TCB info that is no JSON',
      { tcb_info: '{' },
      { document: 'tcb_info', reason: 'is not JSON' },
    ],
    ['another version', edited('tcb_info', '"version":3', '"version":2'), { path: 'version' }],
    ['a later version', edited('tcb_info', '"version":3', '"version":4'), { path: 'version' }],
    ['another id', edited('tcb_info', '"id":"TDX"', '"id":"SEV"'), { path: 'id' }],
    ['another type', edited('tcb_info', '"tcbType":0', '"tcbType":1'), { path: 'tcbType' }],
    [
      'an unknown status',
      edited('tcb_info', '"tcbStatus":"OutOfDate"', '"tcbStatus":"Fine"'),
      { path: 'tdxModuleIdentities[0].tcbLevels[1].tcbStatus' },
    ],
    [
      'a date that is none',
      edited('tcb_info', '"tcbDate":"2026-01-01T00:00:00Z"', '"tcbDate":"2026-02-30T00:00:00Z"'),
      { reason: 'is no date' },
    ],
    [
      'a date without a zone',
      edited('tcb_info', '"tcbDate":"2026-01-01T00:00:00Z"', '"tcbDate":"2026-01-01T00:00:00"'),
      { reason: 'is no date' },
    ],
    [
      'an SVN of more than a byte',
      edited('tcb_info', '"svn":5', '"svn":256'),
      { reason: 'is no integer from 0 to 255' },
    ],
    [
      'a component too few',
      edited('tcb_info', '"sgxtcbcomponents":[{"svn":3},', '"sgxtcbcomponents":['),
      { path: 'tcbLevels[0].tcb.sgxtcbcomponents', reason: 'has 15 elements, not 16' },
    ],
    [
      'a short FMSPC',
      edited('tcb_info', '"fmspc":"53494d000000"', '"fmspc":"53494d0000"'),
      { path: 'fmspc', reason: 'is not 6 bytes of hex' },
    ],
    [
      'an advisory that is none',
      edited('tcb_info', 'SIMULATED-SA-00001', '\\u001b[31m'),
      { reason: 'holds something else than it should' },
    ],
    ['a QE that is another enclave', edited('qe_identity', 'TD_QE', 'QVE'), { path: 'id' }],
    [
      'a QE identity of another version',
      edited('qe_identity', '"version":2', '"version":1'),
      { document: 'qe_identity', path: 'version' },
    ],
    [
      'a status that no QE has',
      edited('qe_identity', 'UpToDate', 'SWHardeningNeeded'),
      { path: 'tcbLevels[0].tcbStatus' },
    ],
  ]
  it.each(refusals)('with %s is refused', (_, documents, details) => {
    expect(refusalOf(() => openCollateral({ ...DOCUMENTS, ...documents }))).toMatchObject({
      code: 'COLLATERAL_MALFORMED',
      details,
    })
  })

  it('is refused when a CRL is cut off anywhere', () => {
    const crl = fromHex(`0x${DOCUMENTS.pck_crl}`)
    for (let length = 1; length < crl.length; length++) {
      const pck_crl = toHex(crl.subarray(0, length)).slice(2)
      expect(refusalOf(() => openCollateral({ ...DOCUMENTS, pck_crl })).code).toBe('DER_MALFORMED')
    }
  })
})

describe('a trusted root', () => {
  it('is read as PEM and as DER', () => {
    const pem = new TextEncoder().encode(encodePemChain([AUTHORITY.rootCertificate]))
    expect(parseTrustedRoot(pem)).toEqual(ROOT)
    expect(ROOT).toMatchObject({ isIntel: false, fingerprint: expect.stringMatching(/^0x.{64}$/) })
  })

  it('is one certificate', () => {
    const two = new TextEncoder().encode(encodePemChain(AUTHORITY.certificateChain.slice(1)))
    for (const file of [two, new TextEncoder().encode('hello')]) {
      expect(refusalOf(() => parseTrustedRoot(file)).code).toBe('ROOT_MALFORMED')
    }
  })
})
