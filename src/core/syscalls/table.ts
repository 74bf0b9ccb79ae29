/**
 * Which syscalls a release of SP1 has. Adding one is one line here and one definition in its
 * family's file. Source: sp1-core-executor 3.4.0 and 5.2.4 syscalls/{code,mod}.rs.
 */
import { InternalError } from '../errors.js'
import { commit, commitDeferredProofs, verifySp1Proof } from './commit.js'
import { edAdd, edDecompress } from './edwards.js'
import { fpSyscalls } from './fp.js'
import { fp2Syscalls } from './fp2.js'
import { hintLen, hintLenOrMax, hintRead, write } from './io.js'
import { keccakPermute } from './keccak256.js'
import { enterUnconstrained, exitUnconstrained, halt } from './process.js'
import { shaCompress, shaExtend } from './sha256.js'
import type { Syscall } from './syscall.js'
import { u256xU2048Mul, uint256Mul } from './uint256.js'
import {
  bls12381Add,
  bls12381Double,
  bn254Add,
  bn254Double,
  secp256k1Add,
  secp256k1Double,
  secp256r1Add,
  secp256r1Double,
} from './weierstrass.js'
import {
  bls12381Decompress,
  secp256k1Decompress,
  secp256r1Decompress,
} from './weierstrass-decompress.js'

export type SyscallTable = ReadonlyMap<number, Syscall>

/** The same in all releases. */
const COMMON = [
  halt,
  write,
  enterUnconstrained,
  exitUnconstrained,
  commit,
  commitDeferredProofs,
  verifySp1Proof,
  hintRead,
  shaExtend,
  keccakPermute,
  edAdd,
  secp256k1Add,
  secp256k1Double,
  secp256k1Decompress,
  bn254Add,
  bn254Double,
  bls12381Add,
  bls12381Double,
  bls12381Decompress,
  uint256Mul,
]

export const SYSCALLS_3_4_0: SyscallTable = tableOf([
  ...COMMON,
  hintLen,
  edDecompress({ isReduced: false }),
  shaCompress({ refusesOverlap: true }),
  ...fpSyscalls({ provesUnreduced: false }),
  ...fp2Syscalls({ padsParts: false }),
])

export const SYSCALLS_5_2_4: SyscallTable = tableOf([
  ...COMMON,
  hintLenOrMax,
  edDecompress({ isReduced: true }),
  shaCompress({ refusesOverlap: false }),
  ...fpSyscalls({ provesUnreduced: true }),
  ...fp2Syscalls({ padsParts: true }),
  secp256r1Add,
  secp256r1Double,
  secp256r1Decompress,
  u256xU2048Mul,
])

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
