/**
 * SP1Stdin: the input buffers of a guest, in the three forms a file may have.
 * - `sp1`: bincode 1, as SP1_DUMP writes it: u64 count, each buffer as u64 length and bytes, u64 ptr,
 *   u64 number of deferred proofs, the proofs. All integers little-endian.
 * - `json`: the serde form, `{"buffer": [...]}`, each buffer an array of bytes or 0x hex.
 * - `raw`: the whole file is one buffer.
 * Deferred proofs are counted and otherwise opaque: nothing here can verify them.
 * `ptr`, how far the host itself has read, is checked and has no effect, as in SP1.
 */
import { ByteReader, encodeU64LE, fromHex, isHex } from '../bytes.js'
import { InputError } from '../errors.js'

/** SP1 has no bound; but each takes a hundred bytes of this process, however few it holds. */
export const MAX_BUFFERS = 2 ** 18

export type StdinFormat = 'sp1' | 'json' | 'raw'

export interface Stdin {
  readonly buffers: readonly Uint8Array[]
  /** Number of deferred proofs in the file. */
  readonly deferredProofs: bigint
}

export interface DetectedStdin extends Stdin {
  readonly format: StdinFormat
}

/**
 * Read a stdin file whose format the caller does not know.
 * `sp1` or `json` is taken only if the whole file parses as that; anything else is `raw`.
 *
 * @throws InputError `STDIN_AMBIGUOUS` if it holds no buffer, so that nothing tells the forms apart.
 */
export function detectStdin(bytes: Uint8Array): DetectedStdin {
  for (const format of ['sp1', 'json'] as const) {
    const stdin = tryParse(bytes, format)
    if (stdin === undefined) continue
    if (format === 'sp1' && stdin.buffers.length === 0) {
      throw new InputError('STDIN_AMBIGUOUS', { bytes: bytes.length })
    }
    return { ...stdin, format }
  }
  if (bytes.length === 0) throw new InputError('STDIN_AMBIGUOUS', { bytes: 0 })
  return { ...parseStdin(bytes, 'raw'), format: 'raw' }
}

/** @throws InputError `STDIN_MALFORMED` */
export function parseStdin(bytes: Uint8Array, format: StdinFormat): Stdin {
  switch (format) {
    case 'sp1':
      return parseBincode(bytes)
    case 'json':
      return parseJson(bytes)
    case 'raw':
      return { buffers: [bytes], deferredProofs: 0n }
  }
}

/** The `sp1` form of buffers without deferred proofs. */
export function encodeStdin(buffers: readonly Uint8Array[]): Uint8Array {
  const LENGTH_BYTES = 8
  const dataBytes = buffers.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0)
  const bytes = new Uint8Array(dataBytes + 3 * LENGTH_BYTES)
  bytes.set(encodeU64LE(BigInt(buffers.length)))
  let offset = LENGTH_BYTES
  for (const buffer of buffers) {
    bytes.set(encodeU64LE(BigInt(buffer.length)), offset)
    bytes.set(buffer, offset + LENGTH_BYTES)
    offset += LENGTH_BYTES + buffer.length
  }
  // No position, no deferred proofs.
  return bytes
}

/** @throws InputError `STDIN_DEFERRED_PROOFS`: a run that used them could not be vouched for. */
export function requireNoDeferredProofs({ deferredProofs }: Stdin): void {
  if (deferredProofs > 0n) {
    throw new InputError('STDIN_DEFERRED_PROOFS', { count: deferredProofs.toString() })
  }
}

function tryParse(bytes: Uint8Array, format: StdinFormat): Stdin | undefined {
  try {
    return parseStdin(bytes, format)
  } catch (error) {
    if (error instanceof InputError) return undefined
    throw error
  }
}

function parseBincode(bytes: Uint8Array): Stdin {
  const reader = new ByteReader(bytes, ({ offset, need, have }) =>
    malformed(
      'sp1',
      `it ends at offset ${offset}, where ${need} bytes are needed and ${have} left`,
    ),
  )
  const count = readLength(reader, 8)
  requireFewBuffers('sp1', count)
  const buffers = Array.from({ length: count }, () => reader.take(readLength(reader, 1)))
  const ptr = reader.u64LE()
  if (ptr > BigInt(count)) malformed('sp1', `ptr is ${ptr}, beyond its ${count} buffers`)
  const deferredProofs = reader.u64LE()
  const restBytes = reader.remainingBytes
  if (deferredProofs === 0n && restBytes > 0) {
    malformed('sp1', `${restBytes} bytes follow its end`)
  }
  if (deferredProofs > 0n && restBytes === 0) malformed('sp1', 'its deferred proofs are missing')
  return { buffers, deferredProofs }
}

function requireFewBuffers(format: StdinFormat, count: number): void {
  if (count > MAX_BUFFERS) malformed(format, `it has ${count} buffers, more than ${MAX_BUFFERS}`)
}

/** A u64 count of things that take at least `minBytes` each, so it is bounded by what is left. */
function readLength(reader: ByteReader, minBytes: number): number {
  const length = reader.u64LE()
  if (length * BigInt(minBytes) > BigInt(reader.remainingBytes)) {
    malformed('sp1', `a length of ${length} at offset ${reader.offsetBytes - 8} exceeds the file`)
  }
  return Number(length)
}

function parseJson(bytes: Uint8Array): Stdin {
  return parseStdinValue(readJson(bytes))
}

/**
 * The `json` form, already parsed as JSON: part of a larger document.
 *
 * @throws InputError `STDIN_MALFORMED`
 */
export function parseStdinValue(value: unknown): Stdin {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return malformed('json', 'it is no object')
  }
  const { buffer, ptr, proofs, ...rest } = value as Record<string, unknown>
  const [extra] = Object.keys(rest)
  if (extra !== undefined) malformed('json', `it has an unknown field ${JSON.stringify(extra)}`)
  if (!Array.isArray(buffer)) return malformed('json', 'its field "buffer" is no array')
  requireFewBuffers('json', buffer.length)
  if (ptr !== undefined && !(Number.isSafeInteger(ptr) && (ptr as number) >= 0)) {
    malformed('json', 'its field "ptr" is no index')
  }
  if (proofs !== undefined && !Array.isArray(proofs)) {
    return malformed('json', 'its field "proofs" is no array')
  }
  return { buffers: buffer.map(jsonBuffer), deferredProofs: BigInt(proofs?.length ?? 0) }
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    return malformed('json', 'it is no JSON text')
  }
}

function jsonBuffer(value: unknown, index: number): Uint8Array {
  return (
    parseBytesValue(value) ??
    malformed('json', `buffer ${index} is neither an array of bytes nor 0x hex`)
  )
}

/** Bytes as JSON has them: an array of numbers, or 0x hex. Undefined for anything else. */
export function parseBytesValue(value: unknown): Uint8Array | undefined {
  if (isHex(value)) return fromHex(value)
  const isBytes =
    Array.isArray(value) && value.every((byte) => Number.isInteger(byte) && byte >= 0 && byte < 256)
  return isBytes ? Uint8Array.from(value) : undefined
}

function malformed(format: StdinFormat, reason: string): never {
  throw new InputError('STDIN_MALFORMED', { format, reason })
}
