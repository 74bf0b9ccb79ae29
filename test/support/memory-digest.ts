/** What is in a guest's memory, page by page, small enough to compare. */
import { createHash } from 'node:crypto'
import type { Memory } from '../../src/core/riscv/memory.js'

const PAGE_WORDS = 1024
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
    const words = new BigUint64Array(buffer, guestOffset + 4 * at, PAGE_WORDS / 2)
    const used = new BigUint64Array(buffer, usedOffset + at, PAGE_WORDS / 8)
    if (isZero(used) && (at >= SCANNED_WORDS || isZero(words))) continue
    const digest = createHash('sha256').update(words).update(used).digest('hex')
    digests[`0x${(4 * at).toString(16)}`] = digest.slice(0, 16)
  }
  return digests
}

/** Is every byte of memory zero that a run could have left something in? */
export function isAllZero({ buffer, layout, registers }: Memory): boolean {
  const { guestOffset, totalBytes } = layout
  const eights = new BigUint64Array(buffer, guestOffset, (totalBytes - guestOffset) / 8)
  return isZero(eights) && registers.every((value) => value === 0)
}

function isZero(eights: BigUint64Array): boolean {
  for (const eight of eights) if (eight !== 0n) return false
  return true
}
