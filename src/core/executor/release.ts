/**
 * Releases of SP1 as data: what differs between them in execution is a field here and an `if`
 * nowhere. Verifying-key recipes, the other half of a release, are in vkey/.
 */
import { InputError } from '../errors.js'
import { SYSCALLS_3_4_0, type SyscallTable } from '../syscalls/table.js'

export interface Sp1Release {
  readonly version: string
  readonly syscalls: SyscallTable
  /** The file descriptor whose writes are the public values. */
  readonly publicValuesFd: number
  /** Descriptors that call a host function; its answers come back as input. */
  readonly hooks: ReadonlyMap<number, string>
  /** Under which name the report counts an instruction. */
  readonly opcodeOf: (mnemonic: string) => string
}

/** SP1 has no immediate opcodes: `addi` counts as ADD, `sltiu` as SLTU, and `lui` is an ADD too. */
function opcodeOf(mnemonic: string): string {
  if (mnemonic === 'lui') return 'ADD'
  return mnemonic.replace(/^(add|sub|xor|or|and|sll|srl|sra|slt)i(u?)$/, '$1$2').toUpperCase()
}

export const SP1_3_4_0: Sp1Release = {
  version: '3.4.0',
  syscalls: SYSCALLS_3_4_0,
  publicValuesFd: 3,
  hooks: new Map([
    [5, 'the ecrecover hook'],
    [7, 'the second ecrecover hook'],
    [8, 'the ed25519 decompression hook'],
  ]),
  opcodeOf,
}

const RELEASES: readonly Sp1Release[] = [SP1_3_4_0]

export const SP1_VERSIONS: readonly string[] = RELEASES.map(({ version }) => version)
export const DEFAULT_SP1_VERSION = '3.4.0'

/** @throws InputError `RELEASE_UNKNOWN` */
export function releaseOf(version: string): Sp1Release {
  const release = RELEASES.find((candidate) => candidate.version === version)
  if (release === undefined) {
    throw new InputError('RELEASE_UNKNOWN', { release: version, known: SP1_VERSIONS.join(', ') })
  }
  return release
}
