/** TDREPORTs, an HCL report and an event log of real machines, read as SP1_TEE_SHARED says. */
import { sha384 } from '@noble/hashes/sha2.js'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import { encodeEventLog, parseEventLog, replayEventLog } from '../../../src/core/tdx/event-log.js'
import {
  encodeHclReport,
  isRuntimeDataBound,
  parseHclReport,
} from '../../../src/core/tdx/hcl-report.js'
import { parseTdQuote } from '../../../src/core/tdx/quote.js'
import { encodeTdReport, parseTdReport } from '../../../src/core/tdx/td-report.js'
import { refusalOf } from './samples.js'
import { readShared, SHARED_TDX } from './shared.js'

const GO_TDX = 'raw/go-tdx-guest/testing/testdata'
const HCL = 'raw/azure-cvm-tooling/az-cvm-vtpm/test/hcl-report-tdx.bin'

describe.skipIf(SHARED_TDX === undefined)('reports of real machines (SP1_TEE_SHARED)', () => {
  it('a TDREPORT parses and encodes, and its parts hash to what its MAC covers', () => {
    const bytes = readShared(HCL).subarray(32, 32 + 1024)
    const report = parseTdReport(bytes)
    expect(toHex(encodeTdReport(report))).toBe(toHex(bytes))
    expect(toHex(sha384(bytes.subarray(256, 256 + 239)))).toBe(toHex(report.teeTcbInfoHash))
    expect(toHex(sha384(bytes.subarray(512)))).toBe(toHex(report.tdInfoHash))
  })

  it('what is as long as a TDREPORT and is none is refused', () => {
    const { code, details } = refusalOf(() => parseTdReport(readShared(`${GO_TDX}/report.dat`)))
    expect([code, details]).toMatchObject(['TD_REPORT_MALFORMED', { field: 'reportType' }])
    expect(refusalOf(() => parseTdReport(new Uint8Array(1023))).code).toBe('TD_REPORT_MALFORMED')
  })

  it('an HCL report parses and encodes, and is bound to its runtime data', () => {
    const bytes = readShared(HCL)
    const report = parseHclReport(bytes)
    expect(toHex(encodeHclReport(report))).toBe(toHex(bytes))
    expect(isRuntimeDataBound(report)).toBe(true)
    const other = bytes.slice()
    other[1236 + 5]! ^= 1
    expect(isRuntimeDataBound({ ...report, runtimeData: other.slice(1236) })).toBe(false)
    for (let length = 0; length < 1236 + report.runtimeData.length; length += 7) {
      const { code } = refusalOf(() => parseHclReport(bytes.subarray(0, length)))
      expect(code).toBe('HCL_REPORT_MALFORMED')
    }
  })

  it('an event log replays to the RTMRs of its quote', () => {
    const bytes = readShared(`${GO_TDX}/ccel/ccel_data.dat`)
    const log = parseEventLog(bytes)
    expect(Buffer.compare(encodeEventLog(log), bytes)).toBe(0)
    const { rtmr0, rtmr1, rtmr2, rtmr3 } = parseTdQuote(
      readShared(`${GO_TDX}/ccel/cos-113-tdx-quote.dat`),
    ).body
    expect(replayEventLog(log).map(toHex)).toEqual([rtmr0, rtmr1, rtmr2, rtmr3].map(toHex))
  })
})
