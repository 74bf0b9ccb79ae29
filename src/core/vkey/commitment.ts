/**
 * The commitment to a batch of traces, computed with the kernels; merkle.ts says plainly what it is.
 *
 * Traces of one height are hashed eight columns at a time: the columns are extended, absorbed into the
 * sponge state of every row, and their memory is used for the next eight. Rows stay in natural order,
 * where the partner of row i at a level of n digests is row i + n / 2: the bits of the tree's order are
 * those of the row reversed, so siblings differ in the row's top bit.
 */
import {
  BABYBEAR_GENERATOR,
  fromMontgomery,
  invert,
  MONTGOMERY_R,
  power,
  reduce,
  rootOfUnity,
  toMontgomery,
} from './field.js'
import { createKernelPool, type KernelCall, type KernelPool } from './kernel-pool.js'
import { DIGEST_WORDS, POSEIDON2_RATE, POSEIDON2_WIDTH } from './poseidon2.js'
import { POSEIDON2_CONSTANTS_BYTES, writeConstants } from './poseidon2-constants.js'
import type { Column, Trace } from './recipe.js'

/** The trace's rows are padded to 2^logHeight, which is at least 2^2. */
export interface PaddedTrace {
  readonly logHeight: number
  readonly trace: Trace
}

export interface CommitOptions {
  readonly threads: number
  readonly onProgress?: ((fraction: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

const LOG_BLOWUP = 1
const WORD_BYTES = 4
const QUAD_COLUMNS = 4
/** Rows per call: about 10 ms, so that threads end together and an abort is heard. */
const ROWS_PER_CALL = 16_384
/** An extension costs so much of a row's permutation per row of a quad. */
const EXTEND_WEIGHT = 0.1
const PROGRESS_STEP = 0.02

/** @returns the root: 8 canonical words. */
export async function commitTraces(
  traces: readonly PaddedTrace[],
  options: CommitOptions,
): Promise<number[]> {
  const groups = groupByHeight(traces)
  const layout = planMemory(groups, options.threads)
  const pool = await createKernelPool({
    bytes: layout.bytes,
    threads: options.threads,
    attach: (thread) => ({
      name: 'attach',
      args: [layout.constants, layout.blocks + thread * BLOCKS_BYTES],
    }),
    signal: options.signal,
  })
  try {
    const progress = countProgress(groups, options.onProgress)
    return await commitGroups({ groups, layout, pool, progress })
  } finally {
    await pool.close()
  }
}

interface PaddedColumn {
  readonly column: Column
  /** How many rows are the trace's own. */
  readonly rows: number
  readonly padding: Trace['padding']
}

/** Columns of all traces of one height, in their order. */
interface Group {
  readonly logHeight: number
  readonly columns: readonly PaddedColumn[]
}

function groupByHeight(traces: readonly PaddedTrace[]): Group[] {
  const logHeights = [...new Set(traces.map(({ logHeight }) => logHeight))].sort((a, b) => b - a)
  return logHeights.map((logHeight) => ({
    logHeight,
    columns: traces
      .filter((trace) => trace.logHeight === logHeight)
      .flatMap(({ trace: { columns, rows, padding } }) =>
        columns.map((column) => ({ column, rows, padding })),
      ),
  }))
}

const extendedRows = ({ logHeight }: Group) => 2 ** (logHeight + LOG_BLOWUP)

/** Addresses in the shared memory. */
interface Layout {
  readonly constants: number
  readonly squares: number
  readonly blocks: number
  readonly inverseTwiddles: number
  readonly twiddles: number
  readonly scales: number
  /** Sponge states and digests of the tallest rows, and of the shorter ones in turn. */
  readonly states: number
  readonly shorterStates: number
  /** Room for `quadPairs` times two quads of the tallest. */
  readonly quads: number
  readonly quadPairs: number
  readonly bytes: number
}

/** Two blocks of 17 vectors, in cache lines of their own. */
const BLOCKS_BYTES = 576
const SQUARES_BYTES = 128
/** More pairs of quads let more threads extend at once, but not at any price in memory. */
const MAX_QUAD_BYTES = 2 ** 29

function planMemory([tallest, ...shorter]: readonly Group[], threads: number): Layout {
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
  const batches = Math.max(
    ...[tallest, ...shorter].map(({ columns }) => Math.ceil(columns.length / POSEIDON2_RATE)),
  )
  const quadPairs = Math.max(
    1,
    Math.min(Math.ceil(threads / 2), batches, Math.floor(MAX_QUAD_BYTES / pairBytes)),
  )
  return {
    constants: allocate(POSEIDON2_CONSTANTS_BYTES),
    squares: allocate(3 * SQUARES_BYTES),
    blocks: allocate(threads * BLOCKS_BYTES),
    inverseTwiddles: allocate((height / 2) * WORD_BYTES),
    twiddles: allocate(height * WORD_BYTES),
    scales: allocate(height * WORD_BYTES),
    states: allocate(POSEIDON2_WIDTH * rows * WORD_BYTES),
    shorterStates: allocate(POSEIDON2_WIDTH * shorterRows * WORD_BYTES),
    quads: allocate(quadPairs * pairBytes),
    quadPairs,
    bytes: end + 64, // the hashing of a level of fewer than 8 rows reads past its end
  }
}

interface Work {
  readonly groups: readonly Group[]
  readonly layout: Layout
  readonly pool: KernelPool
  readonly progress: (call: KernelCall) => void
}

async function commitGroups(work: Work): Promise<number[]> {
  const { groups, layout, pool, progress } = work
  const [tallest, ...shorter] = groups
  await prepareTables(work, tallest.logHeight)
  const { states } = layout
  const rows = extendedRows(tallest)
  await hashRows(work, tallest, states)
  for (let width = rows / 2; width >= 1; width /= 2) {
    const partners = states + width * WORD_BYTES
    const level = rowRanges(width).map(
      ([from, to]): KernelCall => ({
        name: 'compress',
        args: [states, rows, partners, rows, from, to],
      }),
    )
    await pool.run(level, progress)
    const joining = shorter.find((group) => extendedRows(group) === width)
    if (joining !== undefined) {
      await hashRows(work, joining, layout.shorterStates)
      const args = [states, rows, layout.shorterStates, width]
      const injection = rowRanges(width).map(
        ([from, to]): KernelCall => ({ name: 'compress', args: [...args, from, to] }),
      )
      await pool.run(injection, progress)
    }
  }
  const words = new Uint32Array(pool.memory.buffer, states)
  return Array.from({ length: DIGEST_WORDS }, (_, word) => fromMontgomery(words[word * rows]))
}

function rowRanges(rows: number): [from: number, to: number][] {
  const ranges: [number, number][] = []
  for (let from = 0; from < rows; from += ROWS_PER_CALL) {
    ranges.push([from, Math.min(from + ROWS_PER_CALL, rows)])
  }
  return ranges
}

/** Round constants and twiddle factors; shorter transforms use prefixes of the tallest's tables. */
async function prepareTables({ layout, pool, progress }: Work, logHeight: number): Promise<void> {
  writeConstants(pool.memory.buffer, layout.constants)
  const first = toMontgomery(1n)
  const { inverseTwiddles, twiddles, squares } = layout
  const inverseRoot = invert(rootOfUnity(logHeight))
  const root = rootOfUnity(logHeight + LOG_BLOWUP)
  const calls = [
    fillPowers(pool, {
      table: inverseTwiddles,
      log2: logHeight - 1,
      first,
      base: inverseRoot,
      squares,
    }),
    fillPowers(pool, {
      table: twiddles,
      log2: logHeight,
      first,
      base: root,
      squares: squares + SQUARES_BYTES,
    }),
  ]
  await pool.run(calls, progress)
}

interface Powers {
  readonly table: number
  readonly log2: number
  /** In Montgomery form. */
  readonly first: number
  readonly base: bigint
  /** Room for base^1, base^2, base^4, …, which this fills. */
  readonly squares: number
}

/** The call that fills a table with first * base^i, i = 0 to 2^log2 - 1, in bit-reversed order. */
function fillPowers(pool: KernelPool, { table, log2, first, base, squares }: Powers): KernelCall {
  new Uint32Array(pool.memory.buffer, squares).set(
    Array.from({ length: log2 }, (_, i) => toMontgomery(power(base, 2n ** BigInt(i)))),
  )
  return { name: 'fillPowers', args: [table, log2, first, squares] }
}

/** Leaves the hashes of the group's extended rows in the first words of `states`. */
async function hashRows(
  { layout, pool, progress }: Work,
  group: Group,
  states: number,
): Promise<void> {
  const { logHeight, columns } = group
  const rows = extendedRows(group)
  const { scales, squares } = layout
  // The extension wants 1 / height; the second factor R turns the canonical trace to Montgomery form.
  const first = toMontgomery(reduce(invert(2n ** BigInt(logHeight)) * MONTGOMERY_R))
  const shifts = { table: scales, log2: logHeight, first, base: BABYBEAR_GENERATOR, squares }
  await pool.run([fillPowers(pool, shifts)], progress)

  const quadBytes = rows * QUAD_COLUMNS * WORD_BYTES
  const batchColumns = layout.quadPairs * POSEIDON2_RATE
  for (let start = 0; start < columns.length; start += batchColumns) {
    const batch = chunk(columns.slice(start, start + batchColumns), QUAD_COLUMNS)
    const extensions = batch.map((quad, i): KernelCall => {
      const address = layout.quads + i * quadBytes
      writeQuad(pool.memory, address + quadBytes / 2, rows / 2, quad)
      const tables = [layout.inverseTwiddles, scales, layout.twiddles]
      return { name: 'extend', args: [address, rows / 2, ...tables] }
    })
    await pool.run(extensions, progress)
    for (const [i, block] of chunk(batch.flat(), POSEIDON2_RATE).entries()) {
      const isFirst = start === 0 && i === 0
      const args = [states, rows, layout.quads + 2 * i * quadBytes, block.length, Number(isFirst)]
      await pool.run(
        rowRanges(rows).map(
          ([from, to]): KernelCall => ({ name: 'absorb', args: [...args, from, to] }),
        ),
        progress,
      )
    }
  }
}

/** Up to four columns, row by row; what is left over is zero. */
function writeQuad(
  memory: WebAssembly.Memory,
  address: number,
  rows: number,
  columns: Group['columns'],
): void {
  const words = new Uint32Array(memory.buffer, address, rows * QUAD_COLUMNS).fill(0)
  columns.forEach(({ column, rows: used, padding }, i) => {
    for (let row = 0; row < used; row++) words[row * QUAD_COLUMNS + i] = column(row)
    if (padding === 'zeroes' || used === 0) return
    const first = column(0)
    for (let row = used; row < rows; row++) words[row * QUAD_COLUMNS + i] = first
  })
}

function chunk<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  )
}

/** Reports every 2 %; work is counted in permutations. */
function countProgress(
  groups: readonly Group[],
  onProgress: (fraction: number) => void = () => {},
): (call: KernelCall) => void {
  const hashing = groups.map((group) => {
    const absorbed = Math.ceil(group.columns.length / POSEIDON2_RATE)
    const extended = Math.ceil(group.columns.length / QUAD_COLUMNS) * EXTEND_WEIGHT
    const joined = 1 // the tree over the tallest rows, or the injection of shorter ones
    return extendedRows(group) * (absorbed + extended + joined)
  })
  const total = hashing.reduce((sum, weight) => sum + weight)
  let done = 0
  let reported = 0
  return (call) => {
    done += weigh(call)
    const fraction = Math.min(done / total, 1)
    if (fraction - reported >= PROGRESS_STEP) {
      reported = fraction
      onProgress(fraction)
    }
  }
}

function weigh({ name, args }: KernelCall): number {
  if (name === 'extend') return 2 * args[1] * EXTEND_WEIGHT
  if (name === 'fillPowers') return 0
  const [from, to] = args.slice(-2)
  return to - from
}
