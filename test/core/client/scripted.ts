/** Servers that do what a test says, and what they may answer: nothing is proved for it. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import { parsePolicy } from '../../../src/core/policy/policy.js'
import { computeWorkloadId } from '../../../src/core/policy/workload.js'
import { sha256 } from '../../../src/core/sha256.js'
import type { Attestation } from '../../../src/core/signer/attestation.js'
import type { Proof } from '../../../src/core/signer/proof.js'
import { schemeOf } from '../../../src/core/signer/schemes.js'
import { createSigner, type Signer } from '../../../src/core/signer/signer.js'
import { deriveProofBytes, statementOf } from '../../../src/core/signer/statement.js'
import { parseTdQuote } from '../../../src/core/tdx/quote.js'
import { computeReportData } from '../../../src/core/tdx/report-data.js'
import { bytes32ToHashBytes } from '../../../src/core/vkey/encodings.js'
import { AUTHORITY, collateralOf, NOW, ROOT } from '../dcap/samples.js'

export const ELF = Uint8Array.of(1, 2, 3)
export const STDIN = { buffers: [Uint8Array.of(10, 0, 0, 0)], deferredProofs: 0n }
export const SIGNER = createSigner(new Uint8Array(32).fill(7))
export const VKEY = `0x00${'11'.repeat(31)}` as const
const BLOCK = { blockNumber: 7, blockHash: `0x${'b1'.repeat(32)}` } as const

/** @returns its URL; it is closed when the test ends */
export async function listen(listener: RequestListener, port = 0): Promise<string> {
  const server = createServer(listener).listen(port, '127.0.0.1')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise((resolve) => server.once('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export interface Script {
  /** What GET /v1/proofs/ID gives. */
  readonly job: unknown
  readonly id?: string
  readonly attestation?: object
}

/** Takes every job, and answers what the script says. */
export function play({ job, id = 'a', attestation }: Script): RequestListener {
  return (request, response) => {
    request.resume()
    request.on('end', () => {
      const isPost = request.method === 'POST'
      const isOfSigner = request.url?.startsWith('/v1/attestation')
      response.statusCode = isPost ? 202 : 200
      response.end(JSON.stringify(isOfSigner ? attestation : isPost ? { id } : job))
    })
  }
}

/** A proof of `ELF` that hangs together. */
export function signProof(change: Partial<Proof> = {}, signer: Signer = SIGNER): Proof {
  const unsigned = {
    ...{ version: 1, scheme: 'automata', sp1: '3.4.0', exitCode: 0, cycles: 1 },
    ...{ elfHash: toHex(sha256(ELF)), vkey: VKEY, vkeyHash: bytes32ToHashBytes(VKEY) },
    ...{ publicValues: '0x', signer: signer.address, signature: '0x' },
    ...change,
  } as Proof
  const digest = schemeOf(unsigned.scheme).digest(statementOf(unsigned))
  const signed = { ...unsigned, signature: toHex(signer.signDigest(digest)) }
  const proofBytes = deriveProofBytes(signed)
  return { ...signed, ...(proofBytes !== undefined && { proofBytes }) }
}

/** Of a signer in a simulated TD, good at `NOW` under `ROOT`. */
export function attest({ address }: Signer = SIGNER): Attestation {
  const reportData = computeReportData(address, { ...BLOCK, blockNumber: 7n })
  return {
    quote: toHex(AUTHORITY.quote(reportData)),
    reportData: toHex(reportData),
    reference: BLOCK,
    collateral: { ...collateralOf() },
  }
}

export const WORKLOAD_ID = computeWorkloadId(parseTdQuote(AUTHORITY.quote(new Uint8Array(64))).body)

/** How a client judges it that pins the workload of these TDs. */
export const TRUST = {
  policy: parsePolicy({ version: 1, workloads: [{ workloadId: WORKLOAD_ID }] }),
  root: ROOT,
}
export const TRUSTING = { ...TRUST, now: () => NOW }
