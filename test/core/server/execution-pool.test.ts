/** Guests in threads of their own: results as in this thread, and ends that hurt nobody else. */
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { execute } from '../../../src/core/executor/execute.js'
import { createExecutionPool } from '../../../src/core/server/execution-pool.js'
import { elfOf, encode } from '../../support/assembler.js'
import { guestElf } from '../../support/cli.js'
import { EXECUTION_SCRIPT } from '../../support/service.js'

const fibonacci = new Uint8Array(readFileSync(guestElf('fibonacci')))
const endless = elfOf({ text: [encode('jal', { imm: 0 })] })
const stdin = { buffers: [Uint8Array.of(10, 0, 0, 0)], deferredProofs: 0n }
const pool = createExecutionPool({ size: 1, script: EXECUTION_SCRIPT })
afterAll(() => pool.close())

describe('a run in the pool', () => {
  it('gives what the executor gives', async () => {
    const {
      durationMs: _d,
      phases: _p,
      mhz: _m,
      ...inThread
    } = await pool.execute(fibonacci, stdin)
    const here = await execute(fibonacci, stdin)
    expect(inThread).toEqual({ ...inThread, ...pick(here, Object.keys(inThread)) })
  })

  it('fails as the executor fails: code, exit code, details', async () => {
    const run = { limits: { cycles: 100 } }
    const here = await execute(endless, stdin, run).catch((error) => error)
    await expect(pool.execute(endless, stdin, run)).rejects.toMatchObject({
      code: 'CYCLE_LIMIT',
      message: here.message,
      details: here.details,
      exitCode: 4,
      httpStatus: 422,
    })
  })

  it('refuses hooks by name, and takes none', async () => {
    const hooks = { 1234: () => [] }
    await expect(pool.execute(fibonacci, stdin, { hooks })).rejects.toMatchObject({
      code: 'HOOKS_IN_THREAD',
      exitCode: 2,
    })
    expect((await pool.execute(fibonacci, stdin, { hooks: {} })).exitCode).toBe(0)
  })

  it('tells its cycles, and waits for its turn', async () => {
    const cycles: number[] = []
    const slow = pool.execute(endless, stdin, {
      limits: { cycles: 3_000_000 },
      onProgress: (count) => cycles.push(count),
    })
    const [first, second] = await Promise.allSettled([slow, pool.execute(fibonacci, stdin)])
    expect([first.status, second.status]).toEqual(['rejected', 'fulfilled'])
    expect(cycles.length).toBeGreaterThan(2)
    expect(cycles).toEqual([...cycles].sort((a, b) => a - b))
  })

  it('tells what the guest writes, as it comes', async () => {
    const output: string[] = []
    const abort = new AbortController()
    const guest = new Uint8Array(readFileSync(guestElf('endless')))
    const running = pool.execute(guest, stdin, {
      signal: abort.signal,
      onOutput: (stream, text) => {
        output.push(`${stream}: ${text}`)
        abort.abort()
      },
    })
    await expect(running).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(output.join('')).toBe('stdout: looping\n')
  })

  it('ends when its signal aborts, before or while it runs', async () => {
    const signal = AbortSignal.timeout(100)
    await expect(pool.execute(endless, stdin, { signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    })
    await expect(pool.execute(endless, stdin, { signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    })
    expect((await pool.execute(fibonacci, stdin)).exitCode).toBe(0)
  })
})

describe('a thread', () => {
  const scriptOf = (source: string) => new URL(`data:text/javascript,${encodeURIComponent(source)}`)

  it('that does not end in its time is ended', async () => {
    const hung = scriptOf(
      "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { for (;;); })",
    )
    const hanging = createExecutionPool({ size: 1, script: hung, graceMs: 100 })
    const limits = { timeoutMs: 100 }
    await expect(hanging.execute(endless, stdin, { limits })).rejects.toMatchObject({
      code: 'TIMEOUT',
    })
    await hanging.close()
  })

  it.each([
    [
      'throws',
      "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { throw new Error('gone') })",
    ],
    [
      'exits',
      "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => process.exit(3))",
    ],
    [
      'fills its memory',
      "import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { const all = []; for (;;) all.push(new Array(1e6).fill(all.length)) })",
    ],
  ])('that %s costs its own run and no other', async (_what, source) => {
    const dying = createExecutionPool({ size: 1, script: scriptOf(source) })
    for (let i = 0; i < 3; i++) {
      await expect(dying.execute(fibonacci, stdin)).rejects.toMatchObject({
        code: 'EXECUTION_LOST',
      })
    }
    await dying.close()
  })
})

function pick(value: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(value).filter(([key]) => keys.includes(key)))
}
