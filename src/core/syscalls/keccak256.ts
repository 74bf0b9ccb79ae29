/**
 * KECCAK_PERMUTE: Keccak-f[1600] on 25 lanes of 64 bits, each stored as two words, low word first.
 * Source: FIPS 202, 3.2 and 3.3; sp1-core-executor 3.4.0 and
 * 5.2.4 syscalls/precompiles/keccak256/permute.rs.
 */
import { keccakP } from '@noble/hashes/sha3.js'
import { defineSyscall, invalid, requireAligned } from './syscall.js'

const STATE_WORDS = 50

export const keccakPermute = defineSyscall({
  name: 'KECCAK_PERMUTE',
  kernel: 'keccakPermute',
  code: 0x00_01_01_09,
  extraCycles: 1,
  execute(context, statePointer, arg2) {
    if (arg2 !== 0) invalid('KECCAK_PERMUTE', 'its second argument is not 0')
    requireAligned(context, statePointer)
    const state = context.memory.readWords(statePointer, STATE_WORDS)
    keccakP(state)
    context.memory.writeWords(statePointer, state)
  },
})
