/** The messages of the schemes, computed again with viem's and Node's functions alone. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import {
  concat,
  hashTypedData,
  keccak256,
  numberToHex,
  size,
  slice,
  stringToHex,
  toHex as viemHex,
} from 'viem'
import { describe, expect, it } from 'vitest'
import { type Hex, toHex } from '../../../src/core/bytes.js'
import { encodeTeeProofBytes } from '../../../src/core/signer/eip712.js'
import { encodedMessageBytes, type Statement, schemeOf } from '../../../src/core/signer/schemes.js'
import { newTestSigner } from '../../support/service.js'

const any32Bytes = fc.uint8Array({ minLength: 32, maxLength: 32 })
const anyStatement: fc.Arbitrary<Statement> = fc.record({
  hashBytes: any32Bytes,
  bytes32: any32Bytes,
  publicValues: fc.uint8Array({ maxLength: 300 }),
  teeVersion: fc.nat(2 ** 32 - 1),
})

function sha256(hex: Hex): Hex {
  return `0x${createHash('sha256')
    .update(Buffer.from(hex.slice(2), 'hex'))
    .digest('hex')}`
}

describe('automata', () => {
  it('signs keccak256(sha256(hash_bytes ‖ public values))', () => {
    fc.assert(
      fc.property(anyStatement, (statement) => {
        const message = concat([viemHex(statement.hashBytes), viemHex(statement.publicValues)])
        expect(toHex(encodedMessageBytes(statement))).toBe(sha256(message))
        expect(toHex(schemeOf('automata').digest(statement))).toBe(keccak256(sha256(message)))
      }),
      { numRuns: 100 },
    )
  })

  it('has no proof bytes', () => {
    const [statement] = fc.sample(anyStatement, { numRuns: 1, seed: 1 }) as [Statement]
    expect(schemeOf('automata').proofBytes(statement, new Uint8Array(65))).toBeUndefined()
  })
})

describe('succinct', () => {
  it('signs keccak256(keccak256(version) ‖ bytes32 ‖ keccak256(public values))', () => {
    fc.assert(
      fc.property(anyStatement, (statement) => {
        const { teeVersion, bytes32, publicValues } = statement
        const bigEndian = numberToHex(teeVersion, { size: 4 })
        const version = concat([3, 2, 1, 0].map((i) => slice(bigEndian, i, i + 1)))
        const parts = [keccak256(version), viemHex(bytes32), keccak256(viemHex(publicValues))]
        expect(toHex(schemeOf('succinct').digest(statement))).toBe(keccak256(concat(parts)))
      }),
      { numRuns: 100 },
    )
  })

  it('puts selector, v, r, s and version into the proof bytes', () => {
    const signature = Uint8Array.from({ length: 65 }, (_, i) => i + 1)
    const statement = {
      ...(fc.sample(anyStatement, { numRuns: 1, seed: 1 })[0] as Statement),
      teeVersion: 2,
    }
    const bytes = toHex(schemeOf('succinct').proofBytes(statement, signature) ?? new Uint8Array())
    expect(size(bytes)).toBe(4 + 65 + 1 + 4)
    expect(slice(bytes, 0, 4)).toBe(slice(keccak256(stringToHex('SP1TeeVerifier')), 0, 4))
    expect(slice(bytes, 4, 5)).toBe(viemHex(signature.subarray(64)))
    expect(slice(bytes, 5, 69)).toBe(viemHex(signature.subarray(0, 64)))
    expect(slice(bytes, 69)).toBe('0x0402000000')
  })
})

describe('eip712', () => {
  const anyBinding = fc.record({
    chainId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    verifyingContract: fc.uint8Array({ minLength: 20, maxLength: 20 }).map(toHex),
    workloadId: any32Bytes.map(toHex),
  })
  const TYPES = {
    TeeProof: [
      { name: 'programVKey', type: 'bytes32' },
      { name: 'publicValuesHash', type: 'bytes32' },
      { name: 'exitCode', type: 'uint32' },
      { name: 'workloadId', type: 'bytes32' },
    ],
  } as const

  it('signs the typed data, for one contract on one chain', () => {
    fc.assert(
      fc.property(anyStatement, anyBinding, (statement, binding) => {
        const { chainId, verifyingContract, workloadId } = binding
        const expected = hashTypedData({
          domain: { name: 'SP1 TEE Prover', version: '1', chainId, verifyingContract },
          types: TYPES,
          primaryType: 'TeeProof',
          message: {
            programVKey: viemHex(statement.bytes32),
            publicValuesHash: keccak256(viemHex(statement.publicValues)),
            exitCode: 0,
            workloadId,
          },
        })
        expect(toHex(schemeOf('eip712').digest({ ...statement, binding }))).toBe(expected)
      }),
      { numRuns: 100 },
    )
  })

  it('puts selector, count, workload and signature into the proof bytes', () => {
    const statement = fc.sample(anyStatement, { numRuns: 1, seed: 1 })[0] as Statement
    const binding = fc.sample(anyBinding, { numRuns: 1, seed: 1 })[0]
    if (binding === undefined) throw new Error('no sample')
    const bound = { ...statement, binding }
    const signature = newTestSigner().signDigest(schemeOf('eip712').digest(bound))
    const bytes = toHex(schemeOf('eip712').proofBytes(bound, signature) ?? new Uint8Array())
    const selector = slice(keccak256(stringToHex('sp1-tee/eip712/1')), 0, 4)
    expect(bytes).toBe(concat([selector, '0x01', binding.workloadId, viemHex(signature)]))
    expect(schemeOf('eip712').proofBytes(bound, new Uint8Array(65))).toBeUndefined()
  })

  it('joins signatures in the order of their signers, before an SP1 proof', () => {
    const entries = [3, 1, 2].map((i) => ({
      signer: toHex(new Uint8Array(20).fill(i)),
      workloadId: toHex(new Uint8Array(32).fill(16 * i)),
      signature: new Uint8Array(65).fill(i),
    }))
    const bytes = toHex(encodeTeeProofBytes(entries, Uint8Array.of(0xaa, 0xbb)))
    expect(size(bytes)).toBe(5 + 3 * 97 + 2)
    expect(slice(bytes, 4, 5)).toBe('0x03')
    expect([0, 1, 2].map((i) => slice(bytes, 5 + 97 * i, 6 + 97 * i))).toEqual([
      '0x10',
      '0x20',
      '0x30',
    ])
    expect(slice(bytes, -2)).toBe('0xaabb')
  })

  it('signs nothing without a contract', () => {
    const [statement] = fc.sample(anyStatement, { numRuns: 1, seed: 1 }) as [Statement]
    expect(() => schemeOf('eip712').digest(statement)).toThrow('no binding')
  })
})
