/**
 * Syscalls that set the digests a proof exposes, word by word: SHA-256 of the public values, and the
 * hash chain of verified deferred proofs. The executor only records them; the prover compares.
 * Source: sp1-core-executor 3.4.0 and 5.2.4 syscalls/{commit,deferred}.rs.
 */
import {
  defineSyscall,
  invalid,
  refuseMisaligned,
  type Syscall,
  type SyscallContext,
} from './syscall.js'

const DIGEST_WORDS = 8

export const commit = digestWord('COMMIT', 0x00_00_00_10, (context, index, word) =>
  context.commitDigestWord(index, word),
)

export const commitDeferredProofs = digestWord(
  'COMMIT_DEFERRED_PROOFS',
  0x00_00_00_1a,
  (context, index, word) => context.commitDeferredDigestWord(index, word),
)

export const verifySp1Proof = defineSyscall({
  name: 'VERIFY_SP1_PROOF',
  code: 0x00_00_00_1b,
  extraCycles: 0,
  execute(context, vkeyPointer, digestPointer) {
    refuseMisaligned('VERIFY_SP1_PROOF', vkeyPointer, digestPointer)
    if (!context.takeDeferredProof()) invalid('VERIFY_SP1_PROOF', 'the stdin has no proof for it')
  },
})

function digestWord(
  name: string,
  code: number,
  set: (context: SyscallContext, index: number, word: number) => void,
): Syscall {
  return defineSyscall({
    name,
    code,
    extraCycles: 0,
    execute(context, index, word) {
      if (index >= DIGEST_WORDS) invalid(name, `the digest has no word ${index}`)
      set(context, index, word)
    },
  })
}
