/**
 * The TDREPORT: 1,024 bytes that the TDX module makes for a TD, authenticated by a MAC that only the
 * same machine can check. A quote is made from it; it is no quote.
 *
 * Source: Intel TDX module ABI specification, TDREPORT_STRUCT; Linux drivers/virt/coco/tdx-guest.
 */
import { InputError } from '../errors.js'
import { layout } from './layout.js'
import { type FieldsOf, TD_FIELDS, TDX_MODULE_FIELDS } from './quote-layouts.js'

/** REPORTMACSTRUCT, TEE_TCB_INFO and TDINFO, with the reserved bytes between them. */
const TD_REPORT = layout(1024, [
  ['reportType', 4],
  ['reserved1', 12],
  ['cpuSvn', 16],
  ['teeTcbInfoHash', 48],
  ['tdInfoHash', 48],
  ['reportData', 64],
  ['reserved2', 32],
  ['mac', 32],
  ['teeTcbInfoValid', 8],
  ...TDX_MODULE_FIELDS,
  ['teeTcbSvn2', 16],
  ['reserved3', 95],
  ['reserved4', 17],
  ...TD_FIELDS,
  ['serviceTdHash', 48],
  ['reserved5', 64],
])

export const TD_REPORT_BYTES = TD_REPORT.bytes
/** The first byte of `reportType`: a report of a TD, not of an SGX enclave. */
const TDX_REPORT_TYPE = 0x81

export type TdReport = FieldsOf<typeof TD_REPORT>

/** @throws InputError `TD_REPORT_MALFORMED` another length, or the report of something else */
export function parseTdReport(bytes: Uint8Array): TdReport {
  if (bytes.length !== TD_REPORT_BYTES) {
    const reason = `should have ${TD_REPORT_BYTES} bytes and has ${bytes.length}`
    throw new InputError('TD_REPORT_MALFORMED', { field: 'report', offset: 0, reason })
  }
  const report = TD_REPORT.parse(bytes)
  if (report.reportType[0] !== TDX_REPORT_TYPE) {
    const reason = `is ${report.reportType[0]}, not ${TDX_REPORT_TYPE} (TDX)`
    throw new InputError('TD_REPORT_MALFORMED', { field: 'reportType', offset: 0, reason })
  }
  return report
}

export function encodeTdReport(report: TdReport): Uint8Array {
  return TD_REPORT.encode(report)
}
