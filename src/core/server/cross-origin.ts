/**
 * Which pages of other origins may use the service from a browser (CORS): those that the operator
 * lists, with what they send in headers, never with cookies, and never what only the operator may.
 */
import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import type { Route } from './route.js'

const MAX_AGE_SECONDS = 600
const METHODS = ['GET', 'POST', 'PUT', 'DELETE']
const SENT_HEADERS = ['authorization', 'content-type', 'idempotency-key']
const READ_HEADERS = ['location', 'retry-after', 'x-request-id']

/** True for what a browser says of a page: scheme, host and port, as in `https://app.example`. */
export function isOrigin(text: string): boolean {
  return /^https?:\/\/[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text
}

/** Before any route: what is added later answers listed origins. Without a list nothing changes. */
export function allowOrigins(http: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return
  const listed = new Set(origins)
  http.register(cors, {
    // A function, because in a list `*` would mean everybody.
    origin: (origin, tell) => tell(null, origin !== undefined && listed.has(origin)),
    methods: METHODS,
    allowedHeaders: SENT_HEADERS,
    exposedHeaders: READ_HEADERS,
    credentials: false,
    maxAge: MAX_AGE_SECONDS,
    // What is no preflight request is refused as any other unknown route.
    strictPreflight: false,
  })
}

/** Keeps a route from pages of other origins, and its preflight requests from being answered. */
export function refuseOrigins(http: FastifyInstance, { url }: Route): void {
  http.route({
    method: 'OPTIONS',
    url,
    config: { cors: false },
    handler: (_request, reply) => reply.callNotFound(),
  })
}
