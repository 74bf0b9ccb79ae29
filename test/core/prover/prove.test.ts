import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../../src/core/bytes.js'
import { InterruptedError } from '../../../src/core/errors.js'
import type { Stdin } from '../../../src/core/executor/stdin.js'
import { requireValid } from '../../../src/core/prover/check-proof.js'
import type { ElfVkey } from '../../../src/core/prover/elf-vkey.js'
import { createProver } from '../../../src/core/prover/prove.js'
import { type VerifyOptions, verifyProof } from '../../../src/core/prover/verify.js'
import { VkeyCache } from '../../../src/core/prover/vkey-cache.js'
import type { Proof } from '../../../src/core/signer/proof.js'
import { createSigner } from '../../../src/core/signer/signer.js'
import { guestElf } from '../../support/cli.js'

const signer = createSigner(fromHex(`0x${'07'.repeat(32)}`))
const FIBONACCI = readFileSync(guestElf('fibonacci'))
const N_10 = stdinOf('0x0a000000')
/** The key of fibonacci.elf, so that these tests need not compute it. */
const VKEY = {
  sp1: '3.4.0',
  elfHash: '0xf986602b5356c100b78f0005a431d7a693de4c2db402241e7dcffb38fa831930',
  bytes32: '0x00e3caa2e260cfb01b4b6a1a0970b521b15f7c56c73f5ce0a76607df290e8cd6',
  hashBytes: '0x71e551711833ec06696d4341170b521b0afbe2b61cfd73824ecc0fbe290e8cd6',
} as const satisfies ElfVkey

function stdinOf(...buffers: `0x${string}`[]): Stdin {
  return { buffers: buffers.map(fromHex), deferredProofs: 0n }
}

function proverOf(compute: () => Promise<ElfVkey> = async () => VKEY) {
  return createProver({ signer, vkeys: new VkeyCache({ compute }) })
}

describe('prove', () => {
  it('is deterministic: the same program and input give the same proof', async () => {
    const proofs = [
      await proverOf().prove(FIBONACCI, N_10),
      await proverOf().prove(FIBONACCI, N_10),
    ]
    expect(proofs[1]).toEqual(proofs[0])
  })

  it('names the program it ran, whatever the caller does to the bytes meanwhile', async () => {
    const elf = new Uint8Array(FIBONACCI)
    const named: string[] = []
    const compute = async (bytes: Uint8Array) => {
      await new Promise((resolve) => setImmediate(resolve))
      named.push(toHex(bytes))
      return VKEY
    }
    const prover = createProver({ signer, vkeys: new VkeyCache({ compute }) })
    const proving = prover.prove(elf, N_10)
    elf.set(readFileSync(guestElf('hashes')).subarray(0, elf.length))
    const proof = await proving
    expect(proof.elfHash).toBe(VKEY.elfHash)
    expect(named).toEqual([toHex(FIBONACCI)])
  })

  it.each([
    ['an exit code', 'exit-code', stdinOf('0x02000000'), 'GUEST_EXIT'],
    ['an exit without a digest', 'exit-code', stdinOf('0x0000000001'), 'UNPROVABLE'],
    ['a digest of other bytes', 'inputs', stdinOf('0x01000080', '0x616263'), 'UNPROVABLE'],
    ['too little input', 'fibonacci', stdinOf(), 'HINT_MISSING'],
    ['deferred proofs', 'fibonacci', { ...N_10, deferredProofs: 1n }, 'STDIN_DEFERRED_PROOFS'],
  ])('refuses %s', async (_name, guest, stdin, code) => {
    const elf = readFileSync(guestElf(guest))
    await expect(proverOf().prove(elf, stdin)).rejects.toMatchObject({ code })
  })

  it('says what an unprovable run did', async () => {
    const elf = readFileSync(guestElf('inputs'))
    const error = await proverOf()
      .prove(elf, stdinOf('0x01000080', '0x616263'))
      .catch((thrown) => thrown)
    expect(error.exitCode).toBe(3)
    expect(error.details).toMatchObject({
      reason: 'the committed digest is not the SHA-256 of the public values',
      cycles: expect.any(Number),
    })
  })

  it('stops the verifying key when the run fails, and gives the run’s error', async () => {
    let wasStopped = false
    const compute = (_elf: Uint8Array, { signal }: { signal?: AbortSignal }) =>
      new Promise<ElfVkey>((_resolve, reject) => {
        signal?.addEventListener('abort', () => {
          wasStopped = true
          reject(new InterruptedError({ during: 'the verifying key' }))
        })
      })
    const prover = createProver({ signer, vkeys: new VkeyCache({ compute }) })
    await expect(prover.prove(FIBONACCI, stdinOf())).rejects.toMatchObject({ code: 'HINT_MISSING' })
    expect(wasStopped).toBe(true)
  })

  it('ends when it is interrupted', async () => {
    const abort = new AbortController()
    const endless = readFileSync(guestElf('endless'))
    const proving = proverOf().prove(endless, stdinOf(), {
      signal: abort.signal,
      onCycles: () => abort.abort(),
    })
    await expect(proving).rejects.toBeInstanceOf(InterruptedError)
  })
})

describe('verifyProof', () => {
  const options = { signer: signer.address }
  const prove = (more = {}) => proverOf().prove(FIBONACCI, N_10, more)
  const failed = async (proof: Proof, more = {}) => {
    const { valid, checks } = await verifyProof(proof, { ...options, ...more })
    const names = checks.filter(({ ok }) => !ok).map(({ name }) => name)
    expect(valid).toBe(names.length === 0)
    return names
  }

  it('accepts what prove made', async () => {
    expect(await failed(await prove())).toEqual([])
    expect(await failed(await prove({ scheme: 'succinct', teeVersion: 1 }))).toEqual([])
  })

  it('computes the key of the program given', async () => {
    const vkeys = new VkeyCache({
      compute: async () => ({ ...VKEY, elfHash: `0x${'00'.repeat(32)}` }),
    })
    expect(await failed(await prove(), { elf: FIBONACCI, vkeys })).toEqual(['elfHash'])
    const right = new VkeyCache({ compute: async () => VKEY })
    expect(await failed(await prove(), { elf: FIBONACCI, vkeys: right })).toEqual([])
  })

  it('makes an error of a verdict for those who want one', async () => {
    const proof = await prove()
    requireValid(await verifyProof(proof, options))
    const verdict = await verifyProof(proof)
    expect(() => requireValid(verdict)).toThrow(
      expect.objectContaining({
        code: 'VERIFICATION_FAILED',
        exitCode: 5,
        details: { failed: ['trustAnchor'] },
      }),
    )
  })

  it('is never valid without a trust anchor', async () => {
    const { valid, checks } = await verifyProof(await prove())
    expect(valid).toBe(false)
    expect(checks.at(-1)).toMatchObject({ name: 'trustAnchor', ok: false })
  })

  const otherHash = '0x71e551711833ec06696d4341170b521b0afbe2b61cfd73824ecc0fbe290e8cd5' as const
  it.each<[string, Partial<Proof>, string[]]>([
    ['other public values', { publicValues: '0x00' }, ['signature']],
    ['another key', { vkeyHash: otherHash }, ['vkey', 'signature']],
    ['another encoding of the key', { vkey: VKEY.hashBytes }, ['vkey']],
    ['another signer', { signer: `0x${'11'.repeat(20)}` }, ['signature', 'trustAnchor']],
    ['no signature', { signature: `0x${'00'.repeat(65)}` }, ['signature']],
    ['another scheme', { scheme: 'succinct' }, ['scheme', 'signature']],
    ['proof bytes that the scheme has not', { proofBytes: '0x' }, ['scheme', 'proofBytes']],
  ])('refuses %s', async (_name, change, names) => {
    expect(await failed({ ...(await prove()), ...change })).toEqual(names)
  })

  it('refuses other proof bytes and another version of scheme succinct', async () => {
    const proof = await prove({ scheme: 'succinct', teeVersion: 1 })
    expect(await failed({ ...proof, proofBytes: '0x00' })).toEqual(['proofBytes'])
    expect(await failed({ ...proof, teeVersion: 2 })).toEqual(['signature', 'proofBytes'])
  })

  const BINDING = {
    chainId: 31337,
    verifyingContract: `0x${'51'.repeat(20)}`,
    workloadId: `0x${'52'.repeat(32)}`,
  } as const
  const bound = { scheme: 'eip712', binding: BINDING } as const

  it('accepts scheme eip712 with what it is bound to, and not without or in part', async () => {
    const proof = await prove(bound)
    expect(proof.domain).toEqual({
      name: 'SP1 TEE Prover',
      version: '1',
      chainId: 31337,
      verifyingContract: BINDING.verifyingContract,
    })
    expect(await failed(proof)).toEqual([])
    const { domain, workloadId = '0x', ...unbound } = proof
    const broken = ['scheme', 'signature', 'proofBytes']
    expect(await failed(unbound)).toEqual(broken)
    expect(await failed({ ...unbound, workloadId })).toEqual(broken)
    const other = { ...proof, domain: { ...domain, chainId: 1 } } as Proof
    expect(await failed(other)).toEqual(['signature'])
    expect(await failed({ ...proof, workloadId: `0x${'53'.repeat(32)}` })).toEqual([
      'signature',
      'proofBytes',
    ])
    expect(await failed({ ...(await prove()), workloadId })).toEqual(['scheme'])
  })

  it('says for which contract a proof of scheme eip712 is, and compares that', async () => {
    const proof = await prove(bound)
    const { chainId, verifyingContract } = BINDING
    const domainOf = async (domain: VerifyOptions['domain'] = {}) => {
      const { valid, checks } = await verifyProof(proof, { ...options, domain })
      return [valid, checks.find(({ name }) => name === 'domain')?.detail]
    }
    const own = `chain ${chainId}, contract ${verifyingContract}`
    expect(await domainOf()).toEqual([true, own])
    const upperCase = `0x${verifyingContract.slice(2).toUpperCase()}` as const
    expect(await domainOf({ chainId, verifyingContract: upperCase })).toEqual([true, own])
    const other = `0x${'99'.repeat(20)}` as const
    expect(await domainOf({ chainId: 1, verifyingContract: other })).toEqual([
      false,
      `it is for ${own}, not for chain 1, contract ${other}`,
    ])
    expect(await domainOf({ chainId, verifyingContract: other })).toEqual([
      false,
      `it is for ${own}, not for contract ${other}`,
    ])
    const { checks } = await verifyProof(await prove(), { ...options, domain: { chainId: 1 } })
    expect(checks.map(({ name }) => name)).not.toContain('domain')
  })

  it('demands what scheme eip712 is bound to, and takes it for no other', async () => {
    const refused = { code: 'FLAG_INVALID', details: { flag: '--multiproof' } }
    await expect(prove({ scheme: 'eip712' })).rejects.toMatchObject(refused)
    await expect(prove({ binding: BINDING })).rejects.toMatchObject(refused)
  })
})
