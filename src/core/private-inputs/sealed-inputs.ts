/**
 * A program, its stdin and how they are to be run, encrypted to a key that only a TD has: HPKE in mode base with
 * DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-128-GCM, one message per chunk, so that inputs of any
 * size are sealed and opened piece by piece.
 *
 * Plaintext: u64 LE length of the choices ‖ choices as JSON ‖ u64 LE length of the ELF ‖ ELF ‖ SP1Stdin as
 * bincode, cut into chunks of 1 MiB, of which
 * only the last may be shorter. Sealed: the chunks' ciphertexts, each 16 bytes longer. The associated
 * data of the last chunk are the byte 1, of the others 0, so that nothing can be cut off or appended.
 * The sizes of program and stdin can be told from the length.
 *
 * Source: RFC 9180.
 */
import * as hpke from 'hpke'
import { ByteReader, concatBytes, encodeU64LE, fromHex, type Hex, toHex } from '../bytes.js'
import { InputError } from '../errors.js'
import { PUBLIC_KEY_BYTES } from './statement.js'

export interface PrivateInputs {
  /** JSON, at most `MAX_CHOICES_BYTES`. In the clear anybody could change them and send the rest again. */
  readonly choices: Uint8Array
  readonly elf: Uint8Array
  /** SP1Stdin as bincode. */
  readonly stdin: Uint8Array
}

export interface SealedInputs {
  /** 32 bytes, `enc` of RFC 9180. */
  readonly encapsulatedKey: Hex
  readonly sealed: Uint8Array
}

/** The key inputs are encrypted to; its secret half does not leave the object. */
export interface InputKey {
  /** 32 bytes. */
  readonly publicKey: Hex
  /** @throws InputError `PRIVATE_INPUTS_UNREADABLE` */
  open(inputs: SealedInputs): Promise<PrivateInputs>
}

export const CHUNK_BYTES = 2 ** 20
export const ENCAPSULATED_KEY_BYTES = 32
const TAG_BYTES = 16
export const MAX_CHOICES_BYTES = 4096
const INFO = new TextEncoder().encode('sp1-tee/private-inputs/1')

/** What a key of low order, as only a liar has, makes of an attempt to use it. */
const LIARS_KEY = [hpke.DeserializeError, hpke.EncapError, hpke.ValidationError]
const SUITE = new hpke.CipherSuite(
  hpke.KEM_DHKEM_X25519_HKDF_SHA256,
  hpke.KDF_HKDF_SHA256,
  hpke.AEAD_AES_128_GCM,
)

/** @param entropy - uniformly random bytes, as many as asked for. */
export async function createInputKey(
  entropy: (byteCount: number) => Uint8Array,
): Promise<InputKey> {
  const pair = await SUITE.DeriveKeyPair(entropy(PUBLIC_KEY_BYTES))
  const publicKey = toHex(await SUITE.SerializePublicKey(pair.publicKey))
  return Object.freeze({
    publicKey,
    open: (inputs: SealedInputs) => openInputs(pair, inputs),
  })
}

/** Encrypt with a fresh key for this message alone. @throws InputError `PRIVATE_KEY_MALFORMED` */
export async function sealInputs(
  publicKey: Hex,
  { choices, elf, stdin }: PrivateInputs,
): Promise<SealedInputs> {
  const { encapsulatedSecret, ctx } = await setUpSender(publicKey)
  const plaintext = concatBytes(lengthOf(choices), choices, lengthOf(elf), elf, stdin)
  const sealed = new Uint8Array(sealedBytes(plaintext.length))
  for (let at = 0, to = 0; at < plaintext.length; at += CHUNK_BYTES) {
    const chunk = plaintext.subarray(at, at + CHUNK_BYTES)
    const isLast = at + chunk.length === plaintext.length
    const ciphertext = await ctx.Seal(chunk, associatedData(isLast))
    sealed.set(ciphertext, to)
    to += ciphertext.length
  }
  return { encapsulatedKey: toHex(encapsulatedSecret), sealed }
}

async function openInputs(
  pair: Awaited<ReturnType<typeof SUITE.DeriveKeyPair>>,
  { encapsulatedKey, sealed }: SealedInputs,
): Promise<PrivateInputs> {
  const chunkCount = Math.ceil(sealed.length / (CHUNK_BYTES + TAG_BYTES))
  const plaintext = new Uint8Array(Math.max(sealed.length - chunkCount * TAG_BYTES, 0))
  try {
    const context = await SUITE.SetupRecipient(pair, fromHex(encapsulatedKey), { info: INFO })
    for (let i = 0; i < chunkCount; i++) {
      const at = i * (CHUNK_BYTES + TAG_BYTES)
      const chunk = sealed.subarray(at, at + CHUNK_BYTES + TAG_BYTES)
      const opened = await context.Open(chunk, associatedData(i === chunkCount - 1))
      plaintext.set(opened, i * CHUNK_BYTES)
    }
  } catch (error) {
    throw unreadable('they were changed, or encrypted to another key', error)
  }
  return parsePlaintext(plaintext)
}

function parsePlaintext(plaintext: Uint8Array): PrivateInputs {
  const reader = new ByteReader(plaintext, () => {
    throw unreadable('they end too early')
  })
  const take = (maxBytes: number) => {
    const length = reader.u64LE()
    if (length > BigInt(maxBytes)) throw unreadable('a length in them is too large')
    return reader.take(Number(length))
  }
  const choices = take(MAX_CHOICES_BYTES)
  const elf = take(plaintext.length)
  return { choices, elf, stdin: reader.take(reader.remainingBytes) }
}

function lengthOf(bytes: Uint8Array): Uint8Array {
  return encodeU64LE(BigInt(bytes.length))
}

async function setUpSender(publicKey: Hex) {
  try {
    const key = await SUITE.DeserializePublicKey(fromHex(publicKey))
    return await SUITE.SetupSender(key, { info: INFO })
  } catch (error) {
    const isKeys = LIARS_KEY.some((kind) => error instanceof kind)
    if (!isKeys) throw error
    const reason = 'has a publicKey that nothing can be encrypted to'
    throw new InputError('PRIVATE_KEY_MALFORMED', { reason }, error)
  }
}

/** @returns the length of what a plaintext of this length is sealed to */
function sealedBytes(plaintextBytes: number): number {
  return plaintextBytes + Math.ceil(plaintextBytes / CHUNK_BYTES) * TAG_BYTES
}

function associatedData(isLast: boolean): Uint8Array {
  return Uint8Array.of(Number(isLast))
}

function unreadable(reason: string, cause?: unknown): InputError {
  return new InputError('PRIVATE_INPUTS_UNREADABLE', { reason }, cause)
}
