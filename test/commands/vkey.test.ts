import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bytes32ToHashBytes } from '../../src/core/index.js'
import { cli, cliJson, guestElf } from '../support/cli.js'

const FIBONACCI = guestElf('fibonacci')
const ELF_HASH = 'f986602b5356c100b78f0005a431d7a693de4c2db402241e7dcffb38fa831930'
const BYTES32 = '0x00e3caa2e260cfb01b4b6a1a0970b521b15f7c56c73f5ce0a76607df290e8cd6'
const HASH_BYTES = '0x71e551711833ec06696d4341170b521b0afbe2b61cfd73824ecc0fbe290e8cd6'
const KEY = {
  sp1: '3.4.0',
  elfHash: `0x${ELF_HASH}`,
  bytes32: BYTES32,
  hashBytes: HASH_BYTES,
} as const
/** Of another program: well-formed, and wrong here. */
const OTHER_BYTES32 = '0x00701e57e93b0e70c956de7633cdd0eb2d0fc0486ee84fa490bfcc176f460844'

let folder: string
let env: Record<string, string>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-vkey-'))
  env = { XDG_CACHE_HOME: join(folder, 'cache') }
})
afterAll(() => rm(folder, { recursive: true }))

describe('vkey', () => {
  it('prints the two lines of cargo prove vkey', async () => {
    const run = await cli(['vkey', FIBONACCI], { env })
    expect(run).toEqual({ exitCode: 0, stdout: `Verification Key Hash:\n${BYTES32}`, stderr: '' })
  })

  it('prints both encodings as JSON', async () => {
    const { json } = await cliJson(['vkey', FIBONACCI, '--threads', '1', '--no-cache'])
    expect(json).toEqual(KEY)
  })

  it('prints a table for several programs, and an array as JSON', async () => {
    const args = ['vkey', FIBONACCI, guestElf('fibonacci', '5.2.4')]
    const [table, array] = [await cli(args, { env }), await cliJson(args, { env })]
    const rows = table.stdout.split('\n').map((line) => line.split('  '))
    expect(rows).toEqual([
      [BYTES32, '3.4.0', args[1]],
      [array.json[1].bytes32, '5.2.4', args[2]],
    ])
    expect(array.json).toEqual([KEY, expect.objectContaining({ sp1: '5.2.4' })])
  })

  it('refuses what is no program, and to run without one', async () => {
    const run = await cliJson(['vkey', FIBONACCI, import.meta.filename], { env })
    expect([run.exitCode, run.json.error.code]).toEqual([2, 'ELF_NOT_ELF'])
    const none = await cliJson(['vkey'])
    expect([none.exitCode, none.json.error.code]).toEqual([2, 'USAGE'])
  })
})

describe('vkey --check', () => {
  it.each([
    ['bytes32', BYTES32],
    ['hash_bytes', HASH_BYTES],
    ['digits of either case', BYTES32.toUpperCase().replace('0X', '0x')],
  ])('takes %s', async (_name, expected) => {
    const run = await cliJson(['vkey', FIBONACCI, '--check', expected])
    expect([run.exitCode, run.json]).toEqual([0, KEY])
  })

  it('exits with code 5 on a difference', async () => {
    const run = await cliJson(['vkey', FIBONACCI, '--check', OTHER_BYTES32])
    expect(run.exitCode).toBe(5)
    expect(run.json.error).toMatchObject({
      code: 'VKEY_DIFFERS',
      details: { expected: OTHER_BYTES32, bytes32: BYTES32, hashBytes: HASH_BYTES },
    })
  })

  it.each([
    ['of what is no key', [FIBONACCI, '--check', BYTES32.slice(0, -2)]],
    ['of several programs', [FIBONACCI, FIBONACCI, '--check', BYTES32]],
  ])('refuses a check %s', async (_name, args) => {
    const run = await cliJson(['vkey', ...args])
    expect([run.exitCode, run.json.error.code]).toEqual([2, 'FLAG_INVALID'])
  })
})

describe('vkey --from-bytes32 and --from-hash-bytes', () => {
  it('print the other encoding, or both as JSON', async () => {
    expect((await cli(['vkey', '--from-bytes32', BYTES32])).stdout).toBe(HASH_BYTES)
    expect((await cli(['vkey', '--from-hash-bytes', HASH_BYTES])).stdout).toBe(BYTES32)
    const { json } = await cliJson(['vkey', '--from-bytes32', BYTES32])
    expect(json).toEqual({ bytes32: BYTES32, hashBytes: HASH_BYTES })
  })

  it.each([
    ['a bytes32 beyond 248 bits', ['--from-bytes32', `0x01${BYTES32.slice(4)}`], 'VKEY_MALFORMED'],
    ['hash_bytes beyond p', ['--from-hash-bytes', `0x${'78'.repeat(32)}`], 'VKEY_MALFORMED'],
    ['a program beside it', [FIBONACCI, '--from-bytes32', BYTES32], 'FLAG_INVALID'],
    ['both', ['--from-bytes32', BYTES32, '--from-hash-bytes', HASH_BYTES], 'USAGE'],
  ])('refuse %s', async (_name, args, code) => {
    const run = await cliJson(['vkey', ...args])
    expect([run.exitCode, run.json.error.code]).toEqual([2, code])
  })
})

describe('the cache on disk', () => {
  let keys: string
  let file: string
  const text = (key: object) => `${JSON.stringify(key)}\n`
  const forged = text({
    ...KEY,
    bytes32: OTHER_BYTES32,
    hashBytes: bytes32ToHashBytes(OTHER_BYTES32),
  })

  beforeAll(async () => {
    const { version } = JSON.parse(
      await readFile(new URL('../../package.json', import.meta.url), 'utf8'),
    )
    keys = join(folder, 'cache', 'sp1-tee', 'vkeys', version)
    file = join(keys, `3.4.0-${ELF_HASH}.json`)
  })
  beforeEach(async () => {
    await mkdir(keys, { recursive: true })
    await writeFile(file, text(KEY))
  })

  it('is written whole, for the owner alone', async () => {
    await rm(join(folder, 'cache'), { recursive: true })
    await cli(['vkey', FIBONACCI], { env })
    expect(await readdir(keys)).toEqual([`3.4.0-${ELF_HASH}.json`])
    expect(await readFile(file, 'utf8')).toBe(text(KEY))
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(keys)).mode & 0o777).toBe(0o700)
  })

  it('answers for the command, so that a forged key shows there', async () => {
    await writeFile(file, forged)
    expect((await cliJson(['vkey', FIBONACCI], { env })).json.bytes32).toBe(OTHER_BYTES32)
  })

  it.each([
    ['--no-cache', ['--no-cache']],
    ['--check', ['--check', BYTES32]],
  ])('is not asked with %s', async (_name, args) => {
    await writeFile(file, forged)
    expect((await cliJson(['vkey', FIBONACCI, ...args], { env })).json).toEqual(KEY)
    expect(await readFile(file, 'utf8')).toBe(forged)
  })

  it('never changes what is signed, or what is verified', async () => {
    await writeFile(file, forged)
    const state = ['--state-dir', join(folder, 'state'), '--insecure-key-on-disk']
    const out = join(folder, 'proof.json')
    const input = ['--input', '0x0a000000']
    const proof = await cliJson(['prove', FIBONACCI, ...input, ...state, '--out', out], { env })
    expect([proof.json.vkey, proof.json.vkeyHash]).toEqual([BYTES32, HASH_BYTES])
    const args = ['verify', out, '--elf', FIBONACCI, '--signer', proof.json.signer]
    expect((await cliJson(args, { env })).json.valid).toBe(true)
    expect(await readFile(file, 'utf8')).toBe(forged)
  })

  it('is mended where it is broken', async () => {
    await writeFile(file, text(KEY).slice(0, 200))
    expect((await cliJson(['vkey', FIBONACCI], { env })).json).toEqual(KEY)
    expect(await readFile(file, 'utf8')).toBe(text(KEY))
  })

  it('does not stop the command where it cannot be used', async () => {
    await rm(file)
    await mkdir(file)
    const run = await cli(['vkey', FIBONACCI], { env })
    expect([run.exitCode, run.stdout]).toEqual([0, `Verification Key Hash:\n${BYTES32}`])
    expect(run.stderr).toBe(
      'No key is taken from the disk: EISDIR\nThe key is not kept on disk: EISDIR',
    )
    await rm(file, { recursive: true })
  })
})
