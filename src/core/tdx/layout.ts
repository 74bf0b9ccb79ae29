/**
 * Fixed binary layouts as tables: rows of name and size in the order of the bytes, offsets are sums.
 * All integers of TDX structures are little-endian.
 */
import { viewOf } from '../bytes.js'
import { InputError, InternalError } from '../errors.js'

/** A number of raw bytes, or an unsigned integer. */
type Kind = number | 'u16' | 'u32'
export type Fields = readonly (readonly [name: string, kind: Kind])[]

export type ValuesOf<F extends Fields> = {
  readonly [Row in F[number] as Row[0]]: Row[1] extends number ? Uint8Array : number
}

export interface Layout<F extends Fields> {
  readonly bytes: number
  /** From the layout's own start. */
  readonly offsets: Readonly<Record<F[number][0], number>>
  /** @param bytes - exactly as many as the layout has; values are copies. */
  parse(bytes: Uint8Array): ValuesOf<F>
  /** @throws InputError `QUOTE_MALFORMED` a value does not fit its field. */
  encode(values: ValuesOf<F>): Uint8Array
}

/** @param bytes - what the specification says the rows add up to; checked when the module loads. */
export function layout<const F extends Fields>(bytes: number, fields: F): Layout<F> {
  const rows = placeFields(fields)
  const end = rows.reduce((sum, { size }) => sum + size, 0)
  if (end !== bytes) throw new InternalError(`a layout has ${end} bytes, not ${bytes}`)

  return {
    bytes,
    offsets: Object.fromEntries(rows.map(({ name, offset }) => [name, offset])) as never,
    parse(input) {
      const view = viewOf(input)
      const read = ({ kind, offset, size }: PlacedField): Uint8Array | number => {
        if (kind === 'u16') return view.getUint16(offset, true)
        if (kind === 'u32') return view.getUint32(offset, true)
        return input.slice(offset, offset + size)
      }
      return Object.fromEntries(rows.map((row) => [row.name, read(row)])) as ValuesOf<F>
    },
    encode(values) {
      const output = new Uint8Array(bytes)
      const view = viewOf(output)
      for (const { name, kind, offset, size } of rows) {
        const value = (values as Readonly<Record<string, unknown>>)[name]
        if (value instanceof Uint8Array && kind === size && value.length === size) {
          output.set(value, offset)
        } else if (isUnsigned(value, size) && kind === 'u16') view.setUint16(offset, value, true)
        else if (isUnsigned(value, size) && kind === 'u32') view.setUint32(offset, value, true)
        else throw misfit(name, offset, kind)
      }
      return output
    },
  }
}

interface PlacedField {
  readonly name: string
  readonly kind: Kind
  readonly offset: number
  readonly size: number
}

function placeFields(fields: Fields): PlacedField[] {
  let offset = 0
  return fields.map(([name, kind]) => {
    const size = kind === 'u16' ? 2 : kind === 'u32' ? 4 : kind
    const row = { name, kind, offset, size }
    offset += size
    return row
  })
}

function isUnsigned(value: unknown, size: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** (8 * size)
}

function misfit(field: string, offset: number, kind: Kind): InputError<'QUOTE_MALFORMED'> {
  const reason = typeof kind === 'number' ? `does not have ${kind} bytes` : `is no ${kind}`
  return new InputError('QUOTE_MALFORMED', { field, offset, reason })
}
