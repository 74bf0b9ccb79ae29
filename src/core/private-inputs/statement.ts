/**
 * What a signer says of the key that private inputs are to be encrypted to: that it is in the same TD as
 * the signer's own, and until when. Who trusts the signer's attestation may trust this.
 *
 * Source: EIP-712; docs/private-inputs.md.
 */
import { fromHex, type Hex, isLowerHex, toHex } from '../bytes.js'
import { InputError, RejectedError, shortName } from '../errors.js'
import { recoverAddress, SIGNATURE_BYTES, type Signer } from '../signer/signer.js'
import { computeTypedDataDigest, encodeWord } from '../signer/typed-data.js'

export interface PrivateInputKey {
  /** X25519, 32 bytes. */
  readonly publicKey: Hex
  /** Seconds since 1970. */
  readonly expiresAt: number
  /** Where the signer is registered. */
  readonly chainId: number
  readonly registry: Hex
}

export interface PrivateInputStatement extends PrivateInputKey {
  /** r ‖ s ‖ v, 65 bytes, of the attested signer. */
  readonly signature: Hex
}

export const PUBLIC_KEY_BYTES = 32
const TYPE = 'PrivateInputKey(bytes32 publicKey,uint64 expiresAt)'
const FIELDS = ['chainId', 'expiresAt', 'publicKey', 'registry', 'signature']

/** @returns 32 bytes, which a signer signs. */
export function computePrivateInputKeyDigest({
  publicKey,
  expiresAt,
  chainId,
  registry,
}: PrivateInputKey): Uint8Array {
  const fields = [fromHex(publicKey), encodeWord(BigInt(expiresAt))]
  return computeTypedDataDigest({ chainId, verifyingContract: registry }, TYPE, fields)
}

export function signPrivateInputKey(signer: Signer, key: PrivateInputKey): PrivateInputStatement {
  return { ...key, signature: toHex(signer.signDigest(computePrivateInputKeyDigest(key))) }
}

/** @throws InputError `PRIVATE_KEY_MALFORMED` */
export function parsePrivateInputStatement(value: unknown): PrivateInputStatement {
  if (typeof value !== 'object' || value === null) return malformed('is no JSON object')
  const fields = value as Record<string, unknown>
  const unknown = Object.keys(fields).find((field) => !FIELDS.includes(field))
  if (unknown !== undefined) malformed(`has an unknown field ${shortName(unknown)}`)
  return {
    publicKey: hexField(fields, 'publicKey', PUBLIC_KEY_BYTES),
    expiresAt: numberField(fields, 'expiresAt'),
    chainId: numberField(fields, 'chainId'),
    registry: hexField(fields, 'registry', 20),
    signature: hexField(fields, 'signature', SIGNATURE_BYTES),
  }
}

/**
 * @param signer - whose attestation was verified.
 * @throws RejectedError `PRIVATE_KEY_REFUSED` it is another's, or has expired
 */
export function verifyPrivateInputStatement(
  { signature, ...key }: PrivateInputStatement,
  signer: Hex,
  nowSeconds: number,
): PrivateInputKey {
  const signedBy = recoverAddress(computePrivateInputKeyDigest(key), fromHex(signature))
  if (signedBy !== signer) {
    const reason = `it is signed by ${signedBy ?? 'nobody'}, not by the signer ${signer}`
    throw new RejectedError('PRIVATE_KEY_REFUSED', { reason })
  }
  if (key.expiresAt <= nowSeconds) {
    const reason = `it expired at ${new Date(key.expiresAt * 1000).toISOString()}`
    throw new RejectedError('PRIVATE_KEY_REFUSED', { reason })
  }
  return key
}

function hexField(fields: Record<string, unknown>, name: string, byteCount: number): Hex {
  const value = fields[name]
  return isLowerHex(value, byteCount)
    ? value
    : malformed(`has a ${name} that is no ${byteCount} bytes of lower-case hex`)
}

function numberField(fields: Record<string, unknown>, name: string): number {
  const value = fields[name]
  // What a Date can show.
  const isFit = Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 40
  return isFit ? (value as number) : malformed(`has a ${name} that is no whole number`)
}

function malformed(reason: string): never {
  throw new InputError('PRIVATE_KEY_MALFORMED', { reason })
}
