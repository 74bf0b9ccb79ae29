import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Hex } from '../../../src/core/bytes.js'
import { type BlobStoreOptions, openBlobStore } from '../../../src/core/jobs/blob-store.js'

let folder: string
let nowMs: number
let inUse: Set<string>
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sp1-tee-blobs-'))
  nowMs = 1_700_000_000_000
  inUse = new Set()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = (options: Partial<BlobStoreOptions> = {}) =>
  openBlobStore({
    folder,
    maxBytes: 1000,
    inUse: async () => inUse,
    nowMs: () => nowMs,
    ...options,
  })

const HELLO = new TextEncoder().encode('hello')
/** Of coreutils: printf hello | sha256sum */
const HELLO_HASH = '0x2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
const sized = (byte: number, bytes = 400) => new Uint8Array(bytes).fill(byte)
const pathOf = (hash: Hex) => join(folder, hash.slice(2))
async function* chunksOf(...chunks: Uint8Array[]) {
  yield* chunks
}

describe('a blob', () => {
  it('is kept under its SHA-256, also over a restart', async () => {
    expect(await (await open()).put(HELLO)).toBe(HELLO_HASH)
    const store = await open()
    expect(await store.get(HELLO_HASH)).toEqual(HELLO)
    expect(await store.put(HELLO)).toBe(HELLO_HASH)
    expect(readdirSync(folder)).toEqual([HELLO_HASH.slice(2)])
    expect(await store.get(`0x${'00'.repeat(32)}`)).toBeUndefined()
  })

  it('that comes in pieces is the same blob', async () => {
    const store = await open()
    const chunks = chunksOf(HELLO.subarray(0, 2), HELLO.subarray(2))
    expect(await store.putStream(chunks, 5)).toBe(HELLO_HASH)
    expect(await store.get(HELLO_HASH)).toEqual(HELLO)
  })

  it('that comes in too many pieces, or breaks off, leaves nothing', async () => {
    const store = await open()
    await expect(store.putStream(chunksOf(HELLO, HELLO), 9)).rejects.toMatchObject({
      code: 'BODY_TOO_LARGE',
    })
    async function* broken() {
      yield HELLO
      throw new RangeError('the client went away')
    }
    await expect(store.putStream(broken(), 9)).rejects.toThrow('went away')
    expect(readdirSync(folder)).toEqual([])
  })

  it('that somebody changed is not given out, and can be put again', async () => {
    const store = await open()
    await store.put(HELLO)
    writeFileSync(pathOf(HELLO_HASH), 'jello')
    expect(await store.get(HELLO_HASH)).toBeUndefined()
    expect(await store.put(HELLO)).toBe(HELLO_HASH)
    writeFileSync(pathOf(HELLO_HASH), 'jello')
    expect(await store.put(HELLO)).toBe(HELLO_HASH)
    expect(await store.get(HELLO_HASH)).toEqual(HELLO)
  })
})

describe('room', () => {
  it('is made by what was used least, never by what a job needs', async () => {
    const store = await open()
    const [a, b] = [await store.put(sized(1)), await store.put(sized(2))]
    inUse.add(a)
    nowMs += 120_000
    const c = await store.put(sized(3))
    expect([await store.get(a), await store.get(b)]).toEqual([sized(1), undefined])
    expect(await store.get(c)).toEqual(sized(3))
  })

  it('is refused when all that is there is needed or new', async () => {
    const store = await open()
    await store.put(sized(1))
    await store.put(sized(2))
    await expect(store.put(sized(3))).rejects.toMatchObject({ code: 'STORE_FULL' })
    nowMs += 120_000
    expect(await store.put(sized(3))).toMatch(/^0x/)
  })

  it('counts what a restart found, and forgets files of broken writes', async () => {
    await (await open()).put(sized(1))
    writeFileSync(join(folder, 'x.tmp'), 'half')
    writeFileSync(join(folder, 'README'), 'not ours')
    nowMs = Date.now()
    const store = await open()
    expect(readdirSync(folder)).toHaveLength(2)
    await expect(store.put(sized(2, 700))).rejects.toMatchObject({ code: 'STORE_FULL' })
  })
})

it('a folder that cannot be written is said to be so', async () => {
  writeFileSync(join(folder, 'file'), '')
  await expect(open({ folder: join(folder, 'file', 'x') })).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
  })
  const store = await open()
  rmSync(folder, { recursive: true })
  await expect(store.put(HELLO)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
})
