/** Blobs in a folder; the network file system of several servers serves as well. */
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { type Hex, toHex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import { sha256 } from '../sha256.js'
import {
  BLOB_NAME,
  type BlobStore,
  type BlobStoreOptions,
  blobsToGo,
  MAX_BLOB_BYTES,
  requireKeepable,
} from './blob-store.js'
import { createSpoolFile, discardSpoolFile, guarded, type SpoolFile } from './spool-file.js'

/** A file this young is kept though no job needs it yet: one may be on its way. */
const YOUNGEST_TO_GO_MS = 60_000
/** No upload of another server pauses for so long; a file that nobody has written to since is left over. */
const ABANDONED_AFTER_MS = 600_000
/** As much as a small program, so that a disk with less room is said to be full. */
const CHECKED_BYTES = 64 * 1024

export interface FolderBlobStoreOptions extends BlobStoreOptions {
  readonly folder: string
  /** Other servers have it, too. */
  readonly isShared?: boolean
}

interface Kept {
  readonly bytes: number
  readonly usedAtMs: number
}

/** @throws UnavailableError `STORE_UNAVAILABLE` */
export async function openFolderBlobStore(options: FolderBlobStoreOptions): Promise<BlobStore> {
  const store = new FolderBlobStore(options)
  await guarded(() => store.load())
  return store
}

class FolderBlobStore implements BlobStore {
  readonly #options: FolderBlobStoreOptions
  readonly #kept = new Map<string, Kept>()
  #bytes = 0
  /** Of blobs on their way. */
  #arriving = 0

  constructor(options: FolderBlobStoreOptions) {
    this.#options = options
  }

  /** Learns what is there; leaves of interrupted writes go. */
  async load(): Promise<void> {
    const { folder, nowMs, isShared = false } = this.#options
    const abandonedBeforeMs = nowMs() - ABANDONED_AFTER_MS
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const name of await readdir(folder)) {
      const path = join(folder, name)
      const isOurs = BLOB_NAME.test(name)
      if (!isOurs && !name.endsWith('.tmp')) continue
      // Another server may just have removed it.
      const found = await unlessAbsent(() => stat(path))
      if (found === undefined) continue
      if (isOurs) this.#keep(name, found.size, found.mtimeMs)
      else if (!isShared || found.mtimeMs < abandonedBeforeMs) await rm(path, { force: true })
    }
  }

  async put(bytes: Uint8Array): Promise<Hex> {
    requireKeepable(bytes.length, this.#options.maxBytes)
    const hash = toHex(sha256(bytes))
    if (await this.#isThere(hash)) return hash
    return this.#withRoom(bytes.length, async () =>
      this.#adopt(await this.#write([bytes], bytes.length)),
    )
  }

  async putStream(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Hex> {
    const file = await this.#write(chunks, Math.min(maxBytes, MAX_BLOB_BYTES))
    try {
      requireKeepable(file.bytes, this.#options.maxBytes)
      return await this.#withRoom(file.bytes, () => this.#adopt(file))
    } catch (error) {
      await discardSpoolFile(file)
      throw error
    }
  }

  async hold(hash: Hex): Promise<boolean> {
    const name = hash.slice(2)
    const known = this.#kept.get(name)
    const found = known ?? (await guarded(() => unlessAbsent(() => stat(this.#path(hash)))))
    if (found === undefined) return false
    return this.#use(name, 'size' in found ? found.size : found.bytes)
  }

  async get(hash: Hex): Promise<Uint8Array | undefined> {
    const bytes = await guarded(() => unlessAbsent(() => readBounded(this.#path(hash))))
    if (bytes === undefined || toHex(sha256(bytes)) !== hash) {
      await this.#remove(hash.slice(2))
      return undefined
    }
    await this.#use(hash.slice(2), bytes.length)
    return bytes
  }

  async check(): Promise<void> {
    const file = await this.#write([new Uint8Array(CHECKED_BYTES)], CHECKED_BYTES)
    await guarded(() => file.handle.sync()).finally(() => discardSpoolFile(file))
  }

  #write(
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    maxBytes: number,
  ): Promise<SpoolFile> {
    return createSpoolFile(chunks, { folder: this.#options.folder, maxBytes, hasName: true })
  }

  /** Whether the very bytes are there already; a file that only has their name is removed. */
  async #isThere(hash: Hex): Promise<boolean> {
    return this.#kept.has(hash.slice(2)) && (await this.get(hash)) !== undefined
  }

  /** Gives the written file its name; both are on the disk then. */
  async #adopt(file: SpoolFile): Promise<Hex> {
    const { path, handle, hash, bytes } = file
    try {
      await guarded(async () => {
        await handle.sync()
        await handle.close()
        await rename(path, this.#path(hash))
        const folder = await open(this.#options.folder, 'r')
        await folder.sync().finally(() => folder.close())
      })
    } catch (error) {
      await discardSpoolFile(file)
      throw error
    }
    this.#keep(hash.slice(2), bytes, this.#options.nowMs())
    return hash
  }

  /** The room is spoken for until the blob is there, so that those who come together all fit. */
  async #withRoom<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    this.#arriving += bytes
    try {
      await this.#makeRoom()
      return await work()
    } finally {
      this.#arriving -= bytes
    }
  }

  async #makeRoom(): Promise<void> {
    const { maxBytes, inUse, nowMs } = this.#options
    const isEnough = () => this.#bytes + this.#arriving <= maxBytes
    if (isEnough()) return
    const needed = await inUse()
    const kept = Array.from(this.#kept, ([name, blob]) => ({ name, ...blob }))
    for (const { name } of blobsToGo(kept, needed, nowMs() - YOUNGEST_TO_GO_MS)) {
      if (isEnough()) return
      await this.#remove(name)
    }
    if (!isEnough()) throw new UnavailableError('STORE_FULL', { limitBytes: maxBytes })
  }

  /** @returns false if it is not there: another server made room */
  async #use(name: string, bytes: number): Promise<boolean> {
    const now = this.#options.nowMs()
    const known = this.#kept.get(name)
    // Often enough for the order in which files go, after a restart too.
    if (known !== undefined && now - known.usedAtMs < YOUNGEST_TO_GO_MS / 2) return true
    const path = join(this.#options.folder, name)
    const touch = () => utimes(path, now / 1000, now / 1000).then(() => true)
    if ((await guarded(() => unlessAbsent(touch))) === undefined) {
      this.#forget(name)
      return false
    }
    this.#keep(name, bytes, now)
    return true
  }

  #keep(name: string, bytes: number, usedAtMs: number): void {
    this.#bytes += bytes - (this.#kept.get(name)?.bytes ?? 0)
    this.#kept.set(name, { bytes, usedAtMs })
  }

  #forget(name: string): void {
    this.#bytes -= this.#kept.get(name)?.bytes ?? 0
    this.#kept.delete(name)
  }

  async #remove(name: string): Promise<void> {
    this.#forget(name)
    await guarded(() => rm(join(this.#options.folder, name), { force: true }))
  }

  #path(hash: Hex): string {
    return join(this.#options.folder, hash.slice(2))
  }
}

/** A file that somebody made larger than any blob is none. */
async function readBounded(path: string): Promise<Uint8Array | undefined> {
  const file = await open(path, 'r')
  try {
    if ((await file.stat()).size > MAX_BLOB_BYTES) return undefined
    const { buffer, byteOffset, length } = await file.readFile()
    return new Uint8Array(buffer, byteOffset, length)
  } finally {
    await file.close()
  }
}

async function unlessAbsent<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
