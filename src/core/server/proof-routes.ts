/** Programs and proofs: our own interface. */
import type { FastifyRequest } from 'fastify'
import { parseStdinValue, type Stdin } from '../executor/stdin.js'
import { JOB_STATES, type JobRecord, type JobState } from '../jobs/job-store.js'
import type { Proof } from '../signer/proof.js'
import { eventStream } from './event-stream.js'
import { readMultipart } from './multipart.js'
import {
  checkProofRequest,
  JSON_PROOF_REQUEST,
  MULTIPART_PROOF_REQUEST,
  SEALED_PROOF_REQUEST,
} from './proof-request.js'
import {
  BINARY,
  bodyBytes,
  callerOf,
  IDEMPOTENCY_HEADERS,
  idOf,
  JOB_PARAMS,
  type Route,
  UUID,
} from './route.js'
import type { Service } from './service.js'
import type { JobResult } from './service-options.js'

const DEFAULT_PAGE = 50
const LARGEST_PAGE = 500
export const PROOF_ROUTES: readonly Route[] = [
  {
    method: 'PUT',
    url: '/v1/programs',
    summary: 'Upload a program; its verifying key is computed',
    for: 'client',
    body: 'binary',
    schema: {
      querystring: { type: 'object', properties: { sp1: { type: 'string', maxLength: 40 } } },
    },
    answers: { 200: '{programId, vkey, vkeyHash, sp1}' },
    handle: async ({ service }, request) => {
      const { sp1: asked } = request.query as { sp1?: string }
      const uploaded = await service.uploads.take(new Uint8Array(bodyBytes(request)), asked)
      const { programId, bytes32: vkey, hashBytes: vkeyHash, sp1 } = uploaded
      return { programId, vkey, vkeyHash, sp1 }
    },
  },
  {
    method: 'POST',
    url: '/v1/proofs',
    summary:
      'Ask for a proof: JSON, or multipart with the parts `request` and `stdin` (bincode), or `request` and `sealed` (private inputs)',
    for: 'client',
    body: 'json or multipart',
    schema: { headers: IDEMPOTENCY_HEADERS },
    document: {
      json: JSON_PROOF_REQUEST.document,
      multipart: {
        oneOf: [
          partsOf(MULTIPART_PROOF_REQUEST.document, 'stdin'),
          partsOf(SEALED_PROOF_REQUEST.document, 'sealed'),
        ],
      },
    },
    answers: { 202: 'the job, and where it is in Location' },
    refusals: [404, 409],
    handle: async ({ service }, request, reply) => {
      const job = await submit(service, request)
      return reply.code(202).header('location', `/v1/proofs/${job.id}`).send(jobView({ job }))
    },
  },
  {
    method: 'GET',
    url: '/v1/proofs',
    summary: "The caller's jobs, the newest first",
    for: 'client',
    schema: {
      querystring: {
        type: 'object',
        properties: {
          state: { type: 'string', enum: [...JOB_STATES] },
          limit: { type: 'string', pattern: '^[1-9]\\d{0,3}$' },
          after: { type: 'string', pattern: UUID.source },
        },
        additionalProperties: false,
      },
    },
    answers: { 200: '{jobs, next?}' },
    handle: async ({ service }, request) => {
      const { state, limit, after } = request.query as {
        state?: JobState
        limit?: string
        after?: string
      }
      const page = Math.min(Number(limit ?? DEFAULT_PAGE), LARGEST_PAGE)
      const { tenant } = callerOf(request)
      const jobs = await service.list({ tenant, state, after, limit: page })
      const last = jobs.at(-1)
      const isFull = jobs.length === page && last !== undefined
      return { jobs: jobs.map((job) => jobView({ job })), ...(isFull && { next: last.id }) }
    },
  },
  {
    method: 'GET',
    url: '/v1/proofs/:id',
    summary: 'A job; once it has ended, its proof or why there is none',
    for: 'client',
    schema: { params: JOB_PARAMS },
    answers: { 200: '{id, state, cycles, proof?, error?}' },
    refusals: [404],
    handle: async ({ service }, request) =>
      jobView(await service.result(await service.job(idOf(request), callerOf(request)))),
  },
  {
    method: 'GET',
    url: '/v1/proofs/:id/events',
    summary: 'A job as it goes on: server-sent events `state` and `progress`, then `result`',
    for: 'client',
    schema: { params: JOB_PARAMS },
    answers: { 200: 'text/event-stream' },
    refusals: [404],
    handle: async (context, request, reply) => {
      const [id, caller] = [idOf(request), callerOf(request)]
      await context.service.job(id, caller)
      return eventStream(context, id, caller, reply)
    },
  },
  {
    method: 'DELETE',
    url: '/v1/proofs/:id',
    summary: 'Cancel a job that has not ended',
    for: 'client',
    schema: { params: JOB_PARAMS },
    answers: { 200: 'the job' },
    refusals: [404, 409],
    handle: async ({ service }, request) =>
      jobView({ job: await service.cancel(idOf(request), callerOf(request)) }),
  },
  {
    method: 'POST',
    url: '/v1/proofs/:id/sign',
    summary: 'The proof of a job that succeeded, signed by the signer that lives now',
    for: 'client',
    schema: { params: JOB_PARAMS },
    answers: { 200: 'the proof' },
    refusals: [404, 409],
    handle: ({ service }, request) => service.sign(idOf(request), callerOf(request)),
  },
]

/** A body of two parts, in this order. */
function partsOf(request: object, second: string): object {
  const properties = { request, [second]: BINARY }
  return { type: 'object', required: ['request', second], properties, additionalProperties: false }
}

/** What GET /v1/proofs/ID answers. */
export interface JobView {
  readonly id: string
  readonly state: JobRecord['state']
  readonly cycles: number
  readonly createdAt: string
  readonly startedAt?: string
  readonly endedAt?: string
  readonly proof?: Proof
  readonly error?: unknown
}

export function jobView({ job, proof, problem }: JobResult): JobView {
  const { id, state, cycles, createdAtMs, startedAtMs, endedAtMs } = job
  return {
    id,
    state,
    cycles,
    createdAt: new Date(createdAtMs).toISOString(),
    ...(startedAtMs !== undefined && { startedAt: new Date(startedAtMs).toISOString() }),
    ...(endedAtMs !== undefined && { endedAt: new Date(endedAtMs).toISOString() }),
    ...(proof !== undefined && { proof }),
    ...(problem !== undefined && { error: problem }),
  }
}

async function submit(service: Service, request: FastifyRequest): Promise<JobRecord> {
  const caller = callerOf(request)
  if (request.isMultipart()) {
    const parts = await readMultipart(request, service.maxStdinBytes)
    if ('sealed' in parts) {
      return service.submitSealed(parts.asked.private, parts.sealed, caller)
    }
    const { programId, ...options } = parts.asked
    return service.submitStreaming(programId, parts.stdin, options, caller)
  }
  const asked = checkProofRequest(JSON_PROOF_REQUEST, request.body)
  const { programId, stdin, ...options } = asked
  return service.submitFor(programId, stdinOrNone(stdin), options, caller)
}

function stdinOrNone(value: unknown): Stdin {
  return value === undefined ? { buffers: [], deferredProofs: 0n } : parseStdinValue(value)
}
