/** The interface as OpenAPI 3.1, from the very schemas that validate. */
import { BINARY, type Route } from './route.js'

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request is malformed',
  401: 'No valid API key',
  403: 'Only the operator may',
  404: 'It is not here',
  409: 'It contradicts the state of the job, or an earlier request',
  413: 'Too large',
  415: 'Another media type is expected',
  422: 'The guest failed, or hit a limit',
  429: 'Too much at once; see Retry-After',
  500: 'A bug of the server',
  503: 'Not ready, or about to stop',
}
const MEDIA: Readonly<Record<NonNullable<Route['body']>, readonly string[]>> = {
  json: ['application/json'],
  binary: ['application/octet-stream'],
  text: ['text/plain'],
  'json or multipart': ['application/json', 'multipart/form-data'],
}
const PROBLEM = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail', 'details'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'Stable; docs/errors.md lists them' },
    detail: { type: 'string' },
    details: { type: 'object' },
  },
}

interface Parameters {
  readonly properties?: Readonly<Record<string, object>>
}

export function describeApi(routes: readonly Route[], version: string): unknown {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    const path = route.url.replace(/:(\w+)/g, '{$1}')
    const methods = paths[path] ?? {}
    methods[route.method.toLowerCase()] = operation(route)
    paths[path] = methods
  }
  return {
    openapi: '3.1.0',
    info: { title: 'sp1-tee', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: {
      schemas: { Problem: PROBLEM },
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer' },
        signature: { type: 'http', scheme: 'eip191' },
      },
    },
  }
}

function operation({ summary, schema = {}, document, body, answers, refusals, ...route }: Route) {
  const isGuarded = route.for !== 'open'
  const statuses = new Set([...(refusals ?? []), 429, 500, 503])
  if (body !== undefined || 'params' in schema || 'querystring' in schema) statuses.add(400)
  if (body !== undefined) statuses.add(413)
  if (body !== undefined && body !== 'text') statuses.add(415)
  if (isGuarded) statuses.add(401)
  if (route.for === 'operator') statuses.add(403)
  const problems = [...statuses].sort().map((status) => [status, problem(TITLES[status] ?? '')])
  const successes = Object.entries(answers).map(([status, description]) => [
    status,
    { description },
  ])
  return {
    summary,
    ...(isGuarded && { security: [{}, { apiKey: [] }, { signature: [] }] }),
    parameters: [
      ...parameters('path', schema.params),
      ...parameters('query', schema.querystring),
      ...parameters('header', schema.headers),
    ],
    ...(body !== undefined && {
      requestBody: requestBody(body, document ?? { json: schema.body }),
    }),
    responses: Object.fromEntries([...successes, ...problems]),
  }
}

function requestBody(
  body: NonNullable<Route['body']>,
  { json, multipart }: { readonly json: unknown; readonly multipart?: unknown },
) {
  const schemas: Readonly<Record<string, unknown>> = {
    'application/json': json,
    'multipart/form-data': multipart,
  }
  const content = MEDIA[body].map((media) => [media, { schema: schemas[media] ?? BINARY }])
  return { required: true, content: Object.fromEntries(content) }
}

function parameters(place: string, schema: unknown) {
  const { properties = {} } = (schema ?? {}) as Parameters
  return Object.entries(properties).map(([name, value]) => ({
    name,
    in: place,
    ...(place === 'path' && { required: true }),
    schema: value,
  }))
}

function problem(description: string) {
  const schema = { $ref: '#/components/schemas/Problem' }
  return { description, content: { 'application/problem+json': { schema } } }
}
