/**
 * The rules by which a run that SP1's executor accepts is still not to be signed, because SP1's
 * prover could not prove it. Memory and jumps report their own; these look at the run's end.
 * docs/conformance.md lists them all.
 */
import { viewOf } from '../bytes.js'
import type { Sp1Release } from './release.js'

export interface RunEnd {
  /** What the engine met on the way, if anything. */
  readonly unprovable: string | undefined
  /** Deferred proofs in the stdin, taken by the guest or not; none is ever verified. */
  readonly deferredProofs: bigint
  readonly hasHalted: boolean
  readonly publicValues: Uint8Array
  readonly digests: Sp1Release['publicValuesDigests']
  /** Words set by COMMIT, each the next 4 digest bytes, little-endian; 0 where none was set. */
  readonly committedDigest: Uint32Array
  readonly deferredDigest: Uint32Array
}

/** Why SP1 could not prove this run; undefined if it could. */
export function whyUnprovable(run: RunEnd): string | undefined {
  if (run.deferredProofs > 0n) return 'its stdin holds deferred proofs, which were not verified'
  if (run.unprovable !== undefined) return run.unprovable
  if (!run.hasHalted) return 'it ended by leaving the program instead of by HALT'
  if (!run.digests.some(({ hash }) => isDigest(run.committedDigest, hash(run.publicValues)))) {
    const names = run.digests.map(({ name }) => name).join(' or ')
    return `the committed digest is not the ${names} of the public values`
  }
  if (run.deferredDigest.some((word) => word !== 0)) {
    return 'it committed to deferred proofs, and none were given'
  }
  return undefined
}

function isDigest(words: Uint32Array, digest: Uint8Array): boolean {
  const view = viewOf(digest)
  return words.every((word, i) => word === view.getUint32(4 * i, true))
}
