/** Bodies of requests in memory: bounded for all, shared among tenants, and none of unknown routes. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import type { AppOptions } from '../../../src/core/server/app.js'
import { sha256 } from '../../../src/core/sha256.js'
import { BINARY_TYPE, expectProblem, JSON_TYPE, send } from '../../support/http.js'
import { startService, type TestService } from '../../support/service.js'

const KIB = 1024
const BODY_LIMIT = 64 * KIB
/** Half of what eight of the largest take: a tenant's share. */
const SHARE = 4 * BODY_LIMIT

const running: TestService[] = []
afterEach(async () => {
  for (const { app } of running.splice(0)) await app.drain(AbortSignal.abort())
})

async function start(options: Partial<AppOptions> = {}) {
  const service = await startService({ bodyLimitBytes: BODY_LIMIT, ...options })
  running.push(service)
  return { service, url: new URL(await service.app.listen({ host: '127.0.0.1', port: 0 })) }
}

interface Upload {
  readonly answer: Promise<{ status: number | undefined; retryAfter: string | undefined }>
  /** Sends the rest. */
  end(bytes?: Uint8Array): void
  abort(): void
}

/** Sends a part of a body, and the rest when it is told to. */
function upload(
  url: URL,
  path: string,
  bytes: number,
  headers: Record<string, string> = {},
  method = 'PUT',
): Upload {
  const { hostname, port } = url
  const options = { hostname, port, path, method, agent: false }
  const request = httpRequest({ ...options, headers: { ...BINARY_TYPE, ...headers } })
  const answer = new Promise<Awaited<Upload['answer']>>((resolve) => {
    request.on('response', (response: IncomingMessage) => {
      response.resume()
      resolve({ status: response.statusCode, retryAfter: response.headers['retry-after'] })
    })
    request.on('error', () => resolve({ status: undefined, retryAfter: undefined }))
  })
  request.write(Buffer.alloc(bytes))
  return { answer, end: (rest) => request.end(rest), abort: () => request.destroy() }
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
const keys = ['alice', 'bob'].map((name) => ({
  ...{ name, requestsPerMinute: 100_000, operator: false },
  hash: toHex(sha256(new TextEncoder().encode(name))),
}))

/** Until the server has what was sent. */
async function settled(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 10))
}

describe('bodies in memory', () => {
  it('are bounded over all connections, and room comes back when they end or go away', async () => {
    const { url } = await start()
    const path = '/v1/programs'
    // Chunked, so that nothing is known of their sizes before they come.
    const uploads = Array.from({ length: 64 }, () => upload(url, path, 60 * KIB))
    let refused = 0
    for (const { answer } of uploads) {
      answer.then(({ status, retryAfter }) => {
        if (status === 429 && retryAfter === '2') refused++
      })
    }
    const kept = Math.floor(SHARE / (60 * KIB))
    await settled(async () => refused >= 64 - kept)
    const another = upload(url, path, 0, { 'content-length': String(60 * KIB) })
    another.end(new Uint8Array(60 * KIB))
    expect(await another.answer).toEqual({ status: 429, retryAfter: '2' })
    for (const { abort } of uploads) abort()
    await settled(async () => {
      const next = upload(url, path, 60 * KIB)
      next.end()
      // It is no program.
      return (await next.answer).status === 400
    })
  })

  it('of one tenant leave room for those of another', async () => {
    const { url } = await start({ access: { keys, addresses: [], isRequired: true } })
    const fill = async (key: string) => {
      const uploads = Array.from({ length: 16 }, () =>
        upload(url, '/v1/programs', 60 * KIB, bearer(key)),
      )
      const refused = await Promise.race(uploads.map(({ answer }) => answer))
      expect(refused.status).toBe(429)
      return uploads
    }
    const uploads = await fill('alice')
    const other = upload(url, '/v1/programs', 60 * KIB, bearer('bob'))
    other.end()
    expect((await other.answer).status).toBe(400)
    for (const { abort } of uploads) abort()
  })

  it('that are too large, or whose clients go away, take no room afterwards', async () => {
    const { url } = await start()
    for (let n = 0; n < 10; n++) {
      const large = upload(url, '/v1/programs', 2 * BODY_LIMIT)
      expect([413, undefined]).toContain((await large.answer).status)
      large.abort()
      const half = upload(url, '/v1/programs', 60 * KIB)
      await new Promise((resolve) => setTimeout(resolve, 20))
      half.abort()
    }
    const last = Array.from({ length: 4 }, () => upload(url, '/v1/programs', 60 * KIB))
    for (const { end } of last) end()
    const answers = await Promise.all(last.map(({ answer }) => answer))
    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 400])
  })

  it('are forgotten with each answer', async () => {
    const { service } = await start()
    for (let n = 0; n < 20; n++) {
      const body = new Uint8Array(60 * KIB)
      const answer = await send(service, 'PUT', '/v1/programs', body, BINARY_TYPE)
      expectProblem(answer, 400, 'ELF_NOT_ELF')
    }
  })
})

describe('before a body is read', () => {
  const never = { 'content-length': String(60 * KIB) }

  it('an unknown route is refused', async () => {
    const { url, service } = await start()
    for (const [path, method] of [
      ['/nothing', 'POST'],
      ['/v1/programs', 'POST'],
      ['/execute', 'PUT'],
    ] as const) {
      const { answer, abort } = upload(url, path, KIB, never, method)
      expect((await answer).status).toBe(404)
      abort()
    }
    const answer = await send(service, 'POST', '/nothing', '{', JSON_TYPE)
    expectProblem(answer, 404, 'ROUTE_UNKNOWN')
  })

  it('whoever shows no key is refused, at /execute as elsewhere', async () => {
    const { url } = await start({ access: { keys, addresses: [], isRequired: true } })
    for (const [path, method] of [
      ['/execute', 'POST'],
      ['/request_proof', 'POST'],
      ['/v1/programs', 'PUT'],
    ] as const) {
      for (const headers of [never, { ...never, ...bearer('nobody') }]) {
        const { answer, abort } = upload(url, path, KIB, headers, method)
        expect((await answer).status, path).toBe(401)
        abort()
      }
    }
  })

  it('a wrong key is refused where a signature in the body would do', async () => {
    const addresses = [`0x${'11'.repeat(20)}`] as const
    const { url } = await start({ access: { keys, addresses, isRequired: true } })
    const wrong = upload(url, '/execute', KIB, { ...never, ...bearer('nobody') }, 'POST')
    expect((await wrong.answer).status).toBe(401)
    wrong.abort()
    const unsigned = upload(url, '/execute', KIB, {}, 'POST')
    unsigned.end()
    expect((await unsigned.answer).status).toBe(400)
  })
})
