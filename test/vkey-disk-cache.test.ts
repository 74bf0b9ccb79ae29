import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { encodeBytes32, encodeHashBytes } from '../src/core/index.js'
import { VkeyDiskCache } from '../src/vkey-disk-cache.js'

const DIGEST = [1, 2, 3, 4, 5, 6, 7, 8]
const KEY = {
  sp1: '3.4.0',
  elfHash: `0x${'ab'.repeat(32)}`,
  bytes32: encodeBytes32(DIGEST),
  hashBytes: encodeHashBytes(DIGEST),
} as const
const NAME = `3.4.0-${'ab'.repeat(32)}.json`

let caches: string
let folder: string
let warnings: string[]
let cache: VkeyDiskCache
beforeEach(async () => {
  caches = await mkdtemp(join(tmpdir(), 'sp1-tee-caches-'))
  process.env.XDG_CACHE_HOME = caches
  folder = join(caches, 'sp1-tee/vkeys/1.2.3')
  warnings = []
  cache = new VkeyDiskCache('1.2.3', (message) => warnings.push(message))
})
afterEach(async () => {
  delete process.env.XDG_CACHE_HOME
  await rm(caches, { recursive: true })
})

describe('VkeyDiskCache', () => {
  it('gives back what was written, for the same program, release and version alone', async () => {
    expect(await cache.read(KEY)).toBeUndefined()
    await cache.write(KEY)
    expect(await cache.read(KEY)).toEqual(KEY)
    expect(await cache.read({ ...KEY, sp1: '5.2.4' })).toBeUndefined()
    expect(await cache.read({ ...KEY, elfHash: `0x${'00'.repeat(32)}` })).toBeUndefined()
    expect(await new VkeyDiskCache('1.2.4', () => {}).read(KEY)).toBeUndefined()
    expect(warnings).toEqual([])
  })

  const written = `${JSON.stringify(KEY)}\n`
  it.each([
    ['empty', ''],
    ['cut', written.slice(0, -2)],
    ['too long', `${written}\n`],
    ['far too long', written.padEnd(5000)],
    ['of one flipped digit', written.replace('0001', '0011')],
    ['beyond the field', JSON.stringify({ ...KEY, bytes32: `0x${'ff'.repeat(32)}` })],
    ['of another program', written.replace('abab', 'abac')],
    ['of another release', written.replace('3.4.0', '5.2.4')],
    [
      'of two different keys',
      JSON.stringify({ ...KEY, hashBytes: encodeHashBytes([...DIGEST].reverse()) }),
    ],
  ])('takes no file that is %s, and mends it', async (_name, broken) => {
    await cache.write(KEY)
    expect(await readFile(join(folder, NAME), 'utf8')).toBe(written)
    await writeFile(join(folder, NAME), broken)
    expect(await cache.read(KEY)).toBeUndefined()
    await cache.write(KEY)
    expect(await cache.read(KEY)).toEqual(KEY)
  })

  it('says why the disk is of no use', async () => {
    await mkdir(join(folder, NAME), { recursive: true })
    expect(await cache.read(KEY)).toBeUndefined()
    await cache.write(KEY)
    expect(warnings).toEqual([
      'No key is taken from the disk: EISDIR',
      'The key is not kept on disk: EISDIR',
    ])
    expect(await readdir(folder)).toEqual([NAME])
  })

  it('forgets the keys written longest ago', async () => {
    await mkdir(folder, { recursive: true })
    for (let i = 0; i < 300; i++) await writeFile(join(folder, `3.4.0-${i}.json`), '')
    await cache.write(KEY)
    const left = await readdir(folder)
    expect(left).toHaveLength(256)
    expect(left).toContain(NAME)
  })
})
