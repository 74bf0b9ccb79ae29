/** A system that has no room for another process now: runs wait for it, and not for ever. */
import type { ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createExecutionPool, type ExecutionPool } from '../../../src/core/server/execution-pool.js'
import { guestElf } from '../../support/cli.js'

const system = vi.hoisted(() => ({ refusals: 0, asked: 0, isThrown: false }))
vi.mock('node:child_process', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:child_process')>()
  const fork = (...args: Parameters<typeof original.fork>) => {
    system.asked++
    if (system.refusals === 0) return original.fork(...args)
    system.refusals--
    if (system.isThrown) throw new RangeError('spawn ENOMEM')
    // What node gives for EAGAIN.
    return new EventEmitter() as ChildProcess
  }
  return { ...original, fork }
})

const fibonacci = new Uint8Array(readFileSync(guestElf('fibonacci')))
const stdin = { buffers: [Uint8Array.of(10, 0, 0, 0)], deferredProofs: 0n }

let pool: ExecutionPool
beforeEach(() => {
  Object.assign(system, { refusals: 0, asked: 0, isThrown: false })
  pool = createExecutionPool({ size: 2, ready: 0 })
})
afterEach(() => pool.close())

describe('a run that finds no room for its process', () => {
  it.each([true, false])('waits until there is some (thrown: %s)', async (isThrown) => {
    Object.assign(system, { refusals: 2, isThrown })
    expect((await pool.execute(fibonacci, stdin)).exitCode).toBe(0)
    expect(system.asked).toBe(3)
  })

  it('takes the process of a run that ends meanwhile', async () => {
    const first = pool.execute(fibonacci, stdin)
    system.refusals = Number.POSITIVE_INFINITY
    const results = await Promise.all([first, pool.execute(fibonacci, stdin)])
    expect(results.map(({ exitCode }) => exitCode)).toEqual([0, 0])
    expect(pool.pids).toHaveLength(1)
  })

  it('is lost when there is none for long, and the next one is not', async () => {
    const hasty = createExecutionPool({ size: 1, ready: 0, patienceMs: 300 })
    system.refusals = Number.POSITIVE_INFINITY
    await expect(hasty.execute(fibonacci, stdin)).rejects.toMatchObject({
      code: 'EXECUTION_LOST',
      details: { reason: 'the system starts no process' },
    })
    expect(system.asked).toBe(3)
    system.refusals = 0
    expect((await hasty.execute(fibonacci, stdin)).exitCode).toBe(0)
    await hasty.close()
  })

  it.each([
    ['its signal aborts', (abort: AbortController) => abort.abort()],
    ['the pool closes', () => pool.close()],
  ])('ends when %s', async (_when, end) => {
    system.refusals = Number.POSITIVE_INFINITY
    const abort = new AbortController()
    const run = pool.execute(fibonacci, stdin, { signal: abort.signal })
    await end(abort)
    await expect(run).rejects.toMatchObject({ code: 'INTERRUPTED' })
    expect(system.asked).toBe(1)
  })
})
