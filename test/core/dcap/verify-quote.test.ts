import { p256 } from '@noble/curves/nist.js'
import { describe, expect, it } from 'vitest'
import { concatBytes, fromHex, toHex } from '../../../src/core/bytes.js'
import { collateralKeyOf } from '../../../src/core/dcap/collateral-key.js'
import { INTEL_ROOT } from '../../../src/core/dcap/trusted-root.js'
import { checkQuote, verifyQuote } from '../../../src/core/dcap/verify-quote.js'
import { InputError, RejectedError } from '../../../src/core/errors.js'
import { encodePemChain, parsePemChain } from '../../../src/core/tdx/pem.js'
import { encodeQuote, parseQuote, type Quote } from '../../../src/core/tdx/quote.js'
import { createSimulatedAuthority } from '../../../src/core/tdx/simulated-authority.js'
import { createSimulatedCollateral } from '../../../src/core/tdx/simulated-collateral.js'
import {
  collateralOptions,
  quoteOverrides,
  SIMULATED_SWITCH_NAMES,
  type SimulatedSwitch,
} from '../../../src/core/tdx/simulated-switches.js'
import { patched, quoteNaming, refusalOf } from '../tdx/samples.js'
import {
  AUTHORITY,
  collateralOf,
  evaluate,
  failuresOf,
  NOW,
  optionsOf,
  REPORT_DATA,
  type Scene,
  svns,
} from './samples.js'

const DAY_MS = 86_400_000
const later = (days: number) => new Date(NOW.getTime() + days * DAY_MS)
const [LEAF, CA, ROOT_DER] = AUTHORITY.certificateChain as [Uint8Array, Uint8Array, Uint8Array]
const SIGNING = AUTHORITY.tcbSigningChain[0]!
const STRANGER = createSimulatedAuthority({ entropy: new Uint8Array(32).fill(9), now: NOW })

/** The quote with another certificate chain; chains are not signed by the quote's own key. */
function withChain(...chain: Uint8Array[]): Scene {
  const change = (bytes: Uint8Array) => {
    const quote = parseQuote(bytes)
    const certificationData = {
      ...quote.certificationData,
      certificateChain: encodePemChain(chain),
    }
    return encodeQuote({ ...quote, certificationData })
  }
  return { change }
}

function flipped(hex: string, at: number): string {
  const bytes = fromHex(`0x${hex}`)
  bytes.set([bytes.at(at)! ^ 1], at < 0 ? bytes.length + at : at)
  return toHex(bytes).slice(2)
}

describe('a quote that only names its PCK certificate', () => {
  it.each([1, 2, 3, 4] as const)('by certification data of type %i is refused', (type) => {
    const result = evaluate({ change: () => quoteNaming(type) })
    expect(result.verified).toBeUndefined()
    expect(failuresOf(result)).toEqual(['pckChain PCK_CHAIN_ABSENT'])
    const options = optionsOf({ change: () => quoteNaming(type) })
    expect(refusalOf(() => verifyQuote(options))).toEqual({
      code: 'PCK_CHAIN_ABSENT',
      details: { type },
    })
    expect(refusalOf(() => collateralKeyOf(options.quote)).code).toBe('PCK_CHAIN_ABSENT')
  })
})

describe('a good quote', () => {
  it.each([
    ['version 4', {}],
    ['version 5, TD 1.0', { header: { version: 5 as const } }],
    ['version 5, TD 1.5', { body: { bodyType: 3 as const } }],
    ['version 5, extended', { body: { bodyType: 4 as const } }],
  ])('of %s is verified, check by check', (_, quote) => {
    const { checks, verified } = evaluate({ quote })
    expect(checks.filter(({ ok }) => !ok)).toEqual([])
    expect(checks.map(({ name }) => name)).toEqual([
      'format',
      'pckChain',
      'rootCrl',
      'pckCrl',
      'tcbInfo',
      'qeIdentity',
      'platform',
      'qeReport',
      'attestationKey',
      'qe',
      'quoteSignature',
      'tdxModule',
      'tcbLevel',
      'tcbStatus',
    ])
    expect(verified).toMatchObject({
      simulated: true,
      status: 'UpToDate',
      advisoryIds: [],
      tcbDate: new Date('2026-01-01T00:00:00Z'),
      evaluationNumber: 1,
      verifiedAt: NOW,
      expires: later(29),
    })
    expect(toHex(verified!.platform.fmspc)).toBe('0x53494d000000')
  })

  it('is verified with zero padding, and with (r, n − s) in its signature', () => {
    const padded = (bytes: Uint8Array) => concatBytes(bytes, new Uint8Array(70))
    expect(failuresOf(evaluate({ change: padded }))).toEqual([])
    const negated = (bytes: Uint8Array) => {
      const { Fn } = p256.Point
      const s = BigInt(toHex(bytes.subarray(668, 700)))
      const negative = Fn.toBytes(Fn.neg(Fn.create(s)))
      return concatBytes(bytes.subarray(0, 668), negative, bytes.subarray(700))
    }
    expect(failuresOf(evaluate({ change: negated }))).toEqual([])
  })

  it('comes out of verifyQuote, as a value', () => {
    const { status, quote } = verifyQuote(optionsOf())
    expect(status).toBe('UpToDate')
    expect(quote.body.reportData).toEqual(REPORT_DATA)
  })
})

describe('under which root', () => {
  it('is never Intel’s for a simulated quote', () => {
    const { checks, verified } = evaluate({ root: INTEL_ROOT })
    expect(verified).toBeUndefined()
    expect(failuresOf({ checks })).toContain('pckChain ROOT_UNTRUSTED')
    const { quote, collateral, now } = optionsOf()
    expect(failuresOf(checkQuote({ quote, collateral, now }))).toContain('pckChain ROOT_UNTRUSTED')
  })

  it('is one for quote and collateral', () => {
    const documents = createSimulatedCollateral(STRANGER, { now: NOW })
    expect(failuresOf(evaluate({ documents }))).toEqual([
      'rootCrl ROOT_UNTRUSTED',
      'pckCrl ROOT_UNTRUSTED',
      'tcbInfo ROOT_UNTRUSTED',
      'qeIdentity ROOT_UNTRUSTED',
    ])
  })
})

const OLD = svns(4, 1, 2)
const GOOD = svns(6, 1, 4)
const LEVEL = { tcbDate: '2026-02-02T00:00:00Z', tcbStatus: 'UpToDate' }

/** A change, and the check and code that refuse it. */
const REFUSALS: readonly [string, Scene, string[]][] = [
  [
    'a foreign QE vendor',
    { quote: { header: { qeVendorId: new Uint8Array(16) } } },
    ['format QE_VENDOR_UNKNOWN'],
  ],
  ['no root in the chain', withChain(LEAF, CA), ['pckChain CHAIN_INCOMPLETE']],
  ['the leaf alone', withChain(LEAF), ['pckChain CHAIN_INCOMPLETE']],
  ['a fourth certificate', withChain(LEAF, CA, ROOT_DER, ROOT_DER), ['pckChain CHAIN_INCOMPLETE']],
  ['root and CA swapped', withChain(LEAF, ROOT_DER, CA), ['pckChain CERTIFICATE_PROFILE']],
  [
    'the leaf in place of the CA',
    withChain(LEAF, LEAF, ROOT_DER),
    ['pckChain CERTIFICATE_PROFILE'],
  ],
  [
    'a TCB signing certificate in place of the leaf',
    withChain(SIGNING, CA, ROOT_DER),
    ['pckChain CERTIFICATE_PROFILE'],
  ],
  [
    'a leaf by another CA of the same name',
    withChain(STRANGER.certificateChain[0]!, CA, ROOT_DER),
    ['pckChain CERTIFICATE_SIGNATURE'],
  ],
  [
    'a CA by another root of the same name',
    withChain(LEAF, STRANGER.certificateChain[1]!, ROOT_DER),
    ['pckChain CERTIFICATE_SIGNATURE'],
  ],
  [
    'another root of the same name',
    withChain(LEAF, CA, STRANGER.rootCertificate),
    ['pckChain ROOT_UNTRUSTED'],
  ],
  [
    'a leaf with one byte changed',
    withChain(patched(LEAF, 60, LEAF[60]! ^ 1), CA, ROOT_DER),
    ['pckChain CERTIFICATE_SIGNATURE'],
  ],
  [
    'a leaf followed by a byte',
    withChain(concatBytes(LEAF, Uint8Array.of(0)), CA, ROOT_DER),
    ['pckChain DER_MALFORMED'],
  ],
  [
    'the leaf expired',
    { now: later(8 * 365), collateral: { now: later(8 * 365) } },
    // The TCB signing certificate is as old.
    [
      'pckChain CERTIFICATE_EXPIRED',
      'tcbInfo CERTIFICATE_EXPIRED',
      'qeIdentity CERTIFICATE_EXPIRED',
    ],
  ],
  ['the platform revoked', { collateral: { revoked: ['pck'] } }, ['pckCrl CERTIFICATE_REVOKED']],
  [
    'the root revoked by itself',
    { collateral: { revoked: ['root'] } },
    ['rootCrl CERTIFICATE_REVOKED'],
  ],
  ['its CA revoked', { collateral: { revoked: ['platformCa'] } }, ['pckCrl CERTIFICATE_REVOKED']],
  [
    'the TCB signer revoked',
    { collateral: { revoked: ['tcbSigning'] } },
    ['tcbInfo CERTIFICATE_REVOKED', 'qeIdentity CERTIFICATE_REVOKED'],
  ],
  [
    'the root CRL as PCK CRL',
    { documents: { pck_crl: collateralOf().root_ca_crl } },
    ['pckCrl CRL_ISSUER'],
  ],
  [
    'the PCK CRL as root CRL',
    { documents: { root_ca_crl: collateralOf().pck_crl } },
    ['rootCrl CRL_ISSUER'],
  ],
  [
    'a PCK CRL of another CA of the same name',
    { documents: { pck_crl: createSimulatedCollateral(STRANGER, { now: NOW }).pck_crl } },
    ['pckCrl CRL_ISSUER'],
  ],
  [
    'a PCK CRL with a changed signature',
    { documents: { pck_crl: flipped(collateralOf().pck_crl, -1) } },
    ['pckCrl CRL_SIGNATURE'],
  ],
  [
    'a root CRL with a changed signature',
    { documents: { root_ca_crl: flipped(collateralOf().root_ca_crl, -1) } },
    ['rootCrl CRL_SIGNATURE'],
  ],
  [
    'a list of revoked platforms without the platform, which is not signed',
    {
      collateral: { revoked: ['pck'] },
      documents: { pck_crl: flipped(collateralOf({ revoked: ['pck'] }).pck_crl, 170) },
    },
    ['pckCrl CRL_SIGNATURE'],
  ],
  [
    'collateral of yesterday’s month',
    { now: new Date(later(29).getTime() + 1000) },
    [
      'rootCrl CRL_EXPIRED',
      'pckCrl CRL_EXPIRED',
      'tcbInfo COLLATERAL_EXPIRED',
      'qeIdentity COLLATERAL_EXPIRED',
    ],
  ],
  [
    'certificates and collateral of tomorrow',
    { now: new Date(later(-1).getTime() - 1000) },
    ['pckChain CERTIFICATE_EXPIRED'],
  ],
  [
    'collateral of tomorrow',
    { collateral: { now: later(2) } },
    ['rootCrl CRL_EXPIRED', 'pckCrl CRL_EXPIRED', 'tcbInfo COLLATERAL_EXPIRED'],
  ],
  [
    'TCB info that ends sooner',
    { collateral: { tcbInfo: { nextUpdate: '2026-11-23T11:59:59Z' } } },
    ['tcbInfo COLLATERAL_EXPIRED'],
  ],
  [
    'TCB info that begins later',
    { collateral: { tcbInfo: { issueDate: '2026-11-23T12:00:01Z' } } },
    ['tcbInfo COLLATERAL_EXPIRED'],
  ],
  [
    'a QE identity that ends sooner',
    { collateral: { qeIdentity: { nextUpdate: '2026-11-23T11:59:59Z' } } },
    ['qeIdentity COLLATERAL_EXPIRED'],
  ],
  [
    'TCB info that was changed',
    {
      documents: {
        tcb_info: collateralOf().tcb_info.replace('"OutOfDate"', '"UpToDate"'),
      },
    },
    ['tcbInfo COLLATERAL_SIGNATURE'],
  ],
  [
    'TCB info that was written again with the same meaning',
    { documents: { tcb_info: `${collateralOf().tcb_info} ` } },
    ['tcbInfo COLLATERAL_SIGNATURE'],
  ],
  [
    'a QE identity that was changed',
    {
      documents: {
        qe_identity: collateralOf().qe_identity.replace('"isvprodid":2', '"isvprodid":3'),
      },
    },
    ['qeIdentity COLLATERAL_SIGNATURE'],
  ],
  [
    'TCB info signed by the root itself',
    { documents: { tcb_info_issuer_chain: encodePemChain([ROOT_DER, ROOT_DER]) } },
    ['tcbInfo CERTIFICATE_PROFILE'],
  ],
  [
    'TCB info of SGX',
    { collateral: { tcbInfo: { id: 'SGX' } } },
    ['platform COLLATERAL_MISMATCH', 'tdxModule TDX_MODULE_MISMATCH'],
  ],
  [
    'TCB info of another FMSPC',
    { collateral: { tcbInfo: { fmspc: '00806F050000' } } },
    ['platform COLLATERAL_MISMATCH'],
  ],
  [
    'TCB info of another PCE',
    { collateral: { tcbInfo: { pceId: '0001' } } },
    ['platform COLLATERAL_MISMATCH'],
  ],
  [
    'the QE identity of SGX',
    { collateral: { qeIdentity: { id: 'QE' } } },
    ['qe COLLATERAL_MISMATCH'],
  ],
  [
    'a QE report that was changed',
    { change: (quote) => patched(quote, 770 + 258, 5) },
    ['qeReport QE_REPORT_SIGNATURE'],
  ],
  [
    'a QE report with a changed signature',
    { change: (quote) => patched(quote, 1160, quote[1160]! ^ 1) },
    ['qeReport QE_REPORT_SIGNATURE'],
  ],
  [
    'authentication data that were changed',
    { change: (quote) => patched(quote, 1220, quote[1220]! ^ 1) },
    ['attestationKey ATTESTATION_KEY_UNBOUND'],
  ],
  [
    'more in the QE’s report data than the hash',
    {
      quote: {
        qeReport: {
          reportData: patched(
            parseQuote(AUTHORITY.quote(REPORT_DATA)).certificationData.qeReport.reportData,
            63,
            1,
          ),
        },
      },
    },
    ['attestationKey ATTESTATION_KEY_UNBOUND'],
  ],
  [
    'no attestation key',
    { change: (quote) => patched(quote, 700, ...new Uint8Array(64)) },
    ['attestationKey ATTESTATION_KEY_UNBOUND', 'quoteSignature QUOTE_SIGNATURE'],
  ],
  ...(
    [
      ['signer', { mrSigner: new Uint8Array(32) }],
      ['product', { isvProdId: 1 }],
      ['MISCSELECT', { miscSelect: Uint8Array.of(1, 0, 0, 0) }],
      ['attributes', { attributes: svns(0x35) }],
    ] as const
  ).map(([name, qeReport]): [string, Scene, string[]] => [
    `a QE of another ${name}`,
    { quote: { qeReport } },
    ['qe QE_MISMATCH'],
  ]),
  [
    'a QE that can be debugged, whatever the identity says',
    {
      quote: { qeReport: { attributes: svns(0x17) } },
      collateral: { qeIdentity: { attributesMask: `F9${'FF'.repeat(7)}${'00'.repeat(8)}` } },
    },
    ['qe QE_MISMATCH'],
  ],
  ['a QE that is too old', { quote: { qeReport: { isvSvn: 3 } } }, ['qe TCB_LEVEL_MISSING']],
  ...[48, 184, 520, 568, 168, 28].map((offset): [string, Scene, string[]] => [
    `a changed byte at ${offset}`,
    { change: (quote) => patched(quote, offset, quote[offset]! ^ 1) },
    ['quoteSignature QUOTE_SIGNATURE'],
  ]),
  [
    'a quote signature of zeros',
    { change: (quote) => patched(quote, 636, ...new Uint8Array(64)) },
    ['quoteSignature QUOTE_SIGNATURE'],
  ],
  [
    'a module of another signer',
    { quote: { body: { mrSignerSeam: new Uint8Array(48).fill(1) } } },
    ['tdxModule TDX_MODULE_MISMATCH'],
  ],
  [
    'a module with attributes, even those that are expected',
    {
      quote: { body: { seamAttributes: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0) } },
      collateral: {
        tcbInfo: {
          tdxModuleIdentities: [
            {
              id: 'TDX_01',
              mrsigner: '00'.repeat(48),
              attributes: '0100000000000000',
              attributesMask: 'FF'.repeat(8),
              tcbLevels: [{ tcb: { isvsvn: 1 }, ...LEVEL }],
            },
          ],
        },
      },
    },
    ['tdxModule TDX_MODULE_MISMATCH'],
  ],
  [
    'a module that Intel does not list',
    { quote: { body: { teeTcbSvn: svns(6, 2, 4) } } },
    ['tdxModule TDX_MODULE_MISMATCH'],
  ],
  [
    'a module that is too old',
    { quote: { body: { teeTcbSvn: svns(3, 1, 4) } } },
    ['tdxModule TCB_LEVEL_MISSING'],
  ],
  [
    'a loader that is too old',
    { quote: { body: { teeTcbSvn: svns(6, 1, 1) } } },
    ['tcbLevel TCB_LEVEL_MISSING'],
  ],
  [
    'a module that runs now and is too old',
    { quote: { body: { bodyType: 3, teeTcbSvn2: svns(3, 1, 4) } } },
    ['tcbStatus TCB_LEVEL_MISSING'],
  ],
  [
    'a QE that Intel revoked',
    {
      collateral: {
        qeIdentity: { tcbLevels: [{ tcb: { isvsvn: 1 }, ...LEVEL, tcbStatus: 'Revoked' }] },
      },
    },
    ['tcbStatus TCB_REVOKED'],
  ],
]

describe('a quote is refused with', () => {
  it.each(REFUSALS)('%s', (_, scene, expected) => {
    const evaluation = evaluate(scene)
    expect(evaluation.verified).toBeUndefined()
    const failures = failuresOf(evaluation)
    expect(failures.slice(0, expected.length)).toEqual(expected)
    const { code } = refusalOf(() => verifyQuote(optionsOf(scene)))
    expect(code).toBe(expected[0]?.split(' ')[1])
    expect(() => verifyQuote(optionsOf(scene))).toThrow(
      code === 'DER_MALFORMED' ? InputError : RejectedError,
    )
  })
})

describe('a failure', () => {
  it('does not hide others, and what depends on it says so', () => {
    const evaluation = evaluate({
      collateral: { revoked: ['pck'], tcbInfo: { fmspc: '000000000000' } },
      change: (quote) => patched(quote, 568, quote[568]! ^ 1),
    })
    expect(failuresOf(evaluation)).toEqual([
      'pckCrl CERTIFICATE_REVOKED',
      'platform COLLATERAL_MISMATCH',
      'quoteSignature QUOTE_SIGNATURE',
    ])
    expect(evaluation.checks.find(({ name }) => name === 'tcbLevel')).toEqual({
      name: 'tcbLevel',
      ok: false,
      detail: 'not reached, because platform failed',
    })
  })
})

describe('the status', () => {
  const scenes: readonly [string, Scene, string, string[]][] = [
    [
      'is out of date by an old loader',
      { quote: { body: { teeTcbSvn: svns(6, 1, 2) } } },
      'OutOfDate',
      ['SIMULATED-SA-00001'],
    ],
    [
      'is out of date by an old module',
      { quote: { body: { teeTcbSvn: svns(4, 1, 4) } } },
      'OutOfDate',
      ['SIMULATED-SA-00001'],
    ],
    [
      'asks to launch again if only the launch was out of date',
      { quote: { body: { bodyType: 3, teeTcbSvn: OLD, teeTcbSvn2: GOOD } } },
      'TDRelaunchAdvised',
      ['SIMULATED-SA-00001'],
    ],
    [
      'stays out of date if what runs now is, too',
      { quote: { body: { bodyType: 3, teeTcbSvn: OLD, teeTcbSvn2: OLD } } },
      'OutOfDate',
      ['SIMULATED-SA-00001'],
    ],
    [
      'is that of what runs now if that is older than the launch',
      { quote: { body: { bodyType: 3, teeTcbSvn: GOOD, teeTcbSvn2: OLD } } },
      'OutOfDate',
      ['SIMULATED-SA-00001'],
    ],
    [
      // Its minor version counts with its own levels, not among the platform's components.
      'does not compare the module with the first two components',
      {
        quote: { body: { teeTcbSvn: svns(6, 1, 4) } },
        collateral: {
          tcbInfo: JSON.parse(
            collateralOf().tcb_info.replaceAll(
              '"tdxtcbcomponents":[{"svn":6},{"svn":0}',
              '"tdxtcbcomponents":[{"svn":9},{"svn":9}',
            ),
          ),
        },
      },
      'UpToDate',
      [],
    ],
    [
      'compares all components for a module without levels of its own',
      { quote: { body: { teeTcbSvn: svns(6, 0, 4) } } },
      'UpToDate',
      [],
    ],
    [
      'does not depend on the order of the levels',
      {
        collateral: {
          tcbInfo: { tcbLevels: JSON.parse(collateralOf().tcb_info).tcbLevels.reverse() },
        },
      },
      'UpToDate',
      [],
    ],
  ]
  it.each(scenes)('%s', (_, scene, status, advisoryIds) => {
    const { checks, verified } = evaluate(scene)
    expect(failuresOf({ checks })).toEqual([])
    expect(verified).toMatchObject({ status, advisoryIds })
  })

  it('of a module without levels of its own needs every component', () => {
    const scene: Scene = { quote: { body: { teeTcbSvn: svns(5, 0, 4) } } }
    expect(failuresOf(evaluate(scene))).toEqual(['tcbLevel TCB_LEVEL_MISSING'])
  })

  it('comes with what is behind the newest levels', () => {
    const { verified } = evaluate({
      quote: { body: { teeTcbSvn: svns(4, 1, 2) }, qeReport: { isvSvn: 4 } },
      collateral: {
        qeIdentity: {
          tcbLevels: [
            { tcb: { isvsvn: 5 }, ...LEVEL },
            { tcb: { isvsvn: 4 }, ...LEVEL },
          ],
        },
      },
    })
    expect(verified?.behind).toEqual([
      'TDX component 3 is 2 and needs 4',
      'TDX module SVN is 4 and needs 6',
      'quoting enclave SVN is 4 and needs 5',
    ])
    expect(evaluate().verified?.behind).toEqual([])
  })

  it('has the date of its oldest part', () => {
    const { verified } = evaluate({ quote: { body: { teeTcbSvn: svns(4, 1, 4) } } })
    expect(verified?.tcbDate).toEqual(new Date('2025-01-01T00:00:00Z'))
  })
})

describe('switches of the simulation', () => {
  const EXPECTED: Readonly<Record<SimulatedSwitch, string>> = {
    v5: 'UpToDate',
    debug: 'UpToDate',
    'old-tcb': 'OutOfDate',
    'revoked-pck': 'pckCrl CERTIFICATE_REVOKED',
    'expired-collateral': 'rootCrl CRL_EXPIRED',
    'wrong-qe': 'qe QE_MISMATCH',
  }
  it.each(SIMULATED_SWITCH_NAMES)('%s', (name) => {
    for (const switches of [[name], [name, 'v5' as const]]) {
      const evaluation = evaluate({
        quote: quoteOverrides(switches),
        collateral: collateralOptions(switches, NOW),
      })
      const [failure] = failuresOf(evaluation)
      expect(failure ?? evaluation.verified?.status).toBe(EXPECTED[name])
    }
  })
})

describe('parsed values', () => {
  it('are not changed by a verification', () => {
    const options = optionsOf()
    const before = structuredClone(options)
    checkQuote(options)
    expect(options).toEqual(before)
  })

  it('hold the chain as it came', () => {
    const { quote }: { quote: Quote } = optionsOf()
    expect(parsePemChain(quote.certificationData.certificateChain)).toHaveLength(3)
  })
})
