/** SP1 3.4.0. Source: sp1-core-executor 3.4.0. */
import { RV32IM_ISA } from '../riscv/decode.js'
import { ELF_RULES_3_4_0 } from '../riscv/elf-rules.js'
import { sha256 } from '../sha256.js'
import { kernelsOf } from '../syscalls/kernel-module.js'
import { SYSCALLS_3_4_0 } from '../syscalls/table.js'
import { recoverHook, tryRecoverHook } from './hooks/ecrecover.js'
import { edDecompressHook } from './hooks/ed25519.js'
import { opcodeOf } from './opcodes.js'
import type { Sp1Release } from './release.js'

export const SP1_3_4_0: Sp1Release = {
  version: '3.4.0',
  isa: RV32IM_ISA,
  elfRules: ELF_RULES_3_4_0,
  syscalls: SYSCALLS_3_4_0,
  kernels: kernelsOf(SYSCALLS_3_4_0.values()),
  descriptors: {
    publicValues: 3,
    hint: 4,
    hintGoesTo: 'back',
    hooks: new Map([
      [5, recoverHook],
      [7, tryRecoverHook],
      [8, edDecompressHook],
    ]),
  },
  isMemoryStrict: false,
  // A run of exactly `limit` cycles is over it.
  cycleLimit: (limit) => ({ limit, mostCycles: limit - 1, holdsUnconstrained: true }),
  opcodeOf,
  publicValuesDigests: [{ name: 'SHA-256', hash: sha256 }],
}
