/**
 * Verifying keys between runs of `vkey`, and of that command alone: whoever can write these files
 * decides what it prints. Nothing that is signed or verified comes from here.
 *
 * A file has one key, and a name made of what the key depends on. What is not exactly as it was
 * written is as good as absent.
 */
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { bytes32ToHashBytes, type ElfVkey, InputError, isHex } from './core/index.js'
import { replaceFile } from './files.js'

/** No file of ours is longer. */
const MAX_FILE_BYTES = 1024
/** Programs are rebuilt all the time, so old keys must go. */
const MAX_FILES = 256

/** What a key depends on. */
type Program = Pick<ElfVkey, 'sp1' | 'elfHash'>

export class VkeyDiskCache {
  readonly #folder: string
  readonly #warn: (message: string) => void

  /**
   * @param version - of sp1-tee: a key is not taken from another one, which may have erred.
   * @param warn - hears why the disk was of no use; a key can be had without it.
   */
  constructor(version: string, warn: (message: string) => void) {
    const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
    this.#folder = join(caches, 'sp1-tee', 'vkeys', version)
    this.#warn = warn
  }

  /** @returns undefined if there is no such file, or it is broken */
  async read(program: Program): Promise<ElfVkey | undefined> {
    try {
      return parseEntry(await readStart(this.#pathOf(program)), program)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') this.#warn(`No key is taken from the disk: ${codeOf(error)}`)
      return undefined
    }
  }

  async write(vkey: ElfVkey): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      await replaceFile(this.#pathOf(vkey), encodeEntry(vkey), 0o600)
      await this.#removeOldest()
    } catch (error) {
      this.#warn(`The key is not kept on disk: ${codeOf(error)}`)
    }
  }

  #pathOf({ sp1, elfHash }: Program): string {
    return join(this.#folder, `${sp1}-${elfHash.slice(2)}.json`)
  }

  async #removeOldest(): Promise<void> {
    const names = await readdir(this.#folder)
    if (names.length <= MAX_FILES) return
    const files = await Promise.all(
      names.map(async (name) => {
        const path = join(this.#folder, name)
        return { path, writtenMs: (await stat(path)).mtimeMs }
      }),
    )
    files.sort((a, b) => b.writtenMs - a.writtenMs)
    await Promise.all(files.slice(MAX_FILES).map(({ path }) => rm(path, { force: true })))
  }
}

function encodeEntry({ sp1, elfHash, bytes32, hashBytes }: ElfVkey): string {
  return `${JSON.stringify({ sp1, elfHash, bytes32, hashBytes })}\n`
}

/** The key, if the text is what `encodeEntry` made of it. Each encoding must tell the other. */
function parseEntry(text: string, program: Program): ElfVkey | undefined {
  const bytes32 = /"bytes32":"(0x[0-9a-f]{64})"/.exec(text)?.[1]
  if (bytes32 === undefined || !isHex(bytes32)) return undefined
  try {
    const vkey = { ...program, bytes32, hashBytes: bytes32ToHashBytes(bytes32) }
    return encodeEntry(vkey) === text ? vkey : undefined
  } catch (error) {
    if (error instanceof InputError) return undefined
    throw error
  }
}

/** As much as any file of ours has, and one byte more, so that a longer one is not ours. */
async function readStart(path: string): Promise<string> {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_FILE_BYTES + 1))
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

function codeOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined) throw error
  return code
}
