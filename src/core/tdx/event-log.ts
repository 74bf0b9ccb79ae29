/**
 * The event log that firmware leaves beside the measurements (ACPI table CCEL): what was hashed into
 * RTMR0 to RTMR3, in order. The log itself is not signed: it is believed only as far as replaying it
 * gives the RTMRs of a quote.
 *
 * Source: TCG PC Client Platform Firmware Profile 1.06, section 10 (log format); UEFI 2.10,
 * section 38.4.1 (which register an index names).
 */
import { sha384 } from '@noble/hashes/sha2.js'
import { ByteReader, concatBytes, encodeU32LE } from '../bytes.js'
import { InputError } from '../errors.js'

export const SHA384_ALGORITHM = 0x0c
const SHA384_BYTES = 48
const SHA1_BYTES = 20
const EV_NO_ACTION = 3
const RTMR_COUNT = 4
/** An index that ends the log; so do zeros, where firmware clears the area before it writes. */
const END_INDEX = 0xffffffff
const SPEC_ID = new TextEncoder().encode('Spec ID Event03\0')
/** Far more than any firmware logs. */
const MAX_DIGESTS = 16
/** ACPI gives the log some hundred kilobytes. */
const MAX_EVENT_LOG_BYTES = 16 * 2 ** 20

export interface DigestAlgorithm {
  readonly id: number
  readonly bytes: number
}

export interface LogEvent {
  /** 1 to 4 are RTMR0 to RTMR3. */
  readonly mrIndex: number
  readonly type: number
  readonly digests: readonly { readonly algorithm: number; readonly digest: Uint8Array }[]
  readonly data: Uint8Array
}

export interface EventLog {
  /** The first event, which says how digests are written; raw. */
  readonly header: {
    readonly pcrIndex: number
    readonly digest: Uint8Array
    readonly data: Uint8Array
  }
  readonly algorithms: readonly DigestAlgorithm[]
  readonly events: readonly LogEvent[]
  /** What follows the last event: the area is larger than the log. */
  readonly padding: Uint8Array
}

/** @throws InputError `EVENT_LOG_MALFORMED`, with field and offset */
export function parseEventLog(bytes: Uint8Array): EventLog {
  if (bytes.length > MAX_EVENT_LOG_BYTES) {
    throw malformed('log', 0, `has more than ${MAX_EVENT_LOG_BYTES} bytes`)
  }
  const reader = new ByteReader(bytes, ({ offset, need, have }) => {
    throw malformed('event', offset, `needs ${need} bytes and has ${have}`)
  })
  const pcrIndex = reader.u32LE()
  const type = reader.u32LE()
  if (type !== EV_NO_ACTION) throw malformed('header', 4, 'is not EV_NO_ACTION')
  const digest = reader.take(SHA1_BYTES).slice()
  const data = reader.take(reader.u32LE()).slice()
  const algorithms = parseAlgorithms(data, reader.offsetBytes - data.length)
  const events: LogEvent[] = []
  while (!isAtEnd(bytes, reader)) events.push(parseEvent(reader, algorithms))
  const padding = bytes.slice(reader.offsetBytes)
  return { header: { pcrIndex, digest, data }, algorithms, events, padding }
}

export function encodeEventLog({ header, events, padding }: EventLog): Uint8Array {
  return concatBytes(
    encodeU32LE(header.pcrIndex),
    encodeU32LE(EV_NO_ACTION),
    header.digest,
    encodeU32LE(header.data.length),
    header.data,
    ...events.flatMap(encodeEvent),
    padding,
  )
}

/**
 * What the registers hold if exactly these events were extended into them, from zeros.
 *
 * @returns RTMR0 to RTMR3, 48 bytes each
 * @throws InputError `EVENT_LOG_MALFORMED` an event has no SHA-384 digest, or names no register
 */
export function replayEventLog({ events }: EventLog): Uint8Array[] {
  const registers = Array.from({ length: RTMR_COUNT }, () => new Uint8Array(SHA384_BYTES))
  for (const [number, { mrIndex, type, digests }] of events.entries()) {
    if (type === EV_NO_ACTION) continue
    const current = registers[mrIndex - 1]
    if (current === undefined) {
      throw malformed(`event ${number}`, 0, `is for register ${mrIndex}, which is no RTMR`)
    }
    const entry = digests.find(({ algorithm }) => algorithm === SHA384_ALGORITHM)
    if (entry === undefined) throw malformed(`event ${number}`, 0, 'has no SHA-384 digest')
    registers[mrIndex - 1] = sha384(concatBytes(current, entry.digest))
  }
  return registers
}

function parseAlgorithms(data: Uint8Array, start: number): DigestAlgorithm[] {
  const reader = new ByteReader(data, ({ offset, need, have }) => {
    throw malformed('header', start + offset, `needs ${need} bytes and has ${have}`)
  })
  const signature = reader.take(SPEC_ID.length)
  if (!SPEC_ID.every((byte, i) => byte === signature[i])) {
    throw malformed('header', start, 'is not "Spec ID Event03"')
  }
  reader.take(8) // platform class, version, size of its integers
  const count = reader.u32LE()
  if (count === 0 || count > MAX_DIGESTS) {
    throw malformed('header', start + reader.offsetBytes - 4, `has ${count} digest algorithms`)
  }
  const algorithms = Array.from({ length: count }, () => ({
    id: reader.u16LE(),
    bytes: reader.u16LE(),
  }))
  if (algorithms.some(({ id, bytes }) => id === SHA384_ALGORITHM && bytes !== SHA384_BYTES)) {
    throw malformed('header', start, 'gives SHA-384 another length')
  }
  reader.take(reader.u8()) // the vendor's own bytes
  return algorithms
}

function isAtEnd(bytes: Uint8Array, reader: ByteReader): boolean {
  if (reader.remainingBytes === 0) return true
  const start = reader.offsetBytes
  const head = bytes.subarray(start, start + 12)
  const isMarked =
    head.length >= 4 && head.subarray(0, 4).every((byte) => byte === END_INDEX >>> 24)
  return isMarked || head.every((byte) => byte === 0)
}

function parseEvent(reader: ByteReader, algorithms: readonly DigestAlgorithm[]): LogEvent {
  const mrIndex = reader.u32LE()
  const type = reader.u32LE()
  const count = reader.u32LE()
  if (count > MAX_DIGESTS) {
    throw malformed('event', reader.offsetBytes - 4, `has ${count} digests`)
  }
  const digests = Array.from({ length: count }, () => {
    const algorithm = reader.u16LE()
    const known = algorithms.find(({ id }) => id === algorithm)
    if (known === undefined) {
      throw malformed('event', reader.offsetBytes - 2, `has digest algorithm ${algorithm}`)
    }
    return { algorithm, digest: reader.take(known.bytes).slice() }
  })
  return { mrIndex, type, digests, data: reader.take(reader.u32LE()).slice() }
}

function encodeEvent({ mrIndex, type, digests, data }: LogEvent): Uint8Array[] {
  return [
    encodeU32LE(mrIndex),
    encodeU32LE(type),
    encodeU32LE(digests.length),
    ...digests.flatMap(({ algorithm, digest }) => [
      Uint8Array.of(algorithm & 0xff, algorithm >>> 8),
      digest,
    ]),
    encodeU32LE(data.length),
    data,
  ]
}

function malformed(field: string, offset: number, reason: string) {
  return new InputError('EVENT_LOG_MALFORMED', { field, offset, reason })
}
