/**
 * Private inputs, from the client to the proof: what lies on the way sees ciphertext, a server that is not
 * what the policy says gets nothing, and what a restart cuts off is sent again.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'libsql'
import { afterEach, describe, expect, it } from 'vitest'
import { type ClientOptions, createClient } from '../../../src/core/client/client.js'
import { encodeStdin } from '../../../src/core/executor/stdin.js'
import { openFolderBlobStore } from '../../../src/core/jobs/folder-blob-store.js'
import { openPostgresJobStore } from '../../../src/core/jobs/postgres-job-store.js'
import { openSqliteJobStore } from '../../../src/core/jobs/sqlite-job-store.js'
import { parsePolicy } from '../../../src/core/policy/policy.js'
import { sealInputs } from '../../../src/core/private-inputs/sealed-inputs.js'
import { signPrivateInputKey } from '../../../src/core/private-inputs/statement.js'
import { verifyProof } from '../../../src/core/prover/verify.js'
import type { AppOptions } from '../../../src/core/server/app.js'
import { elfOf, encode } from '../../support/assembler.js'
import { newAttestedSigner, openTestProvider, trustIn } from '../../support/attested.js'
import { guestElf } from '../../support/cli.js'
import { ended, type Json, send } from '../../support/http.js'
import { startPostgres } from '../../support/postgres.js'
import { newTestSigner, startService, type TestService } from '../../support/service.js'
import { SLOW_GUEST } from '../../support/slow-guest.js'

const fibonacci = new Uint8Array(readFileSync(guestElf('fibonacci')))
const panics = new Uint8Array(readFileSync(guestElf('panics')))
const endless = elfOf({ text: [encode('jal', { imm: 0 })] })
/** Nobody but the TD may see it. */
const SECRET = randomBytes(24).toString('base64url')
const secretBytes = new TextEncoder().encode(SECRET)
const stdin = { buffers: [Uint8Array.of(10, 0, 0, 0), secretBytes], deferredProofs: 0n }
const PUBLIC_VALUES = '0x0a0000002200000037000000'

const provider = await openTestProvider()
const TRUST = await trustIn(provider)

const services = new Set<TestService>()
const folders = new Set<string>()
afterEach(async () => {
  await Promise.all([...services].map(({ app }) => app.drain(AbortSignal.abort())))
  services.clear()
  for (const folder of folders) rmSync(folder, { recursive: true })
  folders.clear()
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-private-'))
  folders.add(folder)
  return folder
}

interface Running {
  readonly service: TestService
  readonly url: string
}

async function start(
  folder: string,
  options: Partial<AppOptions> = {},
  port = 0,
): Promise<Running> {
  const signer = newAttestedSigner(provider)
  await signer.start()
  const store =
    options.store ??
    openSqliteJobStore({ path: join(folder, 'jobs.db'), nowMs: () => performance.now() })
  const blobs = await openFolderBlobStore({
    folder: join(folder, 'blobs'),
    maxBytes: 2 ** 30,
    inUse: () => store.blobsInUse(),
    nowMs: Date.now,
  })
  const service = await startService({
    ...{ signer, store, blobs, simulated: true, privateInputs: true },
    collateral: { fetch: TRUST.collateral, root: TRUST.root },
    ...options,
  })
  services.add(service)
  const attestation = async () => (await send(service, 'GET', '/v1/attestation')).json
  while ((await attestation()).collateral === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return { service, url: await service.app.listen({ host: '127.0.0.1', port }) }
}

async function stop({ service }: Running): Promise<void> {
  await service.app.drain(AbortSignal.abort())
  services.delete(service)
}

const clientOf = (url: string, options: ClientOptions = {}) =>
  createClient(url, { ...TRUST, patienceMs: 20_000, ...options })

/** All bytes below a folder, as text of one byte a character. */
function contentsOf(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  const paths = files.filter((file) => file.isFile())
  return paths
    .map((file) => readFileSync(join(file.parentPath, file.name)).toString('latin1'))
    .join('')
}

interface Wiretap {
  readonly url: string
  /** What went through, both ways. */
  readonly heard: () => string
  close(): void
}

/** A proxy, as it may stand before the TD. */
async function tap(target: string): Promise<Wiretap> {
  const { port } = new URL(target)
  const heard: Buffer[] = []
  const server: Server = createServer((client) => {
    const upstream = connect(Number(port), '127.0.0.1')
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('data', (chunk) => heard.push(chunk))
      from.on('error', () => to.destroy())
      from.pipe(to)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port: tapped } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${tapped}`,
    heard: () => Buffer.concat(heard).toString('latin1'),
    close: () => server.close(),
  }
}

/** In the forms in which it may pass. */
function formsOf(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes)
  return [buffer.toString('latin1'), buffer.toString('hex'), buffer.toString('base64').slice(0, 16)]
}

describe('private inputs', () => {
  it('give the proof, and only ciphertext touches disk and network', async () => {
    const folder = newFolder()
    const running = await start(folder)
    const wire = await tap(running.url)
    const states: string[] = []
    const onState = (state: string) => states.push(state)
    const proof = await clientOf(wire.url).prove(fibonacci, stdin, { private: true, onState })
    wire.close()
    expect(proof.publicValues).toBe(PUBLIC_VALUES)
    expect(states.slice(0, 2)).toEqual(['sealing', 'sending'])

    const seen = `${wire.heard()}${contentsOf(folder)}`
    expect(seen).toContain(PUBLIC_VALUES)
    const middle = fibonacci.subarray(fibonacci.length / 2, fibonacci.length / 2 + 32)
    for (const form of [...formsOf(secretBytes), ...formsOf(middle)]) {
      expect(seen.includes(form)).toBe(false)
    }
    // The same, not private, is there: so the search would have found it.
    await clientOf(running.url).prove(fibonacci, stdin)
    const open = contentsOf(folder)
    expect(formsOf(secretBytes).some((form) => open.includes(form))).toBe(true)
    expect(formsOf(middle).some((form) => open.includes(form))).toBe(true)
  })

  it('make a proof that carries what it was accepted by', async () => {
    const { url } = await start(newFolder())
    const proof = await clientOf(url).prove(fibonacci, stdin, { private: true })
    expect(proof.simulated).toBe(true)
    expect(Object.keys(proof.attestation ?? {}).toSorted()).toEqual([
      'collateral',
      'quote',
      'reference',
      'reportData',
    ])
    expect((await verifyProof(proof, { signer: proof.signer, elf: fibonacci })).valid).toBe(true)
  })

  it('may be larger than a chunk, and asked for apart from the wait', async () => {
    const { url } = await start(newFolder())
    const large = { ...stdin, buffers: [...stdin.buffers, randomBytes(3 * 2 ** 20)] }
    const id = await clientOf(url).requestProof(fibonacci, large, { private: true })
    expect((await clientOf(url).waitProof(id)).publicValues).toBe(PUBLIC_VALUES)
  })

  it('are not told when the guest fails', async () => {
    const folder = newFolder()
    const { url, service } = await start(folder)
    const message = { ...stdin, buffers: [new TextEncoder().encode(`m${SECRET}`)] }
    const id = await clientOf(url).requestProof(panics, message, { private: true })
    await expect(clientOf(url).waitProof(id)).rejects.toMatchObject({
      code: 'GUEST_EXIT',
      exitCode: 3,
      details: {},
    })
    const { text } = await send(service, 'GET', `/v1/proofs/${id}`)
    expect(text).not.toContain(SECRET)
    expect(contentsOf(folder)).not.toContain(SECRET)
    // Not private, its message is told.
    await expect(clientOf(url).prove(panics, message)).rejects.toMatchObject({
      details: { stderr: expect.stringContaining(SECRET) },
    })
  })

  it('that are no program are refused by a code and nothing more', async () => {
    const { url } = await start(newFolder())
    const prove = (elf: Uint8Array) => clientOf(url).prove(elf, stdin, { private: true })
    await expect(prove(secretBytes)).rejects.toMatchObject({ code: 'ELF_NOT_ELF', details: {} })
  })

  it('of a job that succeeded are signed again while the process knows the result', async () => {
    const folder = newFolder()
    const first = await start(folder)
    const id = await clientOf(first.url).requestProof(fibonacci, stdin, { private: true })
    const { signer } = await clientOf(first.url).waitProof(id)
    await first.service.signer.rotate()
    const again = (await send(first.service, 'POST', `/v1/proofs/${id}/sign`)).json
    expect(again.signer).not.toBe(signer)
    expect(again.publicValues).toBe(PUBLIC_VALUES)
    await stop(first)
    const second = await start(folder)
    const refused = await send(second.service, 'POST', `/v1/proofs/${id}/sign`)
    expect(refused.json.code).toBe('PRIVATE_KEY_LOST')
  })
})

describe('a restart', () => {
  it('ends the jobs whose key it loses, and the client sends them again', async () => {
    const folder = newFolder()
    const first = await start(folder, { concurrency: 1 })
    const port = Number(new URL(first.url).port)
    const client = clientOf(first.url)
    // Nothing else runs while it does.
    const blocking = await createClient(first.url).requestProof(endless, stdin)
    const id = await client.requestProof(fibonacci, stdin, { private: true })
    const proving = client.prove(fibonacci, stdin, { private: true })
    const jobs = async () => (await send(first.service, 'GET', '/v1/proofs')).json.jobs as Json[]
    while ((await jobs()).length < 3) await new Promise((resolve) => setTimeout(resolve, 20))
    await stop(first)

    const second = await start(folder, { concurrency: 1 }, port)
    await createClient(second.url).cancel(blocking)
    await expect(client.waitProof(id)).rejects.toMatchObject({ code: 'PRIVATE_KEY_LOST' })
    expect((await proving).publicValues).toBe(PUBLIC_VALUES)
  })
})

describe('a fleet', () => {
  it('leaves private jobs to the server that can open them', { timeout: 180_000 }, async () => {
    const postgres = await startPostgres()
    const folder = newFolder()
    const open = () => openPostgresJobStore({ url: postgres.url })
    // The first takes them and is busy; the second is idle and must not touch them.
    const first = await start(folder, { store: await open(), concurrency: 1 })
    const busy = await createClient(first.url).requestProof(SLOW_GUEST, stdin)
    const running = async () =>
      (await send(first.service, 'GET', `/v1/proofs/${busy}`)).json.state === 'running'
    while (!(await running())) await new Promise((resolve) => setTimeout(resolve, 20))
    const second = await start(folder, { store: await open() })
    const id = await clientOf(first.url).requestProof(fibonacci, stdin, { private: true })
    const other = await createClient(first.url).requestProof(fibonacci, stdin)
    await createClient(second.url).waitProof(other)
    expect((await send(second.service, 'GET', `/v1/proofs/${id}`)).json.state).toBe('queued')
    await createClient(first.url).cancel(busy)
    expect((await clientOf(first.url).waitProof(id)).publicValues).toBe(PUBLIC_VALUES)
    await Promise.all([stop(first), stop(second)])
    await postgres.stop()
  })
})

describe('nothing is sent', () => {
  const bodies: string[] = []

  /** A server whose attestation is what the test says, before the real one. */
  async function lyingServer(target: string, lie: (answer: Json) => Json): Promise<Server> {
    const { createServer: createHttpServer } = await import('node:http')
    const server = createHttpServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      if (request.method !== 'GET') bodies.push(body)
      const answer = (await (await fetch(`${target}${request.url}`)).json()) as Json
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify(request.url?.startsWith('/v1/attestation') ? lie(answer) : answer),
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return server
  }

  const stranger = newTestSigner()
  const LIES: readonly [string, string, (answer: Json) => Json][] = [
    [
      'a key that another signer announces',
      'PRIVATE_KEY_REFUSED',
      (answer) => {
        const { signature: _, ...key } = answer.privateInputs
        return { ...answer, privateInputs: signPrivateInputKey(stranger, key) }
      },
    ],
    [
      'a key of its own',
      'PRIVATE_KEY_REFUSED',
      (answer) => ({
        ...answer,
        privateInputs: { ...answer.privateInputs, publicKey: `0x${'42'.repeat(32)}` },
      }),
    ],
    [
      'a longer life of the key',
      'PRIVATE_KEY_REFUSED',
      (answer) => ({
        ...answer,
        privateInputs: { ...answer.privateInputs, expiresAt: answer.privateInputs.expiresAt + 9e6 },
      }),
    ],
    [
      'another signer',
      'SIGNER_REFUSED',
      (answer) => {
        const { signature: _, ...key } = answer.privateInputs
        return {
          ...answer,
          address: stranger.address,
          privateInputs: signPrivateInputKey(stranger, key),
        }
      },
    ],
    [
      'a changed quote',
      'SIGNER_REFUSED',
      (answer) => ({
        ...answer,
        quote: answer.quote.replace(/^(0x.{400})../, '$1ff'),
      }),
    ],
    ['no collateral', 'COLLATERAL_ABSENT', ({ collateral: _, ...answer }) => answer],
    ['a key that is none', 'SERVER_ANSWER', (answer) => ({ ...answer, privateInputs: 'x' })],
    ['no key', 'PRIVATE_INPUTS_OFF', ({ privateInputs: _, ...answer }) => answer],
    ['no attestation', 'SERVER_ANSWER', () => ({})],
  ]
  it.each(LIES)('to a server that gives %s', async (_name, code, lie) => {
    const { url } = await start(newFolder())
    const server = await lyingServer(url, lie)
    const { port } = server.address() as AddressInfo
    bodies.length = 0
    const { collateral: _, ...trust } = TRUST
    const client = createClient(`http://127.0.0.1:${port}`, trust)
    await expect(client.prove(fibonacci, stdin, { private: true })).rejects.toMatchObject({ code })
    expect(bodies).toEqual([])
    server.close()
  })

  it('without a policy, or with one that pins nothing, or another workload', async () => {
    const { url } = await start(newFolder())
    const prove = (options: ClientOptions) =>
      createClient(url, options).prove(fibonacci, stdin, { private: true })
    const refusal = (code: string) => expect.objectContaining({ code })
    await expect(prove({})).rejects.toEqual(refusal('PRIVATE_NEEDS_POLICY'))
    const policies = [
      { version: 1 },
      { version: 1, workloads: [{ workloadId: `0x${'00'.repeat(32)}` }] },
    ]
    for (const policy of policies.map(parsePolicy)) {
      await expect(prove({ ...TRUST, policy })).rejects.toEqual(refusal('SIGNER_REFUSED'))
      // Without --private either: with a policy nothing goes to a server that it does not accept.
      await expect(createClient(url, { ...TRUST, policy }).prove(fibonacci, stdin)).rejects.toEqual(
        refusal('SIGNER_REFUSED'),
      )
    }
    // Simulated quotes pass under the root that is named only.
    const { root: _, ...underIntel } = TRUST
    await expect(prove(underIntel)).rejects.toEqual(refusal('SIGNER_REFUSED'))
    // Time goes on, and the quote's collateral expires.
    const now = () => new Date(TRUST.now().getTime() + 400 * 86_400_000)
    await expect(prove({ ...TRUST, now })).rejects.toEqual(refusal('SIGNER_REFUSED'))
  })

  it('where none are taken', async () => {
    const { url, service } = await start(newFolder(), { privateInputs: false })
    await expect(clientOf(url).prove(fibonacci, stdin, { private: true })).rejects.toMatchObject({
      code: 'PRIVATE_INPUTS_OFF',
    })
    const { publicKey } = { publicKey: `0x${'42'.repeat(32)}` as const }
    expect(
      await post(service, publicKey, `0x${'11'.repeat(32)}`, new Uint8Array(64)),
    ).toMatchObject({
      status: 404,
      json: { code: 'PRIVATE_INPUTS_OFF' },
    })
  })
})

describe('the server', () => {
  it('refuses inputs for a key that it does not have, before it reads them', async () => {
    const { service } = await start(newFolder())
    const unknown = `0x${'42'.repeat(32)}` as const
    expect(await post(service, unknown, `0x${'11'.repeat(32)}`, new Uint8Array(64))).toMatchObject({
      status: 409,
      json: { code: 'PRIVATE_KEY_UNKNOWN' },
    })
  })

  it('fails a job whose ciphertext was changed', async () => {
    const { service } = await start(newFolder())
    const { publicKey } = (await send(service, 'GET', '/v1/attestation')).json.privateInputs
    const { encapsulatedKey, sealed } = await sealed10(publicKey)
    const { status, json } = await post(service, publicKey, encapsulatedKey, sealed.with(9, 0))
    expect(status).toBe(202)
    expect(await ended(service, json.id)).toMatchObject({
      state: 'failed',
      error: { code: 'PRIVATE_INPUTS_UNREADABLE' },
    })
  })

  it.each([
    'x',
    '[]',
    '{"limits":{"cycles":0}}',
    '{"limits":{"gas":1}}',
    '{"scheme":"mine"}',
    '{"programId":"0x00"}',
    '{"teeVersion":-1}',
    '{"sp1":5}',
  ])('fails a job whose choices are %s', async (choices) => {
    const { service } = await start(newFolder())
    const { publicKey } = (await send(service, 'GET', '/v1/attestation')).json.privateInputs
    const { encapsulatedKey, sealed } = await sealed10(publicKey, choices)
    const { json } = await post(service, publicKey, encapsulatedKey, sealed)
    expect(await ended(service, json.id)).toMatchObject({
      state: 'failed',
      error: { code: 'PRIVATE_INPUTS_UNREADABLE' },
    })
  })

  it('keeps to the limits and the scheme that were encrypted', async () => {
    const { url, service } = await start(newFolder(), { schemes: ['automata', 'succinct'] })
    const options = { private: true, scheme: 'succinct', teeVersion: 2 } as const
    const id = await clientOf(url).requestProof(fibonacci, stdin, options)
    const proof = await clientOf(url).waitProof(id, options)
    expect([proof.scheme, proof.teeVersion]).toEqual(['succinct', 2])
    await service.signer.rotate()
    const again = (await send(service, 'POST', `/v1/proofs/${id}/sign`)).json
    expect([again.scheme, again.teeVersion]).toEqual(['succinct', 2])
    const limits = { cycles: 1000 }
    await expect(
      clientOf(url).prove(fibonacci, stdin, { private: true, limits }),
    ).rejects.toMatchObject({ code: 'CYCLE_LIMIT', exitCode: 4 })
    const refused = { private: true, scheme: 'eip712' } as const
    await expect(clientOf(url).prove(fibonacci, stdin, refused)).rejects.toMatchObject({
      code: 'SCHEME_REFUSED',
    })
  })

  it('opens for a job no other inputs than it was taken with', async () => {
    const folder = newFolder()
    const { url } = await start(folder, { concurrency: 1 })
    const blocking = await createClient(url).requestProof(endless, stdin)
    const twenty = { ...stdin, buffers: [Uint8Array.of(20, 0, 0, 0)] }
    const ids = [
      await clientOf(url).requestProof(fibonacci, stdin, { private: true }),
      await clientOf(url).requestProof(fibonacci, twenty, { private: true }),
    ]
    swapRequests(join(folder, 'jobs.db'), ids)
    await createClient(url).cancel(blocking)
    for (const id of ids) {
      await expect(clientOf(url).waitProof(id)).rejects.toMatchObject({ code: 'STORE_DAMAGED' })
    }
  })

  it('makes a new key in time, keeps the last one for jobs on their way, and has one signer announce it', async () => {
    let nowMs = 0
    const { service } = await start(newFolder(), {
      nowMs: () => nowMs,
      dateMs: () => 1_800_000_000_000 + nowMs,
    })
    const announced = async () =>
      (await send(service, 'GET', '/v1/attestation')).json.privateInputs as Json
    const first = await announced()
    expect(first).toEqual({ ...(await announced()) })
    expect(first.expiresAt - 1_800_000_000).toBe(1200)
    nowMs = 700_000
    const second = await announced()
    expect(second.publicKey).not.toBe(first.publicKey)
    const codeFor = async (publicKey: `0x${string}`) =>
      (await post(service, publicKey, `0x${'11'.repeat(32)}`, new Uint8Array(64))).json.code
    expect(await codeFor(first.publicKey)).toBeUndefined()
    nowMs = 1_200_000
    expect(await codeFor(first.publicKey)).toBe('PRIVATE_KEY_UNKNOWN')
    expect(await codeFor(second.publicKey)).toBeUndefined()
    const before = (await send(service, 'GET', '/v1/attestation')).json
    await service.signer.rotate()
    const after = (await send(service, 'GET', '/v1/attestation')).json
    expect(after.privateInputs.publicKey).toBe(before.privateInputs.publicKey)
    expect(after.privateInputs.signature).not.toBe(before.privateInputs.signature)
    const old = await send(service, 'GET', `/v1/attestation?signer=${before.address}`)
    expect([old.status, old.json.privateInputs]).toEqual([200, undefined])
  })

  it.each([
    [
      'another second part',
      { private: { publicKey: `0x${'42'.repeat(32)}`, encapsulatedKey: `0x${'11'.repeat(32)}` } },
      'stdin',
    ],
    [
      'a program id besides',
      {
        private: { publicKey: `0x${'42'.repeat(32)}`, encapsulatedKey: `0x${'11'.repeat(32)}` },
        programId: `0x${'42'.repeat(32)}`,
      },
      'sealed',
    ],
    ['no encapsulated key', { private: { publicKey: `0x${'42'.repeat(32)}` } }, 'sealed'],
    ['a key that is no hex', { private: { publicKey: 'x', encapsulatedKey: 'y' } }, 'sealed'],
  ])('refuses a request with %s', async (_name, request, part) => {
    const { service } = await start(newFolder())
    const { status, json } = await postForm(service, request, part, new Uint8Array(64))
    expect([status, json.code]).toEqual([400, 'REQUEST_MALFORMED'])
  })
})

/** As a host does that has the database. */
function swapRequests(path: string, [one, two]: readonly string[]): void {
  const database = new Database(path)
  const rows = [one, two].map((id) =>
    database.prepare('select request, blobs from jobs where id = ?').get(id),
  ) as { request: string; blobs: string }[]
  const change = database.prepare('update jobs set request = ?, blobs = ? where id = ?')
  for (const [row, id] of [
    [rows[1], one],
    [rows[0], two],
  ] as const) {
    change.run(row?.request, row?.blobs, id)
  }
  database.close()
}

/** What a client sends for fibonacci(10). */
function sealed10(publicKey: `0x${string}`, choices = '{}') {
  return sealInputs(publicKey, {
    choices: new TextEncoder().encode(choices),
    elf: fibonacci,
    stdin: encodeStdin(stdin.buffers),
  })
}

function post(
  service: TestService,
  publicKey: `0x${string}`,
  encapsulatedKey: `0x${string}`,
  sealed: Uint8Array,
) {
  return postForm(service, { private: { publicKey, encapsulatedKey } }, 'sealed', sealed)
}

async function postForm(service: TestService, request: object, part: string, bytes: Uint8Array) {
  const form = new FormData()
  form.append('request', JSON.stringify(request))
  form.append(part, new Blob([bytes as Uint8Array<ArrayBuffer>]), part)
  const encoded = new Response(form)
  const headers = { 'content-type': encoded.headers.get('content-type') ?? '' }
  const body = new Uint8Array(await encoded.arrayBuffer())
  return send(service, 'POST', '/v1/proofs', body, headers)
}
