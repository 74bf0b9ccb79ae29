/**
 * Programs that were run lately, and what their runs leave for the next: those used last, up to a size.
 * A program is known by the hash of its ELF, which is computed of the very bytes at every call.
 */
import { type Hex, toHex } from '../bytes.js'
import type { Program } from '../riscv/program.js'
import { CompiledProgram } from '../riscv/translate/compiled-program.js'
import { sha256 } from '../sha256.js'
import { loadProgram, type ReleaseChoice, type Sp1Release } from './release.js'

export const DEFAULT_PROGRAM_CACHE_BYTES = 256 * 2 ** 20

export interface LoadedProgram {
  /** SHA-256 of the ELF. */
  readonly elfHash: Hex
  readonly program: Program
  readonly release: Sp1Release
  /** What an engine's runs share; engines that translate differently share nothing. */
  compiledFor(engine: string, now: () => number): CompiledProgram
}

class KeptProgram implements LoadedProgram {
  readonly #compiled = new Map<string, CompiledProgram>()

  constructor(
    readonly elfHash: Hex,
    readonly program: Program,
    readonly release: Sp1Release,
  ) {}

  compiledFor(engine: string, now: () => number): CompiledProgram {
    const known = this.#compiled.get(engine)
    const compiled = known ?? new CompiledProgram(this.program, this.release.isa, now)
    this.#compiled.set(engine, compiled)
    return compiled
  }

  get sizeBytes(): number {
    const { imageWords, imageAddresses, instructionWords } = this.program
    const words = imageWords.length + imageAddresses.length + instructionWords.length
    return [...this.#compiled.values()].reduce((sum, one) => sum + one.sizeBytes, 4 * words)
  }
}

export class ProgramCache {
  /** The one used last is the last. */
  readonly #programs = new Map<string, KeptProgram>()

  constructor(readonly maxBytes: number) {}

  /** @throws InputError `ELF_…`, `RELEASE_…` as `loadProgram` */
  load(elf: Uint8Array, choice: ReleaseChoice): LoadedProgram {
    const elfHash = toHex(sha256(elf))
    const key = `${elfHash} ${choice.sp1} ${choice.fallbackSp1}`
    const known = this.#programs.get(key)
    const used = known ?? new KeptProgram(elfHash, ...this.#loaded(elf, choice))
    this.#programs.delete(key)
    this.#programs.set(key, used)
    this.#shrink()
    return used
  }

  get sizeBytes(): number {
    return [...this.#programs.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  #loaded(elf: Uint8Array, choice: ReleaseChoice): [Program, Sp1Release] {
    const { program, release } = loadProgram(elf, choice)
    return [program, release]
  }

  #shrink(): void {
    let bytes = this.sizeBytes
    for (const [key, { sizeBytes }] of this.#programs) {
      if (bytes <= this.maxBytes || this.#programs.size === 1) return
      this.#programs.delete(key)
      bytes -= sizeBytes
    }
  }
}
