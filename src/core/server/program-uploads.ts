/** Programs on their way in: each is kept, and its key computed, so that its jobs need not wait for it. */
import type { Hex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import type { BlobStore } from '../jobs/blob-store.js'
import { checkElf, type ElfVkey } from '../prover/elf-vkey.js'
import type { VkeyCache } from '../prover/vkey-cache.js'
import type { JobTerms } from './job-terms.js'

/** Uploads whose key is being computed; each holds on to its program. */
const MAX_UPLOADS = 16
/** A guess: a key takes a few seconds. */
const RETRY_SECONDS = 5

export class ProgramUploads {
  readonly #blobs: BlobStore
  readonly #vkeys: VkeyCache
  readonly #terms: JobTerms
  #underWay = 0

  constructor(blobs: BlobStore, vkeys: VkeyCache, terms: JobTerms) {
    this.#blobs = blobs
    this.#vkeys = vkeys
    this.#terms = terms
  }

  /**
   * @throws InputError `ELF_…`, `RELEASE_…`
   * @throws UnavailableError `QUEUE_FULL`, `STORE_…`
   */
  async take(elf: Uint8Array, asked?: string): Promise<ElfVkey & { programId: Hex }> {
    const sp1 = checkElf(elf, this.#terms.release(asked))
    if (this.#underWay >= MAX_UPLOADS) {
      const facts = { queued: this.#underWay, retryAfterSeconds: RETRY_SECONDS }
      throw new UnavailableError('QUEUE_FULL', facts)
    }
    this.#underWay++
    try {
      const vkey = await this.#vkeys.get(elf, { sp1 })
      return { ...vkey, programId: await this.#blobs.put(elf) }
    } finally {
      this.#underWay--
    }
  }
}
