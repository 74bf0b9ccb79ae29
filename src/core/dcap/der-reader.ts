/**
 * Reads DER (X.690), and nothing else: one encoding for each value, every byte accounted for. What a
 * BER reader would let pass (long lengths, padded integers, bytes at the end) is refused, so that
 * two readers cannot see two different certificates in the same bytes.
 */
import { toHex } from '../bytes.js'
import { InputError } from '../errors.js'
import { FIRST_GENERALIZED_YEAR, TAG } from '../tdx/der.js'

const LONG_FORM = 0x80
/** Four bytes of length are more than anything here has. */
const MAX_LENGTH_BYTES = 4
/** Far more than any name of these has, and far less than would take time. */
const MAX_OID_BYTES = 64
/** Key usage, the only list of bits, has nine. */
const MAX_NAMED_BITS_BYTES = 8
/** RFC 5280, 4.1.2.5.1: two-digit years before this are of the 21st century. */
const FIRST_YEAR_OF_19XX = 50

export class DerReader {
  #position = 0

  /**
   * @param what - the document, for errors: `root CRL`.
   * @param base - where `bytes` begin in it.
   */
  constructor(
    readonly bytes: Uint8Array,
    readonly what: string,
    private readonly base = 0,
  ) {}

  get isAtEnd(): boolean {
    return this.#position === this.bytes.length
  }

  /** True if the next element has this tag. */
  has(tag: number): boolean {
    return this.bytes[this.#position] === tag
  }

  /** The contents of the next element, which must have this tag. */
  take(tag: number, name: string): Uint8Array {
    const { start, end } = this.#next(tag, name)
    return this.bytes.subarray(start, end)
  }

  /** A reader of the contents of the next element. */
  enter(tag: number, name: string): DerReader {
    const { start, end } = this.#next(tag, name)
    return new DerReader(this.bytes.subarray(start, end), this.what, this.base + start)
  }

  /** The next element with its tag and length, whatever it contains. */
  whole(tag: number, name: string): Uint8Array {
    const start = this.#position
    const { end } = this.#next(tag, name)
    return this.bytes.subarray(start, end)
  }

  sequence(name: string): DerReader {
    return this.enter(TAG.sequence, name)
  }

  end(name: string): void {
    if (!this.isAtEnd) throw this.malformed(`${name} has more than it should`)
  }

  /** @returns as many bytes as it needs, big-endian; not negative. */
  unsigned(name: string): Uint8Array {
    const bytes = this.take(TAG.integer, name)
    const [first, second] = bytes
    if (first === undefined) throw this.malformed(`${name} has no digits`)
    if (first >= 0x80) throw this.malformed(`${name} is negative`)
    if (first !== 0 || second === undefined) return bytes
    if (second < 0x80) throw this.malformed(`${name} is padded`)
    return bytes.subarray(1)
  }

  /** A flag that is false unless it is there; DER writes no default. */
  flag(name: string): boolean {
    if (!this.has(TAG.boolean)) return false
    if (!this.boolean(name)) throw this.malformed(`${name} is written though false`)
    return true
  }

  /** A small number, at most `max`. */
  number(name: string, max: number): number {
    const value = this.unsigned(name).reduce((sum, byte) => sum * 256 + byte, 0)
    if (value > max) throw this.malformed(`${name} is larger than ${max}`)
    return value
  }

  boolean(name: string): boolean {
    const bytes = this.take(TAG.boolean, name)
    const [byte] = bytes
    if (bytes.length !== 1 || (byte !== 0x00 && byte !== 0xff)) {
      throw this.malformed(`${name} is no boolean`)
    }
    return byte === 0xff
  }

  octets(name: string, length?: number): Uint8Array {
    const bytes = this.take(TAG.octetString, name)
    if (length !== undefined && bytes.length !== length) {
      throw this.malformed(`${name} has ${bytes.length} bytes, not ${length}`)
    }
    return bytes
  }

  /** Contents of a BIT STRING without unused bits. */
  bits(name: string): Uint8Array {
    const bytes = this.take(TAG.bitString, name)
    if (bytes[0] !== 0) throw this.malformed(`${name} is not whole bytes`)
    return bytes.subarray(1)
  }

  /** Numbers of the bits that are set, the first being 0. */
  namedBits(name: string): number[] {
    const bytes = this.take(TAG.bitString, name)
    if (bytes.length > MAX_NAMED_BITS_BYTES) throw this.malformed(`${name} is too long`)
    const [unused, ...octets] = bytes
    const last = octets.at(-1) ?? 0
    // A list of named bits ends with the last bit that is set (X.690, 11.2.2).
    if (unused === undefined || unused > 7 || ((last >>> unused) & 1) === 0) {
      throw this.malformed(`${name} is no list of bits`)
    }
    if ((last & ((1 << unused) - 1)) !== 0) throw this.malformed(`${name} has unused bits set`)
    return octets.flatMap((octet, i) =>
      [0, 1, 2, 3, 4, 5, 6, 7]
        .filter((bit) => (octet & (0x80 >>> bit)) !== 0)
        .map((b) => 8 * i + b),
    )
  }

  /** As written, `1.2.840.10045.2.1`. */
  objectIdentifier(name: string): string {
    const bytes = this.take(TAG.objectIdentifier, name)
    if (bytes.length > MAX_OID_BYTES) throw this.malformed(`${name} is too long`)
    const arcs: number[] = []
    let arc = 0
    for (const [i, byte] of bytes.entries()) {
      if (arc === 0 && byte === 0x80) throw this.malformed(`${name} is padded`)
      arc = arc * 128 + (byte & 0x7f)
      if (arc > Number.MAX_SAFE_INTEGER) throw this.malformed(`${name} is too large`)
      if (byte < 0x80) {
        arcs.push(arc)
        arc = 0
      } else if (i === bytes.length - 1) throw this.malformed(`${name} is cut off`)
    }
    const [first] = arcs
    if (first === undefined) throw this.malformed(`${name} is empty`)
    const root = Math.min(Math.floor(first / 40), 2)
    return [root, first - 40 * root, ...arcs.slice(1)].join('.')
  }

  /** UTCTime until 2049, GeneralizedTime from then on (RFC 5280, 4.1.2.5), to the second. */
  time(name: string): Date {
    const isGeneralized = this.has(TAG.generalizedTime)
    const tag = isGeneralized ? TAG.generalizedTime : TAG.utcTime
    const text = new TextDecoder('latin1').decode(this.take(tag, name))
    const match = /^(\d\d|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text)
    if (match === null || (match[1]!.length === 4) !== isGeneralized) {
      throw this.malformed(`${name} is no time`)
    }
    const [, years, month, day, hour, minute, second] = match.map(Number) as number[]
    const century = isGeneralized ? 0 : years! < FIRST_YEAR_OF_19XX ? 2000 : 1900
    const year = century + years!
    const date = new Date(Date.UTC(year, month! - 1, day, hour, minute, second))
    const isReal = date.getUTCMonth() === month! - 1 && date.getUTCDate() === day
    const isInDay = hour! < 24 && minute! < 60 && second! < 60
    if (!isReal || !isInDay || (isGeneralized && year < FIRST_GENERALIZED_YEAR)) {
      throw this.malformed(`${name} is no time`)
    }
    return date
  }

  malformed(reason: string): InputError<'DER_MALFORMED'> {
    const offset = this.base + this.#position
    return new InputError('DER_MALFORMED', { what: this.what, offset, reason })
  }

  #next(tag: number, name: string): { start: number; end: number } {
    const { bytes } = this
    const found = bytes[this.#position]
    if (found === undefined) throw this.malformed(`${name} is missing`)
    if (found !== tag) {
      const [has, should] = [toHex(Uint8Array.of(found)), toHex(Uint8Array.of(tag))]
      throw this.malformed(`${name} has tag ${has}, not ${should}`)
    }
    const start = this.#position + 2 + this.#lengthBytes(name)
    const end = start + this.#length(name)
    if (end > bytes.length) throw this.malformed(`${name} is cut off`)
    this.#position = end
    return { start, end }
  }

  /** How many bytes a length takes after its first one. */
  #lengthBytes(name: string): number {
    const first = this.bytes[this.#position + 1]
    if (first === undefined) throw this.malformed(`${name} is cut off`)
    if (first < LONG_FORM) return 0
    const count = first - LONG_FORM
    if (count === 0 || count > MAX_LENGTH_BYTES) throw this.malformed(`${name} has no such length`)
    return count
  }

  #length(name: string): number {
    const at = this.#position + 1
    const count = this.#lengthBytes(name)
    if (count === 0) return this.bytes[at]!
    const digits = this.bytes.subarray(at + 1, at + 1 + count)
    const length = digits.reduce((sum, byte) => sum * 256 + byte, 0)
    if (length < LONG_FORM || digits[0] === 0) throw this.malformed(`${name} has a padded length`)
    return length
  }
}
