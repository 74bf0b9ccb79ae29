/** Guests in processes of their own: results as in this one, and ends that hurt nobody else. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { encodeU32LE, type Hex } from '../../../src/core/bytes.js'
import { type ExecuteOptions, execute } from '../../../src/core/executor/execute.js'
import {
  createExecutionPool,
  type ExecutionPool,
  type ExecutionPoolOptions,
} from '../../../src/core/server/execution-pool.js'
import { KnownPrograms } from '../../../src/core/server/known-programs.js'
import { elfOf, encode } from '../../support/assembler.js'
import { guestElf } from '../../support/cli.js'
import { processFacts } from '../../support/processes.js'

const fibonacci = new Uint8Array(readFileSync(guestElf('fibonacci')))
const endless = elfOf({ text: [encode('jal', { imm: 0 })] })
const stdin = { buffers: [Uint8Array.of(10, 0, 0, 0)], deferredProofs: 0n }
const pool = createExecutionPool({ size: 1 })
afterAll(() => pool.close())

describe('a run in the pool', () => {
  it('gives what the executor gives', async () => {
    const { durationMs: _d, phases: _p, mhz: _m, ...there } = await pool.execute(fibonacci, stdin)
    const here = await execute(fibonacci, stdin)
    expect(there).toEqual({ ...there, ...pick(here, Object.keys(there)) })
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

describe('a process', () => {
  const pools: ExecutionPool[] = []
  afterEach(() => Promise.all(pools.splice(0).map((each) => each.close())))

  function newPool(options: Partial<ExecutionPoolOptions> = {}): ExecutionPool {
    const created = createExecutionPool({ size: 1, ...options })
    pools.push(created)
    return created
  }

  /** Begins an endless run. @returns its process once the guest runs, and how the run ends */
  async function begin(of: ExecutionPool, options: ExecuteOptions = {}) {
    let end: Promise<unknown> = Promise.resolve()
    await new Promise<void>((resolve) => {
      const run = of.execute(endless, stdin, { ...options, onProgress: () => resolve() })
      end = run.catch((error) => error)
    })
    const [pid] = of.pids
    if (pid === undefined) throw new RangeError('no process runs')
    return { pid, end }
  }

  it('that hangs is ended after the time of its run', async () => {
    const hanging = newPool({ graceMs: 100 })
    const { pid, end } = await begin(hanging, { limits: { timeoutMs: 1_000 } })
    process.kill(pid, 'SIGSTOP')
    expect(await end).toMatchObject({ code: 'TIMEOUT', exitCode: 4 })
    await until(() => processFacts(pid) === undefined)
    expect((await hanging.execute(fibonacci, stdin)).exitCode).toBe(0)
  })

  it.each(['SIGKILL', 'SIGSEGV', 'SIGABRT', 'SIGTRAP'])(
    'that ends by %s costs its own run and no other',
    async (signal) => {
      const dying = newPool({ size: 2 })
      const { pid, end } = await begin(dying)
      const other = dying.execute(fibonacci, stdin)
      process.kill(pid, signal)
      expect(await end).toMatchObject({
        code: 'EXECUTION_LOST',
        details: { reason: `its process ended by ${signal}` },
      })
      expect((await other).exitCode).toBe(0)
      expect((await dying.execute(fibonacci, stdin)).exitCode).toBe(0)
    },
  )

  it('that fills the heap of its JavaScript ends, and its run with it', async () => {
    const small = newPool({ heapMib: 32 })
    const buffers = Array.from({ length: 1_000_000 }, () => new Uint8Array(1))
    await expect(small.execute(fibonacci, { ...stdin, buffers })).rejects.toMatchObject({
      code: 'EXECUTION_LOST',
      details: { reason: 'its process ended by SIGABRT' },
    })
    expect((await small.execute(fibonacci, stdin)).exitCode).toBe(0)
  })

  it('that takes more of the machine than its run may is ended', async () => {
    const peaks: number[] = []
    const narrow = newPool({ allowanceMib: 0, onMemory: (bytes) => peaks.push(bytes) })
    const run = narrow.execute(endless, stdin, { limits: { memoryMib: 1 } })
    await expect(run).rejects.toMatchObject({
      code: 'PROCESS_MEMORY_LIMIT',
      exitCode: 4,
      httpStatus: 422,
      details: { limitMib: 1, maxMib: 2, residentMib: expect.any(Number) },
    })
    expect(peaks[0]).toBeGreaterThan(20 * 2 ** 20)
  })

  it('that has grown is not kept, so that none holds on to what one guest needed', async () => {
    const grown = newPool()
    const [first] = grown.pids
    await expect(
      grown.execute(storing(0x3000_0000), stdin, { limits: { cycles: 1_000_000 } }),
    ).rejects.toMatchObject({ code: 'CYCLE_LIMIT' })
    expect(grown.pids).toHaveLength(1)
    expect(grown.pids).not.toContain(first)
  })

  it('is kept for later runs, and there before the first', async () => {
    const kept = newPool({ size: 3 })
    const first = kept.pids
    expect(first).toHaveLength(1)
    for (let i = 0; i < 3; i++) await kept.execute(fibonacci, stdin)
    // Another one waits for what comes while the first works.
    expect(kept.pids).toHaveLength(2)
    expect(kept.pids).toContain(first[0])
  })

  it('is started ahead, as many as are wanted', async () => {
    expect(newPool({ size: 3, ready: 2 }).pids).toHaveLength(2)
  })

  it('that died while it had no work is replaced', async () => {
    const dying = newPool()
    const [first = 0] = dying.pids
    process.kill(first, 'SIGKILL')
    await until(() => dying.pids.length === 0)
    expect((await dying.execute(fibonacci, stdin)).exitCode).toBe(0)
    expect(dying.pids).not.toContain(first)
  })

  it('leaves it to the server when to stop', async () => {
    const told = newPool()
    const { pid, end } = await begin(told, { limits: { cycles: 300_000_000 } })
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.kill(pid, signal)
    expect(await end).toMatchObject({ code: 'CYCLE_LIMIT' })
  })

  it('ends with the pool, and its run with it', async () => {
    const closed = newPool()
    const { pid, end } = await begin(closed)
    await closed.close()
    expect(await end).toMatchObject({ code: 'INTERRUPTED' })
    expect(processFacts(pid)).toBeUndefined()
    expect(closed.pids).toEqual([])
    await expect(closed.execute(fibonacci, stdin)).rejects.toMatchObject({ code: 'INTERRUPTED' })
  })

  it('knows no secret of the server, and has none of its files', async () => {
    process.env.SP1_TEE_PRIVATE_KEY = 'of-the-signer'
    process.env.ETH_PASSWORD = 'of-the-payer'
    try {
      const [pid] = newPool().pids
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
      const names = environment.map((line) => line.split('=')[0]).filter((name) => name !== '')
      expect(names.sort()).toEqual(['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE'])
      const files = readdirSync(`/proc/${pid}/fd`).map((fd) =>
        readlinkSync(`/proc/${pid}/fd/${fd}`),
      )
      expect(files.filter((path) => path.startsWith('/') && path !== '/dev/null')).toEqual([])
    } finally {
      delete process.env.SP1_TEE_PRIVATE_KEY
      delete process.env.ETH_PASSWORD
    }
  })

  it('is the first to die when the machine has no memory left', async () => {
    const { pid } = await begin(newPool())
    expect(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8')).toBe('1000\n')
  })
})

describe('what goes to a process', () => {
  it.each([
    ['a large buffer', [new Uint8Array(10_000_000).fill(7)]],
    ['many small ones', Array.from({ length: 50_000 }, (_, i) => Uint8Array.of(i, i >> 8))],
    [
      'empty ones among others',
      [new Uint8Array(), new Uint8Array(70_000).fill(1), new Uint8Array()],
    ],
    ['nothing', []],
  ])('arrives: %s', async (_what, buffers) => {
    const inputs = new Uint8Array(readFileSync(guestElf('inputs')))
    const given = { buffers: [encodeU32LE(buffers.length), ...buffers], deferredProofs: 0n }
    const here = await execute(inputs, given)
    const there = await pool.execute(inputs, given)
    expect(there.publicValues).toBe(here.publicValues)
    expect(there.elfHash).toBe(here.elfHash)
  })

  it('that cannot be sent fails, and the next run does not', async () => {
    const unsendable = { explain: (() => true) as unknown as boolean }
    await expect(pool.execute(fibonacci, stdin, unsendable)).rejects.toThrow('could not be cloned')
    expect((await pool.execute(fibonacci, stdin)).exitCode).toBe(0)
  })

  it('is not copied on the way', async () => {
    const buffers = [Uint8Array.of(10, 0, 0, 0), new Uint8Array(200_000_000)]
    const before = process.memoryUsage()
    let most = 0
    const look = setInterval(() => {
      const { arrayBuffers, external } = process.memoryUsage()
      most = Math.max(most, arrayBuffers - before.arrayBuffers, external - before.external)
    }, 1)
    await pool.execute(fibonacci, { ...stdin, buffers })
    clearInterval(look)
    expect(most).toBeLessThan(20_000_000)
  })
})

describe('programs that a process knows', () => {
  it('are those used last, up to a size, whatever their sizes are', () => {
    const known = new KnownPrograms<Uint8Array>(10)
    known.add('0xaa', new Uint8Array(4))
    known.add('0xbb', new Uint8Array(4))
    expect(known.use('0xaa')).toHaveLength(4)
    known.add('0xcc', new Uint8Array(5))
    expect(['0xaa', '0xbb', '0xcc'].map((hash) => known.has(hash as Hex))).toEqual([
      true,
      false,
      true,
    ])
    known.add('0xdd', new Uint8Array(11))
    expect(known.use('0xdd')).toBeUndefined()
    expect(known.use('0xaa')).toBeUndefined()
  })
})

/** Stores a word in each page from 16 MiB up to an address, then goes on for ever. */
function storing(end: number): Uint8Array {
  return elfOf({
    text: [
      encode('lui', { rd: 1, imm: 0x100_0000 }),
      encode('lui', { rd: 2, imm: end }),
      encode('lui', { rd: 3, imm: 0x1000 }),
      encode('sw', { rs1: 1, rs2: 1, imm: 0 }),
      encode('add', { rd: 1, rs1: 1, rs2: 3 }),
      encode('bltu', { rs1: 1, rs2: 2, imm: -8 }),
      encode('jal', { imm: 0 }),
    ],
  })
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5))
}

function pick(value: object, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(value).filter(([key]) => keys.includes(key)))
}
