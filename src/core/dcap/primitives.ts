/** The two primitives of DCAP: SHA-256, and ECDSA on P-256 over it. Neither knows a secret. */
export { sha256 } from '../sha256.js'
export { isSignedBy } from './p256.js'

export const PUBLIC_KEY_BYTES = 64
export const SIGNATURE_BYTES = 64
