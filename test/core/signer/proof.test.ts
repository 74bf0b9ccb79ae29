import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError } from '../../../src/core/errors.js'
import { encodeProof, type Proof, parseProof } from '../../../src/core/signer/proof.js'

const hexOf = (byteCount: number) => `0x${'ab'.repeat(byteCount)}` as const
const PROOF: Proof = {
  version: 1,
  scheme: 'succinct',
  sp1: '3.4.0',
  elfHash: hexOf(32),
  vkey: hexOf(32),
  vkeyHash: hexOf(32),
  publicValues: '0x',
  exitCode: 0,
  cycles: 5000,
  signer: hexOf(20),
  signature: hexOf(65),
  teeVersion: 2,
  proofBytes: hexOf(74),
}
const parse = (value: unknown) => parseProof(new TextEncoder().encode(JSON.stringify(value)))

describe('parseProof', () => {
  it('reads what encodeProof writes', () => {
    expect(parseProof(encodeProof(PROOF))).toEqual(PROOF)
    const { teeVersion: _version, proofBytes: _bytes, ...plain } = PROOF
    expect(parseProof(encodeProof({ ...plain, scheme: 'automata' }))).toEqual({
      ...plain,
      scheme: 'automata',
    })
  })

  it.each(Object.keys(PROOF).filter((key) => !['teeVersion', 'proofBytes'].includes(key)))(
    'needs %s',
    (field) => {
      const { [field as keyof Proof]: _, ...rest } = PROOF
      expect(() => parse(rest)).toThrow(
        expect.objectContaining({ details: { field, reason: 'is missing' } }),
      )
    },
  )

  it.each(Object.keys(PROOF))('refuses null for %s', (field) => {
    expect(() => parse({ ...PROOF, [field]: null })).toThrow(InputError)
  })

  const DOMAIN = {
    name: 'SP1 TEE Prover',
    version: '1',
    chainId: 31337,
    verifyingContract: hexOf(20),
  } as const

  it('reads what scheme eip712 is bound to', () => {
    const bound = { ...PROOF, domain: DOMAIN, workloadId: hexOf(32) }
    expect(parseProof(encodeProof(bound))).toEqual(bound)
  })

  it.each([
    ['no object', 1],
    ['a list', []],
    ['a missing part', { ...DOMAIN, version: undefined }],
    ['an unknown part', { ...DOMAIN, salt: hexOf(32) }],
    ['another name', { ...DOMAIN, name: 'SP1' }],
    ['another version', { ...DOMAIN, version: '2' }],
    ['no chain', { ...DOMAIN, chainId: 0 }],
    ['a short contract', { ...DOMAIN, verifyingContract: hexOf(19) }],
  ])('refuses a domain with %s', (_name, domain) => {
    expect(() => parse({ ...PROOF, domain })).toThrow(
      expect.objectContaining({ code: 'PROOF_MALFORMED' }),
    )
  })

  it('refuses unknown fields, inherited names among them', () => {
    for (const field of ['other', 'toString', 'constructor']) {
      expect(() => parse({ ...PROOF, [field]: 1 })).toThrow(
        expect.objectContaining({ code: 'PROOF_MALFORMED' }),
      )
    }
    const polluting = new TextEncoder().encode(
      JSON.stringify(PROOF).replace('{', '{"__proto__":{},'),
    )
    expect(() => parseProof(polluting)).toThrow(InputError)
  })

  it('gives a typed error or a proof for any bytes and any JSON', () => {
    const anyInput = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc
        .record({ field: fc.constantFrom(...Object.keys(PROOF)), value: fc.jsonValue() })
        .map(({ field, value }) =>
          new TextEncoder().encode(JSON.stringify({ ...PROOF, [field]: value })),
        ),
    )
    fc.assert(
      fc.property(anyInput, (bytes) => {
        try {
          parseProof(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(InputError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
