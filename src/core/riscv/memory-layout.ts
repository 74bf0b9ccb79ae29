/**
 * Where things are in the bytes behind a guest's memory. Compiled code has these numbers in it, so
 * they depend on nothing but what it is compiled for.
 *
 * registers and the words below · slots · block counters · guest memory · one byte per guest word
 */

/** What compiled code and its host tell each other; u32 each, behind the 32 registers. */
export const STATE = {
  registers: 0,
  /** Where the hart is, when compiled code calls what is not compiled. */
  pc: 128,
  /** Instructions it may still execute before it comes back, signed. */
  left: 132,
  /** Not 0: it came back for a reason, which the low bits of the returned pc tell. */
  exit: 136,
} as const

const SLOTS_OFFSET = 1024
/** Of WebAssembly, and more than any of ours. */
const PAGE_BYTES = 65_536

export interface MemoryLayout {
  /** Index into the function table of the code at each instruction, u32; 0 is none. */
  readonly slotsOffset: number
  /** How often each block was entered, u64, at the index of its first instruction. */
  readonly countsOffset: number
  /** Guest address 0. */
  readonly guestOffset: number
  /** A byte per word of guest memory: 1 if it was used. */
  readonly usedOffset: number
  readonly totalBytes: number
}

/**
 * @param guestBytes - size of the guest's address space, a multiple of 4.
 * @param codeWords - instructions of the program; 0 if nothing will be compiled.
 */
export function layoutOf(guestBytes: number, codeWords: number): MemoryLayout {
  const countsOffset = roundUp(SLOTS_OFFSET + 4 * codeWords, 8)
  const guestOffset = roundUp(countsOffset + 8 * codeWords, PAGE_BYTES)
  const usedOffset = roundUp(guestOffset + guestBytes, PAGE_BYTES)
  const totalBytes = roundUp(usedOffset + guestBytes / 4, PAGE_BYTES)
  return { slotsOffset: SLOTS_OFFSET, countsOffset, guestOffset, usedOffset, totalBytes }
}

function roundUp(bytes: number, to: number): number {
  return Math.ceil(bytes / to) * to
}
