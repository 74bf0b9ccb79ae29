/**
 * The bytes of succinctlabs' TEE prover, as sp1-sdk sends and reads them: bincode 1 of `TEERequest` and
 * `EventPayload`, and of a list of addresses. Integers are little-endian u64; a byte string has its
 * length before it, an array of fixed size has none.
 */
import { ByteReader, concatBytes, encodeU32LE, encodeU64LE, fromHex, type Hex } from '../bytes.js'
import { InputError } from '../errors.js'
import { parseStdin, type Stdin } from '../executor/stdin.js'

const ID_BYTES = 32
/** r, s and the parity, each a byte string of a big-endian number. */
const SIGNATURE_FIELDS = [32, 32, 8] as const
const SIGNATURE_BYTES = SIGNATURE_FIELDS.reduce((sum, bytes) => sum + 8 + bytes, 0)
const SUCCESS = 0
const ERROR = 1
const MAX_CYCLES = 2 ** 32 - 1

export interface TeeRequest {
  readonly id: Uint8Array
  readonly program: Uint8Array
  /** The client's limit, as far as there can be one: at most 2^32 - 1. */
  readonly cycleLimit: number
  readonly stdin: Stdin
  /** Of the id, by EIP-191: r ‖ s ‖ v. */
  readonly signature: Uint8Array
}

/** @throws InputError `TEE_REQUEST_MALFORMED`, `STDIN_MALFORMED` */
export function parseTeeRequest(bytes: Uint8Array): TeeRequest {
  const reader = new ByteReader(bytes, ({ offset, need, have }) =>
    malformed(`it ends at offset ${offset}, where ${need} bytes are needed and ${have} left`),
  )
  const id = reader.take(ID_BYTES)
  const program = reader.take(readLength(reader))
  const cycleLimit = reader.u64LE()
  if (reader.remainingBytes < SIGNATURE_BYTES) malformed('it has no signature')
  const stdin = parseStdin(reader.take(reader.remainingBytes - SIGNATURE_BYTES), 'sp1')
  const [r, s, parity] = SIGNATURE_FIELDS.map((bytes) => {
    if (readLength(reader) !== bytes) malformed('its signature has other fields')
    return reader.take(bytes)
  }) as [Uint8Array, Uint8Array, Uint8Array]
  const isParity = parity.subarray(0, 7).every((byte) => byte === 0) && parity[7] <= 1
  if (!isParity) malformed("its signature's parity is neither 0 nor 1")
  if (cycleLimit === 0n) malformed('its cycle limit is 0')
  return {
    id,
    program,
    cycleLimit: Number(cycleLimit > BigInt(MAX_CYCLES) ? BigInt(MAX_CYCLES) : cycleLimit),
    stdin,
    signature: concatBytes(r, s, Uint8Array.of(27 + parity[7])),
  }
}

/** @param signature - r ‖ s ‖ v, v 27 or 28 */
export function encodeTeeSuccess(vkey: Hex, publicValues: Hex, signature: Hex): Uint8Array {
  const values = fromHex(publicValues)
  const length = encodeU64LE(BigInt(values.length))
  return concatBytes(encodeU32LE(SUCCESS), fromHex(vkey), length, values, fromHex(signature))
}

export function encodeTeeError(message: string): Uint8Array {
  const text = new TextEncoder().encode(message)
  return concatBytes(encodeU32LE(ERROR), encodeU64LE(BigInt(text.length)), text)
}

export function encodeTeeSigners(addresses: readonly Hex[]): Uint8Array {
  const entries = addresses.flatMap((address) => [encodeU64LE(20n), fromHex(address)])
  return concatBytes(encodeU64LE(BigInt(addresses.length)), ...entries)
}

function readLength(reader: ByteReader): number {
  const length = reader.u64LE()
  if (length > BigInt(reader.remainingBytes)) malformed(`a length of ${length} exceeds it`)
  return Number(length)
}

function malformed(reason: string): never {
  throw new InputError('TEE_REQUEST_MALFORMED', { reason })
}
