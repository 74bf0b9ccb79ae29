/**
 * Which programs are there, and for which release each is: so that a job for a known program is taken
 * without reading it. That it is still there, and still itself, is seen when the job runs.
 */
import type { Hex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import type { ReleaseChoice } from '../executor/release.js'
import type { BlobStore } from '../jobs/blob-store.js'
import { checkElf } from '../prover/elf-vkey.js'

const MAX_ENTRIES = 4096

export class ProgramIndex {
  readonly #blobs: BlobStore
  /** In order of last use. */
  readonly #releases = new Map<string, string>()

  constructor(blobs: BlobStore) {
    this.#blobs = blobs
  }

  /**
   * The release that a program is run as.
   *
   * @throws UnavailableError `PROGRAM_UNKNOWN`
   * @throws InputError `ELF_…`, `RELEASE_…`
   */
  async release(programId: Hex, choice: ReleaseChoice): Promise<string> {
    const key = `${programId} ${choice.sp1} ${choice.fallbackSp1}`
    const sp1 = this.#has(programId, key) ?? (await this.#read(programId, choice))
    this.#releases.delete(key)
    this.#releases.set(key, sp1)
    const [oldest] = this.#releases.keys()
    if (this.#releases.size > MAX_ENTRIES && oldest !== undefined) this.#releases.delete(oldest)
    return sp1
  }

  #has(programId: Hex, key: string): string | undefined {
    return this.#blobs.has(programId) ? this.#releases.get(key) : undefined
  }

  async #read(programId: Hex, choice: ReleaseChoice): Promise<string> {
    const elf = await this.#blobs.get(programId)
    if (elf === undefined) throw new UnavailableError('PROGRAM_UNKNOWN', { programId })
    return checkElf(elf, choice)
  }
}
