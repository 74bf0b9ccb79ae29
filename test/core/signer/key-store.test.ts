import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import { loadOrCreateKey } from '../../../src/core/signer/key-store.js'

const LIBRARY = new URL('../../../dist/core/index.js', import.meta.url)
const entropy = (byteCount: number) => new Uint8Array(randomBytes(byteCount))

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sp1-tee-key-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const load = (name = 'state', allowDisk = true) =>
  loadOrCreateKey({ folder: join(folder, name), allowDisk, entropy })

describe('loadOrCreateKey', () => {
  it('makes a key once, for the owner alone, and leaves nothing else', async () => {
    const key = await load()
    expect(key).toHaveLength(32)
    expect(await load()).toEqual(key)
    expect(await readdir(join(folder, 'state'))).toEqual(['signer.key'])
    expect((await stat(join(folder, 'state/signer.key'))).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'state'))).mode & 0o777).toBe(0o700)
  })

  it('gives processes that start together the same key', async () => {
    const script = `
      import { randomBytes } from 'node:crypto'
      import { loadOrCreateKey } from ${JSON.stringify(LIBRARY.href)}
      const key = await loadOrCreateKey({
        folder: ${JSON.stringify(join(folder, 'shared'))},
        allowDisk: true,
        entropy: (count) => new Uint8Array(randomBytes(count)),
      })
      process.stdout.write(Buffer.from(key).toString('hex'))`
    const run = () => promisify(execFile)('node', ['--input-type=module', '-e', script])
    const runs = await Promise.all(Array.from({ length: 6 }, run))
    const key = toHex(await load('shared')).slice(2)
    expect(runs.map(({ stdout }) => stdout)).toEqual(Array(6).fill(key))
  })

  it('accepts tmpfs, and only that, unless told otherwise', async () => {
    await expect(load('disk', false)).rejects.toMatchObject({ code: 'KEY_ON_DISK' })
    expect(await readdir(join(folder, 'disk'))).toEqual([])
    const inMemory = await mkdtemp('/dev/shm/sp1-tee-key-').catch(() => undefined)
    if (inMemory === undefined) return
    try {
      const options = { folder: inMemory, allowDisk: false, entropy }
      expect(await loadOrCreateKey(options)).toHaveLength(32)
    } finally {
      await rm(inMemory, { recursive: true })
    }
  })

  it.each([0o604, 0o640, 0o660, 0o644, 0o601])('refuses mode %i', async (mode) => {
    await load()
    await chmod(join(folder, 'state/signer.key'), mode)
    await expect(load()).rejects.toMatchObject({ code: 'KEY_PERMISSIONS' })
  })

  it('refuses a link and a folder in its place', async () => {
    await load()
    await mkdir(join(folder, 'linked'))
    await symlink(join(folder, 'state/signer.key'), join(folder, 'linked/signer.key'))
    await expect(load('linked')).rejects.toMatchObject({ code: 'KEY_PERMISSIONS' })
    await mkdir(join(folder, 'odd/signer.key'), { recursive: true })
    await expect(load('odd')).rejects.toMatchObject({ code: 'KEY_PERMISSIONS' })
  })

  it.each([
    ['an empty file', new Uint8Array()],
    ['31 bytes', new Uint8Array(31).fill(1)],
    ['33 bytes', new Uint8Array(33).fill(1)],
    ['zero', new Uint8Array(32)],
    ['a number beyond the group', new Uint8Array(32).fill(255)],
  ])('refuses %s as a key', async (_name, bytes) => {
    await mkdir(join(folder, 'state'))
    await writeFile(join(folder, 'state/signer.key'), bytes, { mode: 0o600 })
    await expect(load()).rejects.toMatchObject({ code: 'KEY_MALFORMED' })
  })

  it('says so when the folder cannot be made', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(load('file/state')).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' })
  })

  it('never puts a key into an error', async () => {
    await load()
    await chmod(join(folder, 'state/signer.key'), 0o644)
    const error = await load().catch((thrown) => thrown)
    await chmod(join(folder, 'state/signer.key'), 0o600)
    const key = toHex(await load()).slice(2)
    expect(`${error.message}${error.stack}${JSON.stringify(error)}`).not.toContain(key)
  })
})
