/** The PCK chain that a quote holds, if it holds one. */
import { RejectedError } from '../errors.js'
import { parsePemChain } from '../tdx/pem.js'
import type { Quote } from '../tdx/quote.js'

/**
 * @returns the certificates' DER in the quote's order, the leaf first.
 * @throws RejectedError `PCK_CHAIN_ABSENT` the quote only names its certificate
 * @throws InputError `PEM_MALFORMED`
 */
export function pckChainOf({ certificationData }: Quote): Uint8Array[] {
  const { pckReference, certificateChain } = certificationData
  if (pckReference === undefined) return parsePemChain(certificateChain)
  throw new RejectedError('PCK_CHAIN_ABSENT', { type: pckReference.type })
}
