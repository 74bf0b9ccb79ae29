/**
 * Writes contracts/test/fixtures/vectors.json: quotes and signatures made by the TypeScript side, for the
 * contracts' tests. Always the same: seeds, times and keys are fixed. `--check` proves freshness.
 */

import { X509Certificate } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { keccak_256 } from '@noble/hashes/sha3.js'
import {
  computeReportData,
  createSigner,
  encodedMessageBytes,
  fromHex,
  toHex,
} from '../dist/core/index.js'
import { createSimulatedAuthority } from '../dist/core/tdx/simulated-authority.js'

const path = join(import.meta.dirname, '../contracts/test/fixtures/vectors.json')
const NOW = new Date('2026-11-23T12:00:00Z')
const BLOCK = { blockNumber: 1000n, blockHash: `0x${'b1'.repeat(32)}` }

const signer = createSigner(fromHex(`0x${'42'.repeat(32)}`))
const authority = createSimulatedAuthority({ entropy: new Uint8Array(32).fill(7), now: NOW })
const stranger = createSimulatedAuthority({ entropy: new Uint8Array(32).fill(8), now: NOW })
const reportData = computeReportData(signer.address, BLOCK)
const debugAttributes = Uint8Array.of(1, 0, 0, 0x10, 0, 0, 0, 0)
const { x, y } = new X509Certificate(authority.rootCertificate).publicKey.export({ format: 'jwk' })

const statement = {
  hashBytes: fromHex(`0x${'01'.repeat(32)}`),
  bytes32: fromHex(`0x${'02'.repeat(32)}`),
  publicValues: fromHex('0x0a0000002200000037000000'),
  teeVersion: 0,
}
const message = encodedMessageBytes(statement)

const fresh = `${JSON.stringify(
  {
    now: NOW.getTime() / 1000,
    blockNumber: Number(BLOCK.blockNumber),
    blockHash: BLOCK.blockHash,
    prover: signer.address,
    rootX: toHex(Buffer.from(x, 'base64url')),
    rootY: toHex(Buffer.from(y, 'base64url')),
    quote: toHex(authority.quote(reportData)),
    debugQuote: toHex(authority.quote(reportData, { body: { tdAttributes: debugAttributes } })),
    foreignQuote: toHex(stranger.quote(reportData)),
    message: toHex(message),
    signature: toHex(signer.signDigest(keccak_256(message))),
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
