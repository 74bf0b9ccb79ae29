/** What stands behind the live signer: the quote it was registered with. */
import { type Hex, toHex } from '../bytes.js'
import type { QuoteProvider } from '../tdx/provider.js'
import { parseTdQuote } from '../tdx/quote.js'

export interface Attestation {
  readonly provider: string
  readonly simulated: boolean
  readonly reportData: Hex
  readonly quote: Hex
  readonly measurements: Readonly<Record<(typeof MEASUREMENTS)[number], Hex>>
}

const MEASUREMENTS = [
  'mrtd',
  'rtmr0',
  'rtmr1',
  'rtmr2',
  'rtmr3',
  'mrConfigId',
  'xfam',
  'tdAttributes',
] as const

/** The same provider, that remembers its last quote. */
export function rememberQuotes(
  provider: QuoteProvider,
): QuoteProvider & { readonly last: () => Attestation | undefined } {
  let last: Attestation | undefined
  return {
    ...provider,
    async quote(reportData, signal) {
      const quote = await provider.quote(reportData, signal)
      const { body } = parseTdQuote(quote)
      const values = MEASUREMENTS.map((name) => [name, toHex(body[name])])
      last = {
        provider: provider.name,
        simulated: provider.simulated,
        reportData: toHex(reportData),
        quote: toHex(quote),
        measurements: Object.fromEntries(values) as Attestation['measurements'],
      }
      return quote
    },
    last: () => last,
  }
}
