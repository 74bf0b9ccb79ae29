/**
 * A guest program as SP1 sees it: its instruction words and its initial memory.
 * Made from an ELF by `parseElf`; what the executor runs and the verifying key commits to.
 */

export interface Program {
  /** Words of the executable segments in file order; the instruction at index i has pc pcBase + 4i. */
  readonly instructionWords: Uint32Array
  /** The entry point, a multiple of 4. */
  readonly pcStart: number
  /** The lowest address of an executable segment; 2^32 - 1 if there is none. */
  readonly pcBase: number
  /** Addresses of the initial memory, multiples of 4, ascending, no duplicates. */
  readonly imageAddresses: Uint32Array
  /** imageWords[i] is the word at imageAddresses[i], little-endian in memory. */
  readonly imageWords: Uint32Array
}
