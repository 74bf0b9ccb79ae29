/** The whole verdict on a quote: is it genuine, and does the policy accept it? */
import type { Hex } from '../bytes.js'
import { toHex } from '../bytes.js'
import type { QuoteCheck } from '../dcap/check-list.js'
import { checkQuote, type VerifyQuoteOptions } from '../dcap/verify-quote.js'
import { RejectedError } from '../errors.js'
import { isTdQuote } from '../tdx/quote.js'
import { isSimulatedQuote } from '../tdx/simulated-mark.js'
import { DEFAULT_POLICY, type Policy } from './policy.js'
import { checkPolicy } from './rules.js'
import { computeWorkloadId } from './workload.js'

export interface JudgeQuoteOptions extends VerifyQuoteOptions {
  /** DEFAULT_POLICY unless given. */
  readonly policy?: Policy
}

export interface QuoteVerdict {
  readonly valid: boolean
  /** It carries the mark of a simulation, or verified under another root than Intel's. */
  readonly simulated?: true
  /** In the order in which a person reads them: the quote's, then the policy's. */
  readonly checks: readonly QuoteCheck[]
  /** The time it was verified at, ISO 8601, like all times here. */
  readonly verifiedAt: string
  /** What follows is there only if the quote verified, whatever the policy says of it. */
  readonly status?: string
  readonly advisoryIds?: readonly string[]
  readonly tcbDate?: string
  /** What would have to be higher for Intel's newest levels. */
  readonly behind?: readonly string[]
  readonly tcbEvaluationDataNumber?: number
  /** When the first part of the collateral ends to be valid. */
  readonly expires?: string
  readonly fmspc?: Hex
  readonly ppid?: Hex
  readonly workloadId?: Hex
}

/** Never throws for what a quote, its collateral or the policy says. */
export function judgeQuote({
  policy = DEFAULT_POLICY,
  ...options
}: JudgeQuoteOptions): QuoteVerdict {
  const { checks, verified } = checkQuote(options)
  const verifiedAt = options.now.toISOString()
  const isMarked = isSimulatedQuote(options.quote)
  if (verified === undefined) {
    const name = 'policy'
    const detail = 'not reached, because the quote did not verify'
    const all = [...checks, { name, ok: false, detail }]
    return { valid: false, ...(isMarked && { simulated: true }), checks: all, verifiedAt }
  }
  const all = [...checks, ...checkPolicy(verified, policy)]
  const { quote, platform } = verified
  return {
    valid: all.every(({ ok }) => ok),
    ...((verified.simulated || isMarked) && { simulated: true }),
    checks: all,
    verifiedAt,
    status: verified.status,
    advisoryIds: verified.advisoryIds,
    tcbDate: verified.tcbDate.toISOString(),
    behind: verified.behind,
    tcbEvaluationDataNumber: verified.evaluationNumber,
    expires: verified.expires.toISOString(),
    fmspc: toHex(platform.fmspc),
    ppid: toHex(platform.ppid),
    ...(isTdQuote(quote) && { workloadId: computeWorkloadId(quote.body) }),
  }
}

/** @throws RejectedError `QUOTE_REFUSED`, naming the checks that failed */
export function requireValidQuote({ valid, checks }: QuoteVerdict): void {
  if (valid) return
  const failed = checks.filter(({ ok }) => !ok).map(({ name }) => name)
  throw new RejectedError('QUOTE_REFUSED', { failed })
}
