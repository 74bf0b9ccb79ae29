/**
 * The rules by which a run that SP1's executor accepts is still not to be signed, because SP1's
 * prover could not prove it. Memory and jumps report their own; these look at the run's end.
 * docs/conformance.md lists them all.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { viewOf } from '../bytes.js'

export interface RunEnd {
  /** What the engine met on the way, if anything. */
  readonly unprovable: string | undefined
  readonly hasHalted: boolean
  readonly publicValues: Uint8Array
  /** Words set by COMMIT, each the next 4 digest bytes, little-endian; 0 where none was set. */
  readonly committedDigest: Uint32Array
  readonly deferredDigest: Uint32Array
}

/** Why SP1 could not prove this run; undefined if it could. */
export function whyUnprovable(run: RunEnd): string | undefined {
  if (run.unprovable !== undefined) return run.unprovable
  if (!run.hasHalted) return 'it ended by leaving the program instead of by HALT'
  if (!isDigestOf(run.committedDigest, run.publicValues)) {
    return 'the committed digest is not the SHA-256 of the public values'
  }
  if (run.deferredDigest.some((word) => word !== 0)) {
    return 'it committed to deferred proofs, and none were given'
  }
  return undefined
}

function isDigestOf(words: Uint32Array, publicValues: Uint8Array): boolean {
  const digest = viewOf(sha256(publicValues))
  return words.every((word, i) => word === digest.getUint32(4 * i, true))
}
