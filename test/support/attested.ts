/** A live signer whose registrations carry simulated quotes, as a client judges them. */

import { toHex } from '../../src/core/bytes.js'
import { type Policy, parsePolicy } from '../../src/core/policy/policy.js'
import { computeWorkloadId } from '../../src/core/policy/workload.js'
import type { LiveSigner } from '../../src/core/server/app.js'
import { describeRegistration } from '../../src/core/server/attestation.js'
import { parseTdQuote } from '../../src/core/tdx/quote.js'
import { computeReportData } from '../../src/core/tdx/report-data.js'
import { AUTHORITY, collateralOf, NOW, REPORT_DATA, ROOT } from '../core/dcap/samples.js'
import { newLiveSigner, registered } from './service.js'

const REFERENCE = { blockNumber: 7, blockHash: `0x${'b1'.repeat(32)}` } as const
const WORKLOAD_ID = computeWorkloadId(parseTdQuote(AUTHORITY.quote(REPORT_DATA)).body)
export const PINNED: Policy = parsePolicy({ version: 1, workloads: [{ workloadId: WORKLOAD_ID }] })
/** How a client judges it that pins this workload. */
export const TRUST = { policy: PINNED, root: ROOT, now: () => NOW }

export function newAttestedSigner(
  options: Partial<ConstructorParameters<typeof LiveSigner>[0]> = {},
): LiveSigner {
  return newLiveSigner({
    register: async (address) => {
      const { blockNumber, blockHash } = REFERENCE
      const reference = { blockNumber: BigInt(blockNumber), blockHash }
      const reportData = computeReportData(address, reference)
      const attestation = {
        quote: toHex(AUTHORITY.quote(reportData)),
        reportData: toHex(reportData),
        reference: REFERENCE,
        collateral: { ...collateralOf() },
      }
      const provider = { name: 'simulated', simulated: true }
      return describeRegistration({ ...(await registered(address)), attestation }, provider)
    },
    ...options,
  })
}
