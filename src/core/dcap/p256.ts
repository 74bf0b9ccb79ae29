/**
 * ECDSA on P-256 over SHA-256, the one algorithm that signs anything in DCAP, by node:crypto. It knows
 * no secret. In the bundle for browsers p256-portable.ts stands in for this file.
 */
import { createPublicKey, type KeyObject, type PublicKeyInput, verify } from 'node:crypto'
import { concatBytes, fromHex } from '../bytes.js'

const COORDINATES_BYTES = 64
/** SubjectPublicKeyInfo of an uncompressed P-256 point, up to its 64 bytes. */
const SPKI_PREFIX = fromHex('0x3059301306072a8648ce3d020106082a8648ce3d03010703420004')

/**
 * Both (r, s) and (r, n − s) are accepted, as Intel's library does: so signatures identify nothing.
 *
 * @param publicKey - x ‖ y, 64 bytes.
 * @param signature - r ‖ s, 64 bytes.
 * @returns false also for a key that is no point of the curve.
 */
export function isSignedBy(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const key = importKey(publicKey)
  if (key === undefined) return false
  return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)
}

function importKey(publicKey: Uint8Array): KeyObject | undefined {
  // OpenSSL would pass over what follows the point.
  if (publicKey.length !== COORDINATES_BYTES) return undefined
  const key = { key: concatBytes(SPKI_PREFIX, publicKey), format: 'der', type: 'spki' }
  try {
    // Node takes any bytes; its types are narrower.
    return createPublicKey(key as unknown as PublicKeyInput)
  } catch {
    // OpenSSL checks that the point is on the curve; such a key has signed nothing.
    return undefined
  }
}
