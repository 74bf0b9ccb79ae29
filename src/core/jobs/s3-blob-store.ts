/**
 * Blobs in a bucket of an S3-compatible store, which several servers share. An upload is spooled to a
 * file while it is hashed, because its name is known only at its end; S3 checks what arrives against
 * that very hash.
 *
 * How old an object is says when it was last used: who holds an old one copies it onto itself. So the
 * rules of the bucket itself, which go by age, do not take what is in use.
 */
import { type FileHandle, mkdir } from 'node:fs/promises'
import { type Hex, toHex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import { sha256 } from '../sha256.js'
import {
  BLOB_NAME,
  type BlobStore,
  type BlobStoreOptions,
  blobsToGo,
  type KeptBlob,
  MAX_BLOB_BYTES,
  requireKeepable,
} from './blob-store.js'
import { type S3Body, S3Client, type S3Options } from './s3-client.js'
import { createSpoolFile, guarded } from './spool-file.js'

/** An object this young is kept though no job needs it yet: one may be on its way, on any server. */
const YOUNGEST_TO_GO_MS = 3_600_000
/** What is held is this far from old, more than S3 lets two clocks differ. */
const FRESH_MS = YOUNGEST_TO_GO_MS / 4
/** How long the others may put objects that are not counted here. */
const COUNTED_FOR_MS = 600_000
/** Making room leaves some for what comes next, because each time costs a list of everything. */
const FULLEST_AFTER = 0.9
/** And a store that is full is not listed for every upload that it refuses. */
const FULL_FOR_MS = 5_000
const CHUNK_BYTES = 256 * 1024
const MAX_FRESH = 65_536
/** A page has a thousand objects. */
const MAX_PAGES = 1_000
const TOO_MANY = { reason: 'S3 lists too many objects; give each fleet a prefix of its own' }
/** Not the name of a blob, so it is never counted. */
const CHECKED_NAME = 'check'

export interface S3BlobStoreOptions extends BlobStoreOptions, Omit<S3Options, 'nowMs'> {
  /** For uploads on their way. */
  readonly spoolFolder: string
}

/** @throws UnavailableError `STORE_UNAVAILABLE`, also when it cannot be written to */
export async function openS3BlobStore(options: S3BlobStoreOptions): Promise<BlobStore> {
  await guarded(() => mkdir(options.spoolFolder, { recursive: true, mode: 0o700 }))
  const store = new S3BlobStore(options)
  await store.check()
  await store.count()
  return store
}

class S3BlobStore implements BlobStore {
  readonly #options: S3BlobStoreOptions
  readonly #client: S3Client
  /** When an object was last known to be young, in order of that. */
  readonly #freshAtMs = new Map<string, number>()
  /** There in all, as of the last list and what was put here since. */
  #bytes = 0
  /** Of blobs on their way from here. */
  #arriving = 0
  #countedAtMs = 0
  #counting: Promise<void> | undefined
  #making: Promise<void> = Promise.resolve()
  #fullUntilMs = 0

  constructor(options: S3BlobStoreOptions) {
    this.#options = options
    this.#client = new S3Client(options)
  }

  async put(bytes: Uint8Array): Promise<Hex> {
    const hash = toHex(sha256(bytes))
    await this.#put(hash, bytes.length, () => bytes)
    return hash
  }

  async putStream(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Hex> {
    const { handle, hash, bytes } = await createSpoolFile(chunks, {
      folder: this.#options.spoolFolder,
      maxBytes: Math.min(maxBytes, MAX_BLOB_BYTES),
      hasName: false,
    })
    try {
      await this.#put(hash, bytes, () => chunksOf(handle))
      return hash
    } finally {
      await handle.close()
    }
  }

  async hold(hash: Hex): Promise<boolean> {
    const name = hash.slice(2)
    const freshAtMs = this.#freshAtMs.get(name)
    if (freshAtMs !== undefined && this.#options.nowMs() - freshAtMs < FRESH_MS) return true
    const isThere = await this.#client.touch(name)
    if (isThere) this.#setFresh(name)
    else this.#freshAtMs.delete(name)
    return isThere
  }

  async get(hash: Hex): Promise<Uint8Array | undefined> {
    const bytes = await this.#client.get(hash.slice(2), MAX_BLOB_BYTES)
    if (bytes !== undefined && toHex(sha256(bytes)) === hash) return bytes
    this.#freshAtMs.delete(hash.slice(2))
    return undefined
  }

  check(): Promise<void> {
    return this.#client.check(CHECKED_NAME)
  }

  /** Learns how much is there: other servers put and remove, too. */
  async count(): Promise<void> {
    let bytes = 0
    for (const blob of await this.#list()) bytes += blob.bytes
    this.#bytes = bytes
    this.#countedAtMs = this.#options.nowMs()
  }

  /** Also what is there already: that makes it young, and right if somebody changed it. */
  async #put(hash: Hex, bytes: number, open: S3Body['open']): Promise<void> {
    requireKeepable(bytes, this.#options.maxBytes)
    const name = hash.slice(2)
    // Spoken for until it is there, so that those who come together all fit.
    this.#arriving += bytes
    try {
      await this.#makeRoom()
      await this.#client.put(name, { open, bytes, hash })
      if (!this.#freshAtMs.has(name)) this.#bytes += bytes
      this.#setFresh(name)
    } finally {
      this.#arriving -= bytes
    }
  }

  async #makeRoom(): Promise<void> {
    const { maxBytes, nowMs } = this.#options
    const isEnough = () => this.#bytes + this.#arriving <= maxBytes
    if (isEnough()) return this.#countNowAndThen()
    // One after the other, because the first may make room for all.
    const making = this.#making.then(async () => {
      if (isEnough()) return
      if (nowMs() >= this.#fullUntilMs) await this.#removeOldest()
      if (isEnough()) return
      this.#fullUntilMs = nowMs() + FULL_FOR_MS
      throw new UnavailableError('STORE_FULL', { limitBytes: maxBytes })
    })
    this.#making = making.catch(() => {})
    return making
  }

  /** Beside the upload that came at the right time. */
  #countNowAndThen(): void {
    if (this.#options.nowMs() - this.#countedAtMs < COUNTED_FOR_MS) return
    this.#counting ??= this.count()
      // The next upload tries again, and meets the same error itself if it lasts.
      .catch(() => {})
      .finally(() => {
        this.#counting = undefined
      })
  }

  async #removeOldest(): Promise<void> {
    const { maxBytes, inUse, nowMs } = this.#options
    const kept = await this.#list()
    this.#bytes = kept.reduce((sum, blob) => sum + blob.bytes, 0)
    this.#countedAtMs = nowMs()
    // Asked after the list, so that a job which is not in it yet has made its blobs young before.
    const needed = await inUse()
    const usedBeforeMs = nowMs() - YOUNGEST_TO_GO_MS
    for (const { name, bytes } of blobsToGo(kept, needed, usedBeforeMs)) {
      if (this.#bytes + this.#arriving <= FULLEST_AFTER * maxBytes) return
      // Held by another server meanwhile, or removed.
      const writtenAtMs = await this.#client.writtenAtMs(name)
      if (writtenAtMs !== undefined && !(writtenAtMs < usedBeforeMs)) continue
      await this.#client.remove(name)
      this.#freshAtMs.delete(name)
      this.#bytes -= bytes
    }
  }

  async #list(): Promise<KeptBlob[]> {
    const kept: KeptBlob[] = []
    let token: string | undefined
    for (let pages = 0; pages === 0 || token !== undefined; pages++) {
      if (pages === MAX_PAGES) throw new UnavailableError('STORE_UNAVAILABLE', TOO_MANY)
      const { objects, next } = await this.#client.list(token)
      for (const { name, bytes, writtenAtMs } of objects) {
        if (BLOB_NAME.test(name)) kept.push({ name, bytes, usedAtMs: writtenAtMs })
      }
      token = next
    }
    return kept
  }

  #setFresh(name: string): void {
    this.#freshAtMs.delete(name)
    this.#freshAtMs.set(name, this.#options.nowMs())
    const [oldest] = this.#freshAtMs.keys()
    if (this.#freshAtMs.size > MAX_FRESH && oldest !== undefined) this.#freshAtMs.delete(oldest)
  }
}

/** From its beginning. Each is overwritten by the next, so that no collection of garbage is waited for. */
async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(CHUNK_BYTES)
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, position)
    if (bytesRead === 0) return
    yield buffer.subarray(0, bytesRead)
    position += bytesRead
  }
}
