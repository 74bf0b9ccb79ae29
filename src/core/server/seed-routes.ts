/** The interface of the proof of concept. */
import type { FastifyRequest } from 'fastify'
import { InputError } from '../errors.js'
import { parseBytesValue, parseStdinValue } from '../executor/stdin.js'
import { throwProblem } from './problem.js'
import {
  BYTES,
  bodyBytes,
  byteNumbers,
  callerOf,
  IDEMPOTENCY_HEADERS,
  malformed,
  type Route,
  STDIN,
  UUID,
} from './route.js'

const LONGEST_ID_LENGTH = 64

export const SEED_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    url: '/request_proof',
    summary: 'Ask for a proof, as of the proof of concept',
    for: 'client',
    body: 'json',
    schema: {
      headers: IDEMPOTENCY_HEADERS,
      body: {
        type: 'object',
        required: ['elf', 'stdin', 'proof_mode'],
        properties: { elf: BYTES, stdin: STDIN, proof_mode: { type: 'string' } },
        additionalProperties: false,
      },
    },
    answers: { 200: "the job's id as text" },
    refusals: [409],
    handle: async ({ service }, request, reply) => {
      const body = request.body as { elf: unknown; stdin: unknown; proof_mode: string }
      if (body.proof_mode !== 'TEE') {
        const mode = JSON.stringify(body.proof_mode.slice(0, 40))
        throw new InputError('PROOF_MODE', { mode, supported: 'TEE' })
      }
      const elf = parseBytesValue(body.elf)
      if (elf === undefined) return malformed('its field /elf is neither bytes nor 0x hex')
      const { id } = await service.submit(elf, parseStdinValue(body.stdin), {}, callerOf(request))
      return reply.type('text/plain; charset=utf-8').send(id)
    },
  },
  {
    method: 'POST',
    url: '/wait_proof',
    summary: 'Wait until a job has ended; the body is its id',
    for: 'client',
    body: 'text',
    answers: { 200: '{signature, vk, public_values}, bytes as numbers' },
    refusals: [404, 409, 422],
    handle: async ({ service }, request) => {
      const id = parseJobId(request)
      const caller = callerOf(request)
      await service.job(id, caller)
      const { proof, problem } = await service.waiting(caller, () => service.wait(id))
      if (proof === undefined) return throwProblem(problem)
      return {
        signature: byteNumbers(proof.signature),
        vk: byteNumbers(proof.vkeyHash),
        public_values: byteNumbers(proof.publicValues),
      }
    },
  },
]

/** The id as text, or as a JSON string, as some clients send it, with or without its media type. */
function parseJobId(request: FastifyRequest): string {
  const bytes = bodyBytes(request).subarray(0, LONGEST_ID_LENGTH + 1)
  const text = typeof request.body === 'string' ? request.body : new TextDecoder().decode(bytes)
  const id = text
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .toLowerCase()
  return text.length <= LONGEST_ID_LENGTH && UUID.test(id) ? id : malformed('its body is no job id')
}
