/** Errors as HTTP tells them: application/problem+json (RFC 9457) with the codes of errors.ts. */
import type { FastifyError } from 'fastify'
import {
  InputError,
  InternalError,
  restoreError,
  Sp1TeeError,
  UnavailableError,
} from '../errors.js'

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8'

export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly details: Readonly<Record<string, unknown>>
}

/** A bug of ours is told without details: they are for the operator's log. */
export function problemOf(error: unknown): Problem {
  const known = error instanceof Sp1TeeError && error.code !== 'INTERNAL' ? error : undefined
  const { httpStatus: status, code, message: detail, details } = known ?? UNKNOWN
  return { type: 'about:blank', title: code, status, code, detail, details }
}

/** A bug that a job failed by, which its operator heard of then. */
class ToldBug extends InternalError {}

/** True for what is for the operator to hear, and not for clients. */
export function isBug(error: unknown): boolean {
  return problemOf(error).code === 'INTERNAL' && !(error instanceof ToldBug)
}

/** A problem that was stored, as the error it was. */
export function throwProblem({ code, detail, details }: Record<string, unknown>): never {
  if (code === 'INTERNAL') throw new ToldBug(String(detail))
  const error = restoreError({
    code: String(code),
    message: String(detail),
    details: { ...Object(details) },
  })
  throw error ?? new UnavailableError('STORE_DAMAGED', {})
}

const UNKNOWN = {
  httpStatus: 500,
  code: 'INTERNAL',
  message: 'The server failed at this. Its operator can find the reason in its log.',
  details: {},
}

interface SchemaFault {
  readonly instancePath: string
  readonly message?: string | undefined
}

/** What fastify itself refuses, in our codes; anything else as it is. */
export function typedError(error: FastifyError, bodyLimitBytes: number): unknown {
  const status = error.statusCode ?? 500
  if (error instanceof Sp1TeeError || status >= 500) return error
  if (status === 413) return new UnavailableError('BODY_TOO_LARGE', { limitBytes: bodyLimitBytes })
  const [problem] = error.validation ?? []
  const reason = problem === undefined ? shortened(error.message) : reasonOf(problem)
  return new InputError('REQUEST_MALFORMED', { reason })
}

/** What a JSON Schema finds wrong. */
export function reasonOf({ instancePath, message }: Partial<SchemaFault>): string {
  return `its field ${instancePath || '/'} ${message ?? 'is wrong'}`
}

function shortened(message: string): string {
  return message.replace(/\.$/, '').slice(0, 200)
}
