/** `prove --url` against servers that do what the test says: what it sends, and what Ctrl-C leaves. */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, describe, expect, it } from 'vitest'
import { ELF, listen, play, signProof, VKEY } from '../core/client/scripted.js'
import { elfOf, encode } from '../support/assembler.js'
import { cli, cliJson, guestElf } from '../support/cli.js'

const BIN = new URL('../../bin/run.js', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-remote-'))
afterAll(() => rmSync(folder, { recursive: true }))

function fileOf(name: string, contents: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, contents)
  return path
}

const elf = fileOf('any.elf', ELF)
const out = ['--out', join(folder, 'proof.json')]

describe('a release in the config file', () => {
  const config = fileOf('config.json', JSON.stringify({ sp1: '5.2.4' }))
  const silent = fileOf('silent.elf', elfOf({ text: [encode('jal', { imm: 0 })] }))

  it.each([
    ['goes with a program that does not tell its own', silent, '5.2.4'],
    ['does not go with one that does', guestElf('fibonacci'), undefined],
  ])('%s', async (_name, program, sp1) => {
    const bodies: string[] = []
    const error = { code: 'GUEST_EXIT', detail: 'x', details: { exitCode: 1 } }
    const script = play({ job: { state: 'failed', error } })
    const url = await listen((request, response) => {
      let body = ''
      request.on('data', (chunk) => (body += chunk))
      request.on('end', () => body !== '' && bodies.push(body))
      script(request, response)
    })
    const args = [program, '--url', url, '--vkey', VKEY, '--config', config, ...out]
    const { exitCode } = await cliJson(['prove', ...args])
    expect(exitCode).toBe(3)
    const { limits: _limits, programId: _id, ...asked } = JSON.parse(bodies[0] ?? '')
    expect(asked).toEqual({ ...(sp1 && { sp1 }), scheme: 'automata', stdin: { buffer: [] } })
  })
})

describe('prove --job', () => {
  const done = play({ job: { state: 'succeeded', proof: signProof() } })

  it('waits for a job that was begun before, and checks its proof', async () => {
    const methods = new Set<string | undefined>()
    const url = await listen((request, response) => {
      methods.add(request.method)
      done(request, response)
    })
    const args = ['prove', elf, '--url', url, '--job', 'a', ...out]
    const { exitCode, json } = await cliJson([...args, '--vkey', VKEY])
    expect([exitCode, json]).toEqual([0, signProof()])
    expect([...methods]).toEqual(['GET'])
    const other = await cliJson([...args, '--vkey', `0x00${'22'.repeat(31)}`])
    expect([other.exitCode, other.json.error.code]).toEqual([8, 'SERVER_ANSWER'])
    // Nobody can compute a key of it.
    const unknown = await cliJson(args)
    expect([unknown.exitCode, unknown.json.error.code]).toEqual([8, 'SERVER_ANSWER'])
  })

  it.each([['--stdin', elf], ['--input', '0x00'], ['--private']])(
    'sends nothing: no %s',
    async (...flags) => {
      const policy = flags[0] === '--private' ? ['--policy', elf] : []
      const args = ['--url', 'http://127.0.0.1:1', '--job', 'a', ...policy, ...flags]
      const { exitCode, stderr } = await cli(['prove', elf, ...args])
      expect(exitCode).toBe(2)
      expect(stderr).toContain('--job')
    },
  )
})

describe('Ctrl-C', () => {
  const running = play({ job: { state: 'running', cycles: 5 } })

  /** Loaded before the command: it then takes its pipes for a terminal. */
  const TERMINAL = `
    const terminal = { isTTY: true, columns: 200, getWindowSize: () => [200, 24] }
    Object.assign(process.stdout, terminal)
    Object.assign(process.stderr, terminal)`

  /** @returns the run's end, and how often the job was to be cancelled */
  async function interrupt(
    onDelete: RequestListener,
    { args, env = {}, sign = '' }: { args: readonly string[]; env?: object; sign?: string },
  ) {
    let deletions = 0
    let isSeen: () => void
    const seen = new Promise<void>((resolve) => {
      isSeen = resolve
    })
    const url = await listen((request, response) => {
      if (request.method === 'DELETE') {
        deletions++
        return onDelete(request, response)
      }
      running(request, response)
      if (request.method === 'GET') isSeen()
    })
    const command = ['prove', elf, '--url', url, '--vkey', VKEY, ...out, ...args]
    const run = execa('node', [BIN, ...command], { reject: false, env: { NO_COLOR: '1', ...env } })
    await seen
    for (let shown = ''; !shown.includes(sign); ) {
      const [chunk] = await once(run.stdout, 'data')
      shown += chunk
    }
    run.kill('SIGINT')
    const { exitCode, stdout, stderr } = await run
    return { exitCode, stdout, stderr, deletions }
  }

  async function interruptJson(onDelete: RequestListener, args: readonly string[] = []) {
    const { stdout, ...run } = await interrupt(onDelete, { args: ['--json', ...args] })
    return { ...run, error: JSON.parse(stdout).error }
  }

  it('ends the job where a spinner turns, too', async () => {
    const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(TERMINAL)}` }
    const onDelete: RequestListener = (_request, response) => response.end('{}')
    const { exitCode, stdout, stderr, deletions } = await interrupt(onDelete, {
      ...{ args: [], env, sign: 'running' },
    })
    expect([exitCode, deletions]).toEqual([130, 1])
    expect(stderr).toContain('has cancelled it')
    expect(`${stdout}${stderr}`).not.toContain('Nothing was signed')
  })

  it('ends the job, too', async () => {
    const { exitCode, error, deletions } = await interruptJson((_request, response) => {
      response.end('{}')
    })
    expect([exitCode, error.code, deletions]).toEqual([130, 'INTERRUPTED', 1])
    expect(error.message).toContain('job a')
    expect(error.message).toContain('has cancelled it')
  })

  it.each<[string, RequestListener]>([
    [
      'has ended it',
      (_request, response) => {
        const details = { id: 'a', state: 'succeeded' }
        response.writeHead(409).end(JSON.stringify({ code: 'JOB_STATE', detail: 'x', details }))
      },
    ],
    ['never answers', () => {}],
  ])('says how to have the proof of a job if the server %s', async (_name, onDelete) => {
    const { exitCode, error, deletions } = await interruptJson(onDelete)
    expect([exitCode, error.code, deletions]).toEqual([130, 'INTERRUPTED', 1])
    expect(error.message).toContain('--job a')
    expect(error.message).not.toContain('Nothing was signed')
  })

  it('says that there may be a job if the server has not named one yet', async () => {
    let isSeen: () => void
    const seen = new Promise<void>((resolve) => {
      isSeen = resolve
    })
    const url = await listen(() => isSeen())
    const command = ['prove', elf, '--url', url, '--vkey', VKEY, ...out]
    const run = execa('node', [BIN, ...command, '--json'], { reject: false })
    await seen
    run.kill('SIGINT')
    const { exitCode, stdout } = await run
    expect(exitCode).toBe(130)
    expect(JSON.parse(stdout).error.message).toContain('one that it was just taking goes on')
  })

  it('leaves a job alone that was begun elsewhere', async () => {
    const { exitCode, error, deletions } = await interruptJson(() => {}, ['--job', 'a'])
    expect([exitCode, error.code, deletions]).toEqual([130, 'INTERRUPTED', 0])
    expect(error.message).toContain('--job a')
  })
})

it('prints the id of the job for people', async () => {
  const url = await listen(play({ job: { state: 'succeeded', proof: signProof() } }))
  const { exitCode, stderr } = await cli(['prove', elf, '--url', url, '--vkey', VKEY, ...out])
  expect(exitCode).toBe(0)
  expect(stderr).toMatch(/^job +a$/m)
})
