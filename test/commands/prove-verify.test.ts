import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Proof } from '../../src/core/index.js'
import { cli, cliJson, guestElf, guestInput } from '../support/cli.js'

const FIBONACCI = guestElf('fibonacci')
const VKEY = '0x00e3caa2e260cfb01b4b6a1a0970b521b15f7c56c73f5ce0a76607df290e8cd6'
const N_10 = ['--input', '0x0a000000']

let folder: string
let state: string[]
let proof: Proof
let proofFile: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-prove-'))
  state = ['--state-dir', join(folder, 'state'), '--insecure-key-on-disk']
  proofFile = join(folder, 'fibonacci.proof.json')
  const run = await cliJson(['prove', FIBONACCI, ...N_10, ...state, '--out', proofFile])
  expect([run.exitCode, run.stderr]).toEqual([0, ''])
  proof = run.json
})
afterAll(() => rm(folder, { recursive: true }))

async function file(name: string, contents: unknown): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, typeof contents === 'string' ? contents : JSON.stringify(contents))
  return path
}

describe('prove', () => {
  it('prints the proof as JSON and writes the same to the file', async () => {
    expect(proof).toEqual({
      version: 1,
      scheme: 'automata',
      sp1: '3.4.0',
      elfHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      vkey: VKEY,
      vkeyHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      publicValues: '0x0a0000002200000037000000',
      exitCode: 0,
      cycles: 5173,
      signer: expect.stringMatching(/^0x[0-9a-f]{40}$/),
      signature: expect.stringMatching(/^0x[0-9a-f]{128}(1b|1c)$/),
    })
    expect(JSON.parse(await readFile(proofFile, 'utf8'))).toEqual(proof)
  })

  it('is deterministic, names the file after the program, and says so to people', async () => {
    const run = await cli(['prove', FIBONACCI, ...N_10, ...state], { cwd: folder })
    expect(run.exitCode).toBe(0)
    expect(run.stderr).toBe('')
    expect(run.stdout).toContain(`verifying key  ${VKEY}`)
    expect(run.stdout).toContain(`signer         ${proof.signer}`)
    expect(run.stdout).toContain('proof          fibonacci.proof.json')
    expect(JSON.parse(await readFile(proofFile, 'utf8'))).toEqual(proof)
  })

  it('keeps the key, and nothing else, in the state folder, for the owner alone', async () => {
    await cli(['vkey', FIBONACCI, '--no-cache', ...state.slice(0, 2)])
    const stateFolder = join(folder, 'state')
    expect(await readdir(stateFolder)).toEqual(['signer.key'])
    expect((await stat(join(stateFolder, 'signer.key'))).mode & 0o777).toBe(0o600)
    expect((await stat(stateFolder)).mode & 0o777).toBe(0o700)
  })

  it('signs scheme succinct with a version, and needs one', async () => {
    const out = ['--out', join(folder, 'succinct.json')]
    const args = ['prove', FIBONACCI, ...N_10, ...state, ...out, '--scheme', 'succinct']
    const missing = await cliJson(args)
    expect([missing.exitCode, missing.json.error.code]).toEqual([2, 'FLAG_INVALID'])
    const { json } = await cliJson([...args, '--tee-version', '2'])
    expect(json).toMatchObject({ scheme: 'succinct', teeVersion: 2 })
    expect(json.proofBytes).toMatch(/^0x[0-9a-f]{8}(1b|1c)[0-9a-f]{128}0402000000$/)
    const verdict = await cliJson([
      'verify',
      join(folder, 'succinct.json'),
      '--signer',
      json.signer,
    ])
    expect(verdict.json.valid).toBe(true)
  })

  it.each([
    ['a panic', 3, 'GUEST_EXIT', 'panics', ['--stdin', guestInput('panics')]],
    ['an exit code', 3, 'GUEST_EXIT', 'exit-code', ['--input', '0x02000000']],
    ['a wrong digest', 3, 'UNPROVABLE', 'inputs', ['--input', '0x01000080', '--input', '0x616263']],
    ['a limit', 4, 'CYCLE_LIMIT', 'endless', ['--cycle-limit', '10000']],
  ])(
    'refuses %s with exit code %i, and writes no proof',
    async (_name, exitCode, code, guest, args) => {
      const out = join(folder, `${guest}.json`)
      const run = await cliJson(['prove', guestElf(guest), ...args, ...state, '--out', out])
      expect([run.exitCode, run.json.error.code]).toEqual([exitCode, code])
      await expect(stat(out)).rejects.toMatchObject({ code: 'ENOENT' })
    },
  )

  it('refuses a key that others may read', async () => {
    const other = ['--state-dir', join(folder, 'leaked'), '--insecure-key-on-disk']
    await cli(['prove', FIBONACCI, ...N_10, ...other, '--out', join(folder, 'leaked.json')])
    await chmod(join(folder, 'leaked', 'signer.key'), 0o640)
    const run = await cliJson(['prove', FIBONACCI, ...N_10, ...other])
    expect([run.exitCode, run.json.error.code]).toEqual([2, 'KEY_PERMISSIONS'])
    expect(run.json.error.details.mode).toBe('0640')
  })

  it('refuses to keep a key on a disk unless told to', async () => {
    const run = await cliJson(['prove', FIBONACCI, ...N_10, '--state-dir', join(folder, 'disk')])
    expect([run.exitCode, run.json.error.code]).toEqual([2, 'KEY_ON_DISK'])
  })

  it('writes to a device or pipe instead of replacing it', async () => {
    const before = await stat('/dev/full')
    const run = await cliJson(['prove', FIBONACCI, ...N_10, ...state, '--out', '/dev/full'])
    expect([run.exitCode, run.json.error.code]).toEqual([2, 'FILE_UNWRITABLE'])
    expect(run.json.error.details.reason).toBe('the disk is full')
    expect((await stat('/dev/full')).rdev).toBe(before.rdev)
  })

  it('refuses a place it cannot write to', async () => {
    const out = ['--out', join(folder, 'no', 'such', 'folder.json')]
    const run = await cliJson(['prove', FIBONACCI, ...N_10, ...state, ...out])
    expect([run.exitCode, run.json.error.code]).toEqual([2, 'FILE_UNWRITABLE'])
  })
})

describe('verify', () => {
  it('accepts the proof for its signer and its program', async () => {
    const args = ['verify', proofFile, '--signer', proof.signer, '--elf', FIBONACCI]
    const { exitCode, json } = await cliJson([...args, '--public-values', proof.publicValues])
    expect(exitCode).toBe(0)
    expect(json.valid).toBe(true)
    expect(json.checks.map(({ name }: { name: string }) => name)).toEqual([
      'vkey',
      'elfHash',
      'program',
      'publicValues',
      'scheme',
      'signature',
      'trustAnchor',
    ])
  })

  it('is not valid without a trust anchor', async () => {
    const [human, machine] = [
      await cli(['verify', proofFile]),
      await cliJson(['verify', proofFile]),
    ]
    expect([human.exitCode, machine.exitCode]).toEqual([5, 5])
    expect(human.stdout).toMatch(/NO {2}trustAnchor .*pass --signer/)
    expect(human.stdout).toMatch(/not valid$/)
    expect(machine.json.valid).toBe(false)
  })

  it.each([
    ['another program', () => ['--elf', guestElf('hashes')], ['elfHash', 'program']],
    ['other public values', () => ['--public-values', '0x00'], ['publicValues']],
    ['another signer', () => ['--signer', `0x${'11'.repeat(20)}`], ['trustAnchor']],
  ])('refuses %s', async (_name, args, failing) => {
    const signer = ['--signer', proof.signer]
    const given = args()
    const anchors = given[0] === '--signer' ? [] : signer
    const { exitCode, json } = await cliJson(['verify', proofFile, ...anchors, ...given])
    expect(exitCode).toBe(5)
    const failed = json.checks.filter(({ ok }: { ok: boolean }) => !ok)
    expect(failed.map(({ name }: { name: string }) => name)).toEqual(failing)
  })

  it('says for which contract a proof is, and compares that without an RPC, too', async () => {
    const [contract, other] = [`0x${'51'.repeat(20)}`, `0x${'99'.repeat(20)}`]
    const out = join(folder, 'eip712.json')
    const workload = ['--workload-id', `0x${'52'.repeat(32)}`, '--out', out]
    const bound = ['--scheme', 'eip712', '--chain', '31337', '--multiproof', contract, ...workload]
    await cliJson(['prove', FIBONACCI, ...N_10, ...state, ...bound])
    const verify = (...args: string[]) =>
      cliJson(['verify', out, '--signer', proof.signer, ...args], { cwd: folder })
    const domainOf = async (...args: string[]) => {
      const { exitCode, json } = await verify(...args)
      return [exitCode, json.checks.find(({ name }: { name: string }) => name === 'domain').detail]
    }
    const own = `chain 31337, contract ${contract}`
    expect(await domainOf()).toEqual([0, own])
    expect(await domainOf('--chain', '31337', '--multiproof', contract)).toEqual([0, own])
    expect(await domainOf('--chain', '1')).toEqual([5, `it is for ${own}, not for chain 1`])
    expect(await domainOf('--multiproof', other)).toEqual([
      5,
      `it is for ${own}, not for contract ${other}`,
    ])
    expect((await domainOf('--preset', 'automata-testnet'))[0]).toBe(5)
  })

  it('asks no contract that only the config file names, where it has no RPC', async () => {
    const config = await file('preset.json', { preset: 'automata-testnet' })
    const signer = ['--signer', proof.signer]
    const run = await cliJson(['verify', proofFile, ...signer, '--config', config])
    expect([run.exitCode, run.json.valid]).toEqual([0, true])
    const typed = ['--preset', 'automata-testnet']
    for (const args of [typed, [...typed, ...signer], ['--config', config]]) {
      const refused = await cliJson(['verify', proofFile, ...args])
      expect([refused.exitCode, refused.json.error?.code]).toEqual([2, 'FLAG_INVALID'])
    }
  })

  it.each([
    ['no JSON', '{', '(file)'],
    ['an unknown field', { more: 1 }, 'more'],
    ['a missing field', { signature: undefined }, 'signature'],
    ['a wrong version', { version: 2 }, 'version'],
    ['a failed run', { exitCode: 1 }, 'exitCode'],
    ['a short signature', { signature: '0x00' }, 'signature'],
    ['upper-case hex', { vkey: `0x${'AB'.repeat(32)}` }, 'vkey'],
  ])('refuses a file with %s', async (_name, change, field) => {
    const contents = typeof change === 'string' ? change : { ...proof, ...change }
    const run = await cliJson(['verify', await file('broken.json', contents)])
    expect([run.exitCode, run.json.error.code]).toEqual([2, 'PROOF_MALFORMED'])
    expect(run.json.error.details.field).toBe(field)
  })
})
