/**
 * Which syscalls a release of SP1 has. Adding one is one line here and one definition in its
 * family's file. Source of the 3.4.0 list: sp1-core-executor 3.4.0 syscalls/code.rs.
 */
import { GuestError, InternalError } from '../errors.js'
import { commit, commitDeferredProofs, verifySp1Proof } from './commit.js'
import { hintLen, hintRead, write } from './io.js'
import { keccakPermute } from './keccak256.js'
import { enterUnconstrained, exitUnconstrained, halt } from './process.js'
import { shaCompress, shaExtend } from './sha256.js'
import type { Syscall } from './syscall.js'

export type SyscallTable = ReadonlyMap<number, Syscall>

export const SYSCALLS_3_4_0: SyscallTable = tableOf([
  halt,
  write,
  enterUnconstrained,
  exitUnconstrained,
  shaExtend,
  shaCompress,
  keccakPermute,
  commit,
  commitDeferredProofs,
  verifySp1Proof,
  hintLen,
  hintRead,
  refused('ED_ADD', 0x00_01_01_07),
  refused('ED_DECOMPRESS', 0x00_00_01_08),
  refused('SECP256K1_ADD', 0x00_01_01_0a),
  refused('SECP256K1_DOUBLE', 0x00_00_01_0b),
  refused('SECP256K1_DECOMPRESS', 0x00_00_01_0c),
  refused('BN254_ADD', 0x00_01_01_0e),
  refused('BN254_DOUBLE', 0x00_00_01_0f),
  refused('BLS12381_DECOMPRESS', 0x00_00_01_1c),
  refused('UINT256_MUL', 0x00_01_01_1d),
  refused('BLS12381_ADD', 0x00_01_01_1e),
  refused('BLS12381_DOUBLE', 0x00_00_01_1f),
  refused('BLS12381_FP_ADD', 0x00_01_01_20),
  refused('BLS12381_FP_SUB', 0x00_01_01_21),
  refused('BLS12381_FP_MUL', 0x00_01_01_22),
  refused('BLS12381_FP2_ADD', 0x00_01_01_23),
  refused('BLS12381_FP2_SUB', 0x00_01_01_24),
  refused('BLS12381_FP2_MUL', 0x00_01_01_25),
  refused('BN254_FP_ADD', 0x00_01_01_26),
  refused('BN254_FP_SUB', 0x00_01_01_27),
  refused('BN254_FP_MUL', 0x00_01_01_28),
  refused('BN254_FP2_ADD', 0x00_01_01_29),
  refused('BN254_FP2_SUB', 0x00_01_01_2a),
  refused('BN254_FP2_MUL', 0x00_01_01_2b),
])

/** A syscall SP1 has and we do not run: refused by name, so that nobody takes it for a typo. */
function refused(name: string, code: number): Syscall {
  return {
    name,
    code,
    extraCycles: (code >>> 16) & 0xff,
    execute() {
      throw new GuestError('SYSCALL_UNSUPPORTED', { name })
    },
  }
}

function tableOf(syscalls: readonly Syscall[]): SyscallTable {
  const table = new Map<number, Syscall>()
  for (const syscall of syscalls) {
    const twin = table.get(syscall.code)
    if (twin) throw new InternalError(`${syscall.name} and ${twin.name} have the same code`)
    if (syscall.extraCycles !== ((syscall.code >>> 16) & 0xff)) {
      throw new InternalError(`${syscall.name}: its code says another number of extra cycles`)
    }
    table.set(syscall.code, syscall)
  }
  return table
}
