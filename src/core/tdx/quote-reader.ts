/** Reads a quote forward and turns what does not fit into errors that name field and offset. */
import { viewOf } from '../bytes.js'
import { InputError } from '../errors.js'
import type { Fields, Layout, ValuesOf } from './layout.js'
import { CERTIFICATION } from './quote-layouts.js'

/**
 * Knows where it is in the whole quote. The end of the input is a truncation; the end of a section
 * inside it is a length that does not fit.
 */
export class QuoteReader {
  #position = 0

  constructor(
    private readonly bytes: Uint8Array,
    private readonly base?: number,
  ) {}

  /** From the quote's first byte. */
  get offset(): number {
    return (this.base ?? 0) + this.#position
  }

  get remaining(): number {
    return this.bytes.length - this.#position
  }

  /** A view of the next bytes. */
  take(field: string, count: number): Uint8Array {
    const { offset, remaining } = this
    if (count > remaining) {
      if (this.base !== undefined) throw wrongLength(field, offset, count, remaining)
      throw new InputError('QUOTE_TRUNCATED', { field, offset, need: count, have: remaining })
    }
    this.#position += count
    return this.bytes.subarray(this.#position - count, this.#position)
  }

  read<F extends Fields>(field: string, table: Layout<F>): ValuesOf<F> {
    return table.parse(this.take(field, table.bytes))
  }

  u16(field: string): number {
    return viewOf(this.take(field, 2)).getUint16(0, true)
  }

  u32(field: string): number {
    return viewOf(this.take(field, 4)).getUint32(0, true)
  }

  section(field: string, length: number): QuoteReader {
    const start = this.offset
    return new QuoteReader(this.take(field, length), start)
  }

  /** Certification data of one of these types, which must end where this section ends. */
  certification<const Type extends number>(
    field: string,
    types: readonly Type[],
  ): { type: Type; data: QuoteReader } {
    const start = this.offset
    const { type, bytes } = this.read(`${field}Header`, CERTIFICATION)
    const { offsets } = CERTIFICATION
    const known = types.find((candidate) => candidate === type)
    if (known === undefined) {
      throw unsupported(`${field}Type`, start + offsets.type, type, types.join(', '))
    }
    if (bytes !== this.remaining) {
      throw wrongLength(field, start + offsets.bytes, bytes, this.remaining)
    }
    return { type: known, data: this.section(field, bytes) }
  }
}

export function unsupported(field: string, offset: number, value: number, supported: string) {
  return new InputError('QUOTE_UNSUPPORTED', { field, offset, value, supported })
}

export function wrongLength(field: string, offset: number, stated: number, actual: number) {
  return new InputError('QUOTE_LENGTH', { field, offset, stated, actual })
}

export function malformed(field: string, offset: number, reason: string, cause?: unknown) {
  return new InputError('QUOTE_MALFORMED', { field, offset, reason }, cause)
}
