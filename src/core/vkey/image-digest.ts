/**
 * What a verifying key says about the initial memory in SP1 5: every word of it is a point of the
 * septic curve, and the key has their sum. septic.ts is the plain version of the kernels used here.
 *
 * Source: sp1-core-executor 5.2.4 src/program.rs `initial_global_cumulative_sum`; sp1-stark 5.2.4
 * src/septic_digest.rs (where the sum starts).
 */
import { InternalError } from '../errors.js'
import type { Program } from '../riscv/program.js'
import { fromMontgomery, toMontgomery } from './field.js'
import { createKernelPool, type KernelCall, type KernelWatch } from './kernel-pool.js'
import { POSEIDON2_CONSTANTS_BYTES, writeConstants } from './poseidon2-constants.js'
import {
  addPoints,
  type CurvePoint,
  FROBENIUS_OF_POWERS,
  liftX,
  negatePoint,
  type Point,
  type Septic,
} from './septic.js'

/** Where a sum starts, so that no partial sum is infinity: digits of the square root of 2. */
const START: Point = {
  x: [0x1434213, 0x5623730, 0x9504880, 0x1688724, 0x2096980, 0x7856967, 0x1875376].map(BigInt),
  y: [
    885_797_405, 1_130_275_556, 567_836_311, 52_700_240, 239_639_200, 442_612_155, 1_839_439_733,
  ].map(BigInt),
}
/** The kind of an interaction with memory, in the upper half of a word. */
const MEMORY_KIND = 1n << 16n

const LANES = 4
const DEGREE = 7
const WORD_BYTES = 4
const AREA_BYTES = 4096
/** Offset in an area of the flag that a kernel could not go on. */
const FAILED = 2 * DEGREE * LANES * WORD_BYTES
/** About 10 ms. */
const WORDS_PER_CALL = 2048

export interface ImageDigestOptions {
  readonly threads: number
  /** Called with every number of words that have been added. */
  readonly onWords?: ((words: number) => void) | undefined
  readonly watch?: KernelWatch | undefined
  readonly signal?: AbortSignal | undefined
}

/** @returns the x and y of the sum: 7 canonical words each. */
export async function digestImage(
  { imageAddresses, imageWords }: Program,
  { threads, onWords, watch, signal }: ImageDigestOptions,
): Promise<number[]> {
  const count = imageWords.length
  const frobenius = POSEIDON2_CONSTANTS_BYTES
  const areas = frobenius + 1024
  const addresses = areas + threads * AREA_BYTES
  const words = addresses + count * WORD_BYTES
  const pool = createKernelPool({
    bytes: words + count * WORD_BYTES,
    threads,
    prepare({ buffer }) {
      writeConstants(buffer, 0)
      new Uint32Array(buffer, frobenius).set(FROBENIUS_OF_POWERS.flat(2).map(toMontgomery))
      new Uint32Array(buffer, addresses).set(imageAddresses)
      new Uint32Array(buffer, words).set(imageWords)
      for (let thread = 0; thread < threads; thread++) {
        const start = [...START.x, ...START.y].flatMap((x) => Array(LANES).fill(toMontgomery(x)))
        new Uint32Array(buffer, areas + thread * AREA_BYTES).set(start)
      }
    },
    attach: (thread) => ({
      name: 'attachSums',
      args: [areas + thread * AREA_BYTES, 0, frobenius],
    }),
    watch,
    signal,
  })
  try {
    await pool.run(callsFor(count, addresses, words), ({ args: [, , from, to] }) =>
      onWords?.(to - from),
    )
    const sums = Array.from({ length: threads }, (_, thread) =>
      readSums(pool.memory.buffer, areas + thread * AREA_BYTES),
    )
    return wordsOf(join(sums.flat()))
  } finally {
    await pool.close()
  }
}

/** The point of a word, as it is added. */
export function pointOfWord(address: number, word: number): Point {
  const bytes = [0, 8, 16, 24].map((shift) => BigInt((word >>> shift) & 0xff))
  return negatePoint(liftX([MEMORY_KIND, 0n, BigInt(address), ...bytes]))
}

/** The same as `digestImage`, word by word. */
export function digestImagePlainly({ imageAddresses, imageWords }: Program): number[] {
  let sum: CurvePoint = START
  imageAddresses.forEach((address, i) => {
    sum = addPoints(sum, pointOfWord(address, imageWords[i]))
  })
  return wordsOf(sum)
}

function callsFor(count: number, addresses: number, words: number): KernelCall[] {
  const calls: KernelCall[] = []
  for (let from = 0; from < count; from += WORDS_PER_CALL) {
    const to = Math.min(from + WORDS_PER_CALL, count)
    calls.push({ name: 'addWords', args: [addresses, words, from, to] })
  }
  return calls
}

function readSums(buffer: ArrayBufferLike, area: number): Point[] {
  const words = new Uint32Array(buffer, area)
  // Two words on one point or one without: a collision of the hash, or 2^-256. SP1 would go on.
  if (words[FAILED / WORD_BYTES] !== 0) throw new InternalError('two words have the same point')
  return Array.from({ length: LANES }, (_, lane) => {
    const element = (start: number): Septic =>
      Array.from({ length: DEGREE }, (_, i) =>
        BigInt(fromMontgomery(words[(start + i) * LANES + lane])),
      )
    return { x: element(0), y: element(DEGREE) }
  })
}

/** Sums that all have the start in them: all but one are taken out. */
function join(sums: readonly Point[]): CurvePoint {
  const negatedStart = negatePoint(START)
  return sums.map((sum): CurvePoint => addPoints(sum, negatedStart)).reduce(addPoints, START)
}

function wordsOf(sum: CurvePoint): number[] {
  // SP1 panics, and cannot happen by chance.
  if (sum === undefined) throw new InternalError('the points of memory add up to infinity')
  return [...sum.x, ...sum.y].map(Number)
}
