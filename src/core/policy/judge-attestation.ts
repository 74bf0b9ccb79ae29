/** The verdict on a signer's attestation: on its quote, and on whether it binds this signer. */
import { equalBytes, fromHex, type Hex } from '../bytes.js'
import type { QuoteCheck } from '../dcap/check-list.js'
import { InputError, RejectedError } from '../errors.js'
import { computeRuntimeDataHash, parseUserData } from '../tdx/hcl-report.js'
import { isTdQuote, type Quote } from '../tdx/quote.js'
import { computeReferenceHash, parseReportData } from '../tdx/report-data.js'
import { type JudgeQuoteOptions, judgeQuote, type QuoteVerdict } from './judge-quote.js'
import type { Policy } from './policy.js'
import { computeWorkloadId } from './workload.js'

export interface JudgeAttestationOptions extends JudgeQuoteOptions {
  /** Whose key should be in the TD. */
  readonly signer: Hex
  /** 64 bytes that the quote is said to be bound to. */
  readonly reportData: Hex
  /** The block they are said to refer to. */
  readonly reference: { readonly blockNumber: number; readonly blockHash: Hex } | null
  /** Where the quote's report data are the hash of it. */
  readonly runtimeData?: Hex
  /** What the signer says it is, if it says so. */
  readonly workloadId?: Hex
}

/** Never throws for what the attestation, the collateral or the policy says. */
export function judgeAttestation({
  signer,
  reportData,
  reference,
  runtimeData,
  workloadId,
  ...options
}: JudgeAttestationOptions): QuoteVerdict {
  const verdict = judgeQuote(options)
  const checks = [
    check('pinned', () => requirePinned(options.quote, options.policy)),
    check('reportData', () =>
      verifyBinding(options.quote, { signer, reportData, reference, runtimeData }),
    ),
    ...(workloadId === undefined
      ? []
      : [check('workloadId', () => verifyWorkload(options.quote, signer, workloadId))]),
  ]
  return {
    ...verdict,
    valid: verdict.valid && checks.every(({ ok }) => ok),
    checks: [...verdict.checks, ...checks],
  }
}

type Binding = Pick<JudgeAttestationOptions, 'signer' | 'reportData' | 'reference'> & {
  readonly runtimeData: Hex | undefined
}

function check(name: string, task: () => string): QuoteCheck {
  try {
    return { name, ok: true, detail: task() }
  } catch (error) {
    if (!(error instanceof InputError || error instanceof RejectedError)) throw error
    return { name, ok: false, detail: error.message, code: error.code }
  }
}

/**
 * What any genuine TD fulfils is no reason to trust what one of them signs; and a workload is what a
 * TD measured, so it says nothing of an enclave.
 *
 * @throws RejectedError `TEE_REFUSED`, `POLICY_PINS_NOTHING`
 */
function requirePinned(quote: Quote, { workloads = [] }: Pick<Policy, 'workloads'> = {}): string {
  if (!isTdQuote(quote)) throw new RejectedError('TEE_REFUSED', { actual: 'SGX', accepted: 'TDX' })
  if (workloads.length === 0) throw new RejectedError('POLICY_PINS_NOTHING', {})
  return `the policy pins ${workloads.length} workload${workloads.length === 1 ? '' : 's'}`
}

/** @throws RejectedError `SIGNER_UNBOUND` */
function verifyWorkload(quote: Quote, signer: Hex, workloadId: Hex): string {
  const actual = isTdQuote(quote) ? computeWorkloadId(quote.body) : undefined
  if (actual !== workloadId) {
    const reason = `the signer says it is workload ${workloadId}, and the quote is of ${actual ?? 'no TD'}`
    throw new RejectedError('SIGNER_UNBOUND', { signer, reason })
  }
  return `the quote is of the workload that was signed`
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
