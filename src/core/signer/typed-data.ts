/**
 * What a signer says in typed data: one domain, bound to a contract on a chain, and a struct.
 *
 * Source: EIP-712.
 */
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes, fromHex, type Hex } from '../bytes.js'

export interface Domain {
  readonly chainId: number
  readonly verifyingContract: Hex
}

export const EIP712_DOMAIN_NAME = 'SP1 TEE Prover'
export const EIP712_DOMAIN_VERSION = '1'

const DOMAIN_TYPE =
  'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'
const WORD_BYTES = 32

/**
 * The 32 bytes that are signed: keccak256(0x1901 ‖ domain separator ‖ hash of the struct).
 *
 * @param type - as EIP-712 encodes it, `Name(type field,…)`
 * @param fields - one word each; those of dynamic types hashed.
 */
export function computeTypedDataDigest(
  { chainId, verifyingContract }: Domain,
  type: string,
  fields: readonly Uint8Array[],
): Uint8Array {
  const domain = keccak_256(
    concatBytes(
      hashText(DOMAIN_TYPE),
      hashText(EIP712_DOMAIN_NAME),
      hashText(EIP712_DOMAIN_VERSION),
      encodeWord(BigInt(chainId)),
      encodeWord(BigInt(verifyingContract)),
    ),
  )
  const struct = keccak_256(concatBytes(hashText(type), ...fields))
  return keccak_256(concatBytes(Uint8Array.of(0x19, 0x01), domain, struct))
}

export function hashText(text: string): Uint8Array {
  return keccak_256(new TextEncoder().encode(text))
}

/** A number as 32 bytes, big-endian. */
export function encodeWord(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(2 * WORD_BYTES, '0')}`)
}
