/**
 * A secp256k1 signing key that can sign digests and show its address, and nothing else.
 * Signatures are deterministic (RFC 6979), low-s, and encoded r ‖ s ‖ v with v 27 or 28, as
 * `ecrecover` takes them.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes, type Hex, toHex } from '../bytes.js'
import { InternalError } from '../errors.js'

export const SECRET_KEY_BYTES = 32
export const SIGNATURE_BYTES = 65
const DIGEST_BYTES = 32
/** Ethereum's v is the recovery bit plus this. */
const V_OFFSET = 27

export interface Signer {
  /** The last 20 bytes of keccak256 of the public key, lower case. */
  readonly address: Hex
  /** @returns r ‖ s ‖ v, 65 bytes. */
  signDigest(digest: Uint8Array): Uint8Array
}

/** True for 32 bytes that are a scalar of the curve's group, 1 to n - 1. */
export function isSecretKey(bytes: Uint8Array): boolean {
  return bytes.length === SECRET_KEY_BYTES && secp256k1.utils.isValidSecretKey(bytes)
}

/** @param secretKey - 32 bytes for which `isSecretKey` holds; copied. */
export function createSigner(secretKey: Uint8Array): Signer {
  if (!isSecretKey(secretKey)) throw new InternalError('the signer was given no secp256k1 key')
  // In this closure alone: no property, no JSON and no inspection of the signer shows it.
  const secret = secretKey.slice()
  return Object.freeze({
    address: addressOf(secp256k1.getPublicKey(secret, false)),
    signDigest: (digest: Uint8Array) => sign(secret, digest),
  })
}

/** @param entropy - uniformly random bytes, as many as asked for. */
export function generateSecretKey(entropy: (byteCount: number) => Uint8Array): Uint8Array {
  for (;;) {
    // A draw outside the group has a chance of 2^-127; drawing again keeps the rest uniform.
    const secretKey = entropy(SECRET_KEY_BYTES)
    if (isSecretKey(secretKey)) return secretKey
  }
}

/** The address whose key made this signature; undefined unless it is strictly encoded and low-s. */
export function recoverAddress(digest: Uint8Array, signature: Uint8Array): Hex | undefined {
  if (digest.length !== DIGEST_BYTES || signature.length !== SIGNATURE_BYTES) return undefined
  const recovery = signature[64] - V_OFFSET
  if (recovery !== 0 && recovery !== 1) return undefined
  try {
    const compact = signature.subarray(0, 64)
    const parsed = secp256k1.Signature.fromBytes(compact, 'compact').addRecoveryBit(recovery)
    if (parsed.hasHighS()) return undefined
    return addressOf(parsed.recoverPublicKey(digest).toBytes(false))
  } catch {
    // r or s out of range, or r the x of no point.
    return undefined
  }
}

function sign(secret: Uint8Array, digest: Uint8Array): Uint8Array {
  if (digest.length !== DIGEST_BYTES) throw new InternalError('a signer signs digests of 32 bytes')
  const options = { prehash: false, lowS: true, format: 'recovered' } as const
  const [recovery, ...compact] = secp256k1.sign(digest, secret, options)
  return concatBytes(Uint8Array.from(compact), Uint8Array.of(V_OFFSET + recovery))
}

/** @param publicKey - uncompressed, 0x04 ‖ x ‖ y. */
function addressOf(publicKey: Uint8Array): Hex {
  return toHex(keccak_256(publicKey.subarray(1)).subarray(12))
}
