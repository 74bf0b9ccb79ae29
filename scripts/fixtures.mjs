/**
 * Writes contracts/test/fixtures/vectors.json: quotes and signatures made by the TypeScript side, for the
 * contracts' tests. Always the same: seeds, times and keys are fixed. `--check` proves freshness.
 */

import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { serializeTransaction } from 'viem'
import {
  computeReportData,
  computeWorkloadId,
  createSigner,
  encodedMessageBytes,
  encodeTeeProofBytes,
  fromHex,
  parseTdQuote,
  toHex,
} from '../dist/core/index.js'
import { schemeOf } from '../dist/core/signer/schemes.js'
import { createSimulatedAuthority } from '../dist/core/tdx/simulated-authority.js'

const path = join(import.meta.dirname, '../contracts/test/fixtures/vectors.json')
const NOW = new Date('2026-11-23T12:00:00Z')
const BLOCK = { blockNumber: 1000n, blockHash: `0x${'b1'.repeat(32)}` }
const LATER_BLOCK = { blockNumber: 1001n, blockHash: `0x${'b2'.repeat(32)}` }
const SECRET = `0x${'42'.repeat(32)}`

const signer = createSigner(fromHex(SECRET))
const second = createSigner(fromHex(`0x${'43'.repeat(32)}`))
const authority = createSimulatedAuthority({ entropy: new Uint8Array(32).fill(7), now: NOW })
const stranger = createSimulatedAuthority({ entropy: new Uint8Array(32).fill(8), now: NOW })
const reportData = computeReportData(signer.address, BLOCK)
const { x, y } = new X509Certificate(authority.rootCertificate).publicKey.export({ format: 'jwk' })

const quote = authority.quote(reportData)
const otherQuote = withBody({ mrtd: new Uint8Array(48).fill(9) })
const workloadId = workloadIdOf(quote)
/** forge gives the contracts of its tests addresses that the tests choose. */
const verifyingContract = `0x${'51'.repeat(20)}`
const statement = {
  hashBytes: fromHex(`0x${'01'.repeat(32)}`),
  bytes32: fromHex(`0x${'02'.repeat(32)}`),
  publicValues: fromHex('0x0a0000002200000037000000'),
  teeVersion: 2,
  binding: { chainId: 31337, verifyingContract, workloadId },
}
const message = encodedMessageBytes(statement)
const [automata, succinct, eip712] = ['automata', 'succinct', 'eip712'].map((name) => {
  const scheme = schemeOf(name)
  const digest = scheme.digest(statement)
  const signature = signer.signDigest(digest)
  const proofBytes = scheme.proofBytes(statement, signature)
  return { digest, signature, proofBytes }
})
const entries = [signer, second].map((one) => ({
  signer: one.address,
  workloadId,
  signature: one.signDigest(eip712.digest),
}))
/** A signer never signs one in earnest. */
const transaction = serializeTransaction({
  chainId: 31337,
  nonce: 0,
  gas: 21_000n,
  maxFeePerGas: 1n,
  maxPriorityFeePerGas: 1n,
  to: verifyingContract,
  value: 1n,
})

const fresh = `${JSON.stringify(
  {
    now: NOW.getTime() / 1000,
    blockNumber: Number(BLOCK.blockNumber),
    blockHash: BLOCK.blockHash,
    laterBlockNumber: Number(LATER_BLOCK.blockNumber),
    laterBlockHash: LATER_BLOCK.blockHash,
    prover: signer.address,
    proverKey: SECRET,
    rootX: toHex(Buffer.from(x, 'base64url')),
    rootY: toHex(Buffer.from(y, 'base64url')),
    workloadId,
    otherWorkloadId: workloadIdOf(otherQuote),
    quote: toHex(quote),
    laterQuote: toHex(authority.quote(computeReportData(signer.address, LATER_BLOCK))),
    secondProver: second.address,
    secondQuote: toHex(authority.quote(computeReportData(second.address, BLOCK))),
    otherQuote: toHex(otherQuote),
    debugQuote: toHex(withBody({ tdAttributes: attributes(0x01, 0, 0, 0x10) })),
    foreignQuote: toHex(stranger.quote(reportData)),
    programVKey: toHex(statement.bytes32),
    publicValues: toHex(statement.publicValues),
    verifyingContract,
    message: toHex(message),
    signature: toHex(automata.signature),
    succinctPreimage: toHex(succinctPreimage()),
    succinctDigest: toHex(succinct.digest),
    succinctSignature: toHex(succinct.signature),
    succinctProofBytes: toHex(succinct.proofBytes),
    eip712Digest: toHex(eip712.digest),
    eip712Signature: toHex(eip712.signature),
    eip712ProofBytes: toHex(eip712.proofBytes),
    eip712ProofBytesOfTwo: toHex(encodeTeeProofBytes(entries)),
    transactionPreimage: transaction,
    transactionSignature: toHex(signer.signDigest(keccak_256(fromHex(transaction)))),
  },
  null,
  2,
)}\n`

if (!process.argv.includes('--check')) {
  writeFileSync(path, fresh)
  console.log('wrote contracts/test/fixtures/vectors.json')
} else if (readFileSync(path, 'utf8') !== fresh) {
  console.error('contracts/test/fixtures/vectors.json is stale: run `npm run generate`')
  process.exitCode = 1
}

function withBody(body) {
  return authority.quote(reportData, { body })
}

function attributes(...bytes) {
  const all = new Uint8Array(8)
  all.set(bytes)
  return all
}

function workloadIdOf(bytes) {
  return computeWorkloadId(parseTdQuote(bytes).body)
}

/** What the digest of scheme succinct is the hash of: keccak256(version) ‖ bytes32 ‖ keccak256(values). */
function succinctPreimage() {
  const version = keccak_256(Uint8Array.of(statement.teeVersion, 0, 0, 0))
  return Uint8Array.from([...version, ...statement.bytes32, ...keccak_256(statement.publicValues)])
}
