/** Adds to a verdict whether an event log explains the registers of the quote. */
import { toHex } from '../bytes.js'
import type { QuoteCheck } from '../dcap/check-list.js'
import { InputError, RejectedError } from '../errors.js'
import { type EventLog, replayEventLog } from '../tdx/event-log.js'
import { isTdQuote, type Quote } from '../tdx/quote.js'
import type { QuoteVerdict } from './judge-quote.js'

const RTMRS = ['rtmr0', 'rtmr1', 'rtmr2', 'rtmr3'] as const

export function checkEventLog(verdict: QuoteVerdict, quote: Quote, log: EventLog): QuoteVerdict {
  const check = compareRegisters(quote, log)
  return { ...verdict, valid: verdict.valid && check.ok, checks: [...verdict.checks, check] }
}

function compareRegisters(quote: Quote, log: EventLog): QuoteCheck {
  const name = 'eventlog'
  if (!isTdQuote(quote)) return { name, ok: false, detail: 'an SGX enclave has no event log' }
  let replayed: string[]
  try {
    replayed = replayEventLog(log).map(toHex)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return { name, ok: false, detail: error.message, code: error.code }
  }
  const other = RTMRS.filter((register, i) => toHex(quote.body[register]) !== replayed[i])
  if (other.length === 0) {
    return { name, ok: true, detail: `${log.events.length} events give RTMR0 to RTMR3` }
  }
  const registers = other.map((register) => register.toUpperCase())
  const { code, message } = new RejectedError('EVENT_LOG_MISMATCH', { registers })
  return { name, ok: false, detail: message, code }
}
