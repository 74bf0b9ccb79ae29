/**
 * What the extended rows of the chip Byte hash to: the same for every program, so the build computes it
 * once (scripts/byte-hashes.mjs) and puts it in the file that package.json calls #byte-hashes. The file is
 * used if it is exactly the one that is named here by its hash; without it the rows are hashed as all
 * others are.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { RowHashes } from './recipe.js'

export const BYTE_HASHES_FILE = new URL(import.meta.resolve('#byte-hashes'))
/** Of the file's bytes: little-endian words. */
export const BYTE_HASHES_SHA256 = 'd2a32c5ba22da9272df997da38c456aa3f9b2783704f619387161a5237c68931'

let loading: Promise<RowHashes | undefined> | undefined

/** @returns undefined if the file is not there, or is another */
export function loadByteHashes(): Promise<RowHashes | undefined> {
  loading ??= readHashes(BYTE_HASHES_FILE)
  return loading
}

async function readHashes(file: URL): Promise<RowHashes | undefined> {
  const bytes = await readFile(file).catch(() => undefined)
  if (bytes === undefined || !isByteHashes(bytes)) return undefined
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
}

export function isByteHashes(bytes: Uint8Array): boolean {
  return createHash('sha256').update(bytes).digest('hex') === BYTE_HASHES_SHA256
}
