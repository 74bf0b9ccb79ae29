/** Who may send work: keys, signatures, rates, and that nobody sees another one's jobs. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import {
  Access,
  hashMessage,
  isHost,
  parseAccess,
  signedText,
} from '../../../src/core/server/access.js'
import { sha256 } from '../../../src/core/sha256.js'
import { createSigner } from '../../../src/core/signer/signer.js'
import { guestElf } from '../../support/cli.js'
import { ended, expectProblem, postJson, send } from '../../support/http.js'
import { NOW_SECONDS, startService, type TestService } from '../../support/service.js'

const hashOf = (key: string) => toHex(sha256(new TextEncoder().encode(key)))
const client = createSigner(new Uint8Array(32).fill(5))
const FILE = JSON.stringify({
  keys: [
    { name: 'alice', hash: hashOf('alice-key'), requestsPerMinute: 1000 },
    { name: 'operator', hash: hashOf('operator-key').slice(2), operator: true },
    { name: 'slow', hash: hashOf('slow-key'), requestsPerMinute: 2 },
  ],
  addresses: [client.address],
})
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
const HOST = 'localhost:80'
function signed(seconds: number, host = HOST, by = client) {
  const text = new TextEncoder().encode(signedText(host, seconds))
  return { authorization: `EIP191 ${seconds}:${toHex(by.signDigest(hashMessage(text)))}` }
}

let service: TestService
beforeAll(async () => {
  const access = { ...parseAccess(FILE), isRequired: true, publicHosts: [HOST, 'prover.example'] }
  service = await startService({ access })
})
afterAll(() => service.app.drain(AbortSignal.abort()))

const list = (headers: Record<string, string>) =>
  send(service, 'GET', '/v1/proofs', undefined, headers)

describe('a server with keys', () => {
  it.each<[string, Record<string, string>]>([
    ['no key', {}],
    ['an unknown key', bearer('nobody')],
    ["a key's hash", bearer(hashOf('alice-key'))],
    ['another scheme', { authorization: 'Basic YWxpY2U6YWxpY2Uta2V5' }],
    ['an empty credential', { authorization: 'Bearer' }],
    ['an old signature', signed(NOW_SECONDS - 301)],
    ['a signature of the future', signed(NOW_SECONDS + 301)],
    ['a signature for another server', signed(NOW_SECONDS, 'evil.example')],
    [
      'a signature by a stranger',
      signed(NOW_SECONDS, HOST, createSigner(new Uint8Array(32).fill(6))),
    ],
    ['a signature that is none', { authorization: `EIP191 ${NOW_SECONDS}:0x00` }],
    ['a time that is none', { authorization: 'EIP191 now:0x00' }],
  ])('refuses %s', async (_what, headers) => {
    expectProblem(await list(headers), 401, 'KEY_REQUIRED')
    expectProblem(await postJson(service, '/request_proof', {}, headers), 401, 'KEY_REQUIRED')
  })

  it('takes a key, or a signature by a listed address', async () => {
    expect((await list(bearer('alice-key'))).status).toBe(200)
    expect((await list(signed(NOW_SECONDS - 200))).status).toBe(200)
  })

  it('takes a signature for each of its names, and none for another server that passes it on', async () => {
    const to = (host: string, signedFor = host) => list({ ...signed(NOW_SECONDS, signedFor), host })
    expect((await to('prover.example')).status).toBe(200)
    expect((await to('Prover.Example')).status).toBe(200)
    for (const host of ['evil.example', 'prover.example:3000', 'localhost', '']) {
      expectProblem(await to(host), 401, 'KEY_REQUIRED')
    }
    expectProblem(await to('prover.example', HOST), 401, 'KEY_REQUIRED')
  })

  it('answers those who watch it without', async () => {
    for (const url of ['/healthz', '/readyz', '/metrics', '/openapi.json', '/', '/v1/signer']) {
      expect((await send(service, 'GET', url)).status, url).toBe(200)
    }
  })

  it("shows nobody another one's jobs", async () => {
    const body = {
      elf: [...readFileSync(guestElf('fibonacci'))],
      stdin: { buffer: [[10, 0, 0, 0]] },
      proof_mode: 'TEE',
    }
    const alice = bearer('alice-key')
    const { text: id } = await postJson(service, '/request_proof', body, alice)
    expect((await ended(service, id, alice)).state).toBe('succeeded')
    expect((await list(alice)).json.jobs).toHaveLength(1)
    const other = signed(NOW_SECONDS)
    expect((await list(other)).json.jobs).toEqual([])
    for (const [method, url] of [
      ['GET', `/v1/proofs/${id}`],
      ['GET', `/v1/proofs/${id}/events`],
      ['DELETE', `/v1/proofs/${id}`],
      ['POST', `/v1/proofs/${id}/sign`],
    ] as const) {
      expectProblem(await send(service, method, url, undefined, other), 404, 'JOB_UNKNOWN')
    }
    expectProblem(await send(service, 'POST', '/wait_proof', id, other), 404, 'JOB_UNKNOWN')
  })

  it("lets the operator's key alone rotate, not who is on the same machine", async () => {
    const url = '/v1/signer/rotate'
    expectProblem(await postJson(service, url, {}), 401, 'KEY_REQUIRED')
    expectProblem(await postJson(service, url, {}, bearer('alice-key')), 403, 'OPERATOR_ONLY')
    expect((await postJson(service, url, {}, bearer('operator-key'))).status).toBe(200)
  })

  it('refuses a key that asks too often, for as long as it says', async () => {
    const headers = bearer('slow-key')
    await list(headers)
    await list(headers)
    const refused = await list(headers)
    expectProblem(refused, 429, 'RATE_LIMITED')
    expect(refused.headers['retry-after']).toBe('30')
    expect((await list(bearer('alice-key'))).status).toBe(200)
  })
})

it.each([
  ['127.0.0.1', ['127.0.0.1', 'localhost', '[::1]'], ['192.0.2.1', 'evil.example']],
  ['127.0.0.2', ['127.0.0.2', 'localhost'], ['127.0.0.3']],
  ['0.0.0.0', ['0.0.0.0'], ['127.0.0.1', 'localhost']],
])('is called by the address it listens on without other names: %s', async (host, own, others) => {
  const access = { ...parseAccess(FILE), isRequired: true }
  const named = await startService({ access })
  const asked = async (name: string) =>
    (
      await send(named, 'GET', '/v1/proofs', undefined, {
        ...signed(NOW_SECONDS, name),
        host: name,
      })
    ).status
  expect(await asked('localhost:80')).toBe(401)
  const { port } = new URL(await named.app.listen({ host, port: 0 }))
  for (const name of own) expect(await asked(`${name}:${port}`), name).toBe(200)
  for (const name of [
    ...own,
    ...own.map((each) => `${each}:1`),
    ...others.map((each) => `${each}:${port}`),
  ]) {
    expect(await asked(name), name).toBe(401)
  }
  await named.app.drain(AbortSignal.abort())
})

describe('the name of a server', () => {
  it.each(['prover.example', 'prover.example:3000', '127.0.0.1:3000', '[::1]:3000'])(
    'is %s',
    (text) => expect(isHost(text)).toBe(true),
  )

  it.each(['', '*', 'https://prover.example', 'prover.example/', 'a b', 'a:x', 'a:99999', '::1'])(
    'is not %j',
    (text) => expect(isHost(text)).toBe(false),
  )
})

describe('without an operator’s key', () => {
  const rotate = ({ app }: TestService, options: object = {}) =>
    app.inject({ ...{ method: 'POST', url: '/v1/signer/rotate', payload: {} }, ...options })

  it('nobody is the operator where there are keys or --insecure, also on the same machine', async () => {
    for (const keys of [parseAccess(FILE), { keys: [], addresses: [] }]) {
      const insecure = await startService({ access: { ...keys, isRequired: false } })
      const answer = await rotate(insecure)
      expect([answer.statusCode, answer.json().code]).toEqual([403, 'OPERATOR_ONLY'])
      await insecure.app.drain(AbortSignal.abort())
    }
  })

  it('who is on this machine is, unless a proxy there speaks for others', async () => {
    const open = await startService()
    for (const name of ['forwarded', 'via', 'x-forwarded-for', 'X-Forwarded-Host', 'x-real-ip']) {
      expect((await rotate(open, { headers: { [name]: '127.0.0.1' } })).statusCode).toBe(403)
    }
    expect((await rotate(open, { headers: { host: '127.evil.example' } })).statusCode).toBe(403)
    expect((await rotate(open)).statusCode).toBe(200)
    const url = new URL(await open.app.listen({ host: '127.0.0.1', port: 0 }))
    const asked = (version: string) =>
      `POST /v1/signer/rotate HTTP/${version}\r\nHost: ${url.host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`
    expect(await raw(Number(url.port), asked('1.1'))).toMatch(/^HTTP\/1.1 200/)
    expect(await raw(Number(url.port), asked('1.0'))).toMatch(/^HTTP\/1.1 403/)
    await open.app.drain(AbortSignal.abort())
  })

  it('is refused before its body is read', async () => {
    const answer = await rotate(service, { payload: '{', headers: bearer('alice-key') })
    expect(answer.statusCode).toBe(403)
  })
})

async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.end(text)
  let answer = ''
  for await (const chunk of socket) answer += chunk
  return answer
}

it('a rate comes back with time, evenly', () => {
  let now = 0
  const access = new Access({ ...parseAccess(FILE), isRequired: true, nowSeconds: () => now })
  const ask = () => access.identify('Bearer slow-key', HOST)
  ask()
  ask()
  expect(ask).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }))
  now += 30
  expect(ask().tenant).toBe('slow')
  expect(ask).toThrow()
  // A clock that goes back gives nothing and takes nothing.
  now -= 1000
  expect(ask).toThrow()
  now += 1030
  expect(ask().tenant).toBe('slow')
})

describe('the file of keys', () => {
  const key = { name: 'a', hash: `0x${'00'.repeat(32)}` }
  it.each<[string, unknown]>([
    ['no object', []],
    ['an unknown field', { key: [] }],
    ['a key without a hash', { keys: [{ name: 'a' }] }],
    ['a key in the clear', { keys: [{ ...key, key: 'secret' }] }],
    ['a hash of another length', { keys: [{ ...key, hash: '0x00' }] }],
    ['a name with a space', { keys: [{ ...key, name: 'a b' }] }],
    ['a name twice', { keys: [key, key] }],
    ['a rate of 0', { keys: [{ ...key, requestsPerMinute: 0 }] }],
    ['an operator that is no boolean', { keys: [{ ...key, operator: 'yes' }] }],
    ['an address that is none', { addresses: ['0x00'] }],
    ['lists that are none', { keys: {}, addresses: {} }],
  ])('with %s is refused', (_what, value) => {
    expect(() => parseAccess(JSON.stringify(value))).toThrow(
      expect.objectContaining({ code: 'KEYS_MALFORMED' }),
    )
  })

  it('that is no JSON is refused', () => {
    expect(() => parseAccess('{')).toThrow(expect.objectContaining({ code: 'KEYS_MALFORMED' }))
  })
})
