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

/** A signature is good for one contract on one chain, and says what software made it. */
export interface Binding {
  readonly chainId: number
  /** The MultiProof contract. */
  readonly verifyingContract: Hex
  /** Of the TD that has the signer's key; the contract compares it with the attested one. */
  readonly workloadId: Hex
}

export interface SignatureEntry {
  readonly signer: Hex
  readonly workloadId: Hex
  /** r ‖ s ‖ v, 65 bytes. */
  readonly signature: Uint8Array
}

export const EIP712_DOMAIN_NAME = 'SP1 TEE Prover'
export const EIP712_DOMAIN_VERSION = '1'
/** The count is one byte. */
export const MAX_SIGNATURES = 255

const DOMAIN_TYPE =
  'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'
const PROOF_TYPE =
  'TeeProof(bytes32 programVKey,bytes32 publicValuesHash,uint32 exitCode,bytes32 workloadId)'
const SELECTOR = hashText('sp1-tee/eip712/1').subarray(0, 4)
const WORD_BYTES = 32
/** Nothing else is ever signed. */
const EXIT_CODE = 0n

/**
 * The 32 bytes that are signed: keccak256(0x1901 ‖ domain separator ‖ hash of the struct).
 *
 * @param programVKey - 32 bytes, as contracts know the key.
 */
export function computeTeeProofDigest(
  programVKey: Uint8Array,
  publicValues: Uint8Array,
  { chainId, verifyingContract, workloadId }: Binding,
): Uint8Array {
  const domain = keccak_256(
    concatBytes(
      hashText(DOMAIN_TYPE),
      hashText(EIP712_DOMAIN_NAME),
      hashText(EIP712_DOMAIN_VERSION),
      word(BigInt(chainId)),
      word(BigInt(verifyingContract)),
    ),
  )
  const struct = keccak_256(
    concatBytes(
      hashText(PROOF_TYPE),
      programVKey,
      keccak_256(publicValues),
      word(EXIT_CODE),
      fromHex(workloadId),
    ),
  )
  return keccak_256(concatBytes(Uint8Array.of(0x19, 0x01), domain, struct))
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

function hashText(text: string): Uint8Array {
  return keccak_256(new TextEncoder().encode(text))
}

/** A number as 32 bytes, big-endian. */
function word(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(2 * WORD_BYTES, '0')}`)
}
