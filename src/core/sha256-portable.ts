/** SHA-256 where there is no node:crypto: stands in for sha256.ts in the bundle for browsers. */
import { sha256 as hash } from '@noble/hashes/sha2.js'

/** @returns 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash(bytes)
}
