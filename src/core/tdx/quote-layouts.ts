/**
 * The fixed structures of quotes and reports, as tables. What Intel's C++ calls TDReport10 and
 * TDReport15 are the TD quote bodies here, as in go-tdx-guest; a TDREPORT is something else.
 *
 * Source: Intel SGX ECDSA quoting library API, appendix A.4 (version 3); Intel TDX DCAP quoting
 * library API, appendix A.3 (version 4) and A.4 (version 5); the extended body of 2026:
 * intel/confidential-computing.tee.dcap.qvl QuoteStructures.h; what names PCK certificates:
 * intel/SGXDataCenterAttestationPrimitives sgx_quote_3.h.
 */
import { type Fields, type Layout, layout, type ValuesOf } from './layout.js'

export const HEADER = layout(48, [
  ['version', 'u16'],
  ['attestationKeyType', 'u16'],
  ['teeType', 'u32'],
  ['qeSvn', 'u16'],
  ['pceSvn', 'u16'],
  ['qeVendorId', 16],
  ['userData', 20],
])

/** Between header and body, from version 5 on. */
export const BODY_DESCRIPTOR = layout(6, [
  ['bodyType', 'u16'],
  ['bodyBytes', 'u32'],
])

export const SGX_REPORT = layout(384, [
  ['cpuSvn', 16],
  ['miscSelect', 4],
  ['reserved1', 28],
  ['attributes', 16],
  ['mrEnclave', 32],
  ['reserved2', 32],
  ['mrSigner', 32],
  ['reserved3', 96],
  ['isvProdId', 'u16'],
  ['isvSvn', 'u16'],
  ['reserved4', 60],
  ['reportData', 64],
])

/** Of the TDX module; in a quote and in a TDREPORT. */
export const TDX_MODULE_FIELDS = [
  ['teeTcbSvn', 16],
  ['mrSeam', 48],
  ['mrSignerSeam', 48],
  ['seamAttributes', 8],
] as const satisfies Fields

/** Of the TD; in a quote and in a TDREPORT. */
export const TD_FIELDS = [
  ['tdAttributes', 8],
  ['xfam', 8],
  ['mrtd', 48],
  ['mrConfigId', 48],
  ['mrOwner', 48],
  ['mrOwnerConfig', 48],
  ['rtmr0', 48],
  ['rtmr1', 48],
  ['rtmr2', 48],
  ['rtmr3', 48],
] as const satisfies Fields

const TD10_FIELDS = [
  ...TDX_MODULE_FIELDS,
  ...TD_FIELDS,
  ['reportData', 64],
] as const satisfies Fields

const TD15_FIELDS = [
  ...TD10_FIELDS,
  ['teeTcbSvn2', 16],
  ['mrServiceTd', 48],
] as const satisfies Fields

/** `init…` is the state when the TD was built, `cur…` the present one. */
const TD15_EXTENDED_FIELDS = [
  ...TD15_FIELDS,
  ['vmId', 1],
  ['tdId', 32],
  ['deviceInfo', 48],
  ['initServiceTdHash', 48],
  ['initServiceTdAttributes', 8],
  ['cpuSvn', 16],
  ['initTeeTcbSvn', 16],
  ['fmspc', 12],
  ['curServiceTdHash', 48],
  ['curServiceTdAttributes', 8],
] as const satisfies Fields

export const SGX_BODY_TYPE = 1
export const TD10_BODY_TYPE = 2
export const TD15_BODY_TYPE = 3
export const TD15_EXTENDED_BODY_TYPE = 4

/** Bodies by the type that version 5 writes before them. */
export const BODIES = {
  [SGX_BODY_TYPE]: SGX_REPORT,
  [TD10_BODY_TYPE]: layout(584, TD10_FIELDS),
  [TD15_BODY_TYPE]: layout(648, TD15_FIELDS),
  [TD15_EXTENDED_BODY_TYPE]: layout(885, TD15_EXTENDED_FIELDS),
} as const

/** Where the signature section begins. */
export const SIGNATURE = layout(128, [
  ['signature', 64],
  ['attestationKey', 64],
])

export const CERTIFICATION = layout(6, [
  ['type', 'u16'],
  ['bytes', 'u32'],
])

/** What names a PCK certificate to those who have it: `ppid` is encrypted in types 2 and 3. */
const pckIdentifier = <const N extends number, const P extends number>(bytes: N, ppidBytes: P) =>
  layout(bytes, [
    ['ppid', ppidBytes],
    ['cpuSvn', 16],
    ['pceSvn', 'u16'],
    ['pceId', 'u16'],
  ])

/** By certification data type: in plain text, by RSA-2048-OAEP, by RSA-3072-OAEP. */
export const PCK_IDENTIFIERS = {
  1: pckIdentifier(36, 16),
  2: pckIdentifier(276, 256),
  3: pckIdentifier(404, 384),
} as const

export type FieldsOf<L> = L extends Layout<infer F> ? ValuesOf<F> : never

export interface SgxQuoteBody extends FieldsOf<typeof SGX_REPORT> {
  readonly bodyType: typeof SGX_BODY_TYPE
}

export interface Td10QuoteBody extends ValuesOf<typeof TD10_FIELDS> {
  readonly bodyType: typeof TD10_BODY_TYPE
}

export interface Td15QuoteBody extends ValuesOf<typeof TD15_FIELDS> {
  readonly bodyType: typeof TD15_BODY_TYPE
}

export interface Td15ExtendedQuoteBody extends ValuesOf<typeof TD15_EXTENDED_FIELDS> {
  readonly bodyType: typeof TD15_EXTENDED_BODY_TYPE
}

/** What the TDX module says of a TD. */
export type TdQuoteBody = Td10QuoteBody | Td15QuoteBody | Td15ExtendedQuoteBody
