/** What a commitment is computed from, by height, and where it lies in the kernels' memory. */
import { POSEIDON2_RATE, POSEIDON2_WIDTH } from './poseidon2.js'
import { POSEIDON2_CONSTANTS_BYTES } from './poseidon2-constants.js'
import type { Column, Trace } from './recipe.js'

/** The trace's rows are padded to 2^logHeight, which is at least 2^2. */
export interface PaddedTrace {
  readonly logHeight: number
  readonly trace: Trace
}

export interface PaddedColumn {
  readonly column: Column
  /** How many rows are the trace's own. */
  readonly rows: number
  readonly padding: Trace['padding']
}

/** Columns of all traces of one height, in their order. */
export interface Group {
  readonly logHeight: number
  readonly columns: readonly PaddedColumn[]
  /** Of the whole rows. */
  readonly rowHashes: Trace['rowHashes'] | undefined
}

/** Twice the rows after the extension. */
export const LOG_BLOWUP = 1
export const WORD_BYTES = 4
/** Columns that are extended together. */
export const QUAD_COLUMNS = 4

/** Tallest first. */
export function groupByHeight(traces: readonly PaddedTrace[]): Group[] {
  const logHeights = [...new Set(traces.map(({ logHeight }) => logHeight))].sort((a, b) => b - a)
  return logHeights.map((logHeight) => {
    const members = traces.filter((trace) => trace.logHeight === logHeight)
    return {
      logHeight,
      columns: members.flatMap(({ trace: { columns, rows, padding } }) =>
        columns.map((column) => ({ column, rows, padding })),
      ),
      rowHashes: members.length === 1 ? members[0].trace.rowHashes : undefined,
    }
  })
}

export const extendedRows = ({ logHeight }: Group) => 2 ** (logHeight + LOG_BLOWUP)

/** Addresses in the shared memory. */
export interface Layout {
  readonly constants: number
  readonly squares: number
  readonly blocks: number
  readonly inverseTwiddles: number
  readonly twiddles: number
  readonly scales: number
  /** Sponge states and digests of the tallest rows, and of the shorter ones in turn. */
  readonly states: number
  readonly shorterStates: number
  /** `quadSets` times `quadPairs` times two quads of the tallest. */
  readonly quads: number
  readonly quadPairs: number
  /** With two, one set is filled and extended while the other is hashed. */
  readonly quadSets: number
  readonly bytes: number
}

/** Two blocks of 66 vectors: whole cache lines. */
export const BLOCKS_BYTES = 2112
/** Room for base^(2^0), base^(2^1), … of one table of powers. */
export const SQUARES_BYTES = 128
const TABLES = 3
/** More quads let more threads work at once, but not at any price in memory. */
const MAX_QUAD_BYTES = 2 ** 29

export function planMemory([tallest, ...shorter]: readonly Group[], threads: number): Layout {
  let end = 1024
  const allocate = (bytes: number) => {
    const address = end
    end = Math.ceil((end + bytes) / 64) * 64
    return address
  }
  const height = 2 ** tallest.logHeight
  const rows = extendedRows(tallest)
  const shorterRows = Math.max(0, ...shorter.map(extendedRows))
  const pairBytes = 2 * rows * QUAD_COLUMNS * WORD_BYTES
  const maxPairs = Math.floor(MAX_QUAD_BYTES / pairBytes)
  const batches = Math.max(
    ...[tallest, ...shorter].map(({ columns }) => Math.ceil(columns.length / POSEIDON2_RATE)),
  )
  const quadPairs = Math.max(1, Math.min(Math.ceil(threads / 2), batches, maxPairs))
  const quadSets = threads > 1 && batches > quadPairs && 2 * quadPairs <= maxPairs ? 2 : 1
  return {
    constants: allocate(POSEIDON2_CONSTANTS_BYTES),
    squares: allocate(TABLES * SQUARES_BYTES),
    blocks: allocate(threads * BLOCKS_BYTES),
    inverseTwiddles: allocate((height / 2) * WORD_BYTES),
    twiddles: allocate(height * WORD_BYTES),
    scales: allocate(height * WORD_BYTES),
    states: allocate(POSEIDON2_WIDTH * rows * WORD_BYTES),
    shorterStates: allocate(POSEIDON2_WIDTH * shorterRows * WORD_BYTES),
    quads: allocate(quadSets * quadPairs * pairBytes),
    quadPairs,
    quadSets,
    bytes: end + 64, // the hashing of a level of fewer than 8 rows reads past its end
  }
}
