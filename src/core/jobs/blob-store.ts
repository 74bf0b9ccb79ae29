/**
 * Bytes that jobs need and databases should not hold, by their SHA-256: programs, large inputs, large
 * public values. One interface, two members: a folder, and a bucket of an S3-compatible store for
 * fleets; the same suite holds both. What is read is hashed again, so whoever changes a blob costs a
 * job, never its truth.
 */
import type { Hex } from '../bytes.js'
import { UnavailableError } from '../errors.js'

/** Of what a store keeps: the hash, without 0x. Anything else there is not ours. */
export const BLOB_NAME = /^[0-9a-f]{64}$/
/** No program or input is larger, so nothing larger is read. */
export const MAX_BLOB_BYTES = 2 ** 30

export interface BlobStoreOptions {
  /** Most that it keeps; blobs that no job needs go first, the least used first. */
  readonly maxBytes: number
  /** Hashes of what jobs that have not ended need: of every server that shares the store. */
  readonly inUse: () => Promise<ReadonlySet<string>>
  /** Milliseconds since 1970. */
  readonly nowMs: () => number
}

/** Every method throws UnavailableError `STORE_UNAVAILABLE` when the store cannot do it. */
export interface BlobStore {
  /**
   * Durable when the promise resolves.
   *
   * @returns the hash
   * @throws UnavailableError `STORE_FULL`, `BODY_TOO_LARGE`
   */
  put(bytes: Uint8Array): Promise<Hex>
  /** The same, of bytes as they come, which are not in memory. @param maxBytes - above it `BODY_TOO_LARGE` */
  putStream(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Hex>
  /**
   * Whether it is there, as far as can be told without reading it. It then counts as just used, so
   * that it stays until the job that needs it is in the store of jobs.
   */
  hold(hash: Hex): Promise<boolean>
  /** @returns undefined if it is not there, or is not what its name says */
  get(hash: Hex): Promise<Uint8Array | undefined>
  /** Resolves if it takes blobs now. */
  check(): Promise<void>
}

/** @throws UnavailableError `BODY_TOO_LARGE` it could never be kept, or never be read again */
export function requireKeepable(bytes: number, maxBytes: number): void {
  const limitBytes = Math.min(maxBytes, MAX_BLOB_BYTES)
  if (bytes > limitBytes) throw new UnavailableError('BODY_TOO_LARGE', { limitBytes })
}
