/** What a client asks for with POST /v1/proofs, as JSON or as the first part of a multipart body. */
import type { FastifyRequest } from 'fastify'
import type { Hex } from '../bytes.js'
import { SCHEME_NAMES } from '../signer/schemes.js'
import { malformed, STDIN } from './route.js'
import type { JobOptions } from './service-options.js'

const POSITIVE = { type: 'integer', minimum: 1 }
const FIELDS = {
  programId: { type: 'string', pattern: '^0x[0-9a-f]{64}$' },
  sp1: { type: 'string', maxLength: 40 },
  scheme: { type: 'string', enum: [...SCHEME_NAMES] },
  teeVersion: { type: 'integer', minimum: 0, maximum: 2 ** 32 - 1 },
  limits: {
    type: 'object',
    properties: { cycles: POSITIVE, memoryMib: POSITIVE, timeoutMs: POSITIVE },
    additionalProperties: false,
  },
}
const REQUIRED = { type: 'object', required: ['programId'], additionalProperties: false }

export const JSON_PROOF_REQUEST = { ...REQUIRED, properties: { ...FIELDS, stdin: STDIN } }
/** Its stdin is a part of its own. */
export const MULTIPART_PROOF_REQUEST = { ...REQUIRED, properties: FIELDS }

export interface ProofRequest extends JobOptions {
  readonly programId: Hex
  readonly stdin?: unknown
}

/** @throws InputError `REQUEST_MALFORMED` */
export function checkProofRequest(
  request: FastifyRequest,
  schema: object,
  value: unknown,
): ProofRequest {
  const validate = request.compileValidationSchema(schema as Record<string, unknown>)
  if (validate(value)) return value as ProofRequest
  const [problem] = validate.errors ?? []
  return malformed(`its field ${problem?.instancePath || '/'} ${problem?.message ?? 'is wrong'}`)
}
