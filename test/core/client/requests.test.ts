/** What a client sends: what it was asked for and nothing else, in the form that servers take, and how often. */
import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import { createClient, type RemoteProveOptions } from '../../../src/core/client/client.js'
import { parseStdin } from '../../../src/core/executor/stdin.js'
import { createInputKey } from '../../../src/core/private-inputs/sealed-inputs.js'
import { signPrivateInputKey } from '../../../src/core/private-inputs/statement.js'
import { NOW } from '../dcap/samples.js'
import { attest, ELF, listen, play, SIGNER, STDIN, signProof, TRUSTING } from './scripted.js'

const PROOF = signProof({ scheme: 'succinct', teeVersion: 2 })
const DONE = { state: 'succeeded', proof: PROOF }
const ASKED = {
  sp1: '3.4.0',
  scheme: 'succinct',
  teeVersion: 2,
  limits: { cycles: 1000, memoryMib: 64, timeoutMs: 5000 },
} as const
/** As a caller has them at hand, who wants more from the library than a server does. */
const MORE: RemoteProveOptions & Record<string, unknown> = {
  ...ASKED,
  limits: { ...ASKED.limits, outputBytes: 5 } as RemoteProveOptions['limits'] & object,
  ...{ fallbackSp1: '3.4.0', engine: 'auto', vkey: PROOF.vkey, onState() {}, onJob() {} },
}

const key = await createInputKey((byteCount) => new Uint8Array(randomBytes(byteCount)))
const STATEMENT = signPrivateInputKey(SIGNER, {
  publicKey: key.publicKey,
  expiresAt: NOW.getTime() / 1000 + 600,
  ...{ chainId: 31337, registry: `0x${'22'.repeat(20)}` },
})
const ATTESTATION = { ...attest(), address: SIGNER.address, privateInputs: STATEMENT }

interface Sent {
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/** Keeps what is posted, and then goes by `listener`. */
function keeping(sent: Sent[], listener: RequestListener): RequestListener {
  return (request, response) => {
    const chunks: Buffer[] = []
    if (request.method === 'POST') {
      request.on('data', (chunk) => chunks.push(chunk))
      request.on('end', () => sent.push({ headers: request.headers, body: Buffer.concat(chunks) }))
    }
    listener(request, response)
  }
}

async function partsOf({ headers, body }: Sent): Promise<[string, Uint8Array][]> {
  const type = { 'content-type': String(headers['content-type']) }
  const form = await new Response(body as Uint8Array<ArrayBuffer>, { headers: type }).formData()
  return Promise.all(
    [...form].map(async ([name, value]) => {
      const blob = typeof value === 'string' ? new Blob([value]) : value
      return [name, new Uint8Array(await blob.arrayBuffer())] as [string, Uint8Array]
    }),
  )
}

const jsonOf = (bytes: Uint8Array | undefined) => JSON.parse(new TextDecoder().decode(bytes))

describe('a request', () => {
  it('has the choices that servers know, and no other', async () => {
    const sent: Sent[] = []
    const client = createClient(await listen(keeping(sent, play({ job: DONE }))))
    await client.prove(ELF, STDIN, MORE)
    expect(jsonOf(sent[0]?.body)).toEqual({
      programId: PROOF.elfHash,
      ...ASKED,
      stdin: { buffer: ['0x0a000000'] },
    })
  })

  it('has them among private inputs, too', async () => {
    const sent: Sent[] = []
    const script = play({ job: DONE, attestation: ATTESTATION })
    const client = createClient(await listen(keeping(sent, script)), TRUSTING)
    await client.prove(ELF, STDIN, { ...MORE, private: true })
    const [[first, request], [second, sealed]] = (await partsOf(sent[0] as Sent)) as [
      [string, Uint8Array],
      [string, Uint8Array],
    ]
    expect([first, second]).toEqual(['request', 'sealed'])
    const { encapsulatedKey } = jsonOf(request).private
    const { choices } = await key.open({ encapsulatedKey, sealed })
    expect(jsonOf(choices)).toEqual(ASKED)
  })

  it('has a large stdin as it is, in a part of its own behind the rest', async () => {
    const sent: Sent[] = []
    const client = createClient(await listen(keeping(sent, play({ job: DONE }))))
    const buffers = [Uint8Array.of(1, 2), new Uint8Array(randomBytes(2 ** 20))]
    await client.prove(ELF, { buffers, deferredProofs: 0n }, MORE)
    const [[first, request], [second, stdin]] = (await partsOf(sent[0] as Sent)) as [
      [string, Uint8Array],
      [string, Uint8Array],
    ]
    expect([first, second]).toEqual(['request', 'stdin'])
    expect(jsonOf(request)).toEqual({ programId: PROOF.elfHash, ...ASKED })
    expect(parseStdin(stdin, 'sp1').buffers.map(toHex)).toEqual(buffers.map(toHex))
  })
})

describe('private inputs', () => {
  const problem = (code: string) => ({ code, detail: 'x', details: {} })

  it('are sent four times at most, whichever way their key goes', async () => {
    let sends = 0
    const lost = play({
      job: { state: 'failed', error: problem('PRIVATE_KEY_LOST') },
      attestation: ATTESTATION,
    })
    const url = await listen((request, response) => {
      if (request.method !== 'POST' || ++sends % 3 === 0) return lost(request, response)
      request.resume().on('end', () => {
        response.writeHead(409).end(JSON.stringify(problem('PRIVATE_KEY_UNKNOWN')))
      })
    })
    const proving = createClient(url, TRUSTING).prove(ELF, STDIN, { private: true })
    await expect(proving).rejects.toMatchObject({ code: 'PRIVATE_KEY_UNKNOWN' })
    expect(sends).toBe(4)
  })
})

describe('the key of the program', () => {
  it.each<[string, unknown]>([
    ['the server refuses', { state: 'failed', error: { code: 'GUEST_EXIT', detail: 'x' } }],
    ['the proof is no good', { state: 'succeeded' }],
  ])('is not computed any longer when %s', async (_name, job) => {
    let given: AbortSignal | undefined
    const vkeyOf = (_elf: Uint8Array, _sp1: string | undefined, signal?: AbortSignal) => {
      given = signal
      return new Promise<never>(() => {})
    }
    const client = createClient(await listen(play({ job })), { vkeyOf })
    await expect(client.prove(ELF, STDIN)).rejects.toThrow()
    expect(given?.aborted).toBe(true)
  })

  it('is checked of a job that is only waited for', async () => {
    const url = await listen(play({ job: { state: 'succeeded', proof: signProof() } }))
    const other = createClient(url, { vkeyOf: async () => `0x${'00'.repeat(32)}` })
    await expect(other.waitProof('a', { elf: ELF })).rejects.toMatchObject({
      code: 'SERVER_ANSWER',
    })
    const same = createClient(url, { vkeyOf: async () => PROOF.vkey })
    expect((await same.waitProof('a', { elf: ELF })).vkey).toBe(PROOF.vkey)
    await expect(same.waitProof('a', { elf: Uint8Array.of(4) })).rejects.toMatchObject({
      code: 'SERVER_ANSWER',
    })
  })
})
