/** Files that users name on the command line: read within bounds, written whole or not at all. */
import { randomUUID } from 'node:crypto'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InputError } from './core/index.js'

const GIB = 2 ** 30
/** No program or input that SP1 takes is larger. */
const MAX_FILE_BYTES = GIB

/**
 * The whole file, or standard input for `-`.
 *
 * @throws InputError `FILE_UNREADABLE`
 */
export async function readInput(path: string): Promise<Uint8Array> {
  if (path === '-') return readStandardInput()
  try {
    const { size } = await stat(path)
    if (size > MAX_FILE_BYTES) tooLarge(path)
    return await readFile(path)
  } catch (error) {
    throw asFileError('FILE_UNREADABLE', path, error)
  }
}

/**
 * Replace `path` in one step, so that no reader ever sees half of it.
 *
 * @throws InputError `FILE_UNWRITABLE`
 */
export async function writeOutput(path: string, contents: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`)
  try {
    const file = await open(temporary, 'wx', 0o644)
    try {
      await file.writeFile(contents)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw asFileError('FILE_UNWRITABLE', path, error)
  }
}

async function readStandardInput(): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of process.stdin) {
    size += chunk.length
    if (size > MAX_FILE_BYTES) tooLarge('-')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function tooLarge(path: string): never {
  throw new InputError('FILE_UNREADABLE', { path, reason: 'it is larger than 1 GiB' })
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
  return new InputError(code, { path, reason: REASONS[errno] ?? errno }, error)
}
