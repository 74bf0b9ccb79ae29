/** Limits, interruption, and the rules by which a run is not provable. */

import { readFileSync } from 'node:fs'
import { sha256 } from '@noble/hashes/sha2.js'
import { describe, expect, it } from 'vitest'
import { fromHex, type Hex } from '../../../src/core/bytes.js'
import { InterruptedError } from '../../../src/core/errors.js'
import { type ExecuteOptions, execute } from '../../../src/core/executor/execute.js'
import { whyUnprovable } from '../../../src/core/executor/soundness.js'
import { guestElf } from '../../support/cli.js'

function run(guest: string, buffers: Hex[] = [], options: ExecuteOptions = {}) {
  const stdin = { buffers: buffers.map(fromHex), deferredProofs: 0n }
  return execute(readFileSync(guestElf(guest)), stdin, options)
}

describe('limits', () => {
  it('the cycle limit is exact: a run of n cycles needs a limit of n + 1', async () => {
    const input: Hex[] = ['0x0a000000']
    await expect(run('fibonacci', input, { limits: { cycles: 5173 } })).rejects.toMatchObject({
      code: 'CYCLE_LIMIT',
      exitCode: 4,
      details: { limit: 5173, cycles: 5173 },
    })
    const { cycles } = await run('fibonacci', input, { limits: { cycles: 5174 } })
    expect(cycles).toBe(5173)
  })

  it('the timeout is looked at while the guest runs, by the clock given', async () => {
    let clockMs = 0
    const now = () => clockMs++ * 1000
    await expect(run('endless', [], { now, limits: { timeoutMs: 10_000 } })).rejects.toMatchObject({
      code: 'TIMEOUT',
      exitCode: 4,
      details: { timeoutSeconds: 10, stdout: 'looping\n' },
    })
  })

  it('the memory limit bounds the address space', async () => {
    const input: Hex[] = ['0x0a000000']
    await expect(run('fibonacci', input, { limits: { memoryMib: 2 } })).rejects.toMatchObject({
      code: 'MEMORY_LIMIT',
      exitCode: 4,
    })
    expect((await run('fibonacci', input, { limits: { memoryMib: 8 } })).cycles).toBe(5173)
  })

  it('output and public values are bounded, each by its own limit', async () => {
    const options = (limits: object) => ({ limits })
    await expect(
      run('exit-code', ['0x00000000'], options({ outputBytes: 14 })),
    ).rejects.toMatchObject({
      code: 'OUTPUT_LIMIT',
      exitCode: 4,
    })
    expect(
      (await run('exit-code', ['0x00000000'], options({ outputBytes: 15 }))).stdout,
    ).toHaveLength(15)
    const input: Hex[] = ['0x0a000000']
    await expect(run('fibonacci', input, options({ publicValuesBytes: 11 }))).rejects.toMatchObject(
      {
        code: 'OUTPUT_LIMIT',
      },
    )
    expect((await run('fibonacci', input, options({ publicValuesBytes: 12 }))).cycles).toBe(5173)
  })

  it.each([
    { cycles: 0 },
    { cycles: 2 ** 32 },
    { cycles: 1.5 },
    { memoryMib: 0 },
    { memoryMib: 1921 },
    { timeoutMs: 0 },
    { timeoutMs: Number.NaN },
  ])('refuses %j', async (limits) => {
    await expect(run('fibonacci', [], { limits })).rejects.toMatchObject({ code: 'FLAG_INVALID' })
  })

  it('refuses a release it does not have', async () => {
    await expect(run('fibonacci', [], { sp1: '1.0.0' })).rejects.toMatchObject({
      code: 'RELEASE_UNKNOWN',
    })
  })

  it('stops at an abort, between slices and before the first', async () => {
    const abort = new AbortController()
    const running = run('endless', [], { signal: abort.signal, onProgress: () => abort.abort() })
    await expect(running).rejects.toBeInstanceOf(InterruptedError)
    const early = run('endless', [], { signal: AbortSignal.abort() })
    await expect(early).rejects.toBeInstanceOf(InterruptedError)
  })

  it('is deterministic', async () => {
    const report = async () => {
      const {
        durationMs: _,
        phases: __,
        mhz: ___,
        ...rest
      } = await run('unconstrained', ['0x40420f0000000000'], { report: true })
      return rest
    }
    expect(await report()).toEqual(await report())
  })
})

describe('whyUnprovable', () => {
  const EMPTY_DIGEST = [
    0x42c4b0e3, 0x141cfc98, 0xc8f4fb9a, 0x24b96f99, 0xe441ae27, 0x4c939b64, 0x1b9995a4, 0x55b85278,
  ]
  const provable = {
    unprovable: undefined,
    hasHalted: true,
    publicValues: new Uint8Array(),
    digests: [{ name: 'SHA-256', hash: sha256 }],
    committedDigest: Uint32Array.from(EMPTY_DIGEST),
    deferredDigest: new Uint32Array(8),
  }

  it('finds nothing wrong with a run that halted with the right digest', () => {
    expect(whyUnprovable(provable)).toBeUndefined()
  })

  it.each([
    ['what the engine met', { unprovable: 'a reason' }, /^a reason$/],
    ['an end without HALT', { hasHalted: false }, /instead of by HALT/],
    ['no digest', { committedDigest: new Uint32Array(8) }, /is not the SHA-256/],
    ['other public values', { publicValues: Uint8Array.of(0) }, /is not the SHA-256/],
    [
      'one wrong digest bit',
      { committedDigest: Uint32Array.from(EMPTY_DIGEST, (word, i) => word ^ (i === 7 ? 1 : 0)) },
      /is not the SHA-256/,
    ],
    [
      'deferred proofs',
      { deferredDigest: Uint32Array.of(0, 0, 0, 0, 0, 0, 0, 1) },
      /deferred proofs/,
    ],
  ])('reports %s', (_name, change, reason) => {
    expect(whyUnprovable({ ...provable, ...change })).toMatch(reason)
  })
})
