/**
 * The commitment to a batch of traces, computed with the kernels; merkle.ts says plainly what it is.
 *
 * Traces of one height are hashed eight columns at a time: the columns are extended, absorbed into the
 * sponge state of every row, and their memory is used for other columns. Rows stay in natural order,
 * where the partner of row i at a level of n digests is row i + n / 2: the bits of the tree's order are
 * those of the row reversed, so siblings differ in the row's top bit.
 */
import {
  BLOCKS_BYTES,
  extendedRows,
  type Group,
  groupByHeight,
  type Layout,
  LOG_BLOWUP,
  type PaddedColumn,
  type PaddedTrace,
  planMemory,
  QUAD_COLUMNS,
  SQUARES_BYTES,
  WORD_BYTES,
} from './commitment-memory.js'
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
import {
  createKernelPool,
  type KernelCall,
  type KernelPool,
  type KernelWatch,
  turn,
} from './kernel-pool.js'
import { DIGEST_WORDS, POSEIDON2_RATE } from './poseidon2.js'
import { writeConstants } from './poseidon2-constants.js'
import type { RowHashes } from './recipe.js'

export interface CommitOptions {
  readonly threads: number
  /** Called with every piece of work that is done, in permutations; together `workOf`. */
  readonly onWork?: ((permutations: number) => void) | undefined
  readonly watch?: KernelWatch | undefined
  readonly signal?: AbortSignal | undefined
}

/** Rows per call: a few ms, so that threads end together and an abort is heard. */
const ROWS_PER_CALL = 8192
/** An extension costs so much of a row's permutation per row of a quad. */
const EXTEND_WEIGHT = 0.1

/** @returns the root: 8 canonical words. */
export async function commitTraces(
  traces: readonly PaddedTrace[],
  { threads, onWork, watch, signal }: CommitOptions,
): Promise<number[]> {
  return withKernels(groupByHeight(traces), { threads, watch, signal }, onWork, commitGroups)
}

/** What the rows of one extended trace hash to; for the chip whose hashes are kept. */
export async function hashTrace(trace: PaddedTrace, threads: number): Promise<RowHashes> {
  return withKernels(groupByHeight([trace]), { threads }, undefined, async (work) => {
    const { groups, layout, memory } = work
    const [group] = groups
    await prepareTables(work, group.logHeight)
    await hashRows(work, group, layout.states)
    const words = DIGEST_WORDS * extendedRows(group)
    return new Uint32Array(memory.buffer, layout.states, words).slice()
  })
}

async function withKernels<T>(
  groups: readonly Group[],
  options: Omit<CommitOptions, 'onWork'>,
  onWork: CommitOptions['onWork'],
  use: (work: Work) => Promise<T>,
): Promise<T> {
  const layout = planMemory(groups, options.threads)
  const pool = createKernelPool({
    ...options,
    bytes: layout.bytes,
    prepare: ({ buffer }) => writeConstants(buffer, layout.constants),
    attach: (thread) => ({
      name: 'attach',
      args: [layout.constants, layout.blocks + thread * BLOCKS_BYTES],
    }),
  })
  const run = (calls: readonly KernelCall[]) => pool.run(calls, (call) => onWork?.(weigh(call)))
  try {
    return await use({ groups, layout, memory: pool.memory, run })
  } finally {
    await pool.close()
  }
}

/** How much there is to do for these traces, in permutations. */
export function workOf(traces: readonly PaddedTrace[]): number {
  const works = groupByHeight(traces).map((group) => {
    const joined = 1 // the tree over the tallest rows, or the injection of shorter ones
    if (group.rowHashes !== undefined) return extendedRows(group) * joined
    const absorbed = Math.ceil(group.columns.length / POSEIDON2_RATE)
    const extended = Math.ceil(group.columns.length / QUAD_COLUMNS) * EXTEND_WEIGHT
    return extendedRows(group) * (absorbed + extended + joined)
  })
  return works.reduce((sum, work) => sum + work)
}

function weigh({ name, args }: KernelCall): number {
  if (name === 'extend') return 2 * args[1] * EXTEND_WEIGHT
  if (name === 'fillPowers') return 0
  const [from, to] = args.slice(-2)
  return to - from
}

interface Work {
  readonly groups: readonly Group[]
  readonly layout: Layout
  readonly memory: KernelPool['memory']
  readonly run: (calls: readonly KernelCall[]) => Promise<void>
}

async function commitGroups(work: Work): Promise<number[]> {
  const { groups, layout, memory, run } = work
  const [tallest, ...shorter] = groups
  await prepareTables(work, tallest.logHeight)
  const { states } = layout
  const rows = extendedRows(tallest)
  await hashRows(work, tallest, states)
  for (let width = rows / 2; width >= 1; width /= 2) {
    const partners = states + width * WORD_BYTES
    await run(
      rowRanges(width).map(([from, to]) => ({
        name: 'compress',
        args: [states, rows, partners, rows, from, to],
      })),
    )
    const joining = shorter.find((group) => extendedRows(group) === width)
    if (joining !== undefined) {
      await hashRows(work, joining, layout.shorterStates)
      const args = [states, rows, layout.shorterStates, width]
      await run(
        rowRanges(width).map(([from, to]) => ({ name: 'compress', args: [...args, from, to] })),
      )
    }
  }
  const words = new Uint32Array(memory.buffer, states)
  return Array.from({ length: DIGEST_WORDS }, (_, word) => fromMontgomery(words[word * rows]))
}

function rowRanges(rows: number): [from: number, to: number][] {
  const ranges: [number, number][] = []
  for (let from = 0; from < rows; from += ROWS_PER_CALL) {
    ranges.push([from, Math.min(from + ROWS_PER_CALL, rows)])
  }
  return ranges
}

/** Twiddle factors; shorter transforms use prefixes of the tallest's tables. */
async function prepareTables({ layout, memory, run }: Work, logHeight: number): Promise<void> {
  const first = toMontgomery(1n)
  const { inverseTwiddles, twiddles, squares } = layout
  const inverseRoot = invert(rootOfUnity(logHeight))
  const root = rootOfUnity(logHeight + LOG_BLOWUP)
  await run([
    fillPowers(memory, {
      table: inverseTwiddles,
      log2: logHeight - 1,
      first,
      base: inverseRoot,
      squares,
    }),
    fillPowers(memory, {
      table: twiddles,
      log2: logHeight,
      first,
      base: root,
      squares: squares + SQUARES_BYTES,
    }),
  ])
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
function fillPowers(
  memory: KernelPool['memory'],
  { table, log2, first, base, squares }: Powers,
): KernelCall {
  new Uint32Array(memory.buffer, squares).set(
    Array.from({ length: log2 }, (_, i) => toMontgomery(power(base, 2n ** BigInt(i)))),
  )
  return { name: 'fillPowers', args: [table, log2, first, squares] }
}

/** Leaves the hashes of the group's extended rows in the first words of `states`. */
async function hashRows(work: Work, group: Group, states: number): Promise<void> {
  const { layout, memory, run } = work
  const { logHeight, columns, rowHashes } = group
  const rows = extendedRows(group)
  const known = await rowHashes?.()
  if (known !== undefined) {
    new Uint32Array(memory.buffer, states).set(known)
    return
  }
  // The extension wants 1 / height; the second factor R turns the canonical trace to Montgomery form.
  const first = toMontgomery(reduce(invert(2n ** BigInt(logHeight)) * MONTGOMERY_R))
  await run([
    fillPowers(memory, {
      table: layout.scales,
      log2: logHeight,
      first,
      base: BABYBEAR_GENERATOR,
      squares: layout.squares,
    }),
  ])

  const quadBytes = rows * QUAD_COLUMNS * WORD_BYTES
  const batchColumns = layout.quadPairs * POSEIDON2_RATE
  const batches = chunk(columns, batchColumns)
  const addressOf = (batch: number) =>
    layout.quads + (batch % layout.quadSets) * layout.quadPairs * 2 * quadBytes
  const extend = (batch: number) => extendBatch(work, batches[batch], rows, addressOf(batch))
  const absorb = async (batch: number) => {
    for (const [i, block] of chunk(batches[batch], POSEIDON2_RATE).entries()) {
      const isFirst = batch === 0 && i === 0
      const quads = addressOf(batch) + 2 * i * quadBytes
      const args = [states, rows, quads, block.length, Number(isFirst)]
      await run(
        rowRanges(rows).map(([from, to]) => ({ name: 'absorb', args: [...args, from, to] })),
      )
    }
  }

  await extend(0)
  for (let batch = 0; batch < batches.length; batch++) {
    const next = batch + 1
    if (next === batches.length) await absorb(batch)
    else if (layout.quadSets > 1) await Promise.all([absorb(batch), extend(next)])
    else {
      await absorb(batch)
      await extend(next)
    }
  }
}

/** Writes the columns, four to a quad, and extends them. */
async function extendBatch(
  { layout, memory, run }: Work,
  columns: readonly PaddedColumn[],
  rows: number,
  at: number,
): Promise<void> {
  const quadBytes = rows * QUAD_COLUMNS * WORD_BYTES
  const { inverseTwiddles, scales, twiddles } = layout
  await Promise.all(
    chunk(columns, QUAD_COLUMNS).map(async (quad, i) => {
      const address = at + i * quadBytes
      await writeQuad(memory, address + quadBytes / 2, rows / 2, quad)
      await run([{ name: 'extend', args: [address, rows / 2, inverseTwiddles, scales, twiddles] }])
    }),
  )
}

/** Up to four columns, row by row; what is left over is zero. Takes turns with whatever else goes on. */
async function writeQuad(
  { buffer }: KernelPool['memory'],
  address: number,
  rows: number,
  columns: readonly PaddedColumn[],
): Promise<void> {
  const words = new Uint32Array(buffer, address, rows * QUAD_COLUMNS)
  for (const [from, to] of rowRanges(rows)) {
    words.fill(0, from * QUAD_COLUMNS, to * QUAD_COLUMNS)
    columns.forEach(({ column, rows: used, padding }, i) => {
      const end = Math.min(to, used)
      for (let row = from; row < end; row++) words[row * QUAD_COLUMNS + i] = column(row)
      if (padding === 'zeroes' || used === 0) return
      const first = column(0)
      for (let row = Math.max(from, used); row < to; row++) words[row * QUAD_COLUMNS + i] = first
    })
    await turn()
  }
}

function chunk<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  )
}
