/** SP1 5.2.4. Source: sp1-core-executor 5.2.4; sp1-primitives consts.rs for the descriptors. */
import { blake3 } from '@noble/hashes/blake3.js'
import { RV32IM_ISA } from '../riscv/decode.js'
import { ELF_RULES_5_2_4 } from '../riscv/elf-rules.js'
import { sha256 } from '../sha256.js'
import { kernelsOf } from '../syscalls/kernel-module.js'
import { SYSCALLS_5_2_4 } from '../syscalls/table.js'
import { decompressHook } from './hooks/ecrecover.js'
import { edDecompressWitnessHook } from './hooks/ed25519.js'
import { bls12381InverseHook, bls12381SqrtHook, fpInverseHook, fpSqrtHook } from './hooks/field.js'
import { rsaMulModHook } from './hooks/rsa.js'
import { opcodeOf } from './opcodes.js'
import type { Sp1Release } from './release.js'

export const SP1_5_2_4: Sp1Release = {
  version: '5.2.4',
  isa: RV32IM_ISA,
  elfRules: ELF_RULES_5_2_4,
  syscalls: SYSCALLS_5_2_4,
  kernels: kernelsOf(SYSCALLS_5_2_4.values()),
  descriptors: {
    publicValues: 13,
    hint: 14,
    hintGoesTo: 'front',
    hooks: new Map([
      [15, decompressHook],
      [16, edDecompressWitnessHook],
      [17, rsaMulModHook],
      [18, bls12381SqrtHook],
      [19, bls12381InverseHook],
      [20, fpSqrtHook],
      [21, fpInverseHook],
    ]),
    lastReserved: 10,
  },
  isMemoryStrict: true,
  cycleLimit: (limit) => ({ limit, mostCycles: limit, holdsUnconstrained: false }),
  opcodeOf,
  // Its verifiers try both.
  publicValuesDigests: [
    { name: 'SHA-256', hash: sha256 },
    { name: 'BLAKE3', hash: blake3 },
  ],
}
