/**
 * What a release of SP1 commits to in a verifying key, as data. recipe-3.4.0.ts is one.
 */
import type { Program } from '../riscv/program.js'

export interface VkeyRecipe {
  readonly release: string
  readonly chips: readonly Chip[]
  /** The field elements whose hash is the key's digest, canonical. */
  readonly digestInput: (parts: DigestParts) => readonly number[]
}

/** A table of the proof system with columns that depend on the program alone. */
export interface Chip {
  readonly name: string
  /** Ascending; the trace is padded with zero rows to the first that holds it. */
  readonly logHeights: readonly number[]
  /** What the rows are, for the error when they are too many. */
  readonly rowsAre: string
  readonly trace: (program: Program) => Trace
}

export interface Trace {
  readonly rows: number
  readonly columns: readonly Column[]
}

/** The canonical element of a row. */
export type Column = (row: number) => number

export interface DigestParts {
  /** The Merkle root of the traces: 8 words. */
  readonly commit: readonly number[]
  /** The entry point as a field element. */
  readonly pcStart: number
  /** In the order of the commitment: by height, tallest first, then by name. */
  readonly chips: readonly { readonly name: string; readonly logHeight: number }[]
}
