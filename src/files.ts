/** Files that users name on the command line: read within bounds, written whole or not at all. */
import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InputError } from './core/index.js'

const MIB = 2 ** 20
/** No program or input that SP1 takes is larger. */
const MAX_FILE_BYTES = 1024 * MIB

let isStandardInputTaken = false

/**
 * The whole file, or standard input for `-`.
 *
 * @throws InputError `FILE_UNREADABLE`, also when it has more than 1 GiB, as a device may, and for
 *   standard input that was read already
 */
export async function readInput(path: string): Promise<Uint8Array> {
  if (path === '-') takeStandardInput()
  const stream = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: MIB })
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of stream) {
      size += chunk.length
      if (size > MAX_FILE_BYTES) {
        throw new InputError('FILE_UNREADABLE', { path, reason: 'it is larger than 1 GiB' })
      }
      chunks.push(chunk)
    }
  } catch (error) {
    throw asFileError('FILE_UNREADABLE', path, error)
  }
  return Buffer.concat(chunks)
}

/** Whoever reads it again finds nothing, and would take that for a file without contents. */
function takeStandardInput(): void {
  const reason = 'standard input can be only one of the files'
  if (isStandardInputTaken) throw new InputError('FILE_UNREADABLE', { path: '-', reason })
  isStandardInputTaken = true
}

/**
 * Replace `path` in one step, so that no reader ever sees half of it; a pipe or device, which cannot
 * be replaced, is written to.
 *
 * @throws InputError `FILE_UNWRITABLE`
 */
export async function writeOutput(path: string, contents: Uint8Array): Promise<void> {
  try {
    const existing = await stat(path).catch(() => undefined)
    if (existing === undefined || existing.isFile()) await replaceFile(path, contents, 0o644)
    else await writeFile(path, contents)
  } catch (error) {
    throw asFileError('FILE_UNWRITABLE', path, error)
  }
}

/** Write another file and give it the name, so that no reader sees half of it. */
export async function replaceFile(
  path: string,
  contents: Uint8Array | string,
  mode: number,
): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`)
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(contents)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission is denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
}

function asFileError(
  code: 'FILE_UNREADABLE' | 'FILE_UNWRITABLE',
  path: string,
  error: unknown,
): unknown {
  if (error instanceof InputError) return error
  const errno = (error as NodeJS.ErrnoException).code
  if (errno === undefined) return error
  const isNoFolder = code === 'FILE_UNWRITABLE' && errno === 'ENOENT'
  const reason = isNoFolder ? 'there is no such folder' : (REASONS[errno] ?? errno)
  return new InputError(code, { path, reason }, error)
}
