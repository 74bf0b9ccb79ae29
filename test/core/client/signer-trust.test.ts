/** Whom a client believes: what an attestation brings with it has no say in how it is judged. */
import { describe, expect, it } from 'vitest'
import { createClient } from '../../../src/core/client/client.js'
import { judgeSigner } from '../../../src/core/client/signer-trust.js'
import { openCollateral, parseCollateral } from '../../../src/core/dcap/collateral.js'
import { INTEL_ROOT } from '../../../src/core/dcap/trusted-root.js'
import { parsePolicy } from '../../../src/core/policy/policy.js'
import type { Attestation } from '../../../src/core/signer/attestation.js'
import { createSigner } from '../../../src/core/signer/signer.js'
import { collateralOf, NOW } from '../dcap/samples.js'
import {
  attest,
  ELF,
  listen,
  play,
  SIGNER,
  STDIN,
  signProof,
  TRUST,
  TRUSTING,
  WORKLOAD_ID,
} from './scripted.js'

const OPTIONS = { ...TRUST, now: NOW }
const OTHER = createSigner(new Uint8Array(32).fill(8))
const NOTHING_PINNED = parsePolicy({ version: 1 })

describe('an attestation', () => {
  it('is judged by what the caller says, whatever other fields it has', async () => {
    const own = {
      ...{ policy: TRUST.policy, root: TRUST.root, now: NOW, signer: SIGNER.address },
      workloadId: WORKLOAD_ID,
    }
    const lying = { ...attest(), ...own } as Attestation
    const stranger = parsePolicy({
      version: 1,
      workloads: [{ workloadId: `0x${'00'.repeat(32)}` }],
    })
    const late = new Date(NOW.getTime() + 400 * 86_400_000)
    for (const [signer, change] of [
      [SIGNER.address, { policy: NOTHING_PINNED }],
      [SIGNER.address, { policy: stranger }],
      [SIGNER.address, { root: INTEL_ROOT }],
      [SIGNER.address, { now: late }],
      [SIGNER.address, { workloadId: `0x${'00'.repeat(32)}` as const }],
      [OTHER.address, {}],
    ] as const) {
      const { verdict } = await judgeSigner(signer, lying, { ...OPTIONS, ...change })
      expect(verdict.valid).toBe(false)
    }
    const hostile = { ...own, policy: NOTHING_PINNED, root: INTEL_ROOT, signer: OTHER.address }
    const { verdict } = await judgeSigner(SIGNER.address, { ...attest(), ...hostile }, OPTIONS)
    expect(verdict.valid).toBe(true)
  })
})

describe('collateral', () => {
  const named = openCollateral(collateralOf())
  const { collateral: _, ...bare } = attest()
  const carriedBroken = { ...attest(), collateral: { tcbInfo: 'x' } }
  const find = async () => named

  it('that the caller names wins over what the attestation carries', async () => {
    const options = { ...OPTIONS, collateral: find }
    for (const attestation of [attest(), bare, carriedBroken]) {
      const { verdict, collateral } = await judgeSigner(SIGNER.address, attestation, options)
      expect(verdict.valid).toBe(true)
      expect(collateral).toBe(named)
    }
  })

  it('that would be fetched is fetched only where none is carried', async () => {
    const options = { ...OPTIONS, collateral: find, carriedFirst: true }
    const carried = await judgeSigner(SIGNER.address, attest(), options)
    expect(carried.verdict.valid).toBe(true)
    expect(carried.collateral).not.toBe(named)
    expect((await judgeSigner(SIGNER.address, bare, options)).collateral).toBe(named)
  })

  it('is taken from the attestation where the caller names none', async () => {
    expect((await judgeSigner(SIGNER.address, attest(), OPTIONS)).verdict.valid).toBe(true)
    await expect(judgeSigner(SIGNER.address, bare, OPTIONS)).rejects.toMatchObject({
      code: 'COLLATERAL_ABSENT',
    })
  })

  it('that the caller names and that does not parse is the caller’s', async () => {
    const proof = signProof()
    const answer = { ...attest(), address: SIGNER.address }
    const url = await listen(play({ job: { state: 'succeeded', proof }, attestation: answer }))
    const collateral = async () => parseCollateral(new TextEncoder().encode('{}'))
    const client = createClient(url, { ...TRUSTING, collateral })
    await expect(client.prove(ELF, STDIN)).rejects.toMatchObject({
      code: 'COLLATERAL_MALFORMED',
      exitCode: 2,
    })
  })
})

describe('a proof of scheme eip712', () => {
  const proveAs = async (workloadId: `0x${string}`) => {
    const domain = {
      name: 'SP1 TEE Prover',
      version: '1',
      chainId: 31337,
      verifyingContract: `0x${'22'.repeat(20)}`,
    } as const
    const proof = signProof({ scheme: 'eip712', domain, workloadId })
    const answer = { ...attest(), address: SIGNER.address }
    const url = await listen(play({ job: { state: 'succeeded', proof }, attestation: answer }))
    return createClient(url, TRUSTING).prove(ELF, STDIN)
  }

  it('is taken from the workload that was attested, and as no other', async () => {
    expect((await proveAs(WORKLOAD_ID)).workloadId).toBe(WORKLOAD_ID)
    await expect(proveAs(`0x${'33'.repeat(32)}`)).rejects.toMatchObject({
      code: 'SIGNER_REFUSED',
      exitCode: 5,
    })
  })
})
