/**
 * The signer's key in a file, for commands that end and start again: created once, mode 0600, on
 * tmpfs unless the caller allows a disk. A file that others could have read is refused, for a key
 * that leaked cannot be mended. The only file of signer/ that touches the disk.
 */
import { constants } from 'node:fs'
import { link, lstat, mkdir, open, rename, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { toHex } from '../bytes.js'
import { InputError } from '../errors.js'
import { generateSecretKey, isSecretKey } from './signer.js'

const KEY_FILE = 'signer.key'
/** Permission bits of group and others. */
const FOREIGN_BITS = 0o077
/** statfs(2): file systems whose files are in memory only. */
const TMPFS_MAGIC = 0x0102_1994
const RAMFS_MAGIC = 0x8584_58f6

export interface KeyStoreOptions {
  readonly folder: string
  /** Let the key reach a disk: for development. */
  readonly allowDisk: boolean
  readonly entropy: (byteCount: number) => Uint8Array
}

/**
 * @returns the key, 32 bytes.
 * @throws InputError `KEY_ON_DISK`, `KEY_PERMISSIONS`, `KEY_MALFORMED`, `FILE_UNREADABLE`,
 *   `FILE_UNWRITABLE`
 */
export async function loadOrCreateKey(options: KeyStoreOptions): Promise<Uint8Array> {
  const path = join(options.folder, KEY_FILE)
  await requireFolder(options, path)
  const existing = await loadKey(path)
  if (existing !== undefined) return existing
  await onDisk('FILE_UNWRITABLE', path, () => createKey(path, options))
  // Not the key just drawn: another process may have been first, and all must agree.
  const created = await loadKey(path)
  if (created === undefined) throw new InputError('KEY_MALFORMED', { path })
  return created
}

/**
 * The key that is there, without making one, a folder or anything else.
 *
 * @returns undefined if there is none, and one could be made
 * @throws InputError as `loadOrCreateKey`
 */
export async function findKey({
  folder,
  allowDisk,
}: Omit<KeyStoreOptions, 'entropy'>): Promise<Uint8Array | undefined> {
  const path = join(folder, KEY_FILE)
  if (!allowDisk && !(await isInMemory(await nearestFolder(folder)))) {
    throw new InputError('KEY_ON_DISK', { path })
  }
  return loadKey(path)
}

/** The folder, or the one in which it would be made. */
async function nearestFolder(folder: string): Promise<string> {
  const isThere = await lstat(folder).then(
    () => true,
    (error) => error.code !== 'ENOENT',
  )
  return isThere || folder === dirname(folder) ? folder : nearestFolder(dirname(folder))
}

async function loadKey(path: string): Promise<Uint8Array | undefined> {
  return onDisk('FILE_UNREADABLE', path, async () => {
    const found = await lstat(path).catch((error) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (found === undefined) return undefined
    if (!found.isFile())
      throw new InputError('KEY_PERMISSIONS', { path, mode: 'of no regular file' })
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    try {
      // Of the opened file, which nobody can have exchanged since.
      const { mode, uid } = await file.stat()
      const isForeign = uid !== process.getuid?.()
      if ((mode & FOREIGN_BITS) !== 0 || isForeign) {
        const text = (mode & 0o777).toString(8).padStart(4, '0')
        throw new InputError('KEY_PERMISSIONS', {
          path,
          mode: isForeign ? `${text} of another user` : text,
        })
      }
      const key = new Uint8Array(await file.readFile())
      if (!isSecretKey(key)) throw new InputError('KEY_MALFORMED', { path })
      return key
    } finally {
      await file.close()
    }
  })
}

/**
 * Put another key in the place of the one that is there, in one step.
 *
 * @param secretKey - 32 bytes for which `isSecretKey` holds
 * @throws InputError `KEY_ON_DISK`, `FILE_UNWRITABLE`
 */
export async function replaceKey(options: KeyStoreOptions, secretKey: Uint8Array): Promise<void> {
  const path = join(options.folder, KEY_FILE)
  await requireFolder(options, path)
  await onDisk('FILE_UNWRITABLE', path, () =>
    writeBeside(path, secretKey, options, (temporary) => rename(temporary, path)),
  )
}

/** Of two processes one wins, and the other takes its key. */
async function createKey(path: string, options: KeyStoreOptions): Promise<void> {
  const secretKey = generateSecretKey(options.entropy)
  await writeBeside(path, secretKey, options, async (temporary) => {
    await link(temporary, path).catch((error) => {
      if (error.code !== 'EEXIST') throw error
    })
  })
}

/** Written whole under another name before `publish` gives it its own: nobody reads a half. */
async function writeBeside(
  path: string,
  secretKey: Uint8Array,
  { entropy }: KeyStoreOptions,
  publish: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${toHex(entropy(8))}`
  try {
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(secretKey)
      await file.sync()
    } finally {
      await file.close()
    }
    await publish(temporary)
  } finally {
    await rm(temporary, { force: true })
  }
}

/** @throws InputError `KEY_ON_DISK` the folder is not in memory, and may not be on a disk */
async function requireFolder({ folder, allowDisk }: KeyStoreOptions, path: string): Promise<void> {
  await onDisk('FILE_UNWRITABLE', folder, () => mkdir(folder, { recursive: true, mode: 0o700 }))
  if (!allowDisk && !(await isInMemory(folder))) throw new InputError('KEY_ON_DISK', { path })
}

async function isInMemory(folder: string): Promise<boolean> {
  const { type } = await onDisk('FILE_UNREADABLE', folder, () => statfs(folder))
  return type === TMPFS_MAGIC || type === RAMFS_MAGIC
}

async function onDisk<T>(
  code: 'FILE_UNREADABLE' | 'FILE_UNWRITABLE',
  path: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code
    if (error instanceof InputError || errno === undefined) throw error
    throw new InputError(code, { path, reason: errno }, error)
  }
}
