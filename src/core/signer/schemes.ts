/**
 * Signature schemes: what bytes a signer puts its name under for a statement, and what of it a
 * contract is given besides the signature. One object per scheme.
 */

import { sha256 } from '@noble/hashes/sha2.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes, encodeU32LE } from '../bytes.js'
import { InternalError } from '../errors.js'
import { type Binding, computeTeeProofDigest, encodeTeeProofBytes } from './eip712.js'
import { recoverAddress } from './signer.js'

/** This program, run to exit code 0, committed to these public values. */
export interface Statement {
  /** The verifying key's digest as eight big-endian words. */
  readonly hashBytes: Uint8Array
  /** The same digest packed into one bn254 element, big-endian. */
  readonly bytes32: Uint8Array
  readonly publicValues: Uint8Array
  /** A u32; only scheme `succinct` has it. */
  readonly teeVersion: number
  /** Which contract the signature is for, and who signs; only scheme `eip712` has it. */
  readonly binding?: Binding
}

export interface Scheme {
  readonly name: SchemeName
  /** Whether the message holds a version. */
  readonly isVersioned: boolean
  /** Whether the message is for one contract, and names the signer's workload. */
  readonly isBound: boolean
  /** The 32 bytes that are signed. */
  readonly digest: (statement: Statement) => Uint8Array
  /** The proof bytes a contract takes; undefined if it takes the signature as it is. */
  readonly proofBytes: (statement: Statement, signature: Uint8Array) => Uint8Array | undefined
}

export const SCHEME_NAMES = ['automata', 'succinct', 'eip712'] as const
export type SchemeName = (typeof SCHEME_NAMES)[number]

/**
 * What `MultiProof.verifyTEEProof` takes as `encodedMessageBytes`: sha256(hash_bytes ‖ public values).
 *
 * @returns 32 bytes; the signed digest is their keccak256.
 */
export function encodedMessageBytes({ hashBytes, publicValues }: Statement): Uint8Array {
  return sha256(concatBytes(hashBytes, publicValues))
}

/** First four bytes of a contract's proof, by which a gateway knows whose it is. */
const SUCCINCT_SELECTOR = keccak_256(new TextEncoder().encode('SP1TeeVerifier')).subarray(0, 4)

const SCHEMES: Readonly<Record<SchemeName, Scheme>> = {
  automata: {
    name: 'automata',
    isVersioned: false,
    isBound: false,
    digest: (statement) => keccak_256(encodedMessageBytes(statement)),
    proofBytes: () => undefined,
  },
  succinct: {
    name: 'succinct',
    isVersioned: true,
    isBound: false,
    digest: ({ teeVersion, bytes32, publicValues }) =>
      keccak_256(
        concatBytes(keccak_256(encodeU32LE(teeVersion)), bytes32, keccak_256(publicValues)),
      ),
    proofBytes: ({ teeVersion }, signature) => {
      const version = encodeU32LE(teeVersion)
      const [r, s, v] = [
        signature.subarray(0, 32),
        signature.subarray(32, 64),
        signature.subarray(64),
      ]
      return concatBytes(SUCCINCT_SELECTOR, v, r, s, Uint8Array.of(version.length), version)
    },
  },
  eip712: {
    name: 'eip712',
    isVersioned: false,
    isBound: true,
    digest: digestOfBound,
    proofBytes(statement, signature) {
      const signer = recoverAddress(digestOfBound(statement), signature)
      const { workloadId } = bindingOf(statement)
      return signer && encodeTeeProofBytes([{ signer, workloadId, signature }])
    },
  },
}

function digestOfBound(statement: Statement): Uint8Array {
  return computeTeeProofDigest(statement.bytes32, statement.publicValues, bindingOf(statement))
}

function bindingOf({ binding }: Statement): Binding {
  if (binding === undefined) throw new InternalError('scheme eip712 was given no binding')
  return binding
}

export function schemeOf(name: SchemeName): Scheme {
  return SCHEMES[name]
}
