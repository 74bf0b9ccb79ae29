/**
 * Bytes that jobs need and databases should not hold, by their SHA-256: programs, large inputs, large
 * public values. A folder; the network file system of several servers serves as well. What is read is
 * hashed again, so whoever changes a file costs a job, never its truth.
 */
import { createHash, randomUUID } from 'node:crypto'
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
} from 'node:fs/promises'
import { join } from 'node:path'
import { type Hex, toHex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import { sha256 } from '../sha256.js'

const NAME = /^[0-9a-f]{64}$/
/** A file this young is kept though no job needs it yet: one may be on its way. */
const YOUNGEST_TO_GO_MS = 60_000

export interface BlobStoreOptions {
  readonly folder: string
  /** Most that it keeps; files that no job needs go first, the least used first. */
  readonly maxBytes: number
  /** Hashes of what jobs that have not ended need. */
  readonly inUse: () => Promise<ReadonlySet<string>>
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
}

export interface BlobStore {
  /**
   * Durable when the promise resolves.
   *
   * @returns the hash
   * @throws UnavailableError `STORE_FULL`, `STORE_UNAVAILABLE`
   */
  put(bytes: Uint8Array): Promise<Hex>
  /** The same, of bytes as they come. @param maxBytes - above it `BODY_TOO_LARGE` */
  putStream(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Hex>
  /** As far as this process knows; `get` finds out. */
  has(hash: Hex): boolean
  /** @returns undefined if it is not there, or is not what its name says */
  get(hash: Hex): Promise<Uint8Array | undefined>
}

interface Kept {
  readonly bytes: number
  usedAtMs: number
}

/** @throws UnavailableError `STORE_UNAVAILABLE` */
export async function openBlobStore(options: BlobStoreOptions): Promise<BlobStore> {
  const store = new FolderBlobStore(options)
  await guarded(() => store.load())
  return store
}

interface TemporaryFile {
  readonly path: string
  readonly handle: FileHandle
}

class FolderBlobStore implements BlobStore {
  readonly #options: BlobStoreOptions
  readonly #kept = new Map<string, Kept>()
  #bytes = 0

  constructor(options: BlobStoreOptions) {
    this.#options = options
  }

  /** Learns what is there; leaves of interrupted writes go. */
  async load(): Promise<void> {
    const { folder } = this.#options
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const name of await readdir(folder)) {
      const path = join(folder, name)
      if (!NAME.test(name)) {
        if (name.endsWith('.tmp')) await rm(path, { force: true })
        continue
      }
      const { size, mtimeMs } = await stat(path)
      this.#keep(name, size, mtimeMs)
    }
  }

  async put(bytes: Uint8Array): Promise<Hex> {
    const hash = toHex(sha256(bytes))
    if (await this.#isThere(hash)) return hash
    await this.#makeRoom(bytes.length)
    return guarded(async () => {
      const file = await this.#create()
      try {
        await file.handle.writeFile(bytes)
        return await this.#adopt(file, hash, bytes.length)
      } catch (error) {
        await this.#discard(file)
        throw error
      }
    })
  }

  async putStream(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Hex> {
    const file = await guarded(() => this.#create())
    const hasher = createHash('sha256')
    let size = 0
    try {
      for await (const chunk of chunks) {
        size += chunk.length
        if (size > maxBytes) throw new UnavailableError('BODY_TOO_LARGE', { limitBytes: maxBytes })
        hasher.update(chunk)
        await file.handle.write(chunk)
      }
      const hash = toHex(new Uint8Array(hasher.digest()))
      await this.#makeRoom(size)
      return await this.#adopt(file, hash, size)
    } catch (error) {
      await this.#discard(file)
      throw unavailable(error)
    }
  }

  has(hash: Hex): boolean {
    return this.#kept.has(hash.slice(2))
  }

  async get(hash: Hex): Promise<Uint8Array | undefined> {
    const path = this.#path(hash)
    const bytes = await guarded(() => readFile(path)).catch((error) => {
      if ((error.cause as NodeJS.ErrnoException)?.code === 'ENOENT') return undefined
      throw error
    })
    if (bytes === undefined || toHex(sha256(bytes)) !== hash) {
      await this.#remove(hash.slice(2))
      return undefined
    }
    await this.#use(hash.slice(2), bytes.length)
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  /** Whether the very bytes are there already; a file that only has their name is removed. */
  async #isThere(hash: Hex): Promise<boolean> {
    return this.#kept.has(hash.slice(2)) && (await this.get(hash)) !== undefined
  }

  async #create(): Promise<TemporaryFile> {
    const path = join(this.#options.folder, `${randomUUID()}.tmp`)
    return { path, handle: await open(path, 'wx', 0o600) }
  }

  /** Gives the written file its name; both are on the disk then. */
  async #adopt({ path, handle }: TemporaryFile, hash: Hex, bytes: number): Promise<Hex> {
    await handle.sync()
    await handle.close()
    await rename(path, this.#path(hash))
    const folder = await open(this.#options.folder, 'r')
    await folder.sync().finally(() => folder.close())
    this.#keep(hash.slice(2), bytes, this.#options.nowMs())
    return hash
  }

  async #discard({ path, handle }: TemporaryFile): Promise<void> {
    // Closed already if only its renaming failed.
    await handle.close().catch(() => {})
    await rm(path, { force: true })
  }

  async #makeRoom(bytes: number): Promise<void> {
    const { maxBytes, inUse, nowMs } = this.#options
    if (this.#bytes + bytes <= maxBytes) return
    const needed = await inUse()
    const oldestFirst = [...this.#kept].sort(([, a], [, b]) => a.usedAtMs - b.usedAtMs)
    for (const [name, { usedAtMs }] of oldestFirst) {
      if (this.#bytes + bytes <= maxBytes) return
      if (nowMs() - usedAtMs < YOUNGEST_TO_GO_MS || needed.has(`0x${name}`)) continue
      await this.#remove(name)
    }
    if (this.#bytes + bytes > maxBytes) {
      throw new UnavailableError('STORE_FULL', { limitBytes: maxBytes })
    }
  }

  async #use(name: string, bytes: number): Promise<void> {
    const now = this.#options.nowMs()
    const known = this.#kept.get(name)
    // Often enough for the order in which files go, after a restart too.
    if (known !== undefined && now - known.usedAtMs < YOUNGEST_TO_GO_MS / 2) return
    this.#keep(name, bytes, now)
    await guarded(() => utimes(join(this.#options.folder, name), now / 1000, now / 1000))
  }

  #keep(name: string, bytes: number, usedAtMs: number): void {
    this.#bytes += bytes - (this.#kept.get(name)?.bytes ?? 0)
    this.#kept.set(name, { bytes, usedAtMs })
  }

  async #remove(name: string): Promise<void> {
    this.#bytes -= this.#kept.get(name)?.bytes ?? 0
    this.#kept.delete(name)
    await guarded(() => rm(join(this.#options.folder, name), { force: true }))
  }

  #path(hash: Hex): string {
    return join(this.#options.folder, hash.slice(2))
  }
}

async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw unavailable(error)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'permission is denied',
  ENOENT: 'a file is not there',
  EMFILE: 'too many files are open',
}

function unavailable(error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException
  if (code === undefined || syscall === undefined) return error
  return new UnavailableError('STORE_UNAVAILABLE', { reason: REASONS[code] ?? code }, error)
}
