/** A proof file's statement, and the bytes that follow from it, whatever else the file says. */
import { fromHex, type Hex, toHex } from '../bytes.js'
import type { Proof } from './proof.js'
import { type Statement, schemeOf } from './schemes.js'

export function statementOf(proof: Proof): Statement {
  const { vkey, vkeyHash, publicValues, teeVersion = 0, domain, workloadId } = proof
  const isBound = domain !== undefined && workloadId !== undefined
  return {
    bytes32: fromHex(vkey),
    hashBytes: fromHex(vkeyHash),
    publicValues: fromHex(publicValues),
    teeVersion,
    ...(isBound && { binding: { ...domain, workloadId } }),
  }
}

/** The proof bytes that a contract takes; undefined if the scheme has none, or the proof lacks parts. */
export function deriveProofBytes(proof: Proof): Hex | undefined {
  const scheme = schemeOf(proof.scheme)
  const statement = statementOf(proof)
  if (scheme.isBound && statement.binding === undefined) return undefined
  const bytes = scheme.proofBytes(statement, fromHex(proof.signature))
  return bytes && toHex(bytes)
}
