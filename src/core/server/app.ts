/** The service over HTTP. It listens only when it is told to. */
import { networkInterfaces } from 'node:os'
import multipart from '@fastify/multipart'
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify'
import { InternalError, UnavailableError } from '../errors.js'
import type { JobRecord } from '../jobs/job-store.js'
import { Access, type AccessOptions } from './access.js'
import { Activity } from './activity.js'
import { BodyBudget } from './body-budget.js'
import {
  type CollateralEvent,
  CollateralKeeper,
  type CollateralSource,
} from './collateral-keeper.js'
import { allowOrigins, refuseOrigins } from './cross-origin.js'
import { isSealed, parseRequest } from './job-codec.js'
import type { JobEvent } from './job-event.js'
import type { SignerAttempt, SignerEvent } from './live-signer.js'
import { Metrics } from './metrics.js'
import { describeApi } from './openapi.js'
import { requireOperator } from './operator.js'
import { isBug, PROBLEM_TYPE, problemOf, typedError } from './problem.js'
import { type Context, mediaTypeOf, type Route, setVisitor } from './route.js'
import { ROUTES } from './routes.js'
import { Service } from './service.js'
import type { ServiceOptions } from './service-options.js'
import { watchSilentConnections } from './silent-connections.js'
import { StoreView } from './store-view.js'
import { Tracing } from './tracing.js'
import { WalletWatch } from './wallet-watch.js'

export type { BlobStore } from '../jobs/blob-store.js'
export { openFolderBlobStore } from '../jobs/folder-blob-store.js'
export type { JobStore } from '../jobs/job-store.js'
export { openPostgresJobStore } from '../jobs/postgres-job-store.js'
export { openS3BlobStore, type S3BlobStoreOptions } from '../jobs/s3-blob-store.js'
export { openSqliteThread } from '../jobs/sqlite-thread.js'
export { type AccessOptions, isHost, isLoopback, parseAccess } from './access.js'
export { describeRegistration, type SignerAttestation } from './attestation.js'
export type { CollateralEvent, CollateralSource } from './collateral-keeper.js'
export { isOrigin } from './cross-origin.js'
export { withDeadline } from './deadline.js'
export type { JobEvent } from './job-event.js'
export { LiveSigner, type SignerEvent } from './live-signer.js'
export { DEFAULT_KEEP_ENDED, DEFAULT_MAX_QUEUED, type ServiceOptions } from './service-options.js'

export const DEFAULT_BODY_LIMIT_BYTES = 32 * 2 ** 20
/** Bodies of the largest size that are in memory at the same time. */
const LARGE_BODIES = 8
/** Small enough for thousands, large enough for a program. */
const HEADERS_TIMEOUT_MS = 15_000
/** For the whole of a request to arrive; the answer may take as long as the job. */
const REQUEST_TIMEOUT_MS = 120_000
/** Whatever Node is told to take. */
const OLDEST_TLS = 'TLSv1.2'
/** Connections at the same time; what waits for a job is bounded more tightly. */
const MAX_CONNECTIONS = 16_384
const PRIVATE_BUG = 'a job with private inputs failed by it, so no more is told'
const EVERY_ADDRESS = ['0.0.0.0', '::']

export interface LogOptions {
  readonly level: string
  /** Takes lines of JSON. */
  readonly stream: { write(line: string): void }
}

export interface AppOptions extends ServiceOptions {
  readonly version: string
  /** Default: anybody may send work. */
  readonly access?: Omit<AccessOptions, 'nowSeconds'>
  /** Origins whose pages may use the service from a browser; default: none. */
  readonly allowedOrigins?: readonly string[]
  readonly bodyLimitBytes?: number
  /** PEM. */
  readonly tls?: { readonly key: Uint8Array; readonly cert: Uint8Array }
  readonly log?: LogOptions
  /** Where collateral of the signer's quotes comes from; without it clients fetch their own. */
  readonly collateral?: CollateralSource
  readonly onCollateral?: (event: CollateralEvent) => void
  /** What the gas payer has left, in wei; asked now and then. */
  readonly askBalance?: () => Promise<bigint>
  /** Hears of bugs of ours, which clients are not told. */
  readonly onError?: (error: unknown) => void
}

export interface App {
  /** For tests: requests without a socket. */
  readonly inject: FastifyInstance['inject']
  /** What happens to the signer, for the metrics and the log. */
  onSigner(event: SignerEvent): void
  /** A registration of a signer that was tried, for the traces. */
  onAttempt(attempt: SignerAttempt): void
  /**
   * @returns the URL it can be reached at.
   * @throws UnavailableError `LISTEN_FAILED`
   */
  listen(address: { host: string; port: number }): Promise<string>
  /** Refuse new work, finish what was accepted (until `deadline` aborts), answer those who wait, end. */
  drain(deadline: AbortSignal): Promise<void>
}

export function createApp(options: AppOptions): App {
  const { bodyLimitBytes = DEFAULT_BODY_LIMIT_BYTES, onError, version, nowMs, dateMs } = options
  const nowSeconds = () => dateMs() / 1000
  const activity = new Activity(nowMs)
  const http = createHttp(options, bodyLimitBytes)
  const closeSilent = watchSilentConnections(http)
  const service = new Service({ ...options, onJob })
  const collateral =
    options.collateral &&
    new CollateralKeeper({
      ...options.collateral,
      attestation: () => service.signer.facts?.attestation,
      dateMs,
      onEvent: onCollateral,
    })
  const onFailure = () => metrics.onRpcFailure()
  const wallet =
    options.askBalance && new WalletWatch({ ask: options.askBalance, nowMs, onFailure })
  const store = new StoreView(service, nowMs)
  const metrics = new Metrics({
    version,
    simulated: options.simulated,
    counts: store.counts,
    signer: () => service.signer.facts,
    isReady: store.isReady,
    collateral,
    walletWei: () => wallet?.wei,
    nowSeconds,
  })
  const anybody = { keys: [], addresses: [], isRequired: false, trustsThisMachine: true }
  const tracing = new Tracing({ version, dateMs })
  const access = new Access({ ...(options.access ?? anybody), nowSeconds })
  const api = describeApi(ROUTES, version)
  const openApi = () => api
  const bodies = new BodyBudget(LARGE_BODIES * bodyLimitBytes)
  const context: Context = {
    ...{ service, store, access, metrics, bodies, activity, collateral, version, onBug, openApi },
  }

  http.setErrorHandler((raw, request, reply) => {
    const error = typedError(raw as Parameters<typeof typedError>[0], bodyLimitBytes)
    const problem = problemOf(error)
    if (isBug(error)) onBug(error, request.log)
    const retryAfter = problem.details.retryAfterSeconds
    if (typeof retryAfter === 'number') reply.header('retry-after', retryAfter)
    return reply.code(problem.status).type(PROBLEM_TYPE).send(problem)
  })
  http.setNotFoundHandler(refuseUnknown)
  http.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  http.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown'
    const { statusCode: status, elapsedTime: ms } = reply
    metrics.onRequest(route, status, ms / 1000)
    request.log.info({ method: request.method, route, status, ms: Math.round(ms) }, 'request')
  })
  allowOrigins(http, options.allowedOrigins ?? [])
  http.after(() => {
    // Else its body would be read first.
    http.addHook('onRequest', async (request) => {
      if (request.is404) refuseUnknown(request)
    })
    http.addHook('preParsing', async (request, reply, body) => bodies.meter(request, reply, body))
  })
  http.register(async (scope) => {
    for (const route of ROUTES) {
      const { method, url, schema = {}, handle } = route
      if (route.for === 'operator') refuseOrigins(scope, route)
      scope.route({
        method,
        url,
        schema,
        ...(route.for === 'operator' && { config: { cors: false } }),
        onRequest: async (request) => {
          const { authorization } = request.headers
          const isByBody = route.isSigned && access.hasAddresses && authorization === undefined
          if (route.for !== 'open' && !isByBody) {
            setVisitor(request, access.identify(authorization, request.host))
          }
          if (route.for === 'operator') requireOperator(request)
          requireMediaType(request, route.body)
        },
        handler: async (request, reply) => handle(context, request, reply),
      })
    }
  })

  const stopped = new AbortController()
  if (collateral !== undefined) {
    const follow = () => collateral.follow()
    service.signer.ready(stopped.signal).then(follow, () => {})
  }
  wallet?.start()
  return {
    inject: http.inject.bind(http),
    onSigner(event) {
      metrics.onSigner(event)
      logSigner(http, event)
      if (event.kind === 'rotated') collateral?.follow()
    },
    onAttempt: (attempt) => tracing.onAttempt(attempt),
    async listen({ host, port }) {
      try {
        // Fastify asks for them where nobody catches what it throws.
        if (EVERY_ADDRESS.includes(host)) networkInterfaces()
        const url = await http.listen({ host, port })
        access.onListening(urlOf(url, host))
        return url
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        const reason = code === 'ERR_SYSTEM_ERROR' ? message : code
        throw new UnavailableError(
          'LISTEN_FAILED',
          { address: `${host}:${port}`, reason: reason ?? 'it is no address of this machine' },
          error,
        )
      }
    },
    async drain(deadline) {
      stopped.abort()
      collateral?.stop()
      wallet?.stop()
      await service.drain(deadline)
      const cut = () => http.server.closeAllConnections()
      if (deadline.aborted) cut()
      closeSilent()
      deadline.addEventListener('abort', cut)
      await http.close()
      deadline.removeEventListener('abort', cut)
      await service.close()
    },
  }

  function onJob(event: JobEvent): void {
    metrics.onJob(event)
    tracing.onJob(event)
    activity.onJob(event)
    options.onJob?.(event)
    logJob(http, event)
    if (event.kind === 'storeFailed' && isBug(event.error)) onBug(event.error, http.log)
    if (event.kind !== 'ended' || event.error === undefined || !isBug(event.error)) return
    const told = isPrivate(event.job) ? new InternalError(PRIVATE_BUG) : event.error
    onBug(told, http.log.child({ job: event.job.id }))
  }

  function onBug(error: unknown, log: FastifyBaseLogger): void {
    metrics.onBug()
    log.error({ err: error }, 'a bug of sp1-tee')
    onError?.(error)
  }

  function onCollateral(event: CollateralEvent): void {
    metrics.onCollateral(event)
    options.onCollateral?.(event)
    logCollateral(http, event)
  }
}

/** With the address that was given: of one that stands for several, fastify names the first. */
function urlOf(url: string, host: string): string {
  const { protocol, port } = new URL(url)
  const authority = host.includes(':') ? `[${host}]` : host
  return `${protocol}//${authority}${port === '' ? '' : `:${port}`}`
}

function createHttp({ tls, log, newId }: AppOptions, bodyLimitBytes: number): FastifyInstance {
  const http = fastify({
    bodyLimit: bodyLimitBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    // Strict: a value of another type is refused, not converted; an unknown field likewise.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    logger: log === undefined ? false : { level: log.level, stream: log.stream, base: null },
    // Each request is one line, written when it has been answered.
    logController: new LogController({ disableRequestLogging: true }),
    // A proxy's, if it is one; else a new one.
    requestIdHeader: false,
    genReqId: ({ headers }: FastifyRequest['raw']) => requestId(headers['x-request-id'], newId),
    ...(tls && { https: { key: tls.key, cert: tls.cert, minVersion: OLDEST_TLS } }),
  } as Parameters<typeof fastify>[0]) as unknown as FastifyInstance
  http.server.headersTimeout = HEADERS_TIMEOUT_MS
  http.server.maxConnections = MAX_CONNECTIONS
  http.removeContentTypeParser('text/plain')
  http.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  http.register(multipart, { limits: { headerPairs: 20, fieldNameSize: 40 } })
  return http
}

/** @throws UnavailableError `ROUTE_UNKNOWN` */
function refuseUnknown({ method, url }: FastifyRequest): never {
  throw new UnavailableError('ROUTE_UNKNOWN', { method, path: url.slice(0, 100) })
}

/** Whether what went wrong with it may tell of inputs that nobody should see. */
function isPrivate({ request }: JobRecord): boolean {
  try {
    return isSealed(parseRequest(request))
  } catch {
    return true
  }
}

function requestId(given: string | string[] | undefined, newId: () => string): string {
  return typeof given === 'string' && /^[\w.-]{1,64}$/.test(given) ? given : newId()
}

/** What jobs do, without what they are about: no inputs, no outputs. */
function logJob({ log }: FastifyInstance, event: JobEvent): void {
  switch (event.kind) {
    case 'ended': {
      const { job, state, cycles, ranMs, error } = event
      const { code } = (error ?? {}) as { code?: string }
      log.info({ job: job.id, state, cycles, ms: Math.round(ranMs), code }, 'job')
      return
    }
    case 'storeFailed':
      log.error({ code: codeOf(event.error) }, 'the store of jobs failed')
      return
    default:
      return
  }
}

function logSigner({ log }: FastifyInstance, event: SignerEvent): void {
  switch (event.kind) {
    case 'rotated':
      log.info({ ...event.rotation }, 'signer rotated')
      return
    case 'failed':
      log.error({ code: codeOf(event.error), retryMs: event.retryMs }, 'rotation failed')
      return
    case 'expiring':
      log.fatal({ secondsLeft: Math.round(event.secondsLeft) }, 'the signer is about to expire')
      return
    case 'unlisted':
      log.error({ signer: event.address }, 'the registry does not list the signer')
      return
    case 'checkFailed':
      log.warn({ code: codeOf(event.error) }, 'the registration could not be checked')
  }
}

function logCollateral({ log }: FastifyInstance, event: CollateralEvent): void {
  if (event.kind === 'failed') {
    log.warn({ code: codeOf(event.error), retryMs: event.retryMs }, 'collateral failed')
    return
  }
  const { status, expiresAt } = event
  const level = status === 'UpToDate' ? 'info' : 'warn'
  log[level]({ status, expiresAt }, 'collateral')
}

function codeOf(error: unknown): string {
  return (error as { code?: string }).code ?? String(error)
}

const MEDIA_TYPES = {
  json: ['application/json'],
  binary: ['application/octet-stream'],
  'json or multipart': ['application/json', 'multipart/form-data'],
} as const

/** @throws UnavailableError `MEDIA_TYPE` */
function requireMediaType(request: FastifyRequest, body: Route['body']): void {
  if (body === undefined || body === 'text') return
  const expected: readonly string[] = MEDIA_TYPES[body]
  if (expected.includes(mediaTypeOf(request))) return
  throw new UnavailableError('MEDIA_TYPE', { expected: expected.join(' or ') })
}
