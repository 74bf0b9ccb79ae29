/**
 * What a TD is, as a relying party names it: the measurements in a quote's body, and one hash over
 * those that a build decides.
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes, type Hex, toHex } from '../bytes.js'
import type { TdQuoteBody } from '../tdx/quote-layouts.js'
import { WORKLOAD_FIELD_NAMES, type Workload, type WorkloadField } from './policy.js'

/**
 * keccak256(MRTD ‖ RTMR0..3 ‖ MRCONFIGID ‖ XFAM ‖ TDATTRIBUTES), in the bytes of the quote.
 *
 * @source flashbots/flashtestations BlockBuilderPolicy.sol `workloadIdForTDRegistration`
 */
export function computeWorkloadId(body: TdQuoteBody): Hex {
  const { mrtd, rtmr0, rtmr1, rtmr2, rtmr3, mrConfigId, xfam, tdAttributes } = body
  return toHex(
    keccak_256(concatBytes(mrtd, rtmr0, rtmr1, rtmr2, rtmr3, mrConfigId, xfam, tdAttributes)),
  )
}

/** The entry of a policy that fits this TD and no other. */
export function workloadOf(body: TdQuoteBody): Required<Omit<Workload, 'name'>> {
  const entries = WORKLOAD_FIELD_NAMES.map((name) => [name, toHex(body[name])] as const)
  return {
    workloadId: computeWorkloadId(body),
    ...(Object.fromEntries(entries) as Record<WorkloadField, Hex>),
  }
}

/** Names of the pinned fields in which the TD differs; none if it fits. */
export function differencesFrom({ name: _, ...pinned }: Workload, body: TdQuoteBody): string[] {
  const actual = workloadOf(body)
  return Object.entries(pinned)
    .filter(([field, hex]) => actual[field as keyof typeof actual] !== hex)
    .map(([field]) => field)
}
