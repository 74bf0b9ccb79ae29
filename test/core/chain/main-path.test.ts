/**
 * Everything once, on a local chain: deploy, allow a workload, register a simulated quote of it, prove,
 * verify by both calls; revoke the workload, and the same proofs are refused. And the quotes that must
 * not register: of another workload, of a debug TD, a stale one, a replayed one, each by its own error.
 */
import { randomBytes, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Anvil, anvilGasPayer, startAnvil } from '../../../src/anvil.js'
import { type Hex, toHex } from '../../../src/core/bytes.js'
import { teeProverRegistryAbi } from '../../../src/core/chain/abi.js'
import { bindContracts } from '../../../src/core/chain/bindings.js'
import { type Chain, connectChain } from '../../../src/core/chain/client.js'
import { type Deployment, deployContracts } from '../../../src/core/chain/deploy.js'
import type { GasPayer } from '../../../src/core/chain/gas-payer.js'
import { allowWorkload, revokeWorkload } from '../../../src/core/chain/measurement-policy.js'
import { askMultiProof } from '../../../src/core/chain/multi-proof.js'
import { latestReference } from '../../../src/core/chain/registration.js'
import { writeContract } from '../../../src/core/chain/write.js'
import { computeWorkloadId } from '../../../src/core/policy/workload.js'
import { createProver } from '../../../src/core/prover/prove.js'
import { verifyProof } from '../../../src/core/prover/verify.js'
import { VkeyCache } from '../../../src/core/prover/vkey-cache.js'
import { parseTdQuote } from '../../../src/core/tdx/quote.js'
import { computeReportData, type Reference } from '../../../src/core/tdx/report-data.js'
import { createSimulatedAuthority } from '../../../src/core/tdx/simulated-authority.js'
import { askRpc } from '../../support/ask-rpc.js'
import { guestElf } from '../../support/cli.js'
import { newTestSigner } from '../../support/service.js'

const ELF = readFileSync(guestElf('fibonacci'))
const N_10 = { buffers: [Uint8Array.of(10, 0, 0, 0)], deferredProofs: 0n }

const authority = createSimulatedAuthority({ entropy: randomBytes(32), now: new Date() })
const workloadId = computeWorkloadId(parseTdQuote(authority.quote(new Uint8Array(64))).body)
const signer = newTestSigner()

let anvil: Anvil
let chain: Chain
let gasPayer: GasPayer
let contracts: Deployment

beforeAll(async () => {
  anvil = await startAnvil()
  chain = await connectChain({ rpcUrl: anvil.rpcUrl })
  gasPayer = await anvilGasPayer()
  const { x, y } = new X509Certificate(authority.rootCertificate).publicKey.export({
    format: 'jwk',
  })
  const number = (text = '') => BigInt(`0x${Buffer.from(text, 'base64url').toString('hex')}`)
  const attestation = { simulatedRoot: { x: number(x), y: number(y) } }
  contracts = await deployContracts({ chain, gasPayer, attestation, layout: 'v1.1' })
  const { registry } = contracts
  const metadata = { commit: 'c0ffee', sourceUrl: 'https://example.org/image', next: false }
  await allowWorkload({ chain, registry, gasPayer, workloadId, ...metadata })
})
afterAll(() => anvil.stop())

/** Sends a quote over this signer and block; another body in it makes it another TD's. */
async function register(
  address: Hex,
  { blockNumber, blockHash }: Reference,
  body: { readonly mrtd?: Uint8Array; readonly tdAttributes?: Uint8Array } = {},
) {
  const quote = authority.quote(computeReportData(address, { blockNumber, blockHash }), { body })
  const data = {
    referenceBlockNumber: blockNumber,
    referenceBlockHash: blockHash,
    proverAddress: address,
  }
  const registry = { what: 'it', address: contracts.registry, abi: teeProverRegistryAbi }
  return writeContract(chain, gasPayer, registry, 'register', [data, toHex(quote)])
}

function refusal(error: RegExp) {
  return { code: 'CHAIN_REVERTED', details: { error: expect.stringMatching(error) } }
}

describe('quotes that must not register', () => {
  it('of another workload', async () => {
    const other = register(newTestSigner().address, await latestReference(chain), {
      mrtd: new Uint8Array(48).fill(9),
    })
    await expect(other).rejects.toMatchObject(refusal(/^WorkloadNotAllowed\(0x[0-9a-f]{64}\)$/))
  })

  it('of a debug TD', async () => {
    const debug = register(newTestSigner().address, await latestReference(chain), {
      tdAttributes: Uint8Array.of(1, 0, 0, 0x10, 0, 0, 0, 0),
    })
    await expect(debug).rejects.toMatchObject(refusal(/^DebugTdRefused\(\)$/))
  })

  it('stale', async () => {
    const reference = await latestReference(chain)
    await askRpc(anvil.rpcUrl, 'anvil_mine', ['0x65'])
    const stale = register(newTestSigner().address, reference)
    await expect(stale).rejects.toMatchObject(refusal(/^ReferenceBlockStale\(\d+\)$/))
  })

  it('replayed', async () => {
    const [reference, { address }] = [await latestReference(chain), newTestSigner()]
    await register(address, reference)
    const again = register(address, reference)
    await expect(again).rejects.toMatchObject(refusal(/^QuoteReplayed\(0x[0-9a-f]{64}\)$/))
  })
})

it('a registered signer’s proofs are accepted by both calls, until its workload is revoked', async () => {
  const { registry, multiProof } = contracts
  await register(signer.address, await latestReference(chain))
  const record = await bindContracts(chain, contracts).registry.read.proverRecord([signer.address])
  expect(record).toMatchObject({ workloadId, tcbStatus: 0, isRevoked: false })

  const vkeys = new VkeyCache()
  const prover = createProver({ signer, vkeys })
  const binding = { chainId: chain.chainId, verifyingContract: multiProof, workloadId }
  const proofs = [
    await prover.prove(ELF, N_10, { scheme: 'automata' }),
    await prover.prove(ELF, N_10, { scheme: 'eip712', binding }),
  ]
  const ask = (proof: (typeof proofs)[number]) => askMultiProof(chain, multiProof, proof)
  for (const proof of proofs) {
    expect(await ask(proof)).toBeUndefined()
    const contract = { description: 'MultiProof', ask }
    expect((await verifyProof(proof, { contract, elf: ELF, vkeys })).valid).toBe(true)
  }

  await revokeWorkload({ chain, registry, gasPayer, workloadId })
  for (const proof of proofs) {
    expect((await ask(proof))?.toLowerCase()).toBe(`invalid_tee_signer(${signer.address})`)
    const contract = { description: 'MultiProof', ask }
    expect((await verifyProof(proof, { contract, elf: ELF, vkeys })).valid).toBe(false)
  }
  const late = register(signer.address, await latestReference(chain))
  await expect(late).rejects.toMatchObject(refusal(/^WorkloadIsRevoked\(/))
}, 300_000)
