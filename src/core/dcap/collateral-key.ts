/** Which collateral a quote is verified with, by what its PCK certificate says. */
import { toHex } from '../bytes.js'
import { InputError } from '../errors.js'
import { isTdQuote, type Quote } from '../tdx/quote.js'
import { parseCertificate } from './certificate.js'
import { pckChainOf } from './pck-chain.js'
import { parsePckExtension } from './pck-extension.js'

/** Which collateral a quote needs. */
export interface CollateralKey {
  readonly tee: 'sgx' | 'tdx'
  /** Hex without 0x, lower case. */
  readonly fmspc: string
  /** Which of Intel's two CAs issued the PCK certificate. */
  readonly ca: 'platform' | 'processor'
}

/**
 * @throws RejectedError `PCK_CHAIN_ABSENT` the quote only names its leaf
 * @throws InputError `DER_MALFORMED` the quote's leaf is no certificate
 *   `QUOTE_MALFORMED` it is none of a platform
 */
export function collateralKeyOf(quote: Quote): CollateralKey {
  const [der] = pckChainOf(quote)
  const leaf = parseCertificate(der!, 'certificate 0 of the quote')
  if (leaf.sgxExtension === undefined) {
    const reason = 'begins with a certificate that is of no platform'
    throw new InputError('QUOTE_MALFORMED', { field: 'certificateChain', offset: 0, reason })
  }
  const { fmspc } = parsePckExtension(leaf.sgxExtension, "PCK certificate's SGX extension")
  return {
    tee: isTdQuote(quote) ? 'tdx' : 'sgx',
    fmspc: toHex(fmspc).slice(2),
    ca: leaf.issuer.commonName.includes('Processor') ? 'processor' : 'platform',
  }
}
