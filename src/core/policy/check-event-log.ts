/** Adds to a verdict whether an event log explains the registers of the quote. */
import { equalBytes, type Hex, toHex } from '../bytes.js'
import type { QuoteCheck } from '../dcap/check-list.js'
import { InputError, RejectedError } from '../errors.js'
import { type EventLog, replayEventLog } from '../tdx/event-log.js'
import { isTdQuote, type Quote, type TdQuote } from '../tdx/quote.js'
import type { QuoteVerdict } from './judge-quote.js'

const RTMRS = ['rtmr0', 'rtmr1', 'rtmr2', 'rtmr3'] as const

export function checkEventLog(verdict: QuoteVerdict, quote: Quote, log: EventLog): QuoteVerdict {
  const check = compareRegisters(quote, log)
  return { ...verdict, valid: verdict.valid && check.ok, checks: [...verdict.checks, check] }
}

export interface ReplayedRegister {
  /** `RTMR0` to `RTMR3`. */
  readonly register: string
  /** What the events make of it. */
  readonly value: Hex
  readonly events: number
  /** The quote has the same. */
  readonly matches: boolean
}

/** @throws InputError `EVENT_LOG_MALFORMED` */
export function replayRegisters({ body }: TdQuote, log: EventLog): ReplayedRegister[] {
  return replayEventLog(log).map((register, i) => ({
    register: RTMRS[i]!.toUpperCase(),
    value: toHex(register),
    events: log.events.filter(({ mrIndex }) => mrIndex === i + 1).length,
    matches: equalBytes(register, body[RTMRS[i]!]),
  }))
}

function compareRegisters(quote: Quote, log: EventLog): QuoteCheck {
  const name = 'eventlog'
  if (!isTdQuote(quote)) return { name, ok: false, detail: 'an SGX enclave has no event log' }
  let replayed: ReplayedRegister[]
  try {
    replayed = replayRegisters(quote, log)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return { name, ok: false, detail: error.message, code: error.code }
  }
  const registers = replayed.filter(({ matches }) => !matches).map(({ register }) => register)
  if (registers.length === 0) {
    return { name, ok: true, detail: `${log.events.length} events give RTMR0 to RTMR3` }
  }
  const { code, message } = new RejectedError('EVENT_LOG_MISMATCH', { registers })
  return { name, ok: false, detail: message, code }
}
