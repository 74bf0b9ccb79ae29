/**
 * Writes DER (X.690): the few types that certificates are made of, each as one function from
 * contents to an encoded element. Writes test material only; reading certificates is not done here.
 */
import { concatBytes } from '../bytes.js'

/** Of the types that certificates are made of; the reader in dcap/ knows them from here. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const

/** `[number]` around whole elements. */
export function contextTag(number: number): number {
  return 0xa0 | number
}

/** `[number]` in place of a primitive's own tag. */
export function implicitTag(number: number): number {
  return 0x80 | number
}

/** From this year on, certificates write four digits (RFC 5280, 4.1.2.5). */
export const FIRST_GENERALIZED_YEAR = 2050

export function sequence(...elements: readonly Uint8Array[]): Uint8Array {
  return element(TAG.sequence, ...elements)
}

/** Of one element; several would have to be sorted. */
export function setOf(only: Uint8Array): Uint8Array {
  return element(TAG.set, only)
}

export function boolean(value: boolean): Uint8Array {
  return element(TAG.boolean, Uint8Array.of(value ? 0xff : 0x00))
}

/** @param value - not negative; big-endian if bytes. */
export function integer(value: number | Uint8Array): Uint8Array {
  return element(TAG.integer, integerContents(typeof value === 'number' ? bytesOf(value) : value))
}

export function enumerated(value: number): Uint8Array {
  return element(TAG.enumerated, integerContents(bytesOf(value)))
}

export function bitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return element(TAG.bitString, Uint8Array.of(unusedBits), bytes)
}

export function octetString(bytes: Uint8Array): Uint8Array {
  return element(TAG.octetString, bytes)
}

export function utf8String(text: string): Uint8Array {
  return element(TAG.utf8String, new TextEncoder().encode(text))
}

/** @param dotted - as written, `1.2.840.10045.2.1`. */
export function objectIdentifier(dotted: string): Uint8Array {
  const [first, second, ...rest] = dotted.split('.').map(Number) as [number, number, ...number[]]
  const arcs = [40 * first + second, ...rest]
  return element(TAG.objectIdentifier, Uint8Array.from(arcs.flatMap(base128)))
}

/** To the second, in UTC. */
export function time(date: Date): Uint8Array {
  const digits = date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:T]/g, '')
  const isGeneralized = date.getUTCFullYear() >= FIRST_GENERALIZED_YEAR
  const text = new TextEncoder().encode(isGeneralized ? digits : digits.slice(2))
  return element(isGeneralized ? TAG.generalizedTime : TAG.utcTime, text)
}

/** `[number]` around whole elements. */
export function explicit(number: number, ...elements: readonly Uint8Array[]): Uint8Array {
  return element(contextTag(number), ...elements)
}

/** `[number]` in place of a primitive's own tag. */
export function implicit(number: number, contents: Uint8Array): Uint8Array {
  return element(implicitTag(number), contents)
}

function element(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, { length }) => sum + length, 0)
  return concatBytes(Uint8Array.of(tag, ...lengthOctets(length)), ...contents)
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length]
  const octets = [...bytesOf(length)]
  return [0x80 | octets.length, ...octets]
}

/** Without leading zeros, but with one where the first bit would read as a sign. */
function integerContents(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0)
  const digits = first === -1 ? Uint8Array.of(0) : bytes.subarray(first)
  return digits[0]! >= 0x80 ? concatBytes(Uint8Array.of(0), digits) : digits
}

function bytesOf(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return Uint8Array.from(bytes.length === 0 ? [0] : bytes)
}

function base128(arc: number): number[] {
  const digits = [arc % 128]
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    digits.unshift(0x80 | (rest % 128))
  }
  return digits
}
