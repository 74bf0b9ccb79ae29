/**
 * The typed message of scheme `eip712`, and the proof bytes that hold its signatures.
 *
 * proofBytes: selector ‖ count u8 ‖ count × (workload id 32 ‖ r ‖ s ‖ v) ‖ inner SP1 proof or nothing,
 * with signers in strictly ascending order of their addresses. contracts/src/MultiProof.sol reads them.
 *
 * Source: EIP-712; docs/contracts.md.
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes, fromHex, type Hex } from '../bytes.js'
import { computeTypedDataDigest, type Domain, encodeWord, hashText } from './typed-data.js'

/**
 * A signature is good for one contract on one chain, MultiProof, and says what software made it.
 */
export interface Binding extends Domain {
  /** Of the TD that has the signer's key; the contract compares it with the attested one. */
  readonly workloadId: Hex
}

export interface SignatureEntry {
  readonly signer: Hex
  readonly workloadId: Hex
  /** r ‖ s ‖ v, 65 bytes. */
  readonly signature: Uint8Array
}

/** The count is one byte. */
export const MAX_SIGNATURES = 255

const PROOF_TYPE =
  'TeeProof(bytes32 programVKey,bytes32 publicValuesHash,uint32 exitCode,bytes32 workloadId)'
const SELECTOR = hashText('sp1-tee/eip712/1').subarray(0, 4)
/** Nothing else is ever signed. */
const EXIT_CODE = 0n

/**
 * The 32 bytes that are signed.
 *
 * @param programVKey - 32 bytes, as contracts know the key.
 */
export function computeTeeProofDigest(
  programVKey: Uint8Array,
  publicValues: Uint8Array,
  { workloadId, ...domain }: Binding,
): Uint8Array {
  const fields = [programVKey, keccak_256(publicValues), encodeWord(EXIT_CODE), fromHex(workloadId)]
  return computeTypedDataDigest(domain, PROOF_TYPE, fields)
}

/**
 * What `ISP1Verifier.verifyProof` of a MultiProof contract takes.
 *
 * @param entries - at most `MAX_SIGNATURES`, of distinct signers, in any order.
 * @param innerProof - an SP1 proof, where the program's rule demands one.
 */
export function encodeTeeProofBytes(
  entries: readonly SignatureEntry[],
  innerProof: Uint8Array = new Uint8Array(),
): Uint8Array {
  const sorted = entries.toSorted((a, b) => (BigInt(a.signer) < BigInt(b.signer) ? -1 : 1))
  return concatBytes(
    SELECTOR,
    Uint8Array.of(entries.length),
    ...sorted.flatMap(({ workloadId, signature }) => [fromHex(workloadId), signature]),
    innerProof,
  )
}
