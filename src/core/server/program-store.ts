/** Programs that clients uploaded, by the SHA-256 of the ELF. In memory; the least used go first. */
import { type Hex, toHex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import { sha256 } from '../sha256.js'

const DEFAULT_MAX_BYTES = 256 * 2 ** 20

export class ProgramStore {
  readonly #maxBytes: number
  /** In order of last use. */
  readonly #programs = new Map<Hex, Uint8Array>()
  #bytes = 0

  constructor(maxBytes = DEFAULT_MAX_BYTES) {
    this.#maxBytes = maxBytes
  }

  /** @returns the program's id. One that alone exceeds the store is kept until the next comes. */
  put(elf: Uint8Array): Hex {
    const programId = toHex(sha256(elf))
    this.#remove(programId)
    this.#programs.set(programId, elf)
    this.#bytes += elf.length
    for (const oldest of this.#programs.keys()) {
      if (this.#bytes <= this.#maxBytes || oldest === programId) break
      this.#remove(oldest)
    }
    return programId
  }

  /** @throws UnavailableError `PROGRAM_UNKNOWN` */
  get(programId: Hex): Uint8Array {
    const elf = this.#programs.get(programId)
    if (elf === undefined) throw new UnavailableError('PROGRAM_UNKNOWN', { programId })
    this.#programs.delete(programId)
    this.#programs.set(programId, elf)
    return elf
  }

  #remove(programId: Hex): void {
    this.#bytes -= this.#programs.get(programId)?.length ?? 0
    this.#programs.delete(programId)
  }
}
