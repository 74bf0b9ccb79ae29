/**
 * Quotes with their collateral, on which our verdict is compared with those of other verifiers: made
 * ones, tampered ones, and those of real machines (SP1_TEE_SHARED).
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex } from '../../src/core/bytes.js'
import {
  type CollateralDocuments,
  encodeCollateral,
  openCollateral,
  parseCollateral,
} from '../../src/core/dcap/collateral.js'
import { PLATFORM_STATUSES } from '../../src/core/dcap/tcb-status.js'
import { INTEL_ROOT, type TrustedRoot } from '../../src/core/dcap/trusted-root.js'
import { checkQuote } from '../../src/core/dcap/verify-quote.js'
import { Sp1TeeError } from '../../src/core/errors.js'
import { parsePolicy } from '../../src/core/policy/policy.js'
import { ACCEPTABLE_STATUSES } from '../../src/core/policy/policy-schema.js'
import { checkPolicy } from '../../src/core/policy/rules.js'
import { isTdQuote, parseQuote } from '../../src/core/tdx/quote.js'
import type { SimulatedOverrides } from '../../src/core/tdx/simulated-authority.js'
import type { SimulatedCollateralOptions } from '../../src/core/tdx/simulated-collateral.js'
import { AUTHORITY, collateralOf, NOW, REPORT_DATA, ROOT, svns } from '../core/dcap/samples.js'
import { readShared, SHARED_TDX } from '../core/tdx/shared.js'

export interface Case {
  readonly quote: Uint8Array
  /** The file, as both read it. */
  readonly collateral: Uint8Array
  readonly now: Date
  readonly root: TrustedRoot
}
export type NamedCase = readonly [name: string, row: Case]

/** Statuses are compared, not accepted; that library refuses debug TDs and the like by itself. */
const LENIENT = { version: 1, acceptedStatuses: ACCEPTABLE_STATUSES }
const COMPARED_RULES = [
  'policy.debug',
  'policy.migratable',
  'policy.tdAttributes',
  'policy.serviceTd',
]

/** Status and advisories, or `refused`. */
export function ours({ quote: bytes, collateral, now, root }: Case): string {
  try {
    const quote = parseQuote(bytes)
    const { verified } = checkQuote({ quote, collateral: parseCollateral(collateral), now, root })
    if (verified === undefined) return 'refused'
    const tee = isTdQuote(quote) ? 'TDX' : 'SGX'
    const rules = checkPolicy(verified, parsePolicy({ ...LENIENT, tee }))
    if (rules.some(({ name, ok }) => !ok && COMPARED_RULES.includes(name))) return 'refused'
    return [verified.status, ...verified.advisoryIds.toSorted()].join(' ')
  } catch (error) {
    if (error instanceof Sp1TeeError) return 'refused'
    throw error
  }
}

/** The code of our refusal; undefined if there is none. */
export function refusalCodeOf({ quote: bytes, collateral, now, root }: Case): string | undefined {
  try {
    const quote = parseQuote(bytes)
    const { checks } = checkQuote({ quote, collateral: parseCollateral(collateral), now, root })
    return checks.find(({ code }) => code !== undefined)?.code
  } catch (error) {
    if (error instanceof Sp1TeeError) return error.code
    throw error
  }
}

export function simulated(
  quote: SimulatedOverrides = {},
  collateral: Partial<SimulatedCollateralOptions> = {},
  now = NOW,
): Case {
  const documents = collateralOf(collateral)
  return {
    quote: AUTHORITY.quote(REPORT_DATA, quote),
    collateral: encodeCollateral({ documents }),
    now,
    root: ROOT,
  }
}

const GOOD = JSON.parse(collateralOf().tcb_info)
const DATE = '2026-01-01T00:00:00Z'
const components = (values: Uint8Array) => Array.from(values, (svn) => ({ svn }))

function level(cpu: number, pce: number, tdx: Uint8Array, tcbStatus: string, advisory: string) {
  const cpuSvn = svns(3, 3, 2, 2, 4, 1, 0, cpu)
  const tcb = {
    sgxtcbcomponents: components(cpuSvn),
    pcesvn: pce,
    tdxtcbcomponents: components(tdx),
  }
  return { tcb, tcbDate: DATE, tcbStatus, advisoryIDs: [advisory] }
}

/** Every status, at platforms that reach its level and at platforms that do not. */
export function levelCases(): NamedCase[] {
  const heights = [
    [5, 11, 4],
    [6, 11, 4],
    [5, 12, 4],
    [5, 11, 5],
    [5, 11, 3],
  ] as const
  return PLATFORM_STATUSES.flatMap((status) =>
    ([2, 3] as const).flatMap((bodyType) =>
      heights.map(([cpu, pce, loader]): NamedCase => {
        const tcbLevels = [
          level(cpu, pce, svns(6, 0, loader), status, 'SA-1'),
          level(4, 10, svns(5, 0, 3), 'OutOfDate', 'SA-2'),
          level(3, 5, svns(5, 0, 1), 'Revoked', 'SA-3'),
        ]
        // Without a major version all components count, in every verifier.
        const teeTcbSvn = svns(6, 0, 4)
        const row = simulated({ body: { bodyType, teeTcbSvn } }, { tcbInfo: { tcbLevels } })
        return [`${status} at ${cpu}, ${pce}, ${loader}, body ${bodyType}`, row]
      }),
    ),
  )
}

/** A quoting enclave that is up to date, old, or too old. */
export function qeCases(): NamedCase[] {
  return [2, 3, 4, 5].flatMap((isvSvn) =>
    ['UpToDate', 'OutOfDate', 'Revoked'].map((status): NamedCase => {
      const tcbLevels = [
        { tcb: { isvsvn: 4 }, tcbDate: DATE, tcbStatus: 'UpToDate' },
        { tcb: { isvsvn: 3 }, tcbDate: DATE, tcbStatus: status, advisoryIDs: ['SA-4'] },
      ]
      const row = simulated({ qeReport: { isvSvn } }, { qeIdentity: { tcbLevels } })
      return [`QE SVN ${isvSvn}, level 3 ${status}`, row]
    }),
  )
}

const day = 86_400_000
export const PLAIN_CASES: readonly NamedCase[] = [
  ['a good quote', simulated()],
  ['a good quote of version 5', simulated({ body: { bodyType: 3 } })],
  ['a debug TD', simulated({ body: { tdAttributes: Uint8Array.of(1, 0, 0, 16, 0, 0, 0, 0) } })],
  [
    'a migratable TD',
    simulated({ body: { tdAttributes: Uint8Array.of(0, 0, 0, 0x30, 0, 0, 0, 0) } }),
  ],
  ['SEPT_VE_DISABLE clear', simulated({ body: { tdAttributes: new Uint8Array(8) } })],
  ['a service TD', simulated({ body: { bodyType: 3, mrServiceTd: new Uint8Array(48).fill(1) } })],
  ['a QE of another signer', simulated({ qeReport: { mrSigner: new Uint8Array(32) } })],
  ['a QE of another product', simulated({ qeReport: { isvProdId: 1 } })],
  ['a QE with other attributes', simulated({ qeReport: { attributes: svns(0x35) } })],
  ['another FMSPC', simulated({}, { tcbInfo: { fmspc: '00806F050000' } })],
  ['TCB info of SGX', simulated({}, { tcbInfo: { id: 'SGX' } })],
  ['the QE identity of SGX', simulated({}, { qeIdentity: { id: 'QE' } })],
  ['expired collateral', simulated({}, {}, new Date(NOW.getTime() + 30 * day))],
  ['collateral of the future', simulated({}, { now: new Date(NOW.getTime() + 2 * day) })],
  ['a revoked platform', simulated({}, { revoked: ['pck'] })],
  ['a revoked CA', simulated({}, { revoked: ['platformCa'] })],
  ['a revoked TCB signer', simulated({}, { revoked: ['tcbSigning'] })],
  ['Intel’s root', { ...simulated(), root: INTEL_ROOT }],
  ...['tcb_info', 'qe_identity'].map((name): NamedCase => {
    const row = simulated()
    const text = new TextDecoder().decode(row.collateral)
    const documents = JSON.parse(text)
    documents[name] = documents[name].replace('"UpToDate"', '"OutOfDate"')
    const collateral = encodeCollateral(openCollateral(documents))
    return [`a ${name} that was changed`, { ...row, collateral }]
  }),
]

/** A bit flipped anywhere that is signed: no verifier accepts one of them. */
export function flippedCases(): NamedCase[] {
  const row = simulated()
  const cases: NamedCase[] = []
  // Header, body, QE report, authentication data: all that counts, in steps that share no period.
  for (let offset = 0; offset < 1252; offset += 7) {
    const isUnsigned = offset >= 632 && offset < 636
    const isHeldOtherwise = (offset >= 764 && offset < 770) || (offset >= 1218 && offset < 1220)
    if (isUnsigned || isHeldOtherwise) continue
    const quote = row.quote.slice()
    quote[offset]! ^= 0x10
    cases.push([`a bit at ${offset}`, { ...row, quote }])
  }
  return cases
}

const oneLevel = (tcbStatus: string, tdx = svns(6, 0, 4)) => ({
  tcbLevels: [level(5, 11, tdx, tcbStatus, 'SA-1')],
})
const module = (minor: number, tcbStatus: string) => ({
  tdxModuleIdentities: [
    {
      ...GOOD.tdxModuleIdentities[0],
      tcbLevels: [{ tcb: { isvsvn: minor }, tcbDate: DATE, tcbStatus, advisoryIDs: ['SA-5'] }],
    },
  ],
})
const outOfDateQe = {
  tcbLevels: [{ tcb: { isvsvn: 4 }, tcbDate: DATE, tcbStatus: 'OutOfDate' }],
}
const tampered = (name: 'pck_crl' | 'root_ca_crl', hex: (hex: string) => string): Case => {
  const documents = collateralOf()
  const text = JSON.stringify({ ...documents, [name]: hex(documents[name]) })
  return { ...simulated(), collateral: new TextEncoder().encode(text) }
}

/** Where verifiers differ, and why we are right: status and advisories of each. */
export const DIFFERENCES: readonly (readonly [
  reason: string,
  row: Case,
  ours: string,
  npm: string,
  /** As ours unless given. */
  rust?: string,
])[] = [
  [
    'the first two TDX components are not those of a module with levels of its own (index 2)',
    simulated(
      { body: { teeTcbSvn: svns(6, 1, 4) } },
      { tcbInfo: oneLevel('UpToDate', svns(9, 0, 4)) },
    ),
    'UpToDate SA-1',
    'refused',
  ],
  [
    'a TDX module has levels of its own',
    simulated({}, { tcbInfo: { ...oneLevel('UpToDate'), ...module(6, 'OutOfDate') } }),
    'OutOfDate SA-1 SA-5',
    'UpToDate SA-1',
  ],
  [
    'a TDX module may be revoked',
    simulated({}, { tcbInfo: { ...oneLevel('UpToDate'), ...module(6, 'Revoked') } }),
    'refused',
    'UpToDate SA-1',
  ],
  [
    'a TDX module must be one that Intel lists',
    simulated({ body: { teeTcbSvn: svns(6, 7, 4) } }),
    'refused',
    'UpToDate',
  ],
  [
    'a TDX module must be signed by whom Intel names',
    simulated({ body: { mrSignerSeam: new Uint8Array(48).fill(1) } }),
    'refused',
    'UpToDate',
  ],
  [
    'an out-of-date part and a configuration that is needed are told together',
    simulated({}, { tcbInfo: oneLevel('ConfigurationNeeded'), qeIdentity: outOfDateQe }),
    'OutOfDateConfigurationNeeded SA-1',
    'OutOfDate SA-1',
  ],
  [
    'a TD that was launched on what is out of date may only have to be launched again',
    simulated({ body: { bodyType: 3, teeTcbSvn: svns(6, 1, 2), teeTcbSvn2: svns(6, 1, 4) } }),
    'TDRelaunchAdvised SIMULATED-SA-00001',
    'OutOfDate SIMULATED-SA-00001',
  ],
  [
    'PCEID is compared',
    simulated({}, { tcbInfo: { pceId: '0001' } }),
    'refused',
    'UpToDate',
    'UpToDate',
  ],
  ['a CRL must be signed', tampered('pck_crl', flippedAtEnd), 'refused', 'UpToDate'],
  ['a root CRL must be signed', tampered('root_ca_crl', flippedAtEnd), 'refused', 'UpToDate'],
  ['a CRL must be there', tampered('pck_crl', () => ''), 'refused', 'UpToDate'],
  [
    'a CRL must be by the CA of the platform',
    tampered('pck_crl', () => collateralOf().root_ca_crl),
    'refused',
    'UpToDate',
  ],
  [
    'the QE’s vendor must be Intel',
    simulated({ header: { qeVendorId: new Uint8Array(16) } }),
    'refused',
    'UpToDate',
  ],
  [
    'the QE’s report data hold the hash of the key, and nothing else',
    simulated({
      qeReport: {
        reportData: Uint8Array.from(
          parseQuote(simulated().quote).certificationData.qeReport.reportData,
          (byte, i) => (i === 63 ? 1 : byte),
        ),
      },
    }),
    'refused',
    'UpToDate',
    'UpToDate',
  ],
  [
    'the extended body of 2026 is known',
    simulated({ body: { bodyType: 4 } }),
    'UpToDate',
    'refused',
  ],
  [
    'zeros may follow a quote, other bytes may not',
    { ...simulated(), quote: Uint8Array.from([...simulated().quote, 1]) },
    'refused',
    'UpToDate',
    'UpToDate',
  ],
  [
    'the outer certification type is 6',
    { ...simulated(), quote: simulated().quote.map((byte, i) => (i === 764 ? 7 : byte)) },
    'refused',
    'UpToDate',
    'UpToDate',
  ],
]

/** Packs of real machines, at their time; none without SP1_TEE_SHARED. */
export function packCases(): NamedCase[] {
  if (SHARED_TDX === undefined) return []
  const packs: { name: string; verifyAsOf: number }[] = readJson('manifest.json').packs
  return packs.map(({ name, verifyAsOf }) => [name, packCase(name, verifyAsOf)])
}

/** Tampered quotes that dcap-qvl 0.7 accepts, and we do not (docs/dcap.md). */
export const STRICTER_THAN_RUST = [
  'v4_chain_no_root',
  'v4_chain_order_swapped',
  'v4_trailing_bytes',
  'v4_outer_cert_type_7',
]

/** What was made of a real quote by changing it, as results.json describes each. */
export function tamperedCases(): NamedCase[] {
  if (SHARED_TDX === undefined) return []
  const results: { name: string; now: number }[] = readJson('tampered/results.json')
  return results.map(({ name, now }): NamedCase => {
    const row = packCase('dcapqvl_tdx_v4', now)
    const change = TAMPERED_COLLATERAL[name]
    if (change !== undefined) {
      const base = JSON.parse(new TextDecoder().decode(row.collateral))
      const collateral = new TextEncoder().encode(JSON.stringify({ ...base, ...change(base) }))
      return [name, { ...row, collateral }]
    }
    if (name.startsWith('v4_time')) return [name, row]
    return [name, { ...row, quote: readShared(`tampered/${name}.quote.bin`) }]
  })
}

function packCase(name: string, seconds: number): Case {
  return {
    quote: readShared(`packs/${name}.quote.bin`),
    collateral: readShared(`packs/${name}.collateral.json`),
    now: new Date(1000 * seconds),
    root: INTEL_ROOT,
  }
}

type Change = (base: CollateralDocuments) => Partial<CollateralDocuments>

/** Tampered cases of which the collateral was changed, and not the quote. */
export const TAMPERED_COLLATERAL: Readonly<Record<string, Change>> = {
  v4_tcbinfo_tampered: (base) => ({ tcb_info: base.tcb_info.replace('OutOfDate', 'UpToDate') }),
  v4_qeid_tampered: (base) => ({
    qe_identity: base.qe_identity.replace('"isvprodid":2', '"isvprodid":1'),
  }),
  v4_pck_crl_sig_bit: (base) => ({ pck_crl: flippedAtEnd(base.pck_crl) }),
  v4_root_crl_sig_bit: (base) => ({ root_ca_crl: flippedAtEnd(base.root_ca_crl) }),
  v4_pck_crl_missing: () => ({ pck_crl: '' }),
  v4_pck_crl_is_root_crl: (base) => ({ pck_crl: base.root_ca_crl }),
  v4_tcbinfo_wrong_fmspc: () => statementOf('automata_tdx_v5', 'tcb_info'),
  v4_tcbinfo_sgx: () => statementOf('dcapqvl_sgx_v3', 'tcb_info'),
  v4_qeid_sgx: () => statementOf('dcapqvl_sgx_v3', 'qe_identity'),
}

function statementOf(pack: string, name: 'tcb_info' | 'qe_identity'): Partial<CollateralDocuments> {
  const documents: CollateralDocuments = readJson(`packs/${pack}.collateral.json`)
  return { [name]: documents[name], [`${name}_signature`]: documents[`${name}_signature`] }
}

function readJson(path: string) {
  return JSON.parse(readFileSync(join(String(SHARED_TDX), path), 'utf8'))
}

function flippedAtEnd(hex: string): string {
  const bytes = new Uint8Array(Buffer.from(hex, 'hex'))
  bytes[bytes.length - 1]! ^= 1
  return toHex(bytes).slice(2)
}
