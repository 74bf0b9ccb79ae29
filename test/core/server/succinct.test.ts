/** The bytes that sp1-sdk sends to a TEE prover and reads from it, written here from their definitions. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fromHex, type Hex, toHex } from '../../../src/core/bytes.js'
import { detectStdin } from '../../../src/core/executor/stdin.js'
import { hashMessage } from '../../../src/core/server/access.js'
import { parseTeeRequest } from '../../../src/core/server/tee-request.js'
import { sha256 } from '../../../src/core/sha256.js'
import { recoverAddress } from '../../../src/core/signer/signer.js'
import { guestElf, guestInput } from '../../support/cli.js'
import { BINARY_TYPE, expectProblem, send } from '../../support/http.js'
import { startService, type TestService } from '../../support/service.js'
import { byteString, client, teeRequest, u32, u64 } from '../../support/tee-request.js'

const fibonacci = readFileSync(guestElf('fibonacci'))
const panics = readFileSync(guestElf('panics'))
const hashOf = (key: string) => toHex(sha256(new TextEncoder().encode(key)))
let service: TestService
beforeAll(async () => {
  service = await startService({ schemes: ['automata', 'succinct'] })
})
afterAll(() => service.app.drain(AbortSignal.abort()))

const execute = (body: Uint8Array, headers = {}, to = service) =>
  send(to, 'POST', '/execute', body, { ...BINARY_TYPE, ...headers })

function payloadOf(text: string): Buffer {
  const [, hex = ''] = /^data: ([0-9a-f]+)\n\n$/.exec(text) ?? []
  return Buffer.from(hex, 'hex')
}

describe('POST /execute', () => {
  it('answers one event: success ‖ vkey ‖ public values ‖ r ‖ s ‖ v', async () => {
    const { status, type, text } = await execute(teeRequest(fibonacci), {
      'x-sp1-tee-version': '7',
    })
    expect([status, type]).toEqual([200, 'text/event-stream'])
    const payload = payloadOf(text)
    const values = Buffer.from('0a0000002200000037000000', 'hex')
    const vkey = Buffer.from(
      '00e3caa2e260cfb01b4b6a1a0970b521b15f7c56c73f5ce0a76607df290e8cd6',
      'hex',
    )
    const head = Buffer.concat([u32(0), vkey, byteString(values)])
    expect(payload.subarray(0, head.length)).toEqual(head)
    const signature = payload.subarray(head.length)
    expect(signature).toHaveLength(65)

    const { keccak_256 } = await import('@noble/hashes/sha3.js')
    const parts = [keccak_256(u32(7)), vkey, keccak_256(values)]
    const digest = keccak_256(Buffer.concat(parts))
    const { address } = service.signer.registration
    expect(recoverAddress(digest, new Uint8Array(signature))).toBe(address)
  })

  it('tells a guest that failed in the event', async () => {
    const [input] = detectStdin(readFileSync(guestInput('panics'))).buffers
    const { status, text } = await execute(teeRequest(panics, { ...(input && { input }) }))
    expect(status).toBe(200)
    const payload = payloadOf(text)
    expect(payload.readUInt32LE(0)).toBe(1)
    expect(payload.readBigUInt64LE(4)).toBe(BigInt(payload.length - 12))
    expect(payload.subarray(12).toString()).toMatch(/^The guest/)
  })

  it('heeds the cycle limit of the request', async () => {
    const { text } = await execute(teeRequest(fibonacci, { cycles: 100 }))
    expect(payloadOf(text).subarray(12).toString()).toContain('100')
  })

  it('is refused where the signer signs automata only', async () => {
    const other = await startService()
    expectProblem(await execute(teeRequest(fibonacci), {}, other), 400, 'SCHEME_REFUSED')
    await other.app.drain(AbortSignal.abort())
  })

  it('refuses deferred proofs, another type, and another version', async () => {
    const deferred = teeRequest(fibonacci, { proofs: 1 })
    expectProblem(await execute(deferred), 400, 'STDIN_DEFERRED_PROOFS')
    const body = teeRequest(fibonacci)
    expectProblem(await execute(body, { 'content-type': 'text/plain' }), 415, 'MEDIA_TYPE')
    expectProblem(await execute(body, { 'x-sp1-tee-version': '-1' }), 400, 'REQUEST_MALFORMED')
  })

  it('is for listed addresses only, if there is a list', async () => {
    const access = { keys: [], isRequired: true }
    const listed = await startService({
      schemes: ['succinct'],
      access: { ...access, addresses: [client.address] },
    })
    expect((await execute(teeRequest(fibonacci), {}, listed)).status).toBe(200)
    const others = await startService({
      schemes: ['succinct'],
      access: { ...access, addresses: [`0x${'11'.repeat(20)}`] },
    })
    expectProblem(await execute(teeRequest(fibonacci), {}, others), 401, 'KEY_REQUIRED')
    const keys = [
      { name: 'alice', hash: hashOf('alice-key'), requestsPerMinute: 9, operator: false },
    ]
    const keyed = await startService({
      schemes: ['succinct'],
      access: { ...access, keys, addresses: [`0x${'11'.repeat(20)}`] },
    })
    const withKey = { authorization: 'Bearer alice-key' }
    expect((await execute(teeRequest(fibonacci), withKey, keyed)).status).toBe(200)
    for (const { app } of [listed, others, keyed]) await app.drain(AbortSignal.abort())
  })
})

describe('a TEERequest', () => {
  const request = teeRequest(Uint8Array.of(1, 2, 3))

  it('is read field by field', () => {
    const parsed = parseTeeRequest(request)
    expect(parsed).toMatchObject({ cycleLimit: 1_000_000, stdin: { deferredProofs: 0n } })
    expect([...parsed.program]).toEqual([1, 2, 3])
    expect(recoverAddress(hashMessage(parsed.id), parsed.signature)).toBe(client.address)
  })

  it('that ends anywhere too early, or goes on, is refused', () => {
    for (let length = 0; length < request.length; length++) {
      expect(() => parseTeeRequest(request.subarray(0, length)), String(length)).toThrow(
        expect.objectContaining({ httpStatus: 400 }),
      )
    }
    expect(() => parseTeeRequest(Buffer.concat([request, Buffer.alloc(1)]))).toThrow()
  })

  it('has a cycle limit of at most 2^32 - 1, and not 0', () => {
    const limited = (cycles: number) => parseTeeRequest(teeRequest(new Uint8Array(), { cycles }))
    expect(limited(2 ** 40).cycleLimit).toBe(2 ** 32 - 1)
    expect(() => limited(0)).toThrow(expect.objectContaining({ code: 'TEE_REQUEST_MALFORMED' }))
  })
})

it('GET /address and /signers tell who signs', async () => {
  const { address } = service.signer.registration
  expect((await send(service, 'GET', '/address')).json).toEqual({ address })
  const { bytes, type } = await send(service, 'GET', '/signers')
  expect(type).toBe('application/octet-stream')
  const expected = Buffer.concat([u64(1), byteString(fromHex(address as Hex))])
  expect(Buffer.from(bytes)).toEqual(expected)
})
