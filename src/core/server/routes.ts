/**
 * The HTTP interface, one row per route: what it takes, what it answers, which refusals are its own.
 * What every route may answer is in app.ts.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { fromHex, type Hex } from '../bytes.js'
import { InputError, UnavailableError } from '../errors.js'
import { parseBytesValue, parseStdinValue, type Stdin } from '../executor/stdin.js'
import type { Proof } from '../signer/proof.js'
import { SCHEME_NAMES } from '../signer/schemes.js'
import type { Job } from './job-queue.js'
import { problemOf } from './problem.js'
import type { JobOptions, Service } from './service.js'

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly url: string
  /** What its body is; checked before it is read. None is ignored. */
  readonly body?: 'json' | 'binary' | 'text'
  /** JSON Schemas of fastify: body, params, querystring. */
  readonly schema?: Readonly<Record<string, unknown>>
  readonly handle: (
    service: Service,
    request: FastifyRequest,
    reply: FastifyReply,
  ) => Promise<unknown> | unknown
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const LONGEST_ID_BYTES = 64
/** The checks of values are the parsers' own; schemas say which fields there are. */
const BYTES = { anyOf: [{ type: 'array' }, { type: 'string' }] }
const STDIN = {
  type: 'object',
  required: ['buffer'],
  properties: { buffer: { type: 'array' }, ptr: { type: 'integer' }, proofs: { type: 'array' } },
  additionalProperties: false,
}
const POSITIVE = { type: 'integer', minimum: 1 }
const JOB_PARAMS = {
  type: 'object',
  properties: { id: { type: 'string', pattern: UUID.source } },
}

export const ROUTES: readonly Route[] = [
  // The proof of concept's interface.
  {
    method: 'POST',
    url: '/request_proof',
    body: 'json',
    schema: {
      body: {
        type: 'object',
        required: ['elf', 'stdin', 'proof_mode'],
        properties: { elf: BYTES, stdin: STDIN, proof_mode: { type: 'string' } },
        additionalProperties: false,
      },
    },
    handle: (service, request, reply) => {
      const body = request.body as { elf: unknown; stdin: unknown; proof_mode: string }
      if (body.proof_mode !== 'TEE') {
        throw new InputError('PROOF_MODE', {
          mode: JSON.stringify(body.proof_mode.slice(0, 40)),
          supported: 'TEE',
        })
      }
      const elf = parseBytesValue(body.elf)
      if (elf === undefined) return malformed('its field /elf is neither bytes nor 0x hex')
      const { id } = service.submit(elf, parseStdinValue(body.stdin))
      return reply.type('text/plain; charset=utf-8').send(id)
    },
  },
  {
    method: 'POST',
    url: '/wait_proof',
    body: 'text',
    handle: async (service, request) => {
      const job = await service.jobs.wait(parseJobId(request.body))
      if (job.proof === undefined) throw job.error
      return {
        signature: byteNumbers(job.proof.signature),
        vk: byteNumbers(job.proof.vkeyHash),
        public_values: byteNumbers(job.proof.publicValues),
      }
    },
  },

  // Ours.
  {
    method: 'PUT',
    url: '/v1/programs',
    body: 'binary',
    schema: { querystring: { type: 'object', properties: { sp1: { type: 'string' } } } },
    handle: async (service, request) => {
      const { sp1 } = request.query as { sp1?: string }
      const body = request.body as Uint8Array | undefined
      const uploaded = await service.upload(new Uint8Array(body ?? []), sp1)
      const { programId, bytes32: vkey, hashBytes: vkeyHash } = uploaded
      return { programId, vkey, vkeyHash, sp1: uploaded.sp1 }
    },
  },
  {
    method: 'POST',
    url: '/v1/proofs',
    body: 'json',
    schema: {
      body: {
        type: 'object',
        required: ['programId'],
        properties: {
          programId: { type: 'string', pattern: '^0x[0-9a-f]{64}$' },
          stdin: STDIN,
          sp1: { type: 'string' },
          scheme: { type: 'string', enum: [...SCHEME_NAMES] },
          teeVersion: { type: 'integer', minimum: 0, maximum: 2 ** 32 - 1 },
          limits: {
            type: 'object',
            properties: { cycles: POSITIVE, memoryMib: POSITIVE, timeoutMs: POSITIVE },
            additionalProperties: false,
          },
        },
        additionalProperties: false,
      },
    },
    handle: (service, request, reply) => {
      const { programId, stdin, ...options } = request.body as {
        programId: Hex
        stdin?: unknown
      } & JobOptions
      const job = service.submitFor(programId, stdinOrNone(stdin), options)
      return reply.code(202).header('location', `/v1/proofs/${job.id}`).send(jobView(job))
    },
  },
  {
    method: 'GET',
    url: '/v1/proofs/:id',
    schema: { params: JOB_PARAMS },
    handle: (service, request) => jobView(service.jobs.get((request.params as { id: string }).id)),
  },
  {
    method: 'GET',
    url: '/v1/signer',
    handle: ({ signer, facts, schemes }) => {
      const { address, expiresAt } = signer.registration
      const { registry, simulated } = facts
      return {
        address,
        expiresAt,
        chainId: registry.chainId,
        registry: registry.address,
        schemes,
        ...(simulated && { simulated }),
      }
    },
  },
  {
    method: 'POST',
    url: '/v1/signer/rotate',
    // A body of JSON, so that no page in a browser on this machine can send it unasked.
    body: 'json',
    schema: { body: { type: 'object', additionalProperties: false } },
    handle: (service, request) => {
      requireOperator(request)
      return service.signer.rotate()
    },
  },

  // For those who watch it.
  { method: 'GET', url: '/healthz', handle: () => ({ status: 'ok' }) },
  {
    method: 'GET',
    url: '/readyz',
    handle: (service) => {
      service.requireReady()
      return { status: 'ready' }
    },
  },
]

/** What GET /v1/proofs/ID answers. */
export interface JobView {
  readonly id: string
  readonly state: Job['state']
  readonly cycles: number
  readonly proof?: Proof
  readonly error?: unknown
}

function jobView({ id, state, cycles, proof, error }: Job): JobView {
  return {
    id,
    state,
    cycles,
    ...(proof !== undefined && { proof }),
    ...(error !== undefined && { error: problemOf(error) }),
  }
}

function stdinOrNone(value: unknown): Stdin {
  return value === undefined ? { buffers: [], deferredProofs: 0n } : parseStdinValue(value)
}

/** The id as text, or as a JSON string, as some clients send it. */
function parseJobId(body: unknown): string {
  const bytes = body instanceof Uint8Array ? body : new Uint8Array()
  const text = new TextDecoder().decode(bytes.subarray(0, LONGEST_ID_BYTES)).trim()
  const id = text.replace(/^"(.*)"$/, '$1').toLowerCase()
  return UUID.test(id) && bytes.length <= LONGEST_ID_BYTES ? id : malformed('its body is no job id')
}

/** A caller on this machine that addresses it as such, so no name that somebody else resolves. */
function requireOperator({ ip, hostname }: FastifyRequest): void {
  const isHere = (address: string) => /^(127\.|::1$|\[::1\]$|::ffff:127\.|localhost$)/.test(address)
  if (!isHere(ip) || !isHere(hostname)) throw new UnavailableError('OPERATOR_ONLY', {})
}

function byteNumbers(hex: Hex): number[] {
  return Array.from(fromHex(hex))
}

function malformed(reason: string): never {
  throw new InputError('REQUEST_MALFORMED', { reason })
}
