/** Clients that mean harm, or only much: memory stays bounded, errors have types, others are served. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { elfOf, encode } from '../../support/assembler.js'
import { guestElf } from '../../support/cli.js'
import type { Json } from '../../support/http.js'
import { type Served, startServed } from '../../support/served.js'

const endless = elfOf({ text: [encode('jal', { imm: 0 })] })
const MIB = 2 ** 20

let folder: string
let server: Served
let endlessId: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sp1-tee-hostile-'))
  server = await startServed(folder, 1)
  endlessId = (await upload(endless)).programId
})
afterAll(async () => {
  await server.kill()
  rmSync(folder, { recursive: true })
})

interface Answer {
  readonly status: number
  readonly json: Json
}

async function ask(
  method: string,
  path: string,
  body?: string | Uint8Array,
  type = 'application/json',
): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`, {
    method,
    ...(body !== undefined && { body: body as string, headers: { 'content-type': type } }),
  })
  const text = await response.text()
  return { status: response.status, json: text.startsWith('{') ? JSON.parse(text) : undefined }
}

const upload = async (elf: Uint8Array) =>
  (await ask('PUT', '/v1/programs', elf, 'application/octet-stream')).json
const submit = async (body: object) => (await ask('POST', '/v1/proofs', JSON.stringify(body))).json

/** Jobs that take every place for minutes: each runs to its cycle limit. */
async function block(): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < 40; i++) ids.push((await submit({ programId: endlessId })).id)
  return ids
}

async function cancel(ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    const { status } = await ask('DELETE', `/v1/proofs/${id}`)
    expect([200, 409]).toContain(status)
  }
}

async function expectAlive(): Promise<void> {
  expect((await ask('GET', '/readyz')).status).toBe(200)
}

it('bodies that never come do not keep others from being served', async () => {
  const sockets: Socket[] = []
  for (let i = 0; i < 300; i++) {
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      'POST /request_proof HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{',
    )
    sockets.push(socket)
  }
  await expectAlive()
  for (const socket of sockets) socket.destroy()
  await expectAlive()
})

it('a body that is too large is refused before it is sent', async () => {
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': 33 * MIB }
    const options = { port: server.port, path: '/v1/proofs', method: 'POST', headers }
    const request = httpRequest(options, (response) => {
      response.resume()
      response.on('error', () => {})
      resolve(response.statusCode)
    })
    request.on('error', reject)
    request.flushHeaders()
  })
  expect(status).toBe(413)
  await expectAlive()
})

it.each<[string, number, string, string]>([
  ['nested without end', 400, 'REQUEST_MALFORMED', '['.repeat(500_000)],
  [
    'nested deeply',
    400,
    'REQUEST_MALFORMED',
    `{"programId":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
  ],
  [
    'a prototype',
    400,
    'REQUEST_MALFORMED',
    '{"__proto__":{"programId":"x"},"constructor":{"prototype":{}}}',
  ],
  ['a million fields', 400, 'REQUEST_MALFORMED', `{${'"a":1,'.repeat(1_000_000)}"b":1}`],
])('JSON that is %s is refused', async (_what, status, code, body) => {
  const answer = await ask('POST', '/v1/proofs', body)
  expect([answer.status, answer.json?.code]).toEqual([status, code])
  await expectAlive()
})

it.each<[string, string]>([
  ['with dots', '/v1/proofs/../../../etc/passwd'],
  ['with encoded dots', '/v1/proofs/%2e%2e%2f%2e%2e%2fetc%2fpasswd'],
  ['with a zero', '/v1/proofs/%00'],
  ['of another host', '//etc/passwd'],
  ['that is no UTF-8', '/v1/proofs/%ff%fe'],
  ['that is cut off', '/%'],
  ['without end', `/${'a'.repeat(10_000)}`],
])('a path %s leads nowhere', async (_what, path) => {
  const status = await new Promise<number | undefined>((resolve) => {
    // fetch would mend the path.
    const request = httpRequest({ port: server.port, path }, (response: IncomingMessage) => {
      response.resume()
      resolve(response.statusCode)
    })
    request.end()
  })
  expect([400, 404, 414]).toContain(status)
  await expectAlive()
})

it('malformed bincode and ELF files are refused, one and all', async () => {
  for (const bytes of [new Uint8Array(), new Uint8Array(200).fill(0xff), new Uint8Array(200)]) {
    const execute = await ask('POST', '/execute', bytes, 'application/octet-stream')
    expect(execute.status).toBe(400)
    const program = await ask('PUT', '/v1/programs', bytes, 'application/octet-stream')
    expect(program.status).toBe(400)
  }
})

it('ten thousand event streams take bounded memory, and end with their clients', {
  timeout: 180_000,
}, async () => {
  const blockers = await block()
  const id = blockers.at(-1)
  const before = server.memoryMib('now')
  const requests: ClientRequest[] = []
  const statuses: Record<number, number> = {}
  const open = () =>
    new Promise<void>((resolve) => {
      const options = { port: server.port, path: `/v1/proofs/${id}/events`, agent: false }
      const request = httpRequest(options, (response) => {
        const status = response.statusCode ?? 0
        statuses[status] = (statuses[status] ?? 0) + 1
        response.on('error', () => {})
        response.resume()
        resolve()
      })
      request.on('error', () => resolve())
      request.end()
      requests.push(request)
    })
  for (let i = 0; i < 10_000; i += 250) {
    await Promise.all(Array.from({ length: 250 }, open))
  }
  expect(statuses).toEqual({ 200: 1024, 429: 10_000 - 1024 })
  expect(server.memoryMib('now') - before).toBeLessThan(256)
  await expectAlive()
  for (const request of requests) request.destroy()
  // When the last one is gone, there is room again.
  await cancel(blockers)
  let status = 429
  while (status === 429) status = (await ask('GET', `/v1/proofs/${id}/events`)).status
  expect(status).toBe(200)
})

describe('an input of 100 MB', () => {
  it('is streamed to the disk, with less than 64 MB of memory', async () => {
    const { programId } = await upload(readFileSync(guestElf('fibonacci')))
    // Every place is taken, so that the job waits and nothing reads its input.
    const blockers = await block()
    const sizeBytes = 100 * MIB
    const head = Buffer.from(
      [
        '--edge\r\nContent-Disposition: form-data; name="request"\r\n\r\n',
        JSON.stringify({ programId }),
        '\r\n--edge\r\nContent-Disposition: form-data; name="stdin"; filename="stdin.bin"\r\n',
        'Content-Type: application/octet-stream\r\n\r\n',
      ].join(''),
    )
    const chunk = Buffer.alloc(MIB / 4)
    const count = Buffer.alloc(16)
    count.writeBigUInt64LE(1n)
    count.writeBigUInt64LE(BigInt(sizeBytes), 8)
    const before = server.memoryMib('now')
    server.forgetPeak()
    const { status, text } = await new Promise<{ status?: number; text: string }>((resolve) => {
      const request = httpRequest(
        {
          port: server.port,
          path: '/v1/proofs',
          method: 'POST',
          headers: { 'content-type': 'multipart/form-data; boundary=edge' },
        },
        (response) => {
          let text = ''
          response.on('data', (part) => {
            text += part
          })
          response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
        },
      )
      const write = async () => {
        for (const part of [head, count]) request.write(part)
        for (let sent = 0; sent < sizeBytes; sent += chunk.length) {
          if (!request.write(chunk)) await new Promise((go) => request.once('drain', go))
        }
        request.end(Buffer.concat([Buffer.alloc(16), Buffer.from('\r\n--edge--\r\n')]))
      }
      write()
    })
    expect(status, text).toBe(202)
    expect(server.memoryMib('peak') - before).toBeLessThan(64)
    const { id } = JSON.parse(text)
    await cancel([...blockers, id])
  })
})

it('a guest that runs long does not keep others from their share', async () => {
  const { programId } = await upload(readFileSync(guestElf('fibonacci')))
  await ask('POST', '/wait_proof', (await submit({ programId })).id, 'text/plain')
  const long = await submit({ programId: endlessId })
  for (let n = 1; n <= 5; n++) {
    const { id } = await submit({ programId, stdin: { buffer: [`0x0${n}000000`] } })
    let job: Json
    do job = (await ask('GET', `/v1/proofs/${id}`)).json
    while (job.state === 'queued' || job.state === 'running')
    expect(job.state).toBe('succeeded')
  }
  expect((await ask('GET', `/v1/proofs/${long.id}`)).json.state).toBe('running')
  await ask('DELETE', `/v1/proofs/${long.id}`)
})
