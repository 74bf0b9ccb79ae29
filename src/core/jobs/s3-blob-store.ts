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
import { BlobRoom, isLately, type KeptBlob, type Reserve } from './blob-room.js'
import {
  BLOB_NAME,
  type BlobStore,
  type BlobStoreOptions,
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
  await store.room.count()
  return store
}

class S3BlobStore implements BlobStore {
  readonly #options: S3BlobStoreOptions
  readonly #client: S3Client
  /** When an object was last known to be young, in order of that. */
  readonly #freshAtMs = new Map<string, number>()
  readonly room: BlobRoom

  constructor(options: S3BlobStoreOptions) {
    this.#options = options
    this.#client = new S3Client(options)
    this.room = new BlobRoom({
      ...options,
      youngestToGoMs: YOUNGEST_TO_GO_MS,
      countedForMs: COUNTED_FOR_MS,
      list: () => this.#list(),
      remove: (blob, usedBeforeMs) => this.#remove(blob, usedBeforeMs),
    })
  }

  async put(bytes: Uint8Array): Promise<Hex> {
    requireKeepable(bytes.length, this.#options.maxBytes)
    const hash = toHex(sha256(bytes))
    await this.room.during(async (reserve) => {
      await reserve(bytes.length)
      await this.#put({ hash, bytes: bytes.length, open: () => bytes })
    })
    return hash
  }

  putStream(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Hex> {
    return this.room.during((reserve) => this.#putSpooled(chunks, maxBytes, reserve))
  }

  async hold(hash: Hex): Promise<boolean> {
    const name = hash.slice(2)
    const freshAtMs = this.#freshAtMs.get(name)
    if (freshAtMs !== undefined && isLately(freshAtMs, FRESH_MS, this.#options.nowMs())) return true
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

  async #putSpooled(
    chunks: AsyncIterable<Uint8Array>,
    maxBytes: number,
    reserve: Reserve,
  ): Promise<Hex> {
    const { handle, hash, bytes } = await createSpoolFile(chunks, {
      folder: this.#options.spoolFolder,
      maxBytes: Math.min(maxBytes, MAX_BLOB_BYTES, this.#options.maxBytes),
      hasName: false,
      reserve,
    })
    try {
      await this.#put({ hash, bytes, open: () => chunksOf(handle) })
      return hash
    } finally {
      await handle.close()
    }
  }

  /** Also what is there already: that makes it young, and right if somebody changed it. */
  async #put(body: S3Body): Promise<void> {
    const name = body.hash.slice(2)
    await this.#client.put(name, body)
    if (!this.#freshAtMs.has(name)) this.room.add(body.bytes)
    this.#setFresh(name)
  }

  async #remove({ name, bytes }: KeptBlob, usedBeforeMs: number): Promise<void> {
    // Held by another server meanwhile, or removed.
    const writtenAtMs = await this.#client.writtenAtMs(name)
    if (writtenAtMs !== undefined && !(writtenAtMs < usedBeforeMs)) return
    await this.#client.remove(name)
    this.#freshAtMs.delete(name)
    this.room.add(-bytes)
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
