/**
 * Releases of SP1 as data: what differs between them in execution is a field here and an `if`
 * nowhere. Verifying-key recipes, the other half of a release, are in vkey/.
 */
import { InputError } from '../errors.js'
import { parseElf } from '../riscv/elf.js'
import { type ElfRules, MAX_IMAGE_WORDS } from '../riscv/elf-rules.js'
import type { CycleLimit, Kernels } from '../riscv/engine.js'
import type { Isa } from '../riscv/isa.js'
import type { Program } from '../riscv/program.js'
import type { SyscallTable } from '../syscalls/table.js'
import type { Hook } from './hooks/hook.js'
import { SP1_3_4_0 } from './release-3.4.0.js'
import { SP1_5_2_4 } from './release-5.2.4.js'
import { detectRelease, isOfLine } from './release-detection.js'

export interface Sp1Release {
  readonly version: string
  readonly isa: Isa
  readonly elfRules: ElfRules
  readonly syscalls: SyscallTable
  /** The plain cases of some syscalls, as WebAssembly. */
  readonly kernels: Kernels
  readonly descriptors: Descriptors
  /** Refuse at once what cannot be proved about an address. */
  readonly isMemoryStrict: boolean
  readonly cycleLimit: (limit: number) => CycleLimit
  /** Under which name the report counts an instruction. */
  readonly opcodeOf: (mnemonic: string) => string
  /** The committed digest must be one of these of the public values; 32 bytes each. */
  readonly publicValuesDigests: readonly PublicValuesDigest[]
}

export interface PublicValuesDigest {
  readonly name: string
  readonly hash: (publicValues: Uint8Array) => Uint8Array
}

/** What a guest reaches by WRITE, besides standard output (1) and standard error (2). */
export interface Descriptors {
  readonly publicValues: number
  /** What is written here the guest reads again as an input buffer. */
  readonly hint: number
  /** Before what is unread, or behind it. */
  readonly hintGoesTo: 'front' | 'back'
  readonly hooks: ReadonlyMap<number, Hook>
  /** Writes to others up to this one fail; above it, and where there is none, they are ignored. */
  readonly lastReserved?: number
}

/** What no release's loader is looser than. */
const ANY_RELEASE: ElfRules = {
  maxCodeWords: 2 ** 22,
  maxImageWords: MAX_IMAGE_WORDS,
  isStrict: false,
}

const RELEASES: readonly Sp1Release[] = [SP1_3_4_0, SP1_5_2_4]

export const SP1_VERSIONS: readonly string[] = RELEASES.map(({ version }) => version)
export const DEFAULT_SP1_VERSION = SP1_3_4_0.version

/** Which release a program is run as. */
export interface ReleaseChoice {
  /** The caller's choice; a program that was built for another is refused. */
  readonly sp1?: string | undefined
  /** For a program that does not tell; default: the oldest release. */
  readonly fallbackSp1?: string | undefined
}

/**
 * A program loaded as its release does.
 *
 * @throws InputError `RELEASE_UNKNOWN`; `RELEASE_MISMATCH` if it was built for another;
 *   `RELEASE_UNSUPPORTED` if it was built for one that is not known; `ELF_…`
 */
export function loadProgram(
  elf: Uint8Array,
  { sp1, fallbackSp1 = DEFAULT_SP1_VERSION }: ReleaseChoice,
): { program: Program; release: Sp1Release } {
  const fallback = releaseOf(sp1 ?? fallbackSp1)
  const anyProgram = () => parseElf(elf, ANY_RELEASE)
  const found = detectRelease(elf, anyProgram)
  if (found === undefined || isOfLine(fallback, found.line)) {
    return { release: fallback, program: parseElf(elf, fallback.elfRules) }
  }
  const likely = RELEASES.find((release) => isOfLine(release, found.line))
  if (likely === undefined) {
    throw new InputError('RELEASE_UNSUPPORTED', {
      likely: `${found.line}.x`,
      sign: found.sign,
      known: SP1_VERSIONS.join(', '),
    })
  }
  if (sp1 !== undefined) {
    anyProgram()
    throw new InputError('RELEASE_MISMATCH', {
      asked: sp1,
      likely: likely.version,
      sign: found.sign,
    })
  }
  return { release: likely, program: parseElf(elf, likely.elfRules) }
}

/** @throws InputError `RELEASE_UNKNOWN` */
export function releaseOf(version: string): Sp1Release {
  const release = RELEASES.find((candidate) => candidate.version === version)
  if (release === undefined) {
    throw new InputError('RELEASE_UNKNOWN', { release: version, known: SP1_VERSIONS.join(', ') })
  }
  return release
}
