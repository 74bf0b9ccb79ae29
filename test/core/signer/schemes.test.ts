/** The messages of the schemes, computed again with viem's and Node's functions alone. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { concat, keccak256, numberToHex, size, slice, stringToHex, toHex as viemHex } from 'viem'
import { describe, expect, it } from 'vitest'
import { type Hex, toHex } from '../../../src/core/bytes.js'
import { encodedMessageBytes, type Statement, schemeOf } from '../../../src/core/signer/schemes.js'

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
