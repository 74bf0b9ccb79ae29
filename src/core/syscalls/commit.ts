/**
 * Syscalls that set the digests a proof exposes, word by word: SHA-256 of the public values, and the
 * hash chain of verified deferred proofs. The executor only records them; the prover compares.
 * Source: sp1-core-executor 3.4.0 syscalls/{commit,deferred}.rs.
 */
import { defineSyscall, invalid } from './syscall.js'

const DIGEST_WORDS = 8

export const commit = defineSyscall({
  name: 'COMMIT',
  code: 0x00_00_00_10,
  extraCycles: 0,
  execute(context, index, word) {
    if (index >= DIGEST_WORDS) invalid('COMMIT', `the digest has no word ${index}`)
    context.commitDigestWord(index, word)
  },
})

export const commitDeferredProofs = defineSyscall({
  name: 'COMMIT_DEFERRED_PROOFS',
  code: 0x00_00_00_1a,
  extraCycles: 0,
  execute(context, index, word) {
    if (index >= DIGEST_WORDS) invalid('COMMIT_DEFERRED_PROOFS', `the digest has no word ${index}`)
    context.commitDeferredDigestWord(index, word)
  },
})

export const verifySp1Proof = defineSyscall({
  name: 'VERIFY_SP1_PROOF',
  code: 0x00_00_00_1b,
  extraCycles: 0,
  execute() {
    // Deferred proofs are refused with the stdin that carries them, so there is never one to verify.
    invalid('VERIFY_SP1_PROOF', 'the stdin has no proof for it')
  },
})
