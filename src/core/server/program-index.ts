/**
 * Programs used lately, in memory: their bytes as they were when they were hashed, and for which release
 * each is. So a job for a known program is taken without reading it.
 */
import type { Hex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import type { ReleaseChoice } from '../executor/release.js'
import type { BlobStore } from '../jobs/blob-store.js'
import { checkElf } from '../prover/elf-vkey.js'

const MAX_ENTRIES = 4096
const MAX_BYTES = 128 * 2 ** 20

export class ProgramIndex {
  readonly #blobs: BlobStore
  /** In order of last use. */
  readonly #releases = new Map<string, string>()
  /** In order of last use. */
  readonly #programs = new Map<Hex, Uint8Array>()
  #bytes = 0

  constructor(blobs: BlobStore) {
    this.#blobs = blobs
  }

  /**
   * The release that a program is run as. The program is held in the store for the job that needs it.
   *
   * @throws UnavailableError `PROGRAM_UNKNOWN`, `STORE_…`
   * @throws InputError `ELF_…`, `RELEASE_…`
   */
  async release(programId: Hex, choice: ReleaseChoice): Promise<string> {
    const key = `${programId} ${choice.sp1} ${choice.fallbackSp1}`
    const isThere = await this.#hold(programId)
    const known = isThere ? this.#releases.get(key) : undefined
    const sp1 = known ?? checkElf(await this.get(programId), choice)
    this.#releases.delete(key)
    this.#releases.set(key, sp1)
    const [oldest] = this.#releases.keys()
    if (this.#releases.size > MAX_ENTRIES && oldest !== undefined) this.#releases.delete(oldest)
    return sp1
  }

  /**
   * @returns bytes whose hash is `programId`; not to be changed
   * @throws UnavailableError `PROGRAM_UNKNOWN`, `STORE_UNAVAILABLE`
   */
  async get(programId: Hex): Promise<Uint8Array> {
    const elf = this.#programs.get(programId) ?? (await this.#blobs.get(programId))
    if (elf === undefined) throw new UnavailableError('PROGRAM_UNKNOWN', { programId })
    this.#keep(programId, elf)
    return elf
  }

  /** Another server may run the job, or this one after a restart: being in memory here is not enough. */
  async #hold(programId: Hex): Promise<boolean> {
    if (await this.#blobs.hold(programId)) return true
    const elf = this.#programs.get(programId)
    if (elf !== undefined) await this.#blobs.put(elf)
    return elf !== undefined
  }

  #keep(programId: Hex, elf: Uint8Array): void {
    if (!this.#programs.delete(programId)) this.#bytes += elf.length
    this.#programs.set(programId, elf)
    for (const [oldest, { length }] of this.#programs) {
      if (this.#bytes <= MAX_BYTES) return
      this.#programs.delete(oldest)
      this.#bytes -= length
    }
  }
}
