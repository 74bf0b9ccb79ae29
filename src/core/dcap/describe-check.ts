/** What checks say, for people, when they succeed. */
import { isTdQuote, type Quote } from '../tdx/quote.js'
import { isSimulatedQuote } from '../tdx/simulated-mark.js'
import type { Crl } from './crl.js'
import type { QeIdentity } from './qe-identity.js'
import type { TcbInfo } from './tcb-info.js'

export function describeFormat(quote: Quote): string {
  const bodies = { 1: 'SGX enclave', 2: 'TD 1.0', 3: 'TD 1.5', 4: 'TD 1.5, extended' }
  const mark = isSimulatedQuote(quote) ? ', marked as simulated' : ''
  return `version ${quote.header.version}, ${bodies[quote.body.bodyType]}${mark}`
}

export function describeNoModule(quote: Quote): string {
  return isTdQuote(quote) ? 'of TDX 1.0, among the platform components' : 'none: an SGX enclave'
}

export function describeCrl({ revoked, nextUpdate }: Crl): string {
  return `${revoked.size} revoked, valid until ${dayOf(nextUpdate)}`
}

export function describeStatement({ evaluationNumber, nextUpdate }: TcbInfo | QeIdentity): string {
  return `evaluation data ${evaluationNumber}, valid until ${dayOf(nextUpdate)}`
}

export function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10)
}
