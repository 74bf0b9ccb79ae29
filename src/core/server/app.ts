/** The service over HTTP. It listens only when it is told to. */
import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify'
import { UnavailableError } from '../errors.js'
import { PROBLEM_TYPE, problemOf, typedError } from './problem.js'
import { ROUTES, type Route } from './routes.js'
import { Service, type ServiceOptions } from './service.js'

export { LiveSigner, type SignerEvent } from './live-signer.js'
export { DEFAULT_MAX_QUEUED, type ServiceOptions } from './service.js'

export const DEFAULT_BODY_LIMIT_BYTES = 32 * 2 ** 20
/** For the whole of a request to arrive; the answer may take as long as the job. */
const REQUEST_TIMEOUT_MS = 120_000

export interface AppOptions extends ServiceOptions {
  readonly bodyLimitBytes?: number
  /** Hears of bugs of ours, which clients are not told. */
  readonly onError?: (error: unknown) => void
}

export interface App {
  /** For tests: requests without a socket. */
  readonly inject: FastifyInstance['inject']
  /**
   * @returns the URL it can be reached at.
   * @throws UnavailableError `LISTEN_FAILED`
   */
  listen(address: { host: string; port: number }): Promise<string>
  /** Refuse new work, finish what was accepted (until `deadline` aborts), answer those who wait, end. */
  drain(deadline: AbortSignal): Promise<void>
}

export function createApp(options: AppOptions): App {
  const { bodyLimitBytes = DEFAULT_BODY_LIMIT_BYTES, onError } = options
  const service = new Service(options)
  const http = fastify({
    bodyLimit: bodyLimitBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    // Strict: a value of another type is refused, not converted; an unknown field likewise.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  })
  http.removeContentTypeParser('text/plain')
  http.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  http.setErrorHandler((raw, _request, reply) => {
    const error = typedError(raw as Parameters<typeof typedError>[0], bodyLimitBytes)
    const problem = problemOf(error)
    if (problem.code === 'INTERNAL') onError?.(error)
    const retryAfter = problem.details.retryAfterSeconds
    if (typeof retryAfter === 'number') reply.header('retry-after', retryAfter)
    return reply.code(problem.status).type(PROBLEM_TYPE).send(problem)
  })
  http.setNotFoundHandler(({ method, url }) => {
    throw new UnavailableError('ROUTE_UNKNOWN', { method, path: url.slice(0, 100) })
  })
  for (const { method, url, body, schema = {}, handle } of ROUTES) {
    http.route({
      method,
      url,
      schema,
      onRequest: async (request) => requireMediaType(request, body),
      handler: async (request, reply) => handle(service, request, reply),
    })
  }

  return {
    inject: http.inject.bind(http),
    async listen({ host, port }) {
      try {
        return await http.listen({ host, port })
      } catch (error) {
        const reason = (error as NodeJS.ErrnoException).code ?? 'it is no address of this machine'
        throw new UnavailableError('LISTEN_FAILED', { address: `${host}:${port}`, reason }, error)
      }
    },
    async drain(deadline) {
      await service.drain(deadline)
      const cut = () => http.server.closeAllConnections()
      if (deadline.aborted) cut()
      deadline.addEventListener('abort', cut)
      await http.close()
      deadline.removeEventListener('abort', cut)
    },
  }
}

const MEDIA_TYPES = { json: 'application/json', binary: 'application/octet-stream' } as const

/** @throws UnavailableError `MEDIA_TYPE` */
function requireMediaType({ headers }: FastifyRequest, body: Route['body']): void {
  if (body === undefined || body === 'text') return
  const expected = MEDIA_TYPES[body]
  const [given] = (headers['content-type'] ?? '').toLowerCase().split(';')
  if (given?.trim() !== expected) throw new UnavailableError('MEDIA_TYPE', { expected })
}
