/** Bytes as they come, in a file while they are hashed: their name is known only at their end. */
import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Hex, toHex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import type { Reserve } from './blob-room.js'

export interface SpoolFile {
  readonly path: string
  readonly handle: FileHandle
  readonly hash: Hex
  readonly bytes: number
}

export interface SpoolOptions {
  readonly folder: string
  /** Above it `BODY_TOO_LARGE`. */
  readonly maxBytes: number
  /** Without a name it goes with this process, whatever becomes of that. */
  readonly hasName: boolean
  /** Asked for each piece before it is written, so that no number of uploads fills the disk. */
  readonly reserve?: Reserve
}

/**
 * @throws UnavailableError `BODY_TOO_LARGE`, `STORE_UNAVAILABLE`; whatever `chunks` and `reserve` throw.
 * Nothing is left then
 */
export async function createSpoolFile(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { folder, maxBytes, hasName, reserve }: SpoolOptions,
): Promise<SpoolFile> {
  const path = join(folder, `${randomUUID()}.tmp`)
  const handle = await guarded(() => open(path, 'wx+', 0o600))
  const hasher = createHash('sha256')
  let bytes = 0
  try {
    if (!hasName) await rm(path)
    for await (const chunk of chunks) {
      bytes += chunk.length
      if (bytes > maxBytes) throw new UnavailableError('BODY_TOO_LARGE', { limitBytes: maxBytes })
      await reserve?.(chunk.length)
      hasher.update(chunk)
      await writeAll(handle, chunk)
    }
    return { path, handle, hash: toHex(new Uint8Array(hasher.digest())), bytes }
  } catch (error) {
    await discardSpoolFile({ path, handle })
    throw unavailable(error)
  }
}

export async function discardSpoolFile({
  path,
  handle,
}: Pick<SpoolFile, 'path' | 'handle'>): Promise<void> {
  // Closed already if only its renaming failed.
  await handle.close().catch(() => {})
  await rm(path, { force: true })
}

/** A disk that is nearly full takes a part, and says so only when it is asked to take the rest. */
async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    done += (await handle.write(chunk, done)).bytesWritten
  }
}

/** @throws UnavailableError `STORE_UNAVAILABLE` in place of what the file system says */
export async function guarded<T>(work: () => Promise<T>): Promise<T> {
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
