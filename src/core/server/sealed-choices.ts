/** How private inputs are to be run and signed: as the client wrote it among them. */
import { InputError } from '../errors.js'
import { SCHEME_NAMES } from '../signer/schemes.js'
import type { JobOptions } from './service-options.js'

const CHOICES: Readonly<Record<keyof JobOptions, (value: unknown) => boolean>> = {
  sp1: (value) => typeof value === 'string' && value.length <= 40,
  scheme: (value) => (SCHEME_NAMES as readonly unknown[]).includes(value),
  teeVersion: (value) => Number.isInteger(value) && isWithin(value as number, 0, 2 ** 32 - 1),
  limits: (value) => isObject(value) && hasOnly(value, LIMITS),
}
const LIMITS: Readonly<Record<string, (value: unknown) => boolean>> = {
  cycles: isCount,
  memoryMib: isCount,
  timeoutMs: isCount,
}

/**
 * @param bytes - a JSON object of the choices of POST /v1/proofs
 * @throws InputError `PRIVATE_INPUTS_UNREADABLE`
 */
export function parseSealedChoices(bytes: Uint8Array): JobOptions {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (error) {
    throw unreadable('their choices are no JSON', error)
  }
  if (!isObject(value) || !hasOnly(value, CHOICES)) throw unreadable('their choices are malformed')
  return value as JobOptions
}

function hasOnly(
  value: Record<string, unknown>,
  fields: Readonly<Record<string, (value: unknown) => boolean>>,
): boolean {
  return Object.entries(value).every(
    ([name, field]) => Object.hasOwn(fields, name) && fields[name]?.(field) === true,
  )
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

function isWithin(value: number, least: number, most: number): boolean {
  return value >= least && value <= most
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unreadable(reason: string, cause?: unknown): InputError {
  return new InputError('PRIVATE_INPUTS_UNREADABLE', { reason }, cause)
}
