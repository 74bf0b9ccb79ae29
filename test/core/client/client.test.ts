/** The client against the real service over HTTP, and against servers that lie, hang up or babble. */
import { readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import { createClient } from '../../../src/core/client/client.js'
import { createCheckingClient } from '../../../src/core/client/node-client.js'
import { computeElfVkey } from '../../../src/core/prover/elf-vkey.js'
import { sha256 } from '../../../src/core/sha256.js'
import type { Proof } from '../../../src/core/signer/proof.js'
import { elfOf, encode } from '../../support/assembler.js'
import { guestElf } from '../../support/cli.js'
import { startService, type TestService } from '../../support/service.js'
import { listen, play } from './scripted.js'

const fibonacci = new Uint8Array(readFileSync(guestElf('fibonacci')))
const panics = new Uint8Array(readFileSync(guestElf('panics')))
const endless = elfOf({ text: [encode('jal', { imm: 0 })] })
const stdin = { buffers: [Uint8Array.of(10, 0, 0, 0)], deferredProofs: 0n }

let service: TestService
let url: string
beforeAll(async () => {
  service = await startService()
  url = await service.app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => service.app.drain(AbortSignal.abort()))

describe('with the service', () => {
  it('uploads the program once, and returns a proof that it has checked', async () => {
    const states: string[] = []
    const client = createClient(`${url}/`)
    const onState = (state: string) => states.push(state)
    const proof = await client.prove(fibonacci, stdin, { onState })
    expect(proof).toMatchObject({
      publicValues: '0x0a0000002200000037000000',
      signer: service.signer.signer.address,
      scheme: 'automata',
    })
    expect(states[0]).toBe('sending')
    expect(await client.prove(fibonacci, stdin)).toEqual(proof)
  })

  it('asks and waits apart, so that another process can go on', async () => {
    const id = await createClient(url).requestProof(fibonacci, stdin)
    const proof = await createClient(url).waitProof(id)
    expect(proof.publicValues).toBe('0x0a0000002200000037000000')
    const programId = `0x${'00'.repeat(32)}` as const
    await expect(createClient(url).waitProof(id, { programId })).rejects.toMatchObject({
      code: 'SERVER_ANSWER',
    })
  })

  it('takes a stdin that is more than fits into JSON', async () => {
    const large = { ...stdin, buffers: [...stdin.buffers, new Uint8Array(17 * 2 ** 20)] }
    const id = await createClient(url).requestProof(fibonacci, large)
    expect((await createClient(url).waitProof(id)).publicValues).toBe('0x0a0000002200000037000000')
  })

  it('cancels, and says of a job that was cancelled that it was', async () => {
    const client = createClient(url)
    const id = await client.requestProof(endless, stdin)
    await client.cancel(id)
    await expect(client.waitProof(id)).rejects.toMatchObject({ code: 'JOB_CANCELLED' })
  })

  it('fails as if the guest had failed here', async () => {
    const limits = { cycles: 1000 }
    await expect(createClient(url).prove(endless, stdin, { limits })).rejects.toMatchObject({
      code: 'CYCLE_LIMIT',
      exitCode: 4,
      details: { limit: 1000, cycles: 1000 },
    })
    await expect(createClient(url).prove(Uint8Array.of(1), stdin)).rejects.toMatchObject({
      code: 'ELF_NOT_ELF',
      exitCode: 2,
    })
    const deferred = { ...stdin, deferredProofs: 2n }
    await expect(createClient(url).prove(fibonacci, deferred)).rejects.toMatchObject({
      code: 'STDIN_DEFERRED_PROOFS',
    })
  })

  it('rotates the signer', async () => {
    const { previous, current } = await createClient(url).rotate()
    expect([previous, current]).not.toContain(undefined)
    expect(service.signer.signer.address).toBe(current)
  })

  it('stops waiting when it is told to', async () => {
    const signal = AbortSignal.timeout(300)
    await expect(createClient(url).prove(endless, stdin, { signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
      exitCode: 130,
    })
  })
})

describe('with a server that is none or lies', () => {
  const clientOf = async (listener: RequestListener) => createClient(await listen(listener))

  const proveWith = async (listener: RequestListener) =>
    (await clientOf(listener)).prove(fibonacci, stdin).catch((error) => error)

  const ending = (job: object) => play({ job })

  it('says that nobody listens', async () => {
    const client = createClient('http://user:secret@127.0.0.1:1')
    const error = await client.prove(fibonacci, stdin).catch((thrown) => thrown)
    expect([error.code, error.exitCode]).toEqual(['SERVER_UNREACHABLE', 8])
    expect(error.message).not.toContain('secret')
  })

  it.each<[string, RequestListener]>([
    ['text', (_request, response) => response.end('<html>')],
    ['JSON without an id', (_request, response) => response.end('{}')],
    ['null', (_request, response) => response.end('null')],
    ['an error that is no problem', (_request, response) => response.writeHead(502).end('{}')],
    [
      'an unknown code',
      (_request, response) => response.writeHead(400).end('{"code":"X","detail":"y"}'),
    ],
    ['a redirect', (_request, response) => response.writeHead(307, { location: '/x' }).end()],
    ['a job that failed without a reason', ending({ state: 'failed' })],
  ])('gives a typed error for %s', async (_what, listener) => {
    const { code, exitCode } = await proveWith(listener)
    expect(['SERVER_ANSWER', 'SERVER_UNREACHABLE']).toContain(code)
    expect(exitCode).toBe(8)
  })

  it('shows none of the control characters in what it is told', async () => {
    const detail = 'bad\u001b[2Jnews'
    const problem = { code: 'GUEST_EXIT', detail, details: { exitCode: 1 } }
    const error = await proveWith(ending({ state: 'failed', error: problem }))
    expect([error.code, error.exitCode, error.message]).toEqual(['GUEST_EXIT', 3, 'bad [2Jnews'])
  })

  it('takes no proof of another program, by another signer than it names, or in another scheme', async () => {
    const proof = await createClient(url).prove(fibonacci, stdin)
    const answer = (change: Partial<Proof>) =>
      proveWith(ending({ state: 'succeeded', proof: { ...proof, ...change } }))
    expect(await answer({})).toEqual(proof)
    for (const change of [
      { elfHash: `0x${'00'.repeat(32)}` },
      { publicValues: '0x00' },
      { signer: `0x${'11'.repeat(20)}` },
      { vkey: `0x${'00'.repeat(32)}` },
    ] as Partial<Proof>[]) {
      expect((await answer(change)).code).toBe('SERVER_ANSWER')
    }
  })

  it('takes no proof that the signer made of another program, whatever it says of itself', async () => {
    // A whole proof, signed by the signer it names: only the hash of the program is changed.
    const other = await createClient(url).prove(panics, stdin)
    const programId = toHex(sha256(fibonacci))
    const swapped = ending({ state: 'succeeded', proof: { ...other, elfHash: programId } })
    const client = await clientOf(swapped)
    // By what it says alone, it passes.
    expect((await client.prove(fibonacci, stdin)).vkey).toBe(other.vkey)
    const { bytes32: vkey } = await computeElfVkey(fibonacci, { sp1: '3.4.0' })
    const refusal = { code: 'SERVER_ANSWER' }
    await expect(client.prove(fibonacci, stdin, { vkey })).rejects.toMatchObject(refusal)
    await expect(client.waitProof('a', { programId, vkey })).rejects.toMatchObject(refusal)

    const checking = createCheckingClient(await listen(swapped))
    await expect(checking.prove(fibonacci, stdin)).rejects.toMatchObject(refusal)
    expect((await createCheckingClient(url).prove(fibonacci, stdin)).vkey).toBe(vkey)
  })

  it('goes on when the server has been away, and asks for the proof once', async () => {
    const keys: unknown[] = []
    let asked = 0
    const proof = await createClient(url).prove(fibonacci, stdin)
    const answered = await proveWith((request, response) => {
      asked++
      if (request.method === 'PUT') return response.end('{}')
      if (request.method === 'POST') {
        keys.push(request.headers['idempotency-key'])
        if (asked === 1) {
          return response
            .writeHead(404)
            .end('{"code":"PROGRAM_UNKNOWN","detail":"none","details":{"programId":"0x"}}')
        }
        if (asked < 5) return request.socket.destroy()
        return response.writeHead(202).end('{"id":"a"}')
      }
      if (asked < 8) return response.writeHead(503).end('{"code":"SERVER_DRAINING","detail":"x"}')
      return response.end(JSON.stringify({ state: 'succeeded', proof }))
    })
    expect(answered).toEqual(proof)
    expect([keys.length, new Set(keys).size, typeof keys[0]]).toEqual([4, 1, 'string'])
  })

  it('sends its API key', async () => {
    const seen: unknown[] = []
    const server = await listen((request, response) => {
      seen.push(request.headers.authorization)
      response.end('{}')
    })
    for (const options of [{}, { apiKey: 'k' }]) {
      await createClient(server, options)
        .rotate()
        .catch(() => {})
    }
    expect(seen).toEqual([undefined, 'Bearer k'])
  })

  it('waits for room in a full queue, as long as it is told', async () => {
    let asked = 0
    const startedAt = performance.now()
    const error = await proveWith((_request, response) => {
      if (asked++ > 0) return response.writeHead(500).end('{}')
      return response.writeHead(429, { 'retry-after': '1' }).end('{}')
    })
    expect(error.code).toBe('SERVER_ANSWER')
    expect(asked).toBe(2)
    expect(performance.now() - startedAt).toBeGreaterThan(900)
  })
})
