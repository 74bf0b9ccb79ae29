/** Signers of a service that are attested as real ones are, by simulated quotes, and no chain. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Hex, toHex } from '../../src/core/bytes.js'
import { openCollateral } from '../../src/core/dcap/collateral.js'
import { parseTrustedRoot } from '../../src/core/dcap/trusted-root.js'
import { parsePolicy } from '../../src/core/policy/policy.js'
import { computeWorkloadId } from '../../src/core/policy/workload.js'
import { describeRegistration } from '../../src/core/server/attestation.js'
import type { QuoteProvider } from '../../src/core/tdx/provider.js'
import { parseTdQuote } from '../../src/core/tdx/quote.js'
import { computeReportData } from '../../src/core/tdx/report-data.js'
import { createSimulatedProvider } from '../../src/core/tdx/simulated-provider.js'
import { NOW_SECONDS, newLiveSigner, registered } from './service.js'

/** Its collateral is good at the time of test services. */
export function openTestProvider(): Promise<QuoteProvider> {
  return createSimulatedProvider({
    stateDir: mkdtempSync(join(tmpdir(), 'sp1-tee-attested-')),
    entropy: (byteCount) => new Uint8Array(randomBytes(byteCount)),
    now: () => new Date(1000 * NOW_SECONDS),
  })
}

/** How a client judges it that pins the workload of its machine. */
export async function trustIn(provider: QuoteProvider) {
  const { body } = parseTdQuote(await provider.quote(new Uint8Array(64)))
  const { collateral, rootCertificatePath = '' } = provider
  return {
    policy: parsePolicy({ version: 1, workloads: [{ workloadId: computeWorkloadId(body) }] }),
    root: parseTrustedRoot(new Uint8Array(readFileSync(rootCertificatePath))),
    collateral: async () => openCollateral((collateral as NonNullable<typeof collateral>)()),
    now: () => new Date(1000 * NOW_SECONDS),
  }
}

export function newAttestedSigner(
  provider: QuoteProvider,
  options: Parameters<typeof newLiveSigner>[0] = {},
) {
  return newLiveSigner({ register: (address) => registerBy(provider, address), ...options })
}

/** As a registry would have it after a registration by a quote. */
export async function registerBy(provider: QuoteProvider, address: Hex, signal?: AbortSignal) {
  const reference = { blockNumber: 7, blockHash: `0x${'b1'.repeat(32)}` } as const
  const reportData = computeReportData(address, { ...reference, blockNumber: 7n })
  const quote = toHex(await provider.quote(reportData, signal))
  const attestation = { quote, reportData: toHex(reportData), reference }
  return describeRegistration({ ...(await registered(address)), attestation }, provider)
}
