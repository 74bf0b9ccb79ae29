/**
 * The verifying key of a program: what names it in proofs and on chain.
 * docs/vkey.md tells how it is made; the recipe says what a release of SP1 puts into it.
 */
import { availableParallelism } from 'node:os'
import type { Hex } from '../bytes.js'
import { InputError, InterruptedError } from '../errors.js'
import type { Program } from '../riscv/program.js'
import { commitTraces, workOf } from './commitment.js'
import { encodeBytes32, encodeHashBytes } from './encodings.js'
import { BABYBEAR_P } from './field.js'
import { digestImage } from './image-digest.js'
import type { KernelWatch } from './kernel-pool.js'
import { hashElements } from './poseidon2.js'
import { countProgress } from './progress.js'
import type { Chip, CommittedChip, VkeyRecipe } from './recipe.js'
import { RECIPE_3_4_0 } from './recipe-3.4.0.js'

export interface Vkey {
  /** 8 canonical BabyBear words. */
  readonly digest: readonly number[]
  /** The digest as contracts know it: `programVKey`. */
  readonly bytes32: Hex
  /** The digest as SP1's `hash_bytes`. */
  readonly hashBytes: Hex
  /** The Merkle root of the program's traces: 8 canonical words. */
  readonly commit: readonly number[]
  readonly pcStart: number
  /** In the order of the commitment. */
  readonly chips: readonly CommittedChip[]
}

export interface VkeyOptions {
  /** Default: SP1 3.4.0. */
  readonly recipe?: VkeyRecipe
  /** Default: the processor's. The key does not depend on it. */
  readonly threads?: number
  /** Called about every 2 % with an ascending number between 0 and 1. */
  readonly onProgress?: (fraction: number) => void
  /** For benchmarks. */
  readonly watch?: KernelWatch
  readonly signal?: AbortSignal
}

/** So many permutations cost as much as turning a word of memory into a point and adding it. */
const WORD_WORK = 12

/**
 * @throws InputError `ELF_TOO_LARGE` the release has no table that tall; `ELF_INSTRUCTION_UNKNOWN`.
 * @throws UnavailableError `MEMORY_UNAVAILABLE`
 * @throws InterruptedError `signal` was aborted.
 */
export async function computeVkey(program: Program, options: VkeyOptions = {}): Promise<Vkey> {
  const { recipe = RECIPE_3_4_0, onProgress = () => {}, watch, signal } = options
  const threads = Math.max(1, Math.floor(options.threads ?? availableParallelism()))
  if (signal?.aborted) throw new InterruptedError({ during: 'the verifying key' })

  const traces = recipe.chips
    .map(({ name, ...chip }) => {
      const trace = chip.trace(program)
      return { name, trace, logHeight: chooseLogHeight(chip, trace.rows) }
    })
    .sort((a, b) => b.logHeight - a.logHeight || (a.name < b.name ? -1 : 1))
  const chips = traces.map(({ name, logHeight, trace }) => ({
    name,
    logHeight,
    width: trace.columns.length,
  }))
  const words = recipe.hasImageDigest ? program.imageWords.length : 0
  const onWork = countProgress(workOf(traces) + words * WORD_WORK, onProgress)
  const onWords = (count: number) => onWork(count * WORD_WORK)
  // Side by side: what one leaves idle, at its start and end, the other uses.
  const [imageDigest, commit] = await allOrNone(signal, [
    async (signal) =>
      recipe.hasImageDigest ? digestImage(program, { threads, onWords, watch, signal }) : [],
    (signal) => commitTraces(traces, { threads, onWork, watch, signal }),
  ])
  const { pcStart } = program
  const digest = hashElements(
    recipe.digestInput({ commit, pcStart: pcStart % BABYBEAR_P, imageDigest, chips }),
  )
  return {
    digest,
    bytes32: encodeBytes32(digest),
    hashBytes: encodeHashBytes(digest),
    commit,
    pcStart,
    chips,
  }
}

/** Program and MemoryProgram are padded independently. */
function chooseLogHeight({ logHeights, rowsAre }: Omit<Chip, 'name'>, rows: number): number {
  const logHeight = logHeights.find((candidate) => rows <= 2 ** candidate)
  if (logHeight === undefined) {
    const max = 2 ** Math.max(...logHeights)
    throw new InputError('ELF_TOO_LARGE', { what: rowsAre, words: rows, max })
  }
  return logHeight
}

/** The results of all; or, once the others have stopped for it, the error of the first that failed. */
async function allOrNone<A, B>(
  signal: AbortSignal | undefined,
  [first, second]: readonly [
    (signal: AbortSignal) => Promise<A>,
    (signal: AbortSignal) => Promise<B>,
  ],
): Promise<[A, B]> {
  const failure = new AbortController()
  const both = AbortSignal.any([failure.signal, ...(signal ? [signal] : [])])
  const failures: unknown[] = []
  const stopAll = (error: unknown) => {
    failures.push(error)
    failure.abort()
  }
  const works = [first(both), second(both)] as const
  await Promise.all(works.map((work) => work.then(() => {}, stopAll)))
  if (failures.length > 0) throw failures[0]
  return Promise.all(works)
}
