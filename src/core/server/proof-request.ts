/** What a client asks for with POST /v1/proofs, as JSON or as the first part of a multipart body. */
import type { FastifyRequest } from 'fastify'
import type { Hex } from '../bytes.js'
import { SCHEME_NAMES } from '../signer/schemes.js'
import { malformed, STDIN } from './route.js'
import type { JobOptions, Sealing } from './service-options.js'

/** A JSON Schema, and the type of what it takes. */
interface RequestSchema<T> extends Record<string, unknown> {
  readonly takes?: T
}

const POSITIVE = { type: 'integer', minimum: 1 }
const WORD = { type: 'string', pattern: '^0x[0-9a-f]{64}$' }
const CHOICES = {
  sp1: { type: 'string', maxLength: 40 },
  scheme: { type: 'string', enum: [...SCHEME_NAMES] },
  teeVersion: { type: 'integer', minimum: 0, maximum: 2 ** 32 - 1 },
  limits: {
    type: 'object',
    properties: { cycles: POSITIVE, memoryMib: POSITIVE, timeoutMs: POSITIVE },
    additionalProperties: false,
  },
}
const FIELDS = { programId: WORD, ...CHOICES }
const STRICT = { type: 'object', additionalProperties: false }

export const JSON_PROOF_REQUEST = schema<ProofRequest>({
  ...STRICT,
  required: ['programId'],
  properties: { ...FIELDS, stdin: STDIN },
})
/** Its stdin is a part of its own. */
export const MULTIPART_PROOF_REQUEST = schema<ProofRequest>({
  ...STRICT,
  required: ['programId'],
  properties: FIELDS,
})
/** Program, stdin and choices are a part of their own, encrypted. */
export const SEALED_PROOF_REQUEST = schema<SealedProofRequest>({
  ...STRICT,
  required: ['private'],
  properties: {
    private: {
      ...STRICT,
      required: ['publicKey', 'encapsulatedKey'],
      properties: { publicKey: WORD, encapsulatedKey: WORD },
    },
  },
})

export interface ProofRequest extends JobOptions {
  readonly programId: Hex
  readonly stdin?: unknown
}

export interface SealedProofRequest {
  readonly private: Sealing
}

/** @throws InputError `REQUEST_MALFORMED` */
export function checkProofRequest<T>(
  request: FastifyRequest,
  schema: RequestSchema<T>,
  value: unknown,
): T {
  const validate = request.compileValidationSchema(schema)
  if (validate(value)) return value as T
  const [problem] = validate.errors ?? []
  return malformed(`its field ${problem?.instancePath || '/'} ${problem?.message ?? 'is wrong'}`)
}

function schema<T>(value: Record<string, unknown>): RequestSchema<T> {
  return value
}
