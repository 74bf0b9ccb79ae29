/** ECDSA on P-256 over SHA-256 where there is no node:crypto: stands in for p256.ts. */
import { p256 } from '@noble/curves/nist.js'
import { concatBytes } from '../bytes.js'

const COORDINATES_BYTES = 64
const SIGNATURE_BYTES = 64
/** SEC 1, 2.3.3: a point with both coordinates. */
const UNCOMPRESSED = Uint8Array.of(4)

/** As p256.ts has it. */
export function isSignedBy(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (publicKey.length !== COORDINATES_BYTES || signature.length !== SIGNATURE_BYTES) return false
  const key = concatBytes(UNCOMPRESSED, publicKey)
  return p256.verify(signature, message, key, { lowS: false, prehash: true, format: 'compact' })
}
