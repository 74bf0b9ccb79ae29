/** What is in a guest's memory, page by page, small enough to compare. */
import { createHash } from 'node:crypto'
import type { Memory } from '../../src/core/riscv/memory.js'

const PAGE_WORDS = 1024
const ZEROES = Buffer.alloc(65_536)
/** Looking at all of a large memory takes seconds; behind this only pages with marks are looked at. */
const SCANNED_WORDS = 2 ** 24

/** Of every page with a word or mark that is not 0: its address, and a digest of both. */
export function digestsOf({
  buffer,
  layout,
  windowBytes,
}: Memory): Readonly<Record<string, string>> {
  const { guestOffset, usedOffset } = layout
  const digests: Record<string, string> = {}
  for (let at = 0; at < windowBytes / 4; at += PAGE_WORDS) {
    const words = Buffer.from(buffer, guestOffset + 4 * at, 4 * PAGE_WORDS)
    const used = Buffer.from(buffer, usedOffset + at, PAGE_WORDS)
    if (isZero(used) && (at >= SCANNED_WORDS || isZero(words))) continue
    const digest = createHash('sha256').update(words).update(used).digest('hex')
    digests[`0x${(4 * at).toString(16)}`] = digest.slice(0, 16)
  }
  return digests
}

/** Is every byte of memory zero that a run could have left something in? */
export function isAllZero({ buffer, layout, registers }: Memory): boolean {
  const { guestOffset, totalBytes } = layout
  for (let at = guestOffset; at < totalBytes; at += ZEROES.length) {
    if (!isZero(Buffer.from(buffer, at, Math.min(ZEROES.length, totalBytes - at)))) return false
  }
  return registers.every((value) => value === 0)
}

function isZero(bytes: Buffer): boolean {
  return bytes.equals(ZEROES.subarray(0, bytes.length))
}
