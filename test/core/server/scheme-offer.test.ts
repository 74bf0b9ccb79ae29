/** Scheme eip712 of a service: bound to a contract and a workload that no request can choose. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '../../../src/core/client/client.js'
import { openFolderBlobStore } from '../../../src/core/jobs/folder-blob-store.js'
import { openSqliteJobStore } from '../../../src/core/jobs/sqlite-job-store.js'
import { verifyProof } from '../../../src/core/prover/verify.js'
import { elfOf, encode } from '../../support/assembler.js'
import { newAttestedSigner, openTestProvider } from '../../support/attested.js'
import { guestElf } from '../../support/cli.js'
import { BINARY_TYPE, ended, expectProblem, postJson, send } from '../../support/http.js'
import { startService, type TestService } from '../../support/service.js'

const ELF = new Uint8Array(readFileSync(guestElf('fibonacci')))
const ENDLESS = elfOf({ text: [encode('jal', { imm: 0 })] })
const STDIN = { buffers: [Uint8Array.of(10, 0, 0, 0)], deferredProofs: 0n }
const MULTI_PROOF = `0x${'33'.repeat(20)}` as const
const OTHER = `0x${'44'.repeat(20)}` as const

const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-offer-'))
let service: TestService
let url: string
let programId: string

async function start(schemes: readonly ('automata' | 'eip712')[]): Promise<void> {
  const nowMs = () => performance.now()
  const store = openSqliteJobStore({ path: join(folder, 'jobs.db'), nowMs })
  const blobs = await openFolderBlobStore({
    folder: join(folder, 'blobs'),
    maxBytes: 2 ** 30,
    inUse: () => store.blobsInUse(),
    nowMs: Date.now,
  })
  const signer = newAttestedSigner(await openTestProvider())
  await signer.start()
  service = await startService({ signer, store, blobs, schemes, multiProof: MULTI_PROOF })
  url = await service.app.listen({ host: '127.0.0.1', port: 0 })
  const { json } = await send(service, 'PUT', '/v1/programs', ELF, BINARY_TYPE)
  programId = json.programId
}

beforeAll(() => start(['automata', 'eip712']))
afterAll(() => service.app.drain(AbortSignal.abort()))

const workloadOf = ({ signer }: TestService) => signer.registration.attestation!.workloadId
const ask = (more = {}) =>
  postJson(service, '/v1/proofs', {
    programId,
    stdin: { buffer: ['0x0a000000'] },
    scheme: 'eip712',
    ...more,
  })

describe('a service that offers scheme eip712', () => {
  it('says for which contract and as which workload it signs', async () => {
    const { json } = await send(service, 'GET', '/v1/signer')
    expect(json).toMatchObject({
      chainId: 31337,
      schemes: ['automata', 'eip712'],
      multiProof: MULTI_PROOF,
      workloadId: workloadOf(service),
    })
  })

  it('signs for that contract, and again by the signer after a rotation', async () => {
    const { json } = await ask()
    const { proof: first } = await ended(service, json.id)
    const domain = { name: 'SP1 TEE Prover', version: '1', chainId: 31337 }
    expect(first).toMatchObject({
      scheme: 'eip712',
      domain: { ...domain, verifyingContract: MULTI_PROOF },
      workloadId: workloadOf(service),
      signer: service.signer.signer.address,
    })
    await service.signer.rotate()
    const { json: again } = await postJson(service, `/v1/proofs/${json.id}/sign`, {})
    expect(again.signer).toBe(service.signer.signer.address)
    expect(again.signer).not.toBe(first.signer)
    expect([again.domain, again.workloadId]).toEqual([first.domain, first.workloadId])
    const { valid } = await verifyProof(again, { signer: again.signer })
    expect(valid).toBe(true)
  })

  it.each([
    { domain: { chainId: 1 } },
    { binding: { chainId: 1 } },
    { multiProof: OTHER },
    { workloadId: `0x${'00'.repeat(32)}` },
  ])('lets no request choose it: %j', async (more) => {
    expectProblem(await ask(more), 400, 'REQUEST_MALFORMED')
  })

  it('takes no version with it', async () => {
    expectProblem(await ask({ teeVersion: 2 }), 400, 'FLAG_INVALID')
  })

  it('serves a client that checks what it is bound to', async () => {
    const expected = {
      chainId: 31337,
      verifyingContract: MULTI_PROOF,
      workloadId: workloadOf(service),
    }
    const prove = (change = {}) =>
      createClient(url).prove(ELF, STDIN, {
        scheme: 'eip712',
        expectedBinding: { ...expected, ...change },
      })
    expect((await prove()).scheme).toBe('eip712')
    for (const change of [
      { chainId: 1 },
      { verifyingContract: OTHER },
      { workloadId: `0x${'00'.repeat(32)}` as const },
    ]) {
      await expect(prove(change)).rejects.toMatchObject({
        code: 'SERVER_ANSWER',
        details: { reason: expect.stringContaining(Object.keys(change)[0]!) },
      })
    }
  })

  it('fails a job from before a restart that took the scheme away, and signs none again', async () => {
    const { json } = await ask()
    await ended(service, json.id)
    const { json: program } = await send(service, 'PUT', '/v1/programs', ENDLESS, BINARY_TYPE)
    const { json: unfinished } = await ask({ programId: program.programId })
    await service.app.drain(AbortSignal.abort())
    await start(['automata'])
    expect(await ended(service, unfinished.id)).toMatchObject({
      state: 'failed',
      error: { code: 'SCHEME_REFUSED' },
    })
    expect((await send(service, 'GET', `/v1/proofs/${json.id}`)).json.proof.scheme).toBe('eip712')
    const sign = await postJson(service, `/v1/proofs/${json.id}/sign`, {})
    expectProblem(sign, 400, 'SCHEME_REFUSED')
    expectProblem(await ask(), 400, 'SCHEME_REFUSED')
    const { json: signer } = await send(service, 'GET', '/v1/signer')
    expect(Object.keys(signer)).not.toContain('multiProof')
  })
})

it('a service without a contract cannot offer it', async () => {
  await expect(startService({ schemes: ['eip712'] })).rejects.toMatchObject({
    code: 'FLAG_INVALID',
    details: { flag: '--multiproof' },
  })
})

it('a signer that was registered without a quote signs none', async () => {
  const unattested = await startService({ schemes: ['eip712'], multiProof: MULTI_PROOF })
  await send(unattested, 'PUT', '/v1/programs', ELF, BINARY_TYPE)
  const body = { programId, stdin: { buffer: ['0x0a000000'] }, scheme: 'eip712' }
  expectProblem(await postJson(unattested, '/v1/proofs', body), 503, 'SIGNER_NOT_READY')
  expectProblem(await send(unattested, 'GET', '/v1/signer'), 503, 'SIGNER_NOT_READY')
  await unattested.app.drain(AbortSignal.abort())
})
