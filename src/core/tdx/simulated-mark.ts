/**
 * How a simulated quote shows that it is one: its certificates name an organisation that Intel is
 * not. Nothing here makes a quote real; only verification under Intel's root does.
 */
import { parsePemChain } from './pem.js'
import type { Quote } from './quote.js'

/** The organisation (O) in subject and issuer of every simulated certificate. */
export const SIMULATED_ORGANIZATION = 'SIMULATED - NOT INTEL'

const MARK = new TextEncoder().encode(SIMULATED_ORGANIZATION)

/** True if any certificate of the chain carries the mark. */
export function isSimulatedQuote(quote: Quote): boolean {
  const { certificateChain, pckReference } = quote.certificationData
  if (pckReference !== undefined) {
    return pckReference.type === 4 && hasMark(pckReference.certificate)
  }
  try {
    return parsePemChain(certificateChain).some(hasMark)
  } catch {
    // No PEM: neither ours nor a quote that `parseQuote` would have let through.
    return false
  }
}

function hasMark(certificate: Uint8Array): boolean {
  return certificate.some((_, start) => MARK.every((byte, i) => certificate[start + i] === byte))
}
