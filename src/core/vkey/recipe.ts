/** What a release of SP1 commits to in a verifying key, as data: recipe-VERSION.ts. */
import type { Program } from '../riscv/program.js'

export interface VkeyRecipe {
  readonly release: string
  readonly chips: readonly Chip[]
  /** Does it sum up the initial memory as points of a curve (image-digest.ts)? */
  readonly hasImageDigest: boolean
  /** The field elements whose hash is the key's digest, canonical. */
  readonly digestInput: (parts: DigestParts) => readonly number[]
}

/** A table of the proof system with columns that depend on the program alone. */
export interface Chip {
  readonly name: string
  /** Ascending; the trace is padded to the first that holds it. */
  readonly logHeights: readonly number[]
  /** What the rows are, for the error when they are too many. */
  readonly rowsAre: string
  readonly trace: (program: Program) => Trace
}

/**
 * Hashes of extended rows in natural order, in Montgomery form: the first word of every row's hash,
 * then the second of every row's, and so on.
 */
export type RowHashes = Uint32Array

export interface Trace {
  readonly rows: number
  readonly columns: readonly Column[]
  /** What padding rows are. */
  readonly padding: 'zeroes' | 'first row'
  /** For a trace that is the same for every program: what its rows hash to, if that is at hand. */
  readonly rowHashes?: () => Promise<RowHashes | undefined>
}

/** The canonical element of a row. */
export type Column = (row: number) => number

export interface DigestParts {
  /** The Merkle root of the traces: 8 words. */
  readonly commit: readonly number[]
  /** The entry point as a field element. */
  readonly pcStart: number
  /** The x and y of the sum of points, 7 words each; empty if the recipe has none. */
  readonly imageDigest: readonly number[]
  /** In the order of the commitment: by height, tallest first, then by name. */
  readonly chips: readonly CommittedChip[]
}

export interface CommittedChip {
  readonly name: string
  readonly logHeight: number
  /** Number of columns. */
  readonly width: number
}

/** Four columns: the bytes of a u32, least significant first. */
export function bytesOf(word: Column): Column[] {
  return [0, 8, 16, 24].map((shift) => (row: number) => (word(row) >>> shift) & 0xff)
}
