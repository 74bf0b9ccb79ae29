/** dstack's agent and an HTTP quote service, as local servers that do what theirs do. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import { selectProvider } from '../../../src/core/tdx/provider.js'
import { LOCAL_QUOTE_SERVICE } from '../../../src/core/tdx/quote-service.js'
import { createDstackSource, createHttpSource } from '../../../src/core/tdx/service-providers.js'
import { QUOTE_V4, REPORT_DATA, unmarked } from './samples.js'

const service = LOCAL_QUOTE_SERVICE
/** A quote without the mark of a simulation: providers look at no more of certificates than that. */
const UNMARKED = unmarked(QUOTE_V4)
const HEX = toHex(REPORT_DATA).slice(2)

let folder: string
let servers: Server[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-services-'))
  servers = []
})
afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  await rm(folder, { recursive: true })
})

async function listen(handler: RequestListener, path?: string): Promise<Server> {
  const server = createServer(handler)
  servers.push(server)
  await new Promise<void>((resolve) => {
    if (path === undefined) server.listen(0, '127.0.0.1', resolve)
    else server.listen(path, resolve)
  })
  return server
}

/** An agent that answers with this text. */
async function dstack(answer: string, status = 200) {
  const socket = join(folder, 'dstack.sock')
  const requests: { url: string; body: string }[] = []
  await listen((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      requests.push({ url: String(request.url), body })
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(answer)
    })
  }, socket)
  return { source: createDstackSource({ service, socket }), requests }
}

async function http(answer: Uint8Array | string, status = 200) {
  const requests: string[] = []
  const server = await listen((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    response.writeHead(status).end(answer)
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, requests }
}

describe('dstack', () => {
  it('gives the quote that it is asked for', async () => {
    const answer = { quote: toHex(UNMARKED).slice(2), event_log: '[]', vm_config: '{}' }
    const { source, requests } = await dstack(JSON.stringify(answer))
    expect(await source.probe()).toBeUndefined()
    expect(await (await source.open()).quote(REPORT_DATA)).toEqual(UNMARKED)
    expect(requests).toEqual([{ url: '/GetQuote', body: `{"report_data":"${HEX}"}` }])
  })

  it.each([
    ['an error of the agent', '{"error":"no TDX \\u001b[31mhere"}', 200, 'no TDX  [31mhere'],
    ['no JSON', '<html>', 200, 'it is not JSON'],
    ['no quote', '{"quote":null}', 200, 'it holds no quote'],
    ['another status', 'broken\n', 500, 'status 500 (broken)'],
  ])('refuses %s', async (_, answer, status, reason) => {
    const { source } = await dstack(answer, status)
    await expect((await source.open()).quote(REPORT_DATA)).rejects.toMatchObject({
      code: 'QUOTE_SERVICE_ANSWER',
      exitCode: 6,
      details: { provider: 'dstack', reason },
    })
  })

  it('is missing where there is no socket', async () => {
    const source = createDstackSource({ service, socket: join(folder, 'none.sock') })
    expect(await source.probe()).toMatchObject({ code: 'TDX_DEVICE_MISSING' })
    await expect(source.open()).rejects.toMatchObject({ code: 'TDX_DEVICE_MISSING' })
    expect(await createDstackSource({ service }).probe()).toMatchObject({
      details: { reason: 'there is no dstack socket (/var/run/dstack.sock)' },
    })
  })

  it('is unreachable where nobody listens any more', async () => {
    const { source } = await dstack('{}')
    const provider = await source.open()
    await new Promise((resolve) => servers.pop()?.close(resolve))
    await expect(provider.quote(REPORT_DATA)).rejects.toMatchObject({
      code: 'QUOTE_SERVICE_UNREACHABLE',
      details: { reason: expect.stringMatching(/^E(NOENT|CONNREFUSED)$/) },
    })
  })
})

describe('an HTTP quote service', () => {
  it.each(['', '/', '/quotes/'])('is asked at the path of its URL: %s', async (path) => {
    const { url, requests } = await http(UNMARKED)
    const provider = await createHttpSource({ service, url: `${url}${path}` }).open()
    expect(await provider.quote(REPORT_DATA)).toEqual(UNMARKED)
    expect(requests).toEqual([`GET ${path.replace(/\/$/, '')}/${HEX}`])
  })

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'QUOTE_UNUSABLE'],
    ['a quote that is cut off', UNMARKED.slice(0, 1000), 'QUOTE_UNUSABLE'],
    ['a quote of a simulation', QUOTE_V4, 'QUOTE_SIMULATION'],
  ])('is refused with %s', async (_, answer, code) => {
    const { url } = await http(answer)
    const provider = await createHttpSource({ service, url }).open()
    await expect(provider.quote(REPORT_DATA)).rejects.toMatchObject({ code })
  })

  it('is refused with a quote over other report data', async () => {
    const { url } = await http(QUOTE_V4)
    const provider = await createHttpSource({ service, url }).open()
    await expect(provider.quote(new Uint8Array(64))).rejects.toMatchObject({
      code: 'QUOTE_FOREIGN',
    })
  })

  it('says what the service said, and no credentials', async () => {
    const { url } = await http('busy', 503)
    const withUser = url.replace('http://', 'http://name:secret@')
    const provider = await createHttpSource({ service, url: withUser }).open()
    await expect(provider.quote(REPORT_DATA)).rejects.toMatchObject({
      code: 'QUOTE_SERVICE_ANSWER',
      details: { address: `${url}/`, reason: 'status 503 (busy)' },
    })
  })

  it('can be interrupted', async () => {
    const server = await listen(() => {})
    const { port } = server.address() as AddressInfo
    const provider = await createHttpSource({ service, url: `http://127.0.0.1:${port}` }).open()
    const interrupt = new AbortController()
    const pending = provider.quote(REPORT_DATA, interrupt.signal)
    interrupt.abort()
    await expect(pending).rejects.toMatchObject({ code: 'INTERRUPTED' })
  })

  it('is chosen only where it is named', async () => {
    expect(await createHttpSource({ service }).probe()).toMatchObject({
      code: 'TDX_DEVICE_MISSING',
    })
    const { url } = await http(QUOTE_V4)
    const sources = [createHttpSource({ service }), createHttpSource({ service, url })]
    expect((await selectProvider('auto', sources)).name).toBe('http')
    expect(() => createHttpSource({ service, url: 'quotes' })).toThrow(/takes an http/)
  })
})
