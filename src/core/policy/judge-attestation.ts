/** The verdict on a signer's attestation: on its quote, and on whether it binds this signer. */
import { equalBytes, fromHex, type Hex } from '../bytes.js'
import type { QuoteCheck } from '../dcap/check-list.js'
import { InputError, RejectedError } from '../errors.js'
import { computeRuntimeDataHash, parseUserData } from '../tdx/hcl-report.js'
import type { Quote } from '../tdx/quote.js'
import { computeReferenceHash, parseReportData } from '../tdx/report-data.js'
import { type JudgeQuoteOptions, judgeQuote, type QuoteVerdict } from './judge-quote.js'

export interface JudgeAttestationOptions extends JudgeQuoteOptions {
  /** Whose key should be in the TD. */
  readonly signer: Hex
  /** 64 bytes that the quote is said to be bound to. */
  readonly reportData: Hex
  /** The block they are said to refer to. */
  readonly reference: { readonly blockNumber: number; readonly blockHash: Hex } | null
  /** Where the quote's report data are the hash of it. */
  readonly runtimeData?: Hex
}

/** Never throws for what the attestation, the collateral or the policy says. */
export function judgeAttestation({
  signer,
  reportData,
  reference,
  runtimeData,
  ...options
}: JudgeAttestationOptions): QuoteVerdict {
  const verdict = judgeQuote(options)
  const check = checkBinding(options.quote, { signer, reportData, reference, runtimeData })
  return { ...verdict, valid: verdict.valid && check.ok, checks: [...verdict.checks, check] }
}

type Binding = Pick<JudgeAttestationOptions, 'signer' | 'reportData' | 'reference'> & {
  readonly runtimeData: Hex | undefined
}

function checkBinding(quote: Quote, binding: Binding): QuoteCheck {
  const name = 'reportData'
  try {
    return { name, ok: true, detail: verifyBinding(quote, binding) }
  } catch (error) {
    if (!(error instanceof InputError || error instanceof RejectedError)) throw error
    return { name, ok: false, detail: error.message, code: error.code }
  }
}

/** @throws RejectedError `SIGNER_UNBOUND`; InputError it is no report data, or no runtime data */
function verifyBinding(
  { body }: Quote,
  { signer, reportData, reference, runtimeData }: Binding,
): string {
  const refuse = (reason: string) => new RejectedError('SIGNER_UNBOUND', { signer, reason })
  const asked = fromHex(reportData)
  if (runtimeData === undefined) {
    if (!equalBytes(body.reportData, asked)) throw refuse('the quote has other report data')
  } else {
    const data = fromHex(runtimeData)
    if (!equalBytes(body.reportData, computeRuntimeDataHash(data))) {
      throw refuse('the quote is not about these runtime data')
    }
    if (!equalBytes(parseUserData(data), asked)) throw refuse('the runtime data name other bytes')
  }
  const { address, referenceHash } = parseReportData(asked)
  if (address !== signer) throw refuse(`the report data name ${address}`)
  if (reference === null) throw refuse('the report data refer to no block')
  const { blockNumber, blockHash } = reference
  const expected = computeReferenceHash(signer, { blockNumber: BigInt(blockNumber), blockHash })
  if (referenceHash !== expected) throw refuse('the report data refer to another block')
  return `bound to the signer ${signer}, and to block ${blockNumber}`
}
