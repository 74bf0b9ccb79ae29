/**
 * The report that Azure's paravisor (HCL) leaves in a vTPM's NV index: a TDREPORT, and runtime data
 * as JSON that it is bound to. The caller's own bytes are in that JSON only (`user-data`); the
 * report data of the TDREPORT are its SHA-256, and zeros.
 *
 * Source: kinvolk/azure-cvm-tooling az-cvm-vtpm/src/hcl.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, equalBytes, fromHex, isHex } from '../bytes.js'
import { InputError } from '../errors.js'
import { layout } from './layout.js'
import type { FieldsOf } from './quote-layouts.js'
import { encodeTdReport, parseTdReport, type TdReport } from './td-report.js'

const HCL = layout(1236, [
  ['signature', 4],
  ['version', 'u32'],
  ['reportBytes', 'u32'],
  ['requestType', 'u32'],
  ['status', 'u32'],
  ['reserved', 12],
  ['tdReport', 1024],
  ['hardwareReserved', 160],
  ['dataBytes', 'u32'],
  ['dataVersion', 'u32'],
  ['reportType', 'u32'],
  ['hashType', 'u32'],
  ['runtimeDataBytes', 'u32'],
])
/** ASCII `HCLA`. */
const SIGNATURE = Uint8Array.of(0x48, 0x43, 0x4c, 0x41)
const TDX_REPORT = 4
const SHA256 = 1
const USER_DATA_BYTES = 64
const USER_DATA = 'user-data'
/** The index that holds a report is much smaller. */
const MAX_RUNTIME_DATA_BYTES = 2 ** 20

export interface HclReport
  extends Omit<FieldsOf<typeof HCL>, 'signature' | 'tdReport' | 'runtimeDataBytes'> {
  readonly tdReport: TdReport
  /** JSON, exactly as hashed into the report data. */
  readonly runtimeData: Uint8Array
  /** What the caller asked to be bound, from the JSON: 64 bytes. */
  readonly userData: Uint8Array
  readonly trailingZeroBytes: number
}

/** @throws InputError `HCL_REPORT_MALFORMED`, `TD_REPORT_MALFORMED` */
export function parseHclReport(bytes: Uint8Array): HclReport {
  if (bytes.length < HCL.bytes) {
    throw malformed('header', 0, `needs ${HCL.bytes} bytes and has ${bytes.length}`)
  }
  const { signature, tdReport, runtimeDataBytes, ...rest } = HCL.parse(bytes.subarray(0, HCL.bytes))
  const { offsets } = HCL
  if (!equalBytes(signature, SIGNATURE)) throw malformed('signature', 0, 'is not HCLA')
  if (rest.reportType !== TDX_REPORT) {
    throw malformed('reportType', offsets.reportType, `is ${rest.reportType}, not 4 (TDX)`)
  }
  if (rest.hashType !== SHA256) {
    throw malformed('hashType', offsets.hashType, `is ${rest.hashType}, not 1 (SHA-256)`)
  }
  const end = HCL.bytes + runtimeDataBytes
  if (end > bytes.length) {
    const reason = `has ${bytes.length - HCL.bytes} of ${runtimeDataBytes} bytes`
    throw malformed('runtimeData', HCL.bytes, reason)
  }
  const padding = bytes.subarray(end)
  const foreign = padding.findIndex((byte) => byte !== 0)
  if (foreign !== -1) throw malformed('padding', end + foreign, 'is not zero')
  const runtimeData = bytes.slice(HCL.bytes, end)
  const userData = parseUserData(runtimeData)
  return {
    ...rest,
    tdReport: parseTdReport(tdReport),
    runtimeData,
    userData,
    trailingZeroBytes: padding.length,
  }
}

export function encodeHclReport(report: HclReport): Uint8Array {
  const { runtimeData, trailingZeroBytes } = report
  const header = HCL.encode({
    ...report,
    signature: SIGNATURE,
    tdReport: encodeTdReport(report.tdReport),
    runtimeDataBytes: runtimeData.length,
  })
  return concatBytes(header, runtimeData, new Uint8Array(trailingZeroBytes))
}

/** True if the TDREPORT was made for exactly this runtime data, and so for its user data. */
export function isRuntimeDataBound({ tdReport, runtimeData }: HclReport): boolean {
  return equalBytes(tdReport.reportData, computeRuntimeDataHash(runtimeData))
}

/** The report data of a TDREPORT, and of a quote, that is bound to this runtime data. */
export function computeRuntimeDataHash(runtimeData: Uint8Array): Uint8Array {
  return concatBytes(sha256(runtimeData), new Uint8Array(32))
}

/**
 * @returns what the caller asked to be bound: 64 bytes.
 * @throws InputError `HCL_REPORT_MALFORMED` it is no JSON object with them
 */
export function parseUserData(runtimeData: Uint8Array): Uint8Array {
  if (runtimeData.length > MAX_RUNTIME_DATA_BYTES) {
    throw malformed('runtimeData', HCL.bytes, `has more than ${MAX_RUNTIME_DATA_BYTES} bytes`)
  }
  let text: string
  let json: { readonly [USER_DATA]?: unknown } | null
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(runtimeData)
    json = JSON.parse(text)
  } catch (error) {
    throw malformed('runtimeData', HCL.bytes, 'is not JSON', error)
  }
  // Two of them would be read differently by different readers.
  if (text.split(USER_DATA).length !== 2) {
    throw malformed('runtimeData', HCL.bytes, 'has not exactly one user-data')
  }
  const value = json?.[USER_DATA]
  const hex = typeof value === 'string' ? `0x${value}` : ''
  if (!isHex(hex) || hex.length !== 2 + 2 * USER_DATA_BYTES) {
    throw malformed('runtimeData', HCL.bytes, `has no user-data of ${USER_DATA_BYTES} bytes`)
  }
  return fromHex(hex)
}

function malformed(field: string, offset: number, reason: string, cause?: unknown) {
  return new InputError('HCL_REPORT_MALFORMED', { field, offset, reason }, cause)
}
