/** Quotes for tests, made by a fixed authority. */
import type { PckReference } from '../../../src/core/tdx/certification.js'
import { encodeQuote, parseQuote } from '../../../src/core/tdx/quote.js'
import { createSimulatedAuthority } from '../../../src/core/tdx/simulated-authority.js'

export const NOW = new Date('2026-11-23T12:00:00Z')
export const REPORT_DATA = Uint8Array.from({ length: 64 }, (_, i) => i + 1)

export const AUTHORITY = createSimulatedAuthority({ entropy: new Uint8Array(32).fill(7), now: NOW })
export const QUOTE_V4 = AUTHORITY.quote(REPORT_DATA)
export const QUOTE_V5_TD10 = AUTHORITY.quote(REPORT_DATA, { header: { version: 5 } })
export const QUOTE_V5_TD15 = AUTHORITY.quote(REPORT_DATA, { body: { bodyType: 3 } })
export const QUOTE_V5_EXTENDED = AUTHORITY.quote(REPORT_DATA, { body: { bodyType: 4 } })

/** An SGX quote around the parts of a TDX one; nobody signed it. */
function sgxQuote(version: 3 | 4 | 5): Uint8Array {
  const quote = parseQuote(QUOTE_V4)
  const { qeReport } = quote.certificationData
  return encodeQuote({
    ...quote,
    header: { ...quote.header, version, teeType: 0, qeSvn: 9, pceSvn: 14 },
    body: { bodyType: 1, ...qeReport, isvProdId: 7, reportData: REPORT_DATA },
  })
}
export const QUOTE_V3 = sgxQuote(3)

/** Without the mark of a simulation, as real ones are; its certificates are none. */
export function unmarked(bytes: Uint8Array): Uint8Array {
  const quote = parseQuote(bytes)
  const certificateChain = '-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n'
  const certificationData = { ...quote.certificationData, certificateChain }
  return encodeQuote({ ...quote, certificationData })
}

/** A quote that names its PCK certificate by certification data of this type. */
export function quoteNaming(type: PckReference['type']): Uint8Array {
  const quote = parseQuote(QUOTE_V4)
  const ppid = new Uint8Array({ 1: 16, 2: 256, 3: 384, 4: 0 }[type]).fill(1)
  const identifier = { ppid, cpuSvn: new Uint8Array(16).fill(2), pceSvn: 13, pceId: 0 }
  const pckReference: PckReference =
    type === 4 ? { type, certificate: AUTHORITY.certificateChain[0]! } : { type, ...identifier }
  const certificationData = { ...quote.certificationData, certificateChain: '', pckReference }
  return encodeQuote({ ...quote, certificationData })
}

type Samples = readonly (readonly [name: string, quote: Uint8Array])[]

/** Signed by the authority. */
export const TD_SAMPLES: Samples = [
  ['version 4', QUOTE_V4],
  ['version 5, TD 1.0', QUOTE_V5_TD10],
  ['version 5, TD 1.5', QUOTE_V5_TD15],
  ['version 5, TD 1.5 extended', QUOTE_V5_EXTENDED],
]
export const SAMPLES: Samples = [
  ...TD_SAMPLES,
  ['version 3, SGX', QUOTE_V3],
  ['version 4, SGX', sgxQuote(4)],
  ['version 5, SGX', sgxQuote(5)],
]

/** Copies of `bytes` with other bytes at an offset. */
export function patched(bytes: Uint8Array, offset: number, ...values: number[]): Uint8Array {
  const copy = bytes.slice()
  copy.set(values, offset)
  return copy
}

/** What a function throws: its code and facts. */
export function refusalOf(task: () => unknown): { code: string; details: unknown } {
  try {
    task()
  } catch (error) {
    const { code, details } = error as { code: string; details: unknown }
    return { code, details }
  }
  throw new Error('it was accepted')
}
