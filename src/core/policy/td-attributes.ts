/**
 * TDATTRIBUTES by bit.
 *
 * Source: Intel TDX module ABI specification, ATTRIBUTES; dcap-qvl 0.7, which refuses the same.
 */
import { toHex } from '../bytes.js'

/** Every bit that has a meaning; all others are zero. */
export const TD_ATTRIBUTES = {
  DEBUG: 0n,
  HGS_PLUS_PROF: 4n,
  PERF_PROF: 5n,
  PMT_PROF: 6n,
  ICSSD: 16n,
  SERVTD_EXT: 17n,
  LASS: 27n,
  SEPT_VE_DISABLE: 28n,
  MIGRATABLE: 29n,
  PKS: 30n,
  KL: 31n,
  TPA: 62n,
  PERFMON: 63n,
} as const

export type TdAttribute = keyof typeof TD_ATTRIBUTES
const BITS: readonly bigint[] = Object.values(TD_ATTRIBUTES)

/** Each of these bits puts a TD under debug or profiling, and makes it untrusted. */
const UNDER_DEBUG = 0xffn
const KNOWN = BITS.reduce((sum, bit) => sum | (1n << bit), 0n)

/** @param tdAttributes - 8 bytes, bit 0 first. */
export function hasAttribute(tdAttributes: Uint8Array, name: TdAttribute): boolean {
  return ((bitsOf(tdAttributes) >> TD_ATTRIBUTES[name]) & 1n) === 1n
}

export function isUnderDebug(tdAttributes: Uint8Array): boolean {
  return (bitsOf(tdAttributes) & UNDER_DEBUG) !== 0n
}

export function hasUnknownAttributes(tdAttributes: Uint8Array): boolean {
  return (bitsOf(tdAttributes) & ~KNOWN) !== 0n
}

/** Names of the bits that are set; those without a name are given by their numbers. */
export function namesOfAttributes(tdAttributes: Uint8Array): string[] {
  const value = bitsOf(tdAttributes)
  const names = new Map<bigint, string>(
    Object.entries(TD_ATTRIBUTES).map(([name, bit]) => [bit, name]),
  )
  return Array.from({ length: 64 }, (_, bit) => BigInt(bit))
    .filter((bit) => ((value >> bit) & 1n) === 1n)
    .map((bit) => names.get(bit) ?? `bit ${bit}`)
}

function bitsOf(tdAttributes: Uint8Array): bigint {
  return BigInt(toHex(tdAttributes.toReversed()))
}
