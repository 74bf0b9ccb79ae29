/** Reads the fields of a JSON document of collateral: each is there, and of its form, or refused. */
import { fromHex, type Hex, isHex } from '../bytes.js'
import { InputError } from '../errors.js'

/** As Intel writes dates: UTC, to the second. */
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

export class JsonFields {
  readonly #fields: Readonly<Record<string, unknown>>

  /** @param path - where the object is in the document: `tcbLevels[2].tcb`. */
  constructor(
    readonly document: string,
    value: unknown,
    readonly path = '',
  ) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw malformed(document, path, 'is no object')
    }
    this.#fields = value as Record<string, unknown>
  }

  static parse(document: string, text: string): JsonFields {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      throw new InputError(
        'COLLATERAL_MALFORMED',
        { document, path: '', reason: 'is not JSON' },
        error,
      )
    }
    return new JsonFields(document, value)
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#fields, name)
  }

  text(name: string): string {
    const value = this.#value(name)
    if (typeof value !== 'string') throw this.malformed(name, 'is no text')
    return value
  }

  /** @param choices - every value there is; another one is refused, not ignored. */
  choice<const T extends string>(name: string, choices: readonly T[]): T {
    const text = this.text(name)
    const choice = choices.find((known) => known === text)
    if (choice === undefined) throw this.malformed(name, `is none of ${choices.join(', ')}`)
    return choice
  }

  /** Hex without 0x, in either case, of exactly so many bytes. */
  hex(name: string, bytes: number): Uint8Array {
    const text: Hex = `0x${this.text(name)}`
    if (!isHex(text) || text.length !== 2 + 2 * bytes) {
      throw this.malformed(name, `is not ${bytes} bytes of hex`)
    }
    return fromHex(text)
  }

  unsigned(name: string, max: number): number {
    const value = this.#value(name)
    if (!Number.isInteger(value) || (value as number) < 0 || (value as number) > max) {
      throw this.malformed(name, `is no integer from 0 to ${max}`)
    }
    return value as number
  }

  date(name: string): Date {
    const text = this.text(name)
    const date = new Date(text)
    const isReal =
      !Number.isNaN(date.getTime()) && date.toISOString() === text.replace('Z', '.000Z')
    if (!DATE.test(text) || !isReal) throw this.malformed(name, 'is no date')
    return date
  }

  object(name: string): JsonFields {
    return new JsonFields(this.document, this.#value(name), this.#pathOf(name))
  }

  /** @param length - exactly so many, where given. */
  objects(name: string, length?: number): JsonFields[] {
    return this.#array(name, length).map(
      (value, i) => new JsonFields(this.document, value, `${this.#pathOf(name)}[${i}]`),
    )
  }

  /** An array of texts; absent is empty. */
  texts(name: string, pattern: RegExp): string[] {
    if (!this.has(name)) return []
    return this.#array(name).map((value) => {
      if (typeof value === 'string' && pattern.test(value)) return value
      throw this.malformed(name, 'holds something else than it should')
    })
  }

  malformed(name: string, reason: string): InputError<'COLLATERAL_MALFORMED'> {
    return malformed(this.document, this.#pathOf(name), reason)
  }

  #value(name: string): unknown {
    if (!this.has(name)) throw this.malformed(name, 'is missing')
    return this.#fields[name]
  }

  #array(name: string, length?: number): unknown[] {
    const value = this.#value(name)
    if (!Array.isArray(value)) throw this.malformed(name, 'is no array')
    if (length !== undefined && value.length !== length) {
      throw this.malformed(name, `has ${value.length} elements, not ${length}`)
    }
    return value
  }

  #pathOf(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }
}

function malformed(document: string, path: string, reason: string) {
  return new InputError('COLLATERAL_MALFORMED', { document, path, reason })
}
