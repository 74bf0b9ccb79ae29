/** Marks of words, a byte each: most pages have none, and cost nothing as long as nobody writes there. */

/** As many marks belong to a page of words: what is looked at as a whole. */
export const PAGE_WORDS = 1024
const PART_EIGHTS = PAGE_WORDS / 8

/** A part of marks that are not all 0, and the index of its first. */
export interface Part {
  readonly at: number
  readonly bytes: Uint8Array
}

/** What of `bytes` is not zero, which it is after that. Writes where it must. */
export function takeOut(bytes: Uint8Array): Part[] {
  return markedPages(bytes).map((page) => {
    const at = page * PAGE_WORDS
    const part = bytes.subarray(at, at + PAGE_WORDS)
    const copy = part.slice()
    part.fill(0)
    return { at, bytes: copy }
  })
}

/** Numbers of the pages with a mark, ascending. Reads eight bytes at a time. */
export function markedPages(bytes: Uint8Array): number[] {
  const pages: number[] = []
  const eights = new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)
  for (let start = 0; start < eights.length; start += PART_EIGHTS) {
    const end = Math.min(start + PART_EIGHTS, eights.length)
    let at = start
    while (at < end && eights[at] === 0n) at++
    if (at < end) pages.push(start / PART_EIGHTS)
  }
  return pages
}
