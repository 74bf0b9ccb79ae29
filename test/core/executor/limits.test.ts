/** Limits and interruption. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { fromHex, type Hex } from '../../../src/core/bytes.js'
import { InterruptedError } from '../../../src/core/errors.js'
import { ENGINES } from '../../../src/core/executor/engines.js'
import {
  type ExecuteLimits,
  type ExecuteOptions,
  execute,
} from '../../../src/core/executor/execute.js'
import { releaseOf, SP1_VERSIONS } from '../../../src/core/executor/release.js'
import { elfOf, encode, li } from '../../support/assembler.js'
import { guestElf } from '../../support/cli.js'

const MIB = 2 ** 20

function run(guest: string, buffers: Hex[] = [], options: ExecuteOptions = {}) {
  const stdin = { buffers: buffers.map(fromHex), deferredProofs: 0n }
  return execute(readFileSync(guestElf(guest, options.sp1)), stdin, options)
}

const CHOICES = SP1_VERSIONS.flatMap((sp1) => ENGINES.map((engine) => [sp1, engine] as const))

describe.each(CHOICES)('limits of SP1 %s, %s', (sp1, engine) => {
  const N_10: Hex[] = ['0x0a000000']
  const runHere = (guest: string, buffers: Hex[], limits: Partial<ExecuteLimits>) =>
    run(guest, buffers, { sp1, engine, limits })

  it('the cycle limit is exact, as each release has it', async () => {
    const { cycles } = await runHere('fibonacci', N_10, {})
    // A run of exactly the limit is over it in 3.4.0 and not in 5.2.4.
    const least = { '3.4.0': cycles + 1, '5.2.4': cycles }[sp1] ?? 0
    await expect(runHere('fibonacci', N_10, { cycles: least - 1 })).rejects.toMatchObject({
      code: 'CYCLE_LIMIT',
      exitCode: 4,
      details: { limit: least - 1, cycles },
    })
    expect((await runHere('fibonacci', N_10, { cycles: least })).cycles).toBe(cycles)
  })

  it('the timeout is looked at while the guest runs, by the clock given', async () => {
    let clockMs = 0
    const now = () => clockMs++ * 1000
    const limits = { timeoutMs: 10_000 }
    await expect(run('endless', [], { sp1, engine, now, limits })).rejects.toMatchObject({
      code: 'TIMEOUT',
      exitCode: 4,
      details: { timeoutSeconds: 10, stdout: 'looping\n' },
    })
  })

  it('the timeout is one of real time by default', async () => {
    const startedAt = performance.now()
    await expect(runHere('endless', [], { timeoutMs: 300 })).rejects.toMatchObject({
      code: 'TIMEOUT',
      exitCode: 4,
    })
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(300)
  })

  it('the memory limit bounds the address space', async () => {
    await expect(runHere('fibonacci', N_10, { memoryMib: 2 })).rejects.toMatchObject({
      code: 'MEMORY_LIMIT',
      exitCode: 4,
      details: { limitMib: 2 },
    })
    expect((await runHere('fibonacci', N_10, { memoryMib: 8 })).exitCode).toBe(0)
  })

  it('the memory limit is exact: its last word is there, the next is not', async () => {
    const loadFrom = (address: number) =>
      elfOf({ text: [...li(6, address), encode('lw', { rd: 7, rs1: 6, imm: 0 })] })
    const stdin = { buffers: [], deferredProofs: 0n }
    const options = { sp1, engine, limits: { memoryMib: 4 } }
    expect((await execute(loadFrom(4 * MIB - 4), stdin, options)).cycles).toBe(3)
    await expect(execute(loadFrom(4 * MIB), stdin, options)).rejects.toMatchObject({
      code: 'MEMORY_LIMIT',
      exitCode: 4,
      details: { address: '0x400000' },
    })
  })

  it.each([
    ['standard output', 1, 'outputBytes'],
    ['standard error', 2, 'outputBytes'],
    ['its public values', releaseOf(sp1).descriptors.publicValues, 'publicValuesBytes'],
  ])('%s is bounded to the byte, in one write and in several', async (stream, fd, limit) => {
    for (const lengths of [[100], [50, 50]]) {
      const elf = elfThatWrites(fd, lengths)
      const stdin = { buffers: [], deferredProofs: 0n }
      const limited = (bytes: number) =>
        execute(elf, stdin, { sp1, engine, limits: { [limit]: bytes } })
      await expect(limited(99)).rejects.toMatchObject({
        code: 'OUTPUT_LIMIT',
        exitCode: 4,
        details: { stream, limitBytes: 99 },
      })
      expect((await limited(100)).exitCode).toBe(0)
    }
  })

  it('a write that nothing keeps is bounded as standard output, each by itself', async () => {
    const fd = 77
    const stdin = { buffers: [], deferredProofs: 0n }
    const limited = (outputBytes: number, lengths: readonly number[]) =>
      execute(elfThatWrites(fd, lengths), stdin, { sp1, engine, limits: { outputBytes } })
    await expect(limited(99, [100])).rejects.toMatchObject({
      code: 'OUTPUT_LIMIT',
      details: { stream: 'file descriptor 77', limitBytes: 99 },
    })
    expect((await limited(99, [99, 99])).exitCode).toBe(0)
  })
})

/** Letters, as many by each write. */
function elfThatWrites(fd: number, lengths: readonly number[]): Uint8Array {
  const address = 0x0030_0000
  const text = lengths.flatMap((length) => [
    ...li(5, 2),
    ...[fd, address, length].flatMap((arg, i) => li(10 + i, arg)),
    encode('ecall'),
  ])
  return elfOf({ text, segments: [{ address, contents: new Uint8Array(100).fill(0x61) }] })
}

describe('limits', () => {
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
    const stdin = { buffers: [], deferredProofs: 0n }
    const fibonacci = readFileSync(guestElf('fibonacci'))
    await expect(execute(fibonacci, stdin, { sp1: '1.0.0' })).rejects.toMatchObject({
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
