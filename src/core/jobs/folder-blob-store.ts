/**
 * Blobs in a folder; the network file system of several servers serves as well. When a file was changed
 * says when the blob was last used, to each of them.
 */
import { randomUUID } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { type Hex, toHex } from '../bytes.js'
import { sha256 } from '../sha256.js'
import { BlobRoom, isLately, type KeptBlob, type Reserve } from './blob-room.js'
import {
  BLOB_NAME,
  type BlobStore,
  type BlobStoreOptions,
  MAX_BLOB_BYTES,
  requireKeepable,
} from './blob-store.js'
import { createSpoolFile, discardSpoolFile, guarded, type SpoolFile } from './spool-file.js'

/** A file this young is kept though no job needs it yet: one may be on its way. */
const YOUNGEST_TO_GO_MS = 60_000
/** The same where other servers hold files, by clocks that differ from this one. */
const SHARED_YOUNGEST_TO_GO_MS = 600_000
/** How long the others may put files that are not counted here. */
const COUNTED_FOR_MS = 60_000
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
  readonly #isShared: boolean
  readonly #room: BlobRoom
  readonly #kept = new Map<string, Kept>()
  /** The last of those who change the file of a name, one after the other. */
  readonly #turns = new Map<string, Promise<void>>()

  constructor(options: FolderBlobStoreOptions) {
    const { isShared = false } = options
    this.#options = options
    this.#isShared = isShared
    this.#room = new BlobRoom({
      ...options,
      youngestToGoMs: isShared ? SHARED_YOUNGEST_TO_GO_MS : YOUNGEST_TO_GO_MS,
      ...(isShared && { countedForMs: COUNTED_FOR_MS }),
      list: () => this.#list(),
      remove: (blob, usedBeforeMs) => this.#removeUnused(blob.name, usedBeforeMs),
    })
  }

  /** Learns what is there; leaves of interrupted writes go. */
  async load(): Promise<void> {
    const { folder, nowMs } = this.#options
    const abandonedBeforeMs = nowMs() - ABANDONED_AFTER_MS
    await mkdir(folder, { recursive: true, mode: 0o700 })
    for (const name of await readdir(folder)) {
      if (!name.endsWith('.tmp')) continue
      const path = join(folder, name)
      const changedAtMs = (await unlessAbsent(() => stat(path)))?.mtimeMs ?? 0
      if (!this.#isShared || changedAtMs < abandonedBeforeMs) await rm(path, { force: true })
    }
    await this.#learn()
  }

  async put(bytes: Uint8Array): Promise<Hex> {
    requireKeepable(bytes.length, this.#options.maxBytes)
    const hash = toHex(sha256(bytes))
    if (await this.#isThere(hash)) return hash
    return this.#room.during(async (reserve) => {
      await reserve(bytes.length)
      return this.#adopt(await this.#write([bytes], bytes.length))
    })
  }

  putStream(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Hex> {
    const limitBytes = Math.min(maxBytes, MAX_BLOB_BYTES, this.#options.maxBytes)
    return this.#room.during(async (reserve) =>
      this.#adopt(await this.#write(chunks, limitBytes, reserve)),
    )
  }

  async hold(hash: Hex): Promise<boolean> {
    const name = hash.slice(2)
    const found =
      this.#kept.get(name)?.bytes ??
      (await guarded(() => unlessAbsent(() => stat(this.#path(name)))))?.size
    return found !== undefined && this.#use(name, found)
  }

  async get(hash: Hex): Promise<Uint8Array | undefined> {
    const bytes = await this.#read(hash)
    if (bytes !== undefined) await this.#use(hash.slice(2), bytes.length)
    return bytes
  }

  async check(): Promise<void> {
    const file = await this.#write([new Uint8Array(CHECKED_BYTES)], CHECKED_BYTES)
    await guarded(() => file.handle.sync()).finally(() => discardSpoolFile(file))
  }

  #write(
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    maxBytes: number,
    reserve?: Reserve,
  ): Promise<SpoolFile> {
    const { folder } = this.#options
    return createSpoolFile(chunks, { folder, maxBytes, hasName: true, ...(reserve && { reserve }) })
  }

  /** Whether the very bytes are there already, and are held; a file that only has their name is removed. */
  async #isThere(hash: Hex): Promise<boolean> {
    const name = hash.slice(2)
    if (!this.#kept.has(name)) return false
    const bytes = await this.#read(hash)
    return bytes !== undefined && this.#use(name, bytes.length)
  }

  /** @returns undefined if it is not there, or was not what its name says: that is removed */
  async #read(hash: Hex): Promise<Uint8Array | undefined> {
    const name = hash.slice(2)
    const known = this.#kept.get(name)
    const file = await guarded(() => unlessAbsent(() => open(this.#path(name), 'r')))
    if (file === undefined) {
      this.#forget(name, known)
      return undefined
    }
    try {
      const bytes = await guarded(() => readBounded(file))
      if (bytes !== undefined && toHex(sha256(bytes)) === hash) return bytes
      await this.#removeWrong(name, file)
      return undefined
    } finally {
      await file.close()
    }
  }

  /** Gives the written file its name; both are on the disk then. */
  async #adopt(file: SpoolFile): Promise<Hex> {
    const { path, handle, hash, bytes } = file
    const name = hash.slice(2)
    const now = this.#options.nowMs()
    try {
      await guarded(async () => {
        await handle.utimes(now / 1000, now / 1000)
        await handle.sync()
        await handle.close()
        await this.#inTurn(name, async () => {
          await this.#rename(path, name)
          this.#keep(name, bytes, now)
        })
      })
    } catch (error) {
      await discardSpoolFile(file)
      throw error
    }
    return hash
  }

  async #rename(from: string, name: string): Promise<void> {
    await rename(from, this.#path(name))
    const folder = await open(this.#options.folder, 'r')
    await folder.sync().finally(() => folder.close())
  }

  /** @returns false if it is not there: another server made room */
  #use(name: string, bytes: number): Promise<boolean> {
    return this.#inTurn(name, async () => {
      const now = this.#options.nowMs()
      const known = this.#kept.get(name)
      // Often enough for the order in which files go, after a restart too. Others know only of the file.
      const isKnown = known !== undefined && isLately(known.usedAtMs, YOUNGEST_TO_GO_MS / 2, now)
      if (isKnown && !this.#isShared) return true
      if (await guarded(() => this.#touch(name, now))) {
        this.#keep(name, bytes, now)
        return true
      }
      this.#forget(name, known)
      return false
    })
  }

  /** @returns false if it is not there */
  async #touch(name: string, nowMs: number): Promise<boolean> {
    const touch = () => utimes(this.#path(name), nowMs / 1000, nowMs / 1000).then(() => true)
    return (await unlessAbsent(touch)) ?? false
  }

  /** What is there: of a folder that others change, too, as it is now. */
  async #list(): Promise<KeptBlob[]> {
    if (this.#isShared) await guarded(() => this.#learn())
    const now = this.#options.nowMs()
    for (const [name, { bytes, usedAtMs }] of this.#kept) {
      // Else a clock that was set back would keep it until it is where it was.
      if (usedAtMs > now) this.#keep(name, bytes, now)
    }
    return Array.from(this.#kept, ([name, blob]) => ({ name, ...blob }))
  }

  async #learn(): Promise<void> {
    const gone = new Map(this.#kept)
    for (const name of await readdir(this.#options.folder)) {
      if (!BLOB_NAME.test(name)) continue
      gone.delete(name)
      await this.#inTurn(name, () => this.#look(name))
    }
    for (const [name, known] of gone) this.#forget(name, known)
  }

  async #look(name: string): Promise<void> {
    const file = await unlessAbsent(() => open(this.#path(name), 'r'))
    if (file === undefined) return this.#forget(name, this.#kept.get(name))
    try {
      // Of a file that is open: of others a network file system tells what was so a while ago.
      const { size, mtimeMs } = await file.stat()
      const now = this.#options.nowMs()
      // By a clock that was set back since. It counts from now on, and for everybody.
      if (mtimeMs > now) await this.#touch(name, now)
      this.#keep(name, size, Math.min(mtimeMs, now))
    } finally {
      await file.close()
    }
  }

  #keep(name: string, bytes: number, usedAtMs: number): void {
    this.#room.add(bytes - (this.#kept.get(name)?.bytes ?? 0))
    this.#kept.set(name, { bytes, usedAtMs })
  }

  /** @param known - as it was when its file was not there; one that came since stays */
  #forget(name: string, known: Kept | undefined): void {
    if (known === undefined || this.#kept.get(name) !== known) return
    this.#room.add(-known.bytes)
    this.#kept.delete(name)
  }

  #removeUnused(name: string, usedBeforeMs: number): Promise<void> {
    return this.#inTurn(name, () =>
      guarded(async () => {
        // Held by another server meanwhile.
        if (this.#isShared) await this.#look(name)
        const known = this.#kept.get(name)
        if (known !== undefined && known.usedAtMs >= usedBeforeMs) return
        const isUnused = ({ mtimeMs }: BigIntStats) => Number(mtimeMs) < usedBeforeMs
        await this.#removeIf(name, (taken) => !this.#isShared || isUnused(taken))
      }),
    )
  }

  /** The very file that was read: the name may be that of another by now, put here or by another server. */
  #removeWrong(name: string, file: FileHandle): Promise<void> {
    return this.#inTurn(name, () =>
      guarded(async () => {
        const { ino } = await file.stat({ bigint: true })
        await this.#removeIf(name, (taken) => taken.ino === ino)
      }),
    )
  }

  /** Judged when it has no name any more, so that nobody can use or replace it between. */
  async #removeIf(name: string, isToGo: (taken: BigIntStats) => boolean): Promise<void> {
    const aside = join(this.#options.folder, `${randomUUID()}.tmp`)
    const taken = await unlessAbsent(async () => {
      await rename(this.#path(name), aside)
      const file = await open(aside, 'r')
      return file.stat({ bigint: true }).finally(() => file.close())
    })
    if (taken !== undefined && !isToGo(taken)) return this.#rename(aside, name)
    this.#forget(name, this.#kept.get(name))
    await rm(aside, { force: true })
  }

  async #inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(name) ?? Promise.resolve()).then(work)
    const over = turn.then(
      () => {},
      () => {},
    )
    this.#turns.set(name, over)
    try {
      return await turn
    } finally {
      if (this.#turns.get(name) === over) this.#turns.delete(name)
    }
  }

  #path(name: string): string {
    return join(this.#options.folder, name)
  }
}

/** A file that somebody made larger than any blob is none. */
async function readBounded(file: FileHandle): Promise<Uint8Array | undefined> {
  if ((await file.stat()).size > MAX_BLOB_BYTES) return undefined
  const { buffer, byteOffset, length } = await file.readFile()
  return new Uint8Array(buffer, byteOffset, length)
}

async function unlessAbsent<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
