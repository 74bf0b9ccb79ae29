/**
 * Bytes: hex text, little- and big-endian integers, and a reader that cannot run past its end.
 * Imports nothing, so every layer may use it.
 */

export type Hex = `0x${string}`

const HEX_TEXT = /^0x(?:[0-9a-fA-F]{2})*$/

/** True for an `0x`-prefixed string with an even number of hex digits (none is allowed). */
export function isHex(text: unknown): text is Hex {
  return typeof text === 'string' && HEX_TEXT.test(text)
}

/** The same, in lower case; of so many bytes, if that is given. */
export function isLowerHex(text: unknown, byteCount?: number): text is Hex {
  if (!isHex(text) || text !== text.toLowerCase()) return false
  return byteCount === undefined || text.length === 2 + 2 * byteCount
}

const HEX_DIGITS = new TextEncoder().encode('0123456789abcdef')
const CODE_0 = 0x30
const CODE_X = 0x78
/** By the code of a digit. */
const HEX_VALUES = new Uint8Array(128)
for (const [value, code] of HEX_DIGITS.entries()) {
  HEX_VALUES[code] = value
  HEX_VALUES[String.fromCharCode(code).toUpperCase().charCodeAt(0)] = value
}
const decoder = new TextDecoder()

/**
 * Lower-case, `0x`-prefixed. Digits become text all at once: 16 MiB take 0.1 s, where text that grows by
 * each byte takes 2.
 */
export function toHex(bytes: Uint8Array): Hex {
  const codes = new Uint8Array(2 + 2 * bytes.length)
  codes[0] = CODE_0
  codes[1] = CODE_X
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number
    codes[2 + 2 * i] = HEX_DIGITS[byte >> 4] as number
    codes[3 + 2 * i] = HEX_DIGITS[byte & 15] as number
  }
  return decoder.decode(codes) as Hex
}

/** The bytes of a string for which `isHex` holds. */
export function fromHex(hex: Hex): Uint8Array {
  const bytes = new Uint8Array((hex.length - 2) / 2)
  for (let i = 0; i < bytes.length; i++) {
    const high = HEX_VALUES[hex.charCodeAt(2 + 2 * i)] as number
    const low = HEX_VALUES[hex.charCodeAt(3 + 2 * i)] as number
    bytes[i] = (high << 4) | low
  }
  return bytes
}

export function toBase64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}

/** The bytes of base64 text. */
export function fromBase64(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64)
  const bytes = new Uint8Array(text.length)
  // Several times faster than `Uint8Array.from`, and modules are decoded before V8 has warmed up.
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

/** The first 8 bytes and the length: enough to recognise a value in an error, too little to leak it. */
export function abbreviateHex(bytes: Uint8Array): string {
  const head = toHex(bytes.subarray(0, 8))
  return bytes.length > 8 ? `${head}… (${bytes.length} bytes)` : head
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offsetBytes = 0
  for (const part of parts) {
    joined.set(part, offsetBytes)
    offsetBytes += part.length
  }
  return joined
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

export function encodeU32LE(value: number): Uint8Array {
  const bytes = new Uint8Array(4)
  viewOf(bytes).setUint32(0, value, true)
  return bytes
}

export function encodeU64LE(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  viewOf(bytes).setBigUint64(0, value, true)
  return bytes
}

/**
 * Reads forward through bytes it does not copy.
 * What happens at a read past the end is the caller's choice, so that the error names their format.
 */
export class ByteReader {
  #offsetBytes = 0
  readonly #view: DataView

  constructor(
    readonly bytes: Uint8Array,
    private readonly onTruncated: (facts: { offset: number; need: number; have: number }) => never,
  ) {
    this.#view = viewOf(bytes)
  }

  get offsetBytes(): number {
    return this.#offsetBytes
  }

  get remainingBytes(): number {
    return this.bytes.length - this.#offsetBytes
  }

  /** A view of the next `count` bytes. */
  take(count: number): Uint8Array {
    const start = this.#advance(count)
    return this.bytes.subarray(start, start + count)
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1))
  }

  u16LE(): number {
    return this.#view.getUint16(this.#advance(2), true)
  }

  u32LE(): number {
    return this.#view.getUint32(this.#advance(4), true)
  }

  u64LE(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true)
  }

  #advance(count: number): number {
    if (count > this.remainingBytes) {
      this.onTruncated({ offset: this.#offsetBytes, need: count, have: this.remainingBytes })
    }
    const start = this.#offsetBytes
    this.#offsetBytes += count
    return start
  }
}
