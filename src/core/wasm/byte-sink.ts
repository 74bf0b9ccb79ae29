/**
 * Bytes that grow, with the variable-length integers of WebAssembly.
 * Source: WebAssembly core specification 2.0, 5.2.2 (LEB128).
 */
import { InternalError } from '../errors.js'

const U32_END = 2 ** 32

export class ByteSink {
  #bytes = new Uint8Array(256)
  #length = 0

  get length(): number {
    return this.#length
  }

  /** A copy of what was written. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length)
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  appendSink(other: ByteSink): void {
    this.append(other.#bytes.subarray(0, other.#length))
  }

  /** @throws InternalError unless `value` is an integer in 0..2^32 - 1 */
  u32(value: number): void {
    if (!Number.isInteger(value) || value < 0 || value >= U32_END) {
      throw new InternalError(`${value} is no u32`)
    }
    let rest = value
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80)
      rest >>>= 7
    }
    this.byte(rest)
  }

  /** The signed form. Any 32-bit integer, signed or not: u32 and i32 of the same bits are equal. */
  s32(value: number): void {
    let rest = value | 0
    while (rest < -0x40 || rest > 0x3f) {
      this.byte((rest & 0x7f) | 0x80)
      rest >>= 7
    }
    this.byte(rest & 0x7f)
  }

  /** The same for 64 bits. */
  s64(value: bigint): void {
    let rest = BigInt.asIntN(64, value)
    while (rest < -0x40n || rest > 0x3fn) {
      this.byte(Number(rest & 0x7fn) | 0x80)
      rest >>= 7n
    }
    this.byte(Number(rest & 0x7fn))
  }

  /** A length in bytes, then UTF-8. */
  name(text: string): void {
    const bytes = new TextEncoder().encode(text)
    this.u32(bytes.length)
    this.append(bytes)
  }

  /** A length in bytes, then what `write` wrote. */
  sized(write: (sink: ByteSink) => void): void {
    const inner = new ByteSink()
    write(inner)
    this.u32(inner.length)
    this.appendSink(inner)
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + more))
    larger.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = larger
  }
}
