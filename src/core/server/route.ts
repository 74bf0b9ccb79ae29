/** What a row of the table of routes is, and what rows share. */
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import { fromHex, type Hex } from '../bytes.js'
import { InputError } from '../errors.js'
import { type Access, NOBODY, type Visitor } from './access.js'
import type { Activity } from './activity.js'
import type { BodyBudget } from './body-budget.js'
import type { CollateralKeeper } from './collateral-keeper.js'
import type { Metrics } from './metrics.js'
import type { Service } from './service.js'
import type { Caller } from './service-options.js'
import type { StoreView } from './store-view.js'

export interface Context {
  readonly service: Service
  readonly store: StoreView
  readonly access: Access
  readonly metrics: Metrics
  readonly bodies: BodyBudget
  readonly activity: Activity
  readonly collateral?: CollateralKeeper | undefined
  readonly version: string
  /** For who answers a client itself. */
  readonly onBug: (error: unknown, log: FastifyBaseLogger) => void
  /** The document that GET /openapi.json answers. */
  readonly openApi: () => unknown
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  /** For people, in the OpenAPI document. */
  readonly summary: string
  /** open: anybody; client: whoever may send work; operator: the operator alone. */
  readonly for: 'open' | 'client' | 'operator'
  /** Its body may have the signature of a listed address, in place of a header. */
  readonly isSigned?: true
  /** What its body is; checked before it is read. None is ignored. */
  readonly body?: 'json' | 'binary' | 'text' | 'json or multipart'
  /** JSON Schemas of fastify: body, params, querystring, headers. */
  readonly schema?: Readonly<Record<string, unknown>>
  /** Schema of a body that the handler itself checks, by its media type if there are several. */
  readonly document?: { readonly json: object; readonly multipart: object }
  /** Status of success → what it answers. */
  readonly answers: Readonly<Record<number, string>>
  /** Statuses of its own refusals, besides those of every route. */
  readonly refusals?: readonly number[]
  readonly handle: (
    context: Context,
    request: FastifyRequest,
    reply: FastifyReply,
  ) => Promise<unknown> | unknown
}

export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** The checks of values are the parsers' own; schemas say which fields there are. */
export const BYTES = { anyOf: [{ type: 'array' }, { type: 'string' }] }
export const BINARY = { type: 'string', format: 'binary' }
export const STDIN = {
  type: 'object',
  required: ['buffer'],
  properties: { buffer: { type: 'array' }, ptr: { type: 'integer' }, proofs: { type: 'array' } },
  additionalProperties: false,
}
export const JOB_PARAMS = {
  type: 'object',
  properties: { id: { type: 'string', pattern: UUID.source } },
}
export const IDEMPOTENCY_HEADERS = {
  type: 'object',
  properties: { 'idempotency-key': { type: 'string', minLength: 1, maxLength: 200 } },
}

const VISITORS = new WeakMap<FastifyRequest, Visitor>()

/** Remembers who sent the request, for `callerOf`. */
export function setVisitor(request: FastifyRequest, visitor: Visitor): void {
  VISITORS.set(request, visitor)
}

export function visitorOf(request: FastifyRequest): Visitor {
  return VISITORS.get(request) ?? NOBODY
}

export function callerOf(request: FastifyRequest): Caller {
  const { 'idempotency-key': key, traceparent } = request.headers
  return {
    tenant: visitorOf(request).tenant,
    ...(typeof key === 'string' && { idempotencyKey: key }),
    ...(typeof traceparent === 'string' && { traceparent }),
  }
}

/** As its header has it, without parameters. */
export function mediaTypeOf({ headers }: FastifyRequest): string {
  const [given = ''] = (headers['content-type'] ?? '').toLowerCase().split(';')
  return given.trim()
}

export function idOf(request: FastifyRequest): string {
  return (request.params as { id: string }).id
}

export function bodyBytes(request: FastifyRequest): Uint8Array {
  return request.body instanceof Uint8Array ? request.body : new Uint8Array()
}

export function byteNumbers(hex: Hex): number[] {
  return Array.from(fromHex(hex))
}

export function malformed(reason: string): never {
  throw new InputError('REQUEST_MALFORMED', { reason })
}
