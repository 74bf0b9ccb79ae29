/**
 * For which release programs are that this process has loaded before, by the hash of their very bytes:
 * to load one takes longer than to run a small one.
 */
import { loadProgram, type ReleaseChoice } from '../executor/release.js'
import { hashElf } from './elf-vkey.js'

const MAX_ENTRIES = 4096

export class ReleaseIndex {
  /** In order of last use. */
  readonly #known = new Map<string, string>()

  /** @throws InputError `ELF_…`, `RELEASE_…`, every time */
  versionOf(elf: Uint8Array, choice: ReleaseChoice): string {
    const key = `${hashElf(elf)} ${choice.sp1} ${choice.fallbackSp1}`
    const version = this.#known.get(key) ?? loadProgram(elf, choice).release.version
    this.#known.delete(key)
    this.#known.set(key, version)
    const [oldest] = this.#known.keys()
    if (this.#known.size > MAX_ENTRIES && oldest !== undefined) this.#known.delete(oldest)
    return version
  }
}
