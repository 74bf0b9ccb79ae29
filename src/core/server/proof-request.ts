/**
 * What a client asks for with POST /v1/proofs: as JSON, as the first part of a multipart body, or among
 * private inputs.
 */
import { Ajv, type ValidateFunction } from 'ajv'
import type { Hex } from '../bytes.js'
import { InputError } from '../errors.js'
import { SCHEME_NAMES } from '../signer/schemes.js'
import { reasonOf } from './problem.js'
import { malformed, STDIN } from './route.js'
import type { JobOptions, Sealing } from './service-options.js'

export interface ProofRequest extends JobOptions {
  readonly programId: Hex
  readonly stdin?: unknown
}

export interface SealedProofRequest {
  readonly private: Sealing
}

/** A JSON Schema of objects without unknown fields, and what checks values by it. */
interface RequestSchema<T> {
  readonly document: object
  readonly validate: ValidateFunction<T>
}

const ajv = new Ajv()
const COUNT = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER }
const WORD = { type: 'string', pattern: '^0x[0-9a-f]{64}$' }
const CHOICES = {
  sp1: { type: 'string', maxLength: 40 },
  scheme: { type: 'string', enum: [...SCHEME_NAMES] },
  teeVersion: { type: 'integer', minimum: 0, maximum: 2 ** 32 - 1 },
  limits: objectOf({ cycles: COUNT, memoryMib: COUNT, timeoutMs: COUNT }, []),
}
const PROGRAM = { programId: WORD }

export const JSON_PROOF_REQUEST = requestSchema<ProofRequest>(
  objectOf({ ...PROGRAM, ...CHOICES, stdin: STDIN }, ['programId']),
)
/** Its stdin is a part of its own. */
export const MULTIPART_PROOF_REQUEST = requestSchema<ProofRequest>(
  objectOf({ ...PROGRAM, ...CHOICES }, ['programId']),
)
/** Program, stdin and choices are a part of their own, encrypted. */
export const SEALED_PROOF_REQUEST = requestSchema<SealedProofRequest>(
  objectOf({ private: objectOf({ publicKey: WORD, encapsulatedKey: WORD }) }),
)
const SEALED_CHOICES = requestSchema<JobOptions>(objectOf(CHOICES, []))

/** @throws InputError `REQUEST_MALFORMED` */
export function checkProofRequest<T>({ validate }: RequestSchema<T>, value: unknown): T {
  return validate(value) ? value : malformed(reasonOf(validate.errors?.[0] ?? {}))
}

/**
 * How private inputs are to be run and signed, as the client wrote it among them.
 *
 * @param bytes - a JSON object
 * @throws InputError `PRIVATE_INPUTS_UNREADABLE`
 */
export function parseSealedChoices(bytes: Uint8Array): JobOptions {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch (error) {
    throw new InputError(
      'PRIVATE_INPUTS_UNREADABLE',
      { reason: 'their choices are no JSON' },
      error,
    )
  }
  if (SEALED_CHOICES.validate(value)) return value
  // No more: the choices are private, too.
  throw new InputError('PRIVATE_INPUTS_UNREADABLE', { reason: 'their choices are malformed' })
}

function objectOf(properties: object, required = Object.keys(properties)) {
  return { type: 'object', properties, required, additionalProperties: false }
}

function requestSchema<T>(document: object): RequestSchema<T> {
  return { document, validate: ajv.compile<T>(document) }
}
