/** Pages of other origins: the listed ones may use the service, and not what is the operator's. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isOrigin } from '../../../src/core/server/app.js'
import { ROUTES } from '../../../src/core/server/routes.js'
import { expectProblem, JSON_TYPE, send } from '../../support/http.js'
import { startService, type TestService } from '../../support/service.js'

const LISTED = 'https://app.example'
const OTHER = 'http://localhost:8080'
const STRANGERS = ['https://evil.example', 'http://app.example', `${LISTED}:444`, 'null', '*']
const ID = '00000000-0000-0000-0000-000000000000'

let service: TestService
let closed: TestService
beforeAll(async () => {
  const access = { keys: [], addresses: [], isRequired: true }
  service = await startService({ allowedOrigins: [LISTED, OTHER], access })
  closed = await startService()
})
afterAll(async () => {
  await service.app.drain(AbortSignal.abort())
  await closed.app.drain(AbortSignal.abort())
})

async function preflight(
  { app }: TestService,
  url: string,
  origin: string,
  method = 'POST',
  headers = 'authorization,content-type,idempotency-key',
) {
  const asked = {
    'access-control-request-method': method,
    'access-control-request-headers': headers,
  }
  return app.inject({ method: 'OPTIONS', url, headers: { origin, ...asked } })
}

const allowed = (answer: { headers: Record<string, unknown> }) =>
  answer.headers['access-control-allow-origin']

describe('a listed origin', () => {
  it.each([LISTED, OTHER])('may send requests: %s', async (origin) => {
    const { statusCode, headers } = await preflight(service, '/v1/proofs', origin)
    expect(statusCode).toBe(204)
    expect(headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, POST, PUT, DELETE',
      'access-control-allow-headers': 'authorization, content-type, idempotency-key',
      'access-control-max-age': '600',
      vary: 'Origin',
    })
    expect(headers['access-control-allow-credentials']).toBeUndefined()
  })

  it('may read answers and errors, and the headers that its client needs', async () => {
    const answer = await send(service, 'GET', '/v1/signer', undefined, { origin: LISTED })
    expect(answer.status).toBe(200)
    const refused = await send(service, 'GET', '/v1/proofs', undefined, { origin: LISTED })
    expectProblem(refused, 401, 'KEY_REQUIRED')
    const unknown = await send(service, 'GET', '/nothing', undefined, { origin: LISTED })
    expectProblem(unknown, 404, 'ROUTE_UNKNOWN')
    for (const { headers } of [answer, refused, unknown]) {
      expect(headers['access-control-allow-origin']).toBe(LISTED)
      expect(headers['access-control-expose-headers']).toBe('location, retry-after, x-request-id')
      expect(headers['access-control-allow-credentials']).toBeUndefined()
      expect(headers['x-request-id']).toEqual(expect.any(String))
    }
  })

  it('may read the events of a job', async () => {
    const open = await startService({ allowedOrigins: [LISTED] })
    const asked = await send(open, 'GET', `/v1/proofs/${ID}/events`, undefined, { origin: LISTED })
    expectProblem(asked, 404, 'JOB_UNKNOWN')
    expect(allowed(asked)).toBe(LISTED)
    await open.app.drain(AbortSignal.abort())
  })
})

describe('what is the operator’s', () => {
  const operators = ROUTES.filter((route) => route.for === 'operator')

  it.each([...operators.map(({ url }) => url), '/v1/signer/%72otate', '/v1/signer/rotate?x=1'])(
    'is for no page: %s',
    async (url) => {
      expect(operators).toHaveLength(1)
      for (const origin of [LISTED, ...STRANGERS]) {
        const asked = await preflight(service, url, origin)
        expect(asked.statusCode).toBe(404)
        expect(allowed(asked)).toBeUndefined()
        const headers = { ...JSON_TYPE, origin }
        expect(allowed(await send(service, 'POST', url, '{}', headers))).toBeUndefined()
      }
    },
  )
})

describe('anybody else', () => {
  it.each(STRANGERS)('may not: %s', async (origin) => {
    const asked = await preflight(service, '/v1/proofs', origin)
    expect(asked.statusCode).toBe(404)
    const answer = await send(service, 'GET', '/v1/signer', undefined, { origin })
    for (const each of [asked, answer]) {
      expect(allowed(each)).toBeUndefined()
      // So that a cache between does not give one origin the answer for another.
      expect(each.headers.vary).toBe('Origin')
    }
  })

  it('may not where no origin is listed, and nothing speaks of origins', async () => {
    const asked = await preflight(closed, '/v1/proofs', LISTED)
    expect(asked.statusCode).toBe(404)
    expect(JSON.parse(asked.payload).code).toBe('ROUTE_UNKNOWN')
    const answer = await send(closed, 'GET', '/v1/signer', undefined, { origin: LISTED })
    for (const { headers } of [asked, answer]) {
      expect(Object.keys(headers).filter((name) => /^access-control|^vary$/.test(name))).toEqual([])
    }
  })

  it('is answered as ever without an origin', async () => {
    const answer = await send(service, 'GET', '/v1/signer')
    expect(answer.status).toBe(200)
    expect(allowed(answer)).toBeUndefined()
  })
})

describe('an origin', () => {
  it.each([LISTED, OTHER, 'http://127.0.0.1:1', 'http://[::1]:5173'])('is %s', (text) => {
    expect(isOrigin(text)).toBe(true)
  })

  it.each([
    ...['*', 'null', '', 'app.example', `${LISTED}/`, `${LISTED}/page`, `${LISTED}:443`],
    ...['HTTPS://APP.EXAMPLE', 'file://', 'https://*.example', 'https://a b', ' https://a'],
    ...['chrome-extension://abc', 'https://user@app.example', 'https://app.example?'],
  ])('is not %j', (text) => {
    expect(isOrigin(text)).toBe(false)
  })
})
