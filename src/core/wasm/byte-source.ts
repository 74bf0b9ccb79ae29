/** Reads what ByteSink wrote. Running past the end is a bug of the writer. */
import { InternalError } from '../errors.js'

export class ByteSource {
  #at = 0

  constructor(readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.#at === this.bytes.length
  }

  byte(): number {
    if (this.isAtEnd) throw new InternalError('a module ends too early')
    return this.bytes[this.#at++]
  }

  u32(): number {
    return Number(BigInt.asUintN(32, this.#leb128().value))
  }

  s32(): number {
    return Number(this.s64())
  }

  s64(): bigint {
    const { value, bits } = this.#leb128()
    return BigInt.asIntN(64, BigInt.asIntN(bits, value))
  }

  name(): string {
    return new TextDecoder().decode(this.slice(this.u32()).bytes)
  }

  /** A reader of the next `count` bytes, which this one skips. */
  slice(count: number): ByteSource {
    if (this.#at + count > this.bytes.length) throw new InternalError('a module ends too early')
    this.#at += count
    return new ByteSource(this.bytes.subarray(this.#at - count, this.#at))
  }

  vector<T>(read: (source: this, index: number) => T): T[] {
    return Array.from({ length: this.u32() }, (_, index) => read(this, index))
  }

  /** Seven bits per byte, the low ones first; `bits` is how many there were. */
  #leb128(): { value: bigint; bits: number } {
    let value = 0n
    let bits = 0
    while (true) {
      const byte = this.byte()
      value |= BigInt(byte & 0x7f) << BigInt(bits)
      bits += 7
      if (byte < 0x80) return { value, bits }
    }
  }
}
