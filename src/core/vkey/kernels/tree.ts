/**
 * Hashing of rows and of Merkle levels, eight rows at a time.
 * "States" are 16 arrays of `rows` words, array w holding word w of every row's sponge state; a row's
 * digest is its first 8 words. Row ranges are multiples of 8; the rows past a short level's end are
 * computed from whatever is there and never used.
 */
import { BLOCK_BYTES, permute } from './poseidon2'

const LANE_ROWS: usize = 4

let constants: usize = 0
let blockA: usize = 0
let blockB: usize = 0

/** Must be called once per instance: where the table of Poseidon2 is, and room for two blocks of its own. */
export function attach(constantsAt: usize, blocksAt: usize): void {
  constants = constantsAt
  blockA = blocksAt
  blockB = blocksAt + BLOCK_BYTES
}

/** One permutation of the two blocks, for tests. */
export function permuteBlocks(): void {
  permute(blockA, blockB, constants)
}

/**
 * One step of the sponge: overwrites the first `count` (1 to 8) words of the states of rows from..to
 * with that many columns of two neighbouring quads of the same height, and permutes.
 * With `isFirst` the states start as zero.
 */
export function absorb(
  states: usize, rows: usize, quads: usize, count: i32, isFirst: bool, from: usize, to: usize,
): void {
  for (let row = from; row < to; row += 2 * LANE_ROWS) {
    for (let side: usize = 0; side < 2; side++) {
      const block = side ? blockB : blockA
      const at = row + side * LANE_ROWS
      if (isFirst) memory.fill(block, 0, 16 * 16)
      else loadWords(block, states, rows, at, 16)
      const kept0 = v128.load(block, 16)
      const kept1 = v128.load(block, 32)
      const kept2 = v128.load(block, 48)
      const kept5 = v128.load(block, 80)
      const kept6 = v128.load(block, 96)
      const kept7 = v128.load(block, 112)
      transpose(block, quads + at * 16)
      if (count < 4) {
        if (count < 2) v128.store(block, kept0, 16)
        if (count < 3) v128.store(block, kept1, 32)
        v128.store(block, kept2, 48)
      } else if (count > 4) {
        transpose(block + 64, quads + (rows + at) * 16)
        if (count < 6) v128.store(block, kept5, 80)
        if (count < 7) v128.store(block, kept6, 96)
        if (count < 8) v128.store(block, kept7, 112)
      }
    }
    permute(blockA, blockB, constants)
    storeWords(blockA, states, rows, row, 16)
    storeWords(blockB, states, rows, row + LANE_ROWS, 16)
  }
}

/** left[row] = compress(left[row], right[row]): the digest of two digests, for rows from..to. */
export function compress(
  left: usize, leftRows: usize, right: usize, rightRows: usize, from: usize, to: usize,
): void {
  for (let row = from; row < to; row += 2 * LANE_ROWS) {
    loadWords(blockA, left, leftRows, row, 8)
    loadWords(blockA + 128, right, rightRows, row, 8)
    loadWords(blockB, left, leftRows, row + LANE_ROWS, 8)
    loadWords(blockB + 128, right, rightRows, row + LANE_ROWS, 8)
    permute(blockA, blockB, constants)
    storeWords(blockA, left, leftRows, row, 8)
    storeWords(blockB, left, leftRows, row + LANE_ROWS, 8)
  }
}

// @ts-ignore: decorator
@inline
function loadWords(block: usize, states: usize, rows: usize, row: usize, words: usize): void {
  for (let word: usize = 0; word < words; word++) {
    v128.store(block + word * 16, v128.load(states + (word * rows + row) * 4))
  }
}

// @ts-ignore: decorator
@inline
function storeWords(block: usize, states: usize, rows: usize, row: usize, words: usize): void {
  for (let word: usize = 0; word < words; word++) {
    v128.store(states + (word * rows + row) * 4, v128.load(block + word * 16))
  }
}

/** Four rows of a quad to four vectors of one column each. */
// @ts-ignore: decorator
@inline
function transpose(to: usize, from: usize): void {
  const row0 = v128.load(from)
  const row1 = v128.load(from, 16)
  const row2 = v128.load(from, 32)
  const row3 = v128.load(from, 48)
  const low01 = v128.shuffle<i32>(row0, row1, 0, 4, 1, 5)
  const high01 = v128.shuffle<i32>(row0, row1, 2, 6, 3, 7)
  const low23 = v128.shuffle<i32>(row2, row3, 0, 4, 1, 5)
  const high23 = v128.shuffle<i32>(row2, row3, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2))
  v128.store(to, v128.shuffle<i64>(low01, low23, 1, 3), 16)
  v128.store(to, v128.shuffle<i64>(high01, high23, 0, 2), 32)
  v128.store(to, v128.shuffle<i64>(high01, high23, 1, 3), 48)
}
