/** `prove --url` under a policy, and with private inputs: the commands as they are typed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listen } from '../core/client/scripted.js'
import { cli, cliJson, guestElf } from '../support/cli.js'
import type { Json } from '../support/http.js'

const BIN = new URL('../../bin/run.js', import.meta.url).pathname
const SECRET = 'nobody else may read this'

const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-private-command-'))
const policyFile = join(folder, 'policy.json')
const strangersFile = join(folder, 'strangers.json')
const proofFile = join(folder, 'proof.json')
const state = join(folder, 'state')
let server: ChildProcess
let url: string
let root: string
beforeAll(async () => {
  const args = ['serve', '--dev', '--listen', '127.0.0.1:0', '--state-dir', state, '--json']
  server = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = await once(createInterface(server.stdout as NodeJS.ReadableStream), 'line')
  url = JSON.parse(line).url
  const { workloadId } = (await (await fetch(`${url}/v1/attestation`)).json()) as Json
  writeFileSync(policyFile, JSON.stringify({ version: 1, workloads: [{ workloadId }] }))
  const other = `0x${'00'.repeat(32)}`
  writeFileSync(strangersFile, JSON.stringify({ version: 1, workloads: [{ workloadId: other }] }))
  const isRoot = (name: string) => /root.*\.(pem|der|crt)$/.test(name)
  const [name = ''] = readdirSync(state, { recursive: true }).map(String).filter(isRoot)
  root = join(state, name)
}, 60_000)
afterAll(async () => {
  server.kill('SIGTERM')
  await once(server, 'exit')
  rmSync(folder, { recursive: true })
})

const inputs = [
  guestElf('fibonacci'),
  ...['--input', '0x0a000000', '--input', `0x${Buffer.from(SECRET).toString('hex')}`],
]
const prove = (...args: string[]) =>
  cliJson(['prove', ...inputs, '--url', url, '--root', root, '--out', proofFile, ...args])

describe('prove --private', () => {
  it('gives a proof that `verify --policy` accepts as it is, and leaves no input on the disk', async () => {
    const { exitCode, json, stderr } = await prove('--policy', policyFile, '--private')
    expect([exitCode, stderr]).toEqual([0, ''])
    expect(json.publicValues).toBe('0x0a0000002200000037000000')
    const anchor = ['--policy', policyFile, '--root', root, '--elf', guestElf('fibonacci')]
    const verified = await cliJson(['verify', proofFile, ...anchor])
    expect([verified.exitCode, verified.json.valid, verified.json.simulated]).toEqual([
      0,
      true,
      true,
    ])
    const served = join(state, 'serve')
    const kept = readdirSync(served, { recursive: true, withFileTypes: true })
      .filter((file) => file.isFile())
      .map((file) => readFileSync(join(file.parentPath, file.name)).toString('latin1'))
      .join('')
    expect(kept).toContain(json.publicValues)
    expect(kept).not.toContain(SECRET)
    expect(kept).not.toContain(Buffer.from(SECRET).toString('hex'))
  })

  it('takes the key that is given, and no proof with another', async () => {
    const { stdout } = await cli(['vkey', guestElf('fibonacci')])
    const [, vkey = ''] = stdout.split('\n')
    expect((await prove('--vkey', vkey.toUpperCase().replace('0X', '0x'))).json.vkey).toBe(vkey)
    const other = await prove('--vkey', `0x00${'11'.repeat(31)}`)
    expect([other.exitCode, other.json.error.code]).toEqual([8, 'SERVER_ANSWER'])
    expect((await prove('--vkey', '0x11')).exitCode).toBe(2)
  })

  it('takes a release in the config file for programs that do not tell theirs', async () => {
    const config = join(folder, 'config.json')
    writeFileSync(config, JSON.stringify({ sp1: '3.4.0' }))
    const { exitCode, json } = await prove('--policy', policyFile, '--private', '--config', config)
    expect([exitCode, json.sp1]).toEqual([0, '3.4.0'])
  })

  it('has collateral from where the caller says, whatever the server sends along', async () => {
    const asked: (string | undefined)[] = []
    const pccs = await listen((request, response) => {
      asked.push(request.url)
      response.writeHead(404).end()
    })
    const trust = ['--policy', policyFile, '--root', root]
    expect((await prove('--policy', policyFile)).exitCode).toBe(0)
    for (const args of [
      ['prove', ...inputs, '--url', url, '--out', join(folder, 'other.json'), ...trust],
      ['verify', proofFile, ...trust],
    ]) {
      asked.length = 0
      const { exitCode, json } = await cliJson([...args, '--pccs-url', pccs])
      expect([exitCode, json.error.code]).toEqual([8, 'PCS_PLATFORM_UNKNOWN'])
      expect(asked).not.toEqual([])
    }
  })

  it('sends nothing to a server that the policy does not accept', async () => {
    for (const isPrivate of [true, false]) {
      const more = isPrivate ? ['--private'] : []
      const { exitCode, json } = await prove('--policy', strangersFile, ...more)
      expect([exitCode, json.error.code]).toEqual([5, 'SIGNER_REFUSED'])
      expect(json.error.message).toContain('workload')
    }
    // A simulated quote, and no root that says it may be one.
    const intel = ['--policy', policyFile, '--private', '--out', proofFile]
    const { exitCode, json } = await cliJson(['prove', ...inputs, '--url', url, ...intel])
    expect([exitCode, json.error.code]).toEqual([5, 'SIGNER_REFUSED'])
  })

  it.each([
    [['--private'], '--policy'],
    [['--private', '--policy', policyFile, '--attestation', 'x.json'], '--attestation'],
  ])('refuses %s', async (args, named) => {
    const { exitCode, stderr } = await cli(['prove', ...inputs, '--url', url, ...args])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(named)
  })

  it('is for a server', async () => {
    const { exitCode } = await cli(['prove', ...inputs, '--private', '--policy', policyFile])
    expect(exitCode).toBe(2)
  })
})
