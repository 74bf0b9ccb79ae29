/**
 * What came with a signer's quote, as JSON: the quote, the report data that were asked for, and the
 * block they refer to. A proof file may carry it, and `attest --json` prints it. Whether it is true is
 * for verification to say.
 */
import { type Hex, isLowerHex } from '../bytes.js'
import { InputError, shortName } from '../errors.js'

/** A quote of 16 MiB in hex, and collateral. */
const MAX_ATTESTATION_BYTES = 64 * 2 ** 20

export interface Attestation {
  readonly quote: Hex
  /** 64 bytes. */
  readonly reportData: Hex
  /** Null where the report data are not of a signer. */
  readonly reference: { readonly blockNumber: number; readonly blockHash: Hex } | null
  /** JSON that binds the report data to the quote, where the quote does not itself. */
  readonly runtimeData?: Hex
  /** The documents of a collateral file. */
  readonly collateral?: Readonly<Record<string, string>>
}

/** @returns what is wrong with a value that should be an attestation, and nothing else. */
export function findAttestationFault(value: unknown): string | undefined {
  if (!isObject(value)) return 'is no JSON object'
  const unknown = Object.keys(value).find((field) => !Object.hasOwn(FIELDS, field))
  if (unknown !== undefined) return `has an unknown field ${shortName(unknown)}`
  for (const [field, { isRequired, isFit, form }] of Object.entries(FIELDS)) {
    const isThere = Object.hasOwn(value, field)
    if (!isThere && isRequired) return `has no ${field}`
    if (isThere && !isFit(value[field])) return `has a ${field} that is no ${form}`
  }
  return undefined
}

/**
 * @param bytes - what `attest --json` printed; other fields than those of an attestation are left out.
 * @throws InputError `ATTESTATION_MALFORMED`
 */
export function parseAttestation(bytes: Uint8Array): Attestation {
  if (bytes.length > MAX_ATTESTATION_BYTES) {
    throw new InputError('ATTESTATION_MALFORMED', { reason: 'is larger than 64 MiB' })
  }
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (error) {
    throw new InputError('ATTESTATION_MALFORMED', { reason: 'is not JSON' }, error)
  }
  const own = isObject(value)
    ? Object.fromEntries(Object.entries(value).filter(([field]) => Object.hasOwn(FIELDS, field)))
    : value
  const reason = findAttestationFault(own)
  if (reason !== undefined) throw new InputError('ATTESTATION_MALFORMED', { reason })
  return own as Attestation
}

interface Field {
  readonly isRequired: boolean
  readonly isFit: (value: unknown) => boolean
  readonly form: string
}

const FIELDS: Readonly<Record<keyof Attestation, Field>> = {
  quote: { isRequired: true, isFit: isLowerHex, form: 'lower-case 0x hex' },
  reportData: {
    isRequired: true,
    isFit: (value) => isLowerHex(value, 64),
    form: '64 bytes of hex',
  },
  reference: { isRequired: true, isFit: isReference, form: 'block, nor null' },
  runtimeData: { isRequired: false, isFit: isLowerHex, form: 'lower-case 0x hex' },
  collateral: {
    isRequired: false,
    isFit: (value) => isObject(value) && Object.values(value).every((v) => typeof v === 'string'),
    form: 'collateral',
  },
}

function isReference(value: unknown): boolean {
  if (value === null) return true
  if (!isObject(value) || Object.keys(value).toSorted().join() !== 'blockHash,blockNumber') {
    return false
  }
  const { blockNumber, blockHash } = value
  return (
    Number.isSafeInteger(blockNumber) && (blockNumber as number) >= 0 && isLowerHex(blockHash, 32)
  )
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
