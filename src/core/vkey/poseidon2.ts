/**
 * Poseidon2 of width 16 over BabyBear as SP1 3 to 5 use it: the permutation, the sponge for rows and
 * keys, and the compression of a Merkle tree. Plain and slow; kernels/poseidon2.ts is the fast one.
 *
 * Source: https://eprint.iacr.org/2023/323; sp1-primitives 3.4.0 src/lib.rs `poseidon2_init`;
 * p3-poseidon2 and p3-baby-bear 0.1.4-succinct for the two linear layers.
 */
import { invert, power, reduce } from './field.js'
import { EXTERNAL_CONSTANTS, INTERNAL_CONSTANTS } from './poseidon2-constants.js'

export const POSEIDON2_WIDTH = 16
export const POSEIDON2_RATE = 8
export const DIGEST_WORDS = 8

const S_BOX_POWER = 7n

export interface RoundConstants {
  /** Of the external rounds, half of which come before the internal ones: one for each element. */
  readonly external: readonly (readonly bigint[])[]
  /** Of the internal rounds: for the first element. */
  readonly internal: readonly bigint[]
}

const SP1_CONSTANTS: RoundConstants = {
  external: EXTERNAL_CONSTANTS.map((row) => row.map(BigInt)),
  internal: INTERNAL_CONSTANTS.map(BigInt),
}

/** The permutation of 16 field elements. */
export function permute(
  state: readonly bigint[],
  { external, internal }: RoundConstants = SP1_CONSTANTS,
): bigint[] {
  const half = external.length / 2
  let s = externalLayer(state)
  for (const constants of external.slice(0, half)) s = externalRound(s, constants)
  for (const constant of internal) s = internalRound(s, constant)
  for (const constants of external.slice(half)) s = externalRound(s, constants)
  return s
}

/** The sponge: 8 words a step are overwritten, not added; a last partial step keeps the others. */
export function hashElements(elements: readonly number[]): number[] {
  let state = new Array<bigint>(POSEIDON2_WIDTH).fill(0n)
  for (let start = 0; start < elements.length; start += POSEIDON2_RATE) {
    const block = elements.slice(start, start + POSEIDON2_RATE).map(BigInt)
    state = permute([...block, ...state.slice(block.length)])
  }
  return state.slice(0, DIGEST_WORDS).map(Number)
}

/** The digest of two digests. */
export function compress(left: readonly number[], right: readonly number[]): number[] {
  return permute([...left, ...right].map(BigInt))
    .slice(0, DIGEST_WORDS)
    .map(Number)
}

function externalRound(state: readonly bigint[], constants: readonly bigint[]): bigint[] {
  return externalLayer(state.map((x, i) => power(x + constants[i], S_BOX_POWER)))
}

function internalRound([first, ...others]: readonly bigint[], constant: bigint): bigint[] {
  return internalLayer([power(first + constant, S_BOX_POWER), ...others])
}

const FOUR_BY_FOUR = [
  [2n, 3n, 1n, 1n],
  [1n, 2n, 3n, 1n],
  [1n, 1n, 2n, 3n],
  [3n, 1n, 1n, 2n],
]

/** Every four elements times the matrix above; then each plus those with its index modulo 4. */
function externalLayer(state: readonly bigint[]): bigint[] {
  const mixed = state.map((_, i) => {
    const start = i - (i % 4)
    return FOUR_BY_FOUR[i % 4].reduce((sum, factor, j) => sum + factor * state[start + j], 0n)
  })
  return mixed.map((x, i) =>
    reduce(x + mixed[i % 4] + mixed[4 + (i % 4)] + mixed[8 + (i % 4)] + mixed[12 + (i % 4)]),
  )
}

/** Shifts of elements 1 to 15. */
const INTERNAL_SHIFTS = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n, 10n, 11n, 12n, 13n, 15n]

/** Plonky3 applies the matrix to Montgomery forms with one reduction, hence this factor. */
const INTERNAL_FACTOR = invert(2n ** 32n)

function internalLayer(state: readonly bigint[]): bigint[] {
  const sum = state.reduce((total, x) => total + x)
  return state.map((x, i) =>
    reduce((i === 0 ? sum - 2n * x : sum + (x << INTERNAL_SHIFTS[i - 1])) * INTERNAL_FACTOR),
  )
}
