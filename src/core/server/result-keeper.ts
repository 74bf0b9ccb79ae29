/**
 * Results on their way to a store that is not trusted, and back: large public values become blobs, and
 * each has the seal of the process that executed it.
 */
import { fromHex, type Hex, toHex } from '../bytes.js'
import { UnavailableError } from '../errors.js'
import type { BlobStore } from '../jobs/blob-store.js'
import type { JobRecord } from '../jobs/job-store.js'
import { checkProof } from '../prover/check-proof.js'
import { type ProvableRun, RunSeal } from '../prover/provable-run.js'
import { sha256 } from '../sha256.js'
import type { Proof } from '../signer/proof.js'
import { damaged, encodeOutcome, parseOutcome } from './job-codec.js'

/** Larger inputs and public values are blobs. */
export const INLINE_BYTES = 16 * 1024
const SEAL_KEY_BYTES = 32

export interface OpenedResult {
  readonly proof: Proof
  /** The run, if this very process executed it for this very job. */
  readonly isOurs: ProvableRun | undefined
}

export class ResultKeeper {
  readonly #blobs: BlobStore
  readonly #seal: RunSeal

  constructor(blobs: BlobStore, entropy: (byteCount: number) => Uint8Array) {
    this.#blobs = blobs
    this.#seal = new RunSeal(entropy(SEAL_KEY_BYTES))
  }

  /** @throws UnavailableError `STORE_…` */
  async encode(job: JobRecord, run: ProvableRun, proof: Proof): Promise<string> {
    const seal = this.#seal.seal(run, contextOf(job))
    const publicValues = fromHex(proof.publicValues)
    if (publicValues.length <= INLINE_BYTES) return encodeOutcome({ proof, seal })
    const publicValuesBlob = await this.#blobs.put(publicValues)
    return encodeOutcome({ proof: { ...proof, publicValues: '0x' }, seal, publicValuesBlob })
  }

  /** @throws as `open`, also for a proof of another process whose parts do not fit each other */
  async proofOf(job: JobRecord): Promise<Proof> {
    const { proof, isOurs } = await this.open(job)
    if (isOurs === undefined) {
      const { checks } = await checkProof(proof)
      if (checks.some(({ name, ok }) => !ok && name !== 'trustAnchor')) damaged()
    }
    return proof
  }

  /** @throws UnavailableError `STORE_DAMAGED`, `STORE_UNAVAILABLE`, `INPUT_UNKNOWN` */
  async open(job: JobRecord): Promise<OpenedResult> {
    const { proof: kept, publicValuesBlob, seal } = parseOutcome(job.outcome ?? '')
    const proof =
      publicValuesBlob === undefined
        ? kept
        : { ...kept, publicValues: toHex(await readBlob(this.#blobs, publicValuesBlob)) }
    const { sp1, elfHash, vkey, vkeyHash, publicValues, exitCode, cycles } = proof
    const run = { sp1, elfHash, vkey, vkeyHash, publicValues, exitCode, cycles }
    return { proof, isOurs: this.#seal.open(run, contextOf(job), seal) }
  }
}

/** @throws UnavailableError `INPUT_UNKNOWN`, `STORE_UNAVAILABLE` */
export async function readBlob(blobs: BlobStore, hash: Hex): Promise<Uint8Array> {
  const bytes = await blobs.get(hash)
  if (bytes === undefined) throw new UnavailableError('INPUT_UNKNOWN', { hash })
  return bytes
}

/** What a seal is for: this job and what was asked. */
function contextOf({ id, request }: JobRecord): string {
  return `${id} ${toHex(sha256(new TextEncoder().encode(request)))}`
}
