/** What a client makes of a server that is away for a while, by proxies that speak for it, and otherwise. */
import type { RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { createClient } from '../../../src/core/client/client.js'
import { listen } from './scripted.js'

type Step = (response: ServerResponse) => void

const answer: Step = (response) => response.end('{}')
const hangUp: Step = (response) => response.socket?.destroy()
const page =
  (status: number): Step =>
  (response) =>
    response.writeHead(status, { 'content-type': 'text/html' }).end('<html>')
const problem =
  (status: number, code: string): Step =>
  (response) =>
    response.writeHead(status).end(JSON.stringify({ code, detail: 'x', details: {} }))

/** Takes one step for each request, and counts them. */
async function serverOf(...steps: readonly Step[]) {
  const asked: string[] = []
  const listener: RequestListener = (request, response) => {
    asked.push(`${request.method} ${request.url}`)
    request.resume()
    const step = steps[asked.length - 1] ?? answer
    request.on('end', () => step(response))
  }
  const url = await listen(listener)
  return { asked, url, client: createClient(url) }
}

describe('a server behind a proxy', () => {
  it('is waited for while the proxy says that it is away', async () => {
    const { client, asked } = await serverOf(answer, page(502), page(503), page(504), answer)
    await client.cancel('a')
    await client.cancel('a')
    expect(asked).toHaveLength(5)
  })

  it('is not waited for if it never answered', async () => {
    const { client, asked } = await serverOf(page(502))
    await expect(client.cancel('a')).rejects.toMatchObject({
      code: 'SERVER_ANSWER',
      details: { reason: 'HTTP 502' },
    })
    expect(asked).toHaveLength(1)
  })

  it.each([
    ['a page of another error', page(500)],
    ['a problem of its own', problem(503, 'SOMETHING_ELSE')],
  ])('is not waited for after %s', async (_name, step) => {
    const { client, asked } = await serverOf(answer, step)
    await client.cancel('a')
    await expect(client.cancel('a')).rejects.toMatchObject({ code: 'SERVER_ANSWER' })
    expect(asked).toHaveLength(2)
  })

  it('is asked again when the proxy has had too many requests', async () => {
    const { client, asked } = await serverOf(page(429), answer)
    await client.cancel('a')
    expect(asked).toHaveLength(2)
  })
})

describe('a first answer', () => {
  it('is any problem with a code of ours', async () => {
    const { client, asked } = await serverOf(problem(404, 'JOB_UNKNOWN'), hangUp, hangUp, answer)
    await expect(client.cancel('a')).rejects.toMatchObject({ code: 'JOB_UNKNOWN' })
    await client.cancel('a')
    expect(asked).toHaveLength(4)
  })

  it('is no problem of somebody else', async () => {
    const { client, asked } = await serverOf(problem(404, 'NO_SUCH_THING'), hangUp)
    await expect(client.cancel('a')).rejects.toMatchObject({ code: 'SERVER_ANSWER' })
    await expect(client.cancel('a')).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' })
    expect(asked).toHaveLength(2)
  })
})

describe('a rotation', () => {
  it.each([
    ['the connection breaks', hangUp, 'SERVER_UNREACHABLE'],
    ['a proxy answers', page(502), 'SERVER_ANSWER'],
    ['the server shuts down', problem(503, 'SERVER_DRAINING'), 'SERVER_DRAINING'],
  ])('is asked for once if %s', async (_name, step, code) => {
    const { client, asked } = await serverOf(answer, step)
    await client.cancel('a')
    await expect(client.rotate()).rejects.toMatchObject({ code })
    expect(asked).toEqual(['DELETE /v1/proofs/a', 'POST /v1/signer/rotate'])
  })

  it('is asked for again if it never left', async () => {
    const first = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1')
    await new Promise((resolve) => first.once('listening', resolve))
    const { port } = first.address() as AddressInfo
    const client = createClient(`http://127.0.0.1:${port}`)
    await client.cancel('a')
    first.closeAllConnections()
    await new Promise((resolve) => first.close(resolve))
    const rotating = client.rotate()
    const rotation = { previous: '0x01', current: '0x02', txHash: '0x03' }
    await listen((_request, response) => response.end(JSON.stringify(rotation)), port)
    expect(await rotating).toEqual(rotation)
  })
})
