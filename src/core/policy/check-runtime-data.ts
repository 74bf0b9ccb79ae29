/** Adds to a verdict whether runtime data are what the quote was made for, and what they name. */
import { abbreviateHex, equalBytes, toHex } from '../bytes.js'
import type { QuoteCheck } from '../dcap/check-list.js'
import { InputError, RejectedError } from '../errors.js'
import { computeRuntimeDataHash, parseUserData } from '../tdx/hcl-report.js'
import type { Quote } from '../tdx/quote.js'
import type { QuoteVerdict } from './judge-quote.js'

export function checkRuntimeData(
  verdict: QuoteVerdict,
  { body }: Quote,
  runtimeData: Uint8Array,
): QuoteVerdict {
  const check = compare(body.reportData, runtimeData)
  return { ...verdict, valid: verdict.valid && check.ok, checks: [...verdict.checks, check] }
}

function compare(reportData: Uint8Array, runtimeData: Uint8Array): QuoteCheck {
  const name = 'runtimeData'
  try {
    const expected = computeRuntimeDataHash(runtimeData)
    if (!equalBytes(reportData, expected)) {
      const facts = { actual: abbreviateHex(reportData), expected: abbreviateHex(expected) }
      throw new RejectedError('RUNTIME_DATA_UNBOUND', facts)
    }
    return { name, ok: true, detail: `they bind ${toHex(parseUserData(runtimeData))}` }
  } catch (error) {
    if (!(error instanceof InputError || error instanceof RejectedError)) throw error
    return { name, ok: false, detail: error.message, code: error.code }
  }
}
