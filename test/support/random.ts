/** Random numbers that are the same everywhere. */

/** An integer from 0 to `below` - 1. */
export type Random = (below: number) => number

/** A small generator with a period that suffices: xorshift32. */
export function randomOf(seed: number): Random {
  let state = spread(seed) || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** Neighbouring seeds far apart: the last steps of MurmurHash3. */
function spread(seed: number): number {
  let x = seed
  x = Math.imul(x ^ (x >>> 16), 0x85eb_ca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2_ae35)
  return x ^ (x >>> 16)
}

export function pick<T>(random: Random, items: readonly T[]): T {
  return items[random(items.length)]
}

export function anyWord(random: Random): number {
  return (random(2 ** 16) * 2 ** 16 + random(2 ** 16)) >>> 0
}
