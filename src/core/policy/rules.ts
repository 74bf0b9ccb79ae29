/** What each part of a policy demands of a verified quote: a row per rule, in reading order. */
import { type Hex, toHex } from '../bytes.js'
import type { QuoteCheck } from '../dcap/check-list.js'
import type { VerifiedQuote } from '../dcap/verify-quote.js'
import { RejectedError } from '../errors.js'
import { isTdQuote, type TdQuote } from '../tdx/quote.js'
import type { TdQuoteBody } from '../tdx/quote-layouts.js'
import type { Policy } from './policy.js'
import {
  hasAttribute,
  hasUnknownAttributes,
  isUnderDebug,
  namesOfAttributes,
} from './td-attributes.js'
import { computeWorkloadId, differencesFrom } from './workload.js'

const MS_PER_DAY = 86_400_000
/** SGX attributes: the enclave can be debugged. */
const SGX_DEBUG = 0x02

const ZERO_48: Hex = `0x${'00'.repeat(48)}`

interface Rule {
  readonly name: string
  /** @returns what to say if it holds. @throws RejectedError if not. */
  readonly check: (verified: VerifiedQuote, policy: Policy) => string
}

/**
 * A rule that says something of TDs only.
 *
 * @param pins - the field that names TDs: where a policy has it, nothing else is one of them.
 */
function tdRule(
  name: string,
  check: (quote: TdQuote, policy: Policy) => string,
  pins?: 'tdxModules' | 'workloads',
): Rule {
  return {
    name,
    check({ quote }, policy) {
      if (isTdQuote(quote)) return check(quote, policy)
      if (pins === undefined || policy[pins] === undefined) return 'no TD'
      throw new RejectedError('TEE_REFUSED', { actual: 'SGX', accepted: 'TDX' })
    },
  }
}

export const RULES: readonly Rule[] = [
  {
    name: 'tee',
    check({ quote }, { tee }) {
      const actual = isTdQuote(quote) ? 'TDX' : 'SGX'
      if (actual === tee) return tee
      throw new RejectedError('TEE_REFUSED', { actual, accepted: tee })
    },
  },
  { name: 'status', check: checkStatus },
  { name: 'advisories', check: checkAdvisories },
  {
    name: 'evaluationNumber',
    check({ evaluationNumber }, { minimumEvaluationNumber: minimum }) {
      if (evaluationNumber >= minimum) return `${evaluationNumber}, of at least ${minimum}`
      throw new RejectedError('TCB_EVALUATION_OLD', { actual: evaluationNumber, minimum })
    },
  },
  {
    name: 'debug',
    check({ quote }) {
      const { body } = quote
      const isDebuggable =
        body.bodyType === 1
          ? (body.attributes[0]! & SGX_DEBUG) !== 0
          : isUnderDebug(body.tdAttributes)
      if (!isDebuggable) return 'not debuggable'
      throw new RejectedError('TD_DEBUG', {})
    },
  },
  tdRule('migratable', ({ body }) => {
    if (!hasAttribute(body.tdAttributes, 'MIGRATABLE')) return 'bound to its platform'
    throw new RejectedError('TD_MIGRATABLE', {})
  }),
  tdRule('tdAttributes', ({ body }, { septVeDisable, serviceTds }) => {
    const { tdAttributes } = body
    const refuse = (reason: string): never => {
      throw new RejectedError('TD_ATTRIBUTES', { attributes: toHex(tdAttributes), reason })
    }
    if (hasUnknownAttributes(tdAttributes)) refuse('reserved bits are set')
    if (hasAttribute(tdAttributes, 'SERVTD_EXT') && serviceTds.length === 0) {
      refuse('SERVTD_EXT is set, and no service TD is accepted')
    }
    if (!hasAttribute(tdAttributes, 'SEPT_VE_DISABLE') && septVeDisable === 'required') {
      refuse('SEPT_VE_DISABLE is clear, so the host may take pages away unseen')
    }
    return [toHex(tdAttributes), ...namesOfAttributes(tdAttributes)].join(' ')
  }),
  tdRule('serviceTd', ({ body }, { serviceTds }) => {
    const bound = serviceTdsOf(body).filter((hash) => hash !== ZERO_48)
    const foreign = bound.find((hash) => !serviceTds.includes(hash))
    if (foreign !== undefined) throw new RejectedError('SERVICE_TD_REFUSED', { actual: foreign })
    return bound.length === 0 ? 'none' : bound.join(', ')
  }),
  tdRule(
    'tdxModule',
    ({ body }, { tdxModules }) => {
      const actual = toHex(body.mrSeam)
      if (tdxModules === undefined) return "any of Intel's"
      if (tdxModules.includes(actual)) return actual
      throw new RejectedError('TDX_MODULE_REFUSED', { actual })
    },
    'tdxModules',
  ),
  tdRule(
    'workload',
    ({ body }, { workloads }) => {
      const workloadId = computeWorkloadId(body)
      if (workloads === undefined) return `${workloadId}; the policy pins none`
      const differences = workloads.map((workload) => differencesFrom(workload, body))
      const fitting = differences.findIndex((fields) => fields.length === 0)
      if (fitting !== -1) return workloads[fitting]?.name ?? workloadId
      // The nearest one says most.
      const nearest = differences.toSorted((a, b) => a.length - b.length)[0]!
      const { name } = workloads[differences.indexOf(nearest)]!
      throw new RejectedError('WORKLOAD_REFUSED', { workloadId, nearest: name, differs: nearest })
    },
    'workloads',
  ),
]

/** Every rule with its outcome. */
export function checkPolicy(verified: VerifiedQuote, policy: Policy): QuoteCheck[] {
  return RULES.map(({ name, check }) => {
    try {
      return { name: `policy.${name}`, ok: true, detail: check(verified, policy) }
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error
      return { name: `policy.${name}`, ok: false, detail: error.message, code: error.code }
    }
  })
}

declare const accepted: unique symbol

/** A verified quote that a policy accepts. Only `verifyPolicy` makes one. */
export interface AcceptedQuote extends VerifiedQuote {
  readonly [accepted]: true
}

/** @throws RejectedError the first rule that does not hold */
export function verifyPolicy(verified: VerifiedQuote, policy: Policy): AcceptedQuote {
  for (const { check } of RULES) check(verified, policy)
  return verified as AcceptedQuote
}

function checkStatus(verified: VerifiedQuote, policy: Policy): string {
  const { status, tcbDate, behind } = verified
  if (policy.acceptedStatuses.some((accepted) => accepted === status)) return status
  const since = tcbDate.toISOString().slice(0, 10)
  if (isInGrace(verified, policy)) {
    return `${status} since after ${since}, within ${policy.outOfDateGraceDays} days of grace`
  }
  const facts = { status, tcbDate: since, accepted: policy.acceptedStatuses }
  if (isOutOfDate(status)) throw new RejectedError('TCB_OUT_OF_DATE', { ...facts, behind })
  throw new RejectedError('TCB_STATUS_REFUSED', facts)
}

function checkAdvisories(verified: VerifiedQuote, policy: Policy): string {
  const { advisoryIds, verifiedAt } = verified
  if (advisoryIds.length === 0) return 'none'
  if (isInGrace(verified, policy)) return `${advisoryIds.join(', ')}: within the days of grace`
  const open = advisoryIds.filter(
    (id) => !policy.ignoredAdvisories.some((row) => row.id === id && verifiedAt <= row.until),
  )
  if (open.length === 0) return `${advisoryIds.join(', ')}: ignored for now`
  throw new RejectedError('ADVISORY_OPEN', { advisoryIds: open })
}

function isInGrace({ status, tcbDate, verifiedAt }: VerifiedQuote, policy: Policy): boolean {
  const end = tcbDate.getTime() + policy.outOfDateGraceDays * MS_PER_DAY
  return isOutOfDate(status) && verifiedAt.getTime() <= end
}

/** An update of the platform would help; what else is missing is its configuration. */
function isOutOfDate(status: VerifiedQuote['status']): boolean {
  return status.startsWith('OutOfDate') || status.startsWith('TDRelaunchAdvised')
}

/** TD 1.0 has none; the extended body says what was bound at first, and what is now. */
function serviceTdsOf(body: TdQuoteBody): Hex[] {
  if (!('mrServiceTd' in body)) return []
  const hashes = [body.mrServiceTd]
  if ('curServiceTdHash' in body) hashes.push(body.initServiceTdHash, body.curServiceTdHash)
  return hashes.map(toHex)
}
