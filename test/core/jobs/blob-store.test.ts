/** What every store of blobs promises: one suite, the members of the interface; then what is a member's own. */
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Hex, toHex } from '../../../src/core/bytes.js'
import type { BlobStore, BlobStoreOptions } from '../../../src/core/jobs/blob-store.js'
import { openFolderBlobStore } from '../../../src/core/jobs/folder-blob-store.js'
import { openS3BlobStore, type S3BlobStoreOptions } from '../../../src/core/jobs/s3-blob-store.js'
import { S3Client } from '../../../src/core/jobs/s3-client.js'
import { sha256 } from '../../../src/core/sha256.js'
import { type S3, startS3 } from '../../support/s3.js'

const NONE = `0x${'00'.repeat(32)}` as Hex
const HELLO = new TextEncoder().encode('hello')
/** Of coreutils: printf hello | sha256sum */
const HELLO_HASH = '0x2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
/** Long enough for any member to let go of what nobody uses. */
const LONG_MS = 2 * 3_600_000
const sized = (byte: number, bytes = 400) => new Uint8Array(bytes).fill(byte)
async function* chunksOf(...chunks: Uint8Array[]) {
  yield* chunks
}

let nowMs: number
let inUse: Set<string>
let s3: S3
let bucket: Omit<S3BlobStoreOptions, keyof BlobStoreOptions>
let folder: string
beforeAll(async () => {
  s3 = await startS3()
})
afterAll(() => s3.stop())
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sp1-tee-blobs-'))
  nowMs = Date.now()
  inUse = new Set()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const common = () => ({ maxBytes: 1000, inUse: async () => inUse, nowMs: () => nowMs })
const openFolder = (options = {}) => openFolderBlobStore({ ...common(), folder, ...options })
const openS3 = (options: Partial<S3BlobStoreOptions> = {}) =>
  openS3BlobStore({ ...common(), ...bucket, ...options })

interface Member {
  readonly name: string
  /** How often something that may go wrong is tried. */
  readonly races: number
  begin(): Promise<void>
  open(options?: Partial<BlobStoreOptions>): Promise<BlobStore>
  /** What is kept, as whoever has the disk or the bucket sees it. */
  names(): Promise<string[]>
  change(hash: Hex, bytes: Uint8Array): Promise<void>
}

const MEMBERS: readonly Member[] = [
  {
    name: 'a folder',
    races: 100,
    begin: async () => {},
    open: openFolder,
    names: async () => readdirSync(folder).sort(),
    change: async (hash, bytes) => writeFileSync(join(folder, hash.slice(2)), bytes),
  },
  {
    name: 'S3',
    races: 5,
    async begin() {
      bucket = { ...(await s3.makeBucket()), spoolFolder: folder }
    },
    open: openS3,
    names: async () =>
      (await s3.names(bucket.bucket))
        .filter((name) => name !== 'fleet/check')
        .map((name) => name.replace('fleet/', '')),
    async change(hash, bytes) {
      await s3.send('PUT', `/${bucket.bucket}/fleet/${hash.slice(2)}`, bytes)
    },
  },
]

for (const member of MEMBERS) {
  describe(member.name, () => {
    beforeEach(() => member.begin())
    // Nothing of an upload is left, however it went.
    afterEach(() => expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]))

    it('keeps a blob under its SHA-256, also over a restart', async () => {
      expect(await (await member.open()).put(HELLO)).toBe(HELLO_HASH)
      const store = await member.open()
      expect(await store.get(HELLO_HASH)).toEqual(HELLO)
      expect(await store.put(HELLO)).toBe(HELLO_HASH)
      expect(await member.names()).toEqual([HELLO_HASH.slice(2)])
      expect(await store.get(NONE)).toBeUndefined()
    })

    it('keeps an empty blob', async () => {
      const store = await member.open()
      const hash = await store.putStream(chunksOf(), 0)
      expect(await store.get(hash)).toEqual(new Uint8Array())
    })

    it('gives a blob that comes in pieces the same name', async () => {
      const store = await member.open()
      const chunks = chunksOf(HELLO.subarray(0, 2), HELLO.subarray(2))
      expect(await store.putStream(chunks, 5)).toBe(HELLO_HASH)
      expect(await store.get(HELLO_HASH)).toEqual(HELLO)
    })

    it('keeps nothing of what is too large, or breaks off', async () => {
      const store = await member.open()
      const tooLarge = { code: 'BODY_TOO_LARGE' }
      await expect(store.putStream(chunksOf(HELLO, HELLO), 9)).rejects.toMatchObject(tooLarge)
      await expect(store.putStream(chunksOf(sized(1, 1001)), 2000)).rejects.toMatchObject(tooLarge)
      await expect(store.put(sized(1, 1001))).rejects.toMatchObject(tooLarge)
      async function* broken() {
        yield HELLO
        throw new RangeError('the client went away')
      }
      await expect(store.putStream(broken(), 9)).rejects.toThrow('went away')
      expect(await member.names()).toEqual([])
    })

    it.each([
      ['swapped', new TextEncoder().encode('jello')],
      ['cut off', HELLO.subarray(0, 4)],
      ['made longer', sized(1, 5000)],
      ['emptied', new Uint8Array()],
    ])('does not give out a blob that was %s, and takes it again', async (_how, changed) => {
      const store = await member.open()
      await store.put(HELLO)
      await member.change(HELLO_HASH, changed)
      expect(await store.get(HELLO_HASH)).toBeUndefined()
      expect(await store.put(HELLO)).toBe(HELLO_HASH)
      await member.change(HELLO_HASH, changed)
      expect(await store.put(HELLO)).toBe(HELLO_HASH)
      expect(await store.get(HELLO_HASH)).toEqual(HELLO)
    })

    it('knows what it has to hold, also of another server', async () => {
      const [store, other] = [await member.open(), await member.open()]
      expect([await store.hold(HELLO_HASH), await store.hold(NONE)]).toEqual([false, false])
      await other.put(HELLO)
      expect([await store.hold(HELLO_HASH), await other.hold(HELLO_HASH)]).toEqual([true, true])
      await expect(store.check()).resolves.toBeUndefined()
    })

    it('makes room by what was used least, never by what a job needs', async () => {
      const store = await member.open()
      const [a, b] = [await store.put(sized(1)), await store.put(sized(2))]
      inUse.add(a)
      nowMs += LONG_MS
      const c = await store.put(sized(3))
      expect([await store.get(a), await store.get(b)]).toEqual([sized(1), undefined])
      expect(await store.get(c)).toEqual(sized(3))
    })

    it('takes nothing when all that is there is needed or new', async () => {
      const store = await member.open()
      await store.put(sized(1))
      await store.put(sized(2))
      const full = { code: 'STORE_FULL', details: { limitBytes: 1000 } }
      await expect(store.put(sized(3))).rejects.toMatchObject(full)
      await expect(store.putStream(chunksOf(sized(3)), 500)).rejects.toMatchObject(full)
      nowMs += LONG_MS
      expect(await store.put(sized(3))).toMatch(/^0x/)
    })

    it('looks for room again though it is asked for it all the time', async () => {
      const store = await member.open()
      inUse.add(await store.put(sized(1)))
      inUse.add(await store.put(sized(2)))
      nowMs += LONG_MS
      const tryAgain = () => store.put(sized(3)).catch(({ code }) => code)
      expect(await tryAgain()).toBe('STORE_FULL')
      inUse.clear()
      const answers: string[] = []
      for (let tries = 0; tries < 9; tries++) {
        nowMs += 4000
        answers.push(await tryAgain())
      }
      expect(answers.at(-1)).toMatch(/^0x/)
    })

    it('makes room once for many who need it', async () => {
      const store = await member.open()
      for (let i = 0; i < 10; i++) await store.put(sized(i, 100))
      nowMs += LONG_MS
      const hashes = await Promise.all([21, 22, 23, 24].map((i) => store.put(sized(i, 100))))
      for (const hash of hashes) expect(await store.get(hash)).toBeDefined()
      expect((await member.names()).length).toBeLessThanOrEqual(10)
    })

    it('keeps what is put while others look for it', async () => {
      const store = await member.open({ maxBytes: 10_000 })
      for (let i = 0; i < member.races; i++) {
        const bytes = sized(i, 10)
        const hash = toHex(sha256(bytes))
        await whileLooking(store, hash, () => store.put(bytes))
        expect(await store.get(hash)).toEqual(bytes)
      }
    })

    it('keeps what is put in place of what somebody changed, while others look for it', async () => {
      const store = await member.open()
      await store.put(HELLO)
      for (let i = 0; i < member.races; i++) {
        await member.change(HELLO_HASH, sized(1))
        await whileLooking(store, HELLO_HASH, () => store.put(HELLO))
        expect(await store.get(HELLO_HASH)).toEqual(HELLO)
      }
    })

    it('bounds what all uploads have on their way together', async () => {
      const store = await member.open()
      const [bothArrived, arrive] = signalled(2)
      const [mayGoOn, goOn] = signalled(1)
      async function* paused(byte: number) {
        yield sized(byte)
        arrive()
        await mayGoOn
        yield sized(byte, 50)
      }
      const [one, two] = [store.putStream(paused(1), 1000), store.putStream(paused(2), 1000)]
      await bothArrived
      await expect(store.putStream(paused(3), 1000)).rejects.toMatchObject({ code: 'STORE_FULL' })
      await expect(store.put(sized(4))).rejects.toMatchObject({ code: 'STORE_FULL' })
      goOn()
      const hashes = [await one, await two]
      for (const hash of hashes) expect(await store.get(hash)).toHaveLength(450)
      nowMs += LONG_MS
      expect(await store.put(sized(5, 950))).toMatch(/^0x/)
    })

    it('lets a clock be set back', async () => {
      const now = nowMs
      nowMs += LONG_MS
      const store = await member.open()
      const [a, b] = [await store.put(sized(1)), await store.put(sized(2))]
      nowMs = now
      const full = { code: 'STORE_FULL' }
      await expect(store.put(sized(3))).rejects.toMatchObject(full)
      expect(await store.hold(b)).toBe(true)
      nowMs += LONG_MS / 2 + 1000
      inUse.add(b)
      expect(await store.put(sized(3))).toMatch(/^0x/)
      expect([await store.get(a), await store.get(b)]).toEqual([undefined, sized(2)])
    })

    it('counts what a restart found', async () => {
      await (await member.open()).put(sized(1))
      await expect((await member.open()).put(sized(2, 700))).rejects.toMatchObject({
        code: 'STORE_FULL',
      })
    })
  })
}

describe('a folder', () => {
  it('forgets files of broken writes; a shared one only when they are old', async () => {
    const [young, old] = [join(folder, 'x.tmp'), join(folder, 'y.tmp')]
    writeFileSync(young, 'half')
    writeFileSync(old, 'half')
    utimesSync(old, 0, nowMs / 1000 - 3600)
    writeFileSync(join(folder, 'README'), 'not ours')
    await openFolder({ isShared: true })
    expect(readdirSync(folder)).toEqual(['README', 'x.tmp'])
    await openFolder()
    expect(readdirSync(folder)).toEqual(['README'])
  })

  it('that cannot be written is said to be so', async () => {
    const unavailable = { code: 'STORE_UNAVAILABLE' }
    writeFileSync(join(folder, 'file'), '')
    const below = openFolder({ folder: join(folder, 'file', 'x') })
    await expect(below).rejects.toMatchObject(unavailable)
    const store = await openFolder()
    rmSync(folder, { recursive: true })
    await expect(store.put(HELLO)).rejects.toMatchObject(unavailable)
    await expect(store.check()).rejects.toMatchObject(unavailable)
  })
})

describe('a folder that servers share', () => {
  const openShared = (options = {}) => openFolder({ isShared: true, ...options })
  const minutes = (count: number) => count * 60_000

  it('keeps what one of them holds, by whatever it heard of it before', async () => {
    const [one, two] = [await openShared(), await openShared()]
    const [a, b] = [await one.put(sized(1)), await one.put(sized(2))]
    nowMs += minutes(60)
    expect(await two.hold(a)).toBe(true)
    nowMs += minutes(9)
    await one.put(sized(3))
    expect([await one.get(a), await one.get(b)]).toEqual([sized(1), undefined])
  })

  it('keeps what is held while room is made', async () => {
    const two = await openShared()
    const one = await openShared({
      inUse: async () => {
        await two.hold(a)
        return inUse
      },
    })
    const [a, b] = [await one.put(sized(1)), await one.put(sized(2))]
    nowMs += minutes(60)
    await one.put(sized(3))
    expect([await two.get(a), await two.get(b)]).toEqual([sized(1), undefined])
  })

  it('holds nothing that another has removed a moment ago', async () => {
    const store = await openShared()
    await store.put(HELLO)
    rmSync(join(folder, HELLO_HASH.slice(2)))
    expect(await store.hold(HELLO_HASH)).toBe(false)
    expect(await store.put(HELLO)).toBe(HELLO_HASH)
    expect(await store.get(HELLO_HASH)).toEqual(HELLO)
  })

  it('has one limit, whoever put what is there', async () => {
    const [one, two] = [await openShared(), await openShared()]
    await one.put(sized(1))
    await one.put(sized(2))
    nowMs += minutes(60)
    // It learns now and then, beside an upload, what the others put.
    for (let i = 3; i < 12; i++) await two.put(sized(i, 100))
    const bytes = readdirSync(folder).map((name) => statSync(join(folder, name)).size)
    expect(bytes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(1000)
  })

  it('takes a file of a clock that was ahead for one of now', async () => {
    const one = await openShared()
    const a = await one.put(sized(1))
    utimesSync(join(folder, a.slice(2)), nowMs / 1000 + 86400, nowMs / 1000 + 86400)
    const two = await openShared()
    nowMs += minutes(11)
    await two.put(sized(2, 700))
    expect(await one.hold(a)).toBe(false)
  })
})

describe('S3', () => {
  beforeEach(async () => {
    bucket = { ...(await s3.makeBucket()), spoolFolder: folder }
  })

  it('several servers do not remove what one of them holds', async () => {
    const one = await openS3()
    const [a, b] = [await one.put(sized(1)), await one.put(sized(2))]
    const two = await openS3()
    nowMs += LONG_MS
    const touched = Date.now()
    expect(await two.hold(a)).toBe(true)
    const client = new S3Client({ ...bucket, nowMs: () => nowMs })
    expect(await client.writtenAtMs(a.slice(2))).toBeGreaterThan(touched - 2000)
    // To the clock of the test, and not to that of S3, both are old. So the held one goes last.
    inUse.add(a)
    await two.put(sized(3))
    expect([await one.get(a), await one.get(b)]).toEqual([sized(1), undefined])
    expect(await one.hold(b)).toBe(false)
  })

  it('what is not ours is neither counted nor removed', async () => {
    await s3.send('PUT', `/${bucket.bucket}/fleet/README`, sized(1, 5000))
    await s3.send('PUT', `/${bucket.bucket}/other/${'ab'.repeat(32)}`, sized(1, 5000))
    const store = await openS3()
    for (let i = 0; i < 5; i++) {
      nowMs += LONG_MS
      await store.put(sized(i))
    }
    const names = await s3.names(bucket.bucket)
    expect(names).toEqual(expect.arrayContaining(['fleet/README', `other/${'ab'.repeat(32)}`]))
  })

  it.each([
    ['an unknown key', { accessKeyId: 'AKIAUNKNOWN' }, 'does not know the key AWS_ACCESS_KEY_ID'],
    ['a wrong secret', { secretAccessKey: 'hunter2' }, 'AWS_SECRET_ACCESS_KEY does not belong'],
  ])('%s is told, and no secret', async (_what, wrong, reason) => {
    const opening = openS3({ credentials: { ...bucket.credentials, ...wrong } })
    const error = await opening.catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' })
    expect(error.message).toContain(reason)
    const text = JSON.stringify({ ...error, message: error.message })
    for (const secret of [bucket.credentials.secretAccessKey, 'hunter2']) {
      expect(text).not.toContain(secret)
    }
  })

  it('a bucket that is not there is told', async () => {
    await expect(openS3({ bucket: 'nowhere' })).rejects.toThrow('no bucket of that name')
  })

  it('that is away is unavailable, and works again when it is back', async () => {
    const store = await openS3()
    await store.put(HELLO)
    s3.close()
    const unavailable = { code: 'STORE_UNAVAILABLE' }
    await expect(store.put(sized(1))).rejects.toMatchObject(unavailable)
    await expect(store.get(HELLO_HASH)).rejects.toMatchObject(unavailable)
    await expect(store.check()).rejects.toMatchObject(unavailable)
    await s3.open()
    expect(await store.get(HELLO_HASH)).toEqual(HELLO)
    // It came back while it was asked: nobody notices.
    s3.close()
    const [got] = await Promise.all([store.get(HELLO_HASH), s3.open()])
    expect(got).toEqual(HELLO)
  }, 20_000)
})

/** A server that answers what it likes. */
describe('an S3 that lies', () => {
  let asked: string[]
  let server: ReturnType<typeof createServer>
  let answer: (path: string, response: import('node:http').ServerResponse) => void
  let client: S3Client
  beforeEach(async () => {
    asked = []
    server = createServer((request, response) => {
      if (request.url !== '/bucket/p/early') request.resume()
      asked.push(`${request.method} ${request.url}`)
      answer(request.url ?? '', response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
    const where = { bucket: 'bucket', prefix: 'p/', region: 'us-east-1', endpoint, credentials }
    client = new S3Client({ ...where, nowMs: Date.now, timeoutMs: 300 })
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })
  const unavailable = (reason: string) => ({ code: 'STORE_UNAVAILABLE', details: { reason } })

  it('is not followed elsewhere', async () => {
    answer = (_path, response) => response.writeHead(307, { location: '/elsewhere' }).end()
    await expect(client.get('x', 10)).rejects.toMatchObject(
      unavailable('the bucket is in another region; set AWS_REGION'),
    )
    expect(asked).toEqual(['GET /bucket/p/x'])
    answer = (_path, response) =>
      response.writeHead(301, { 'x-amz-bucket-region': 'eu-west-3' }).end()
    await expect(client.get('x', 10)).rejects.toThrow('set AWS_REGION, perhaps to eu-west-3')
  })

  it('is cut off when an object is larger than it may be, or than it says', async () => {
    answer = (_path, response) => response.writeHead(200, { 'content-length': 11 }).end('x')
    expect(await client.get('x', 10)).toBeUndefined()
    answer = (_path, response) => {
      response.writeHead(200)
      response.on('close', () => clearInterval(timer))
      const timer = setInterval(() => response.write('x'.repeat(1000)), 1)
    }
    expect(await client.get('x', 10)).toBeUndefined()
    await expect(client.list(undefined)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  })

  it('has a bounded time for each of a few attempts', async () => {
    answer = () => {}
    await expect(client.get('x', 10)).rejects.toMatchObject(
      unavailable('S3 does not answer in time'),
    )
    expect(asked).toHaveLength(3)
    answer = (_path, response) => response.writeHead(200, { 'content-length': 9 }).write('x')
    await expect(client.get('x', 10)).rejects.toMatchObject(
      unavailable('S3 does not answer in time'),
    )
  }, 10_000)

  it('may be busy for a while', async () => {
    answer = (_path, response) => {
      if (asked.length < 3) response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>')
      else response.end('hello')
    }
    answer = ((next) => (path, response) => {
      if (asked.length === 3) response.setHeader('content-length', 5)
      next(path, response)
    })(answer)
    expect(await client.get('x', 10)).toEqual(HELLO)
    answer = (_path, response) => response.writeHead(400).end('<Error><Code>Odd</Code></Error>')
    await expect(client.get('x', 10)).rejects.toMatchObject(unavailable('S3 answers 400 Odd'))
    expect(asked).toHaveLength(4)
  })

  it('may refuse an upload before its end, or break off in it', async () => {
    async function* endless() {
      for (;;) yield sized(1, 2 ** 18)
    }
    const body = { open: endless, bytes: 2 ** 30, hash: NONE }
    answer = (_path, response) =>
      response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>')
    await expect(client.put('early', body)).rejects.toThrow('s3:PutObject')
    answer = (_path, response) => response.destroy()
    await expect(client.put('early', body)).rejects.toThrow('S3 does not answer')
  })

  it('is asked for each page of a list', async () => {
    const page = (name: string, rest = '') =>
      `<L><Contents><Key>p/${name}</Key><Size>7</Size><LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents>${rest}</L>`
    const more =
      '<IsTruncated>true</IsTruncated><NextContinuationToken>t+/=</NextContinuationToken>'
    answer = (path, response) =>
      response.end(path.includes('token=t%2B%2F%3D') ? page('b') : page('a', more))
    const writtenAtMs = Date.UTC(2026, 0, 2, 3, 4, 5)
    const first = await client.list(undefined)
    expect(first).toEqual({ objects: [{ name: 'a', bytes: 7, writtenAtMs }], next: 't+/=' })
    const second = { objects: [{ name: 'b', bytes: 7, writtenAtMs }], next: undefined }
    expect(await client.list(first.next)).toEqual(second)
  })

  it('that copies nothing, or repeats a page for ever, is found out', async () => {
    answer = (_path, response) => response.end('<Error><Code>InternalError</Code></Error>')
    await expect(client.touch('x')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
    const page =
      '<L><Contents><Key>p/x</Key></Contents><NextContinuationToken>t</NextContinuationToken></L>'
    answer = (path, response) => response.end(path.includes('list-type') ? page : '')
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' }
    const where = { bucket: 'bucket', prefix: 'p/', region: 'us-east-1', credentials }
    const opening = openS3({ ...where, endpoint, spoolFolder: folder })
    await expect(opening).rejects.toThrow('too many objects')
  }, 30_000)
})

/** Two look for the blob all the while. */
async function whileLooking(store: BlobStore, hash: Hex, work: () => Promise<unknown>) {
  let isOver = false
  const look = async () => {
    while (!isOver) await store.get(hash)
  }
  const looks = [look(), look()]
  await work()
  isOver = true
  await Promise.all(looks)
}

/** A promise, and what is to be called so often until it resolves. */
function signalled(count: number): [Promise<void>, () => void] {
  let left = count
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return [promise, () => (--left === 0 ? resolve() : undefined)]
}
