/** Proofs of scheme eip712: bound to one contract, chain and workload, and worth nothing without. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { createProver, type ProveOptions } from '../../../src/core/prover/prove.js'
import { verifyProof } from '../../../src/core/prover/verify.js'
import { VkeyCache } from '../../../src/core/prover/vkey-cache.js'
import type { Proof } from '../../../src/core/signer/proof.js'
import { guestElf } from '../../support/cli.js'
import { newTestSigner } from '../../support/service.js'

const FIBONACCI = readFileSync(guestElf('fibonacci'))
const N_10 = { buffers: [Uint8Array.of(10, 0, 0, 0)], deferredProofs: 0n }
/** The key of fibonacci.elf, so that these tests need not compute it. */
const VKEY = {
  sp1: '3.4.0',
  elfHash: '0xf986602b5356c100b78f0005a431d7a693de4c2db402241e7dcffb38fa831930',
  bytes32: '0x00e3caa2e260cfb01b4b6a1a0970b521b15f7c56c73f5ce0a76607df290e8cd6',
  hashBytes: '0x71e551711833ec06696d4341170b521b0afbe2b61cfd73824ecc0fbe290e8cd6',
} as const
const BINDING = {
  chainId: 31337,
  verifyingContract: `0x${'51'.repeat(20)}`,
  workloadId: `0x${'52'.repeat(32)}`,
} as const

const signer = newTestSigner()
const vkeys = new VkeyCache({ compute: async () => VKEY })
const prove = (options: ProveOptions) =>
  createProver({ signer, vkeys }).prove(FIBONACCI, N_10, options)

/** Names of the checks that fail. */
async function failed(proof: Proof): Promise<string[]> {
  const { checks } = await verifyProof(proof, { signer: signer.address })
  return checks.filter(({ ok }) => !ok).map(({ name }) => name)
}

it('is accepted with what it is bound to, and not without or in part', async () => {
  const proof = await prove({ scheme: 'eip712', binding: BINDING })
  expect(proof.domain).toEqual({
    name: 'SP1 TEE Prover',
    version: '1',
    chainId: 31337,
    verifyingContract: BINDING.verifyingContract,
  })
  expect(await failed(proof)).toEqual([])
  const { domain, workloadId: _id, ...unbound } = proof
  const broken = ['scheme', 'signature', 'proofBytes']
  expect(await failed(unbound)).toEqual(broken)
  expect(await failed({ ...unbound, workloadId: BINDING.workloadId })).toEqual(broken)
  const otherChain = { ...proof, domain: { ...domain, chainId: 1 } } as Proof
  expect(await failed(otherChain)).toEqual(['signature'])
  const otherWorkload = { ...proof, workloadId: `0x${'53'.repeat(32)}` } as const
  expect(await failed(otherWorkload)).toEqual(['signature', 'proofBytes'])
})

it('needs what it is bound to, which no other scheme takes', async () => {
  const refused = { code: 'FLAG_INVALID', details: { flag: '--multiproof' } }
  await expect(prove({ scheme: 'eip712' })).rejects.toMatchObject(refused)
  await expect(prove({ binding: BINDING })).rejects.toMatchObject(refused)
  const { workloadId } = BINDING
  expect(await failed({ ...(await prove({})), workloadId })).toEqual(['scheme'])
})
