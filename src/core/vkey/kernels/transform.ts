/**
 * Number-theoretic transforms of four polynomials at a time: a "quad" holds row i of four columns in
 * the vector at address + 16 * i. `extendColumn` of src/core/vkey/merkle.ts is the plain version.
 *
 * Both directions use one twiddle factor per block of rows, taken from a table of powers in
 * bit-reversed order; a shorter transform uses a prefix of a longer one's table.
 * They halve (or double) the blocks depth first, so that a block which fits a cache stays there, and
 * take two halvings per pass, so that memory is read half as often.
 */
import { add, canonical, minus, multiply, multiplyOne, subtract } from './field'

const ROW_BYTES: usize = 16
/** Blocks of so many rows (16 KiB) are done without recursion. */
const SMALL_BLOCK_ROWS: usize = 1024

/**
 * table[i] = first * base^bitReversed(i) for i < 2^log2, where `squares` holds base^(2^0), base^(2^1),
 * … base^(2^(log2 - 1)).
 */
export function fillPowers(table: usize, log2: i32, first: u32, squares: usize): void {
  store<u32>(table, first)
  for (let bit = 0; bit < log2; bit++) {
    const factor = load<u32>(squares + ((log2 - 1 - bit) << 2))
    const half: usize = 1 << bit
    for (let i: usize = 0; i < half; i++) {
      store<u32>(table + ((half + i) << 2), multiplyOne(load<u32>(table + (i << 2)), factor))
    }
  }
}

/**
 * Low-degree extension to twice the rows, in place.
 * The quad has 2 * rows rows; the columns' values on the subgroup are in its second half, in natural
 * order. Afterwards the whole quad holds the values on the coset, in natural order.
 *
 * @param inverseTwiddles - powers of the subgroup's generator, inverted.
 * @param scales - shift^bitReversed(i) / rows (and whatever else every value should be multiplied by).
 * @param twiddles - powers of the generator of the subgroup of order 2 * rows.
 */
export function extend(quad: usize, rows: usize, inverseTwiddles: usize, scales: usize, twiddles: usize): void {
  const half = quad + rows * ROW_BYTES
  toBitReversed(half, rows, 0, inverseTwiddles)
  // The other half of the coefficients is zero, which leaves two products of the first halving.
  for (let i: usize = 0; i < rows; i++) {
    const x = multiply(v128.load(half + i * ROW_BYTES), v128.load32_splat(scales + (i << 2)))
    const y = multiply(x, v128.load32_splat(twiddles + (i << 2)))
    v128.store(quad + 2 * i * ROW_BYTES, canonical(x))
    v128.store(quad + 2 * i * ROW_BYTES, canonical(y), ROW_BYTES)
  }
  toNatural(quad, 2 * rows, 0, twiddles)
}

/** Block number `block` of `rows` rows: natural to bit-reversed order. */
function toBitReversed(at: usize, rows: usize, block: usize, twiddles: usize): void {
  if (rows <= SMALL_BLOCK_ROWS) {
    let size = rows
    let blocks: usize = 1
    for (; size >= 4; size >>= 2, blocks <<= 2) {
      for (let i: usize = 0; i < blocks; i++) {
        splitByFour(at + i * size * ROW_BYTES, size, block * blocks + i, twiddles)
      }
    }
    if (size == 2) {
      for (let i: usize = 0; i < blocks; i++) {
        splitByTwo(at + 2 * i * ROW_BYTES, 2, block * blocks + i, twiddles)
      }
    }
    return
  }
  splitByFour(at, rows, block, twiddles)
  const quarter = rows >> 2
  for (let i: usize = 0; i < 4; i++) {
    toBitReversed(at + i * quarter * ROW_BYTES, quarter, 4 * block + i, twiddles)
  }
}

// @ts-ignore: decorator
@inline
function twiddle(twiddles: usize, block: usize): v128 {
  return v128.load32_splat(twiddles + (block << 2))
}

/** One halving: (x, y) to (x + w y, x - w y), w the block's twiddle factor. */
function splitByTwo(at: usize, rows: usize, block: usize, twiddles: usize): void {
  const w = twiddle(twiddles, block)
  const offset = (rows >> 1) * ROW_BYTES
  for (let end = at + offset; at < end; at += ROW_BYTES) {
    const x = v128.load(at)
    const y = canonical(multiply(v128.load(at + offset), w))
    v128.store(at, add(x, y))
    v128.store(at + offset, subtract(x, y))
  }
}

/** Two halvings. */
function splitByFour(at: usize, rows: usize, block: usize, twiddles: usize): void {
  const w = twiddle(twiddles, block)
  const wLow = twiddle(twiddles, 2 * block)
  const wHigh = twiddle(twiddles, 2 * block + 1)
  const offset = (rows >> 2) * ROW_BYTES
  for (let end = at + offset; at < end; at += ROW_BYTES) {
    const x0 = v128.load(at)
    const x1 = v128.load(at + offset)
    const x2 = canonical(multiply(v128.load(at + 2 * offset), w))
    const x3 = canonical(multiply(v128.load(at + 3 * offset), w))
    const y0 = add(x0, x2)
    const y1 = canonical(multiply(add(x1, x3), wLow))
    const y2 = subtract(x0, x2)
    const y3 = canonical(multiply(minus(x1, x3), wHigh))
    v128.store(at, add(y0, y1))
    v128.store(at + offset, subtract(y0, y1))
    v128.store(at + 2 * offset, add(y2, y3))
    v128.store(at + 3 * offset, subtract(y2, y3))
  }
}

/**
 * Block number `block` of `rows` rows: bit-reversed to natural order, the transpose of the above,
 * but for the first pass (blocks of two rows), which `extend` has done.
 */
function toNatural(at: usize, rows: usize, block: usize, twiddles: usize): void {
  if (rows <= SMALL_BLOCK_ROWS) {
    // With an odd number of passes left, one of them is done alone.
    let size: usize = 2
    if ((ctz(rows) & 1) == 0) {
      size = 4
      const blocks = rows >> 2
      for (let i: usize = 0; i < blocks; i++) {
        joinTwo(at + 4 * i * ROW_BYTES, 4, block * blocks + i, twiddles)
      }
    }
    while (size < rows) {
      size <<= 2
      const blocks = rows / size
      for (let i: usize = 0; i < blocks; i++) {
        joinFour(at + i * size * ROW_BYTES, size, block * blocks + i, twiddles)
      }
    }
    return
  }
  const quarter = rows >> 2
  for (let i: usize = 0; i < 4; i++) {
    toNatural(at + i * quarter * ROW_BYTES, quarter, 4 * block + i, twiddles)
  }
  joinFour(at, rows, block, twiddles)
}

/** One doubling: (x, y) to (x + y, w (x - y)). */
function joinTwo(at: usize, rows: usize, block: usize, twiddles: usize): void {
  const w = twiddle(twiddles, block)
  const offset = (rows >> 1) * ROW_BYTES
  for (let end = at + offset; at < end; at += ROW_BYTES) {
    const x = v128.load(at)
    const y = v128.load(at + offset)
    v128.store(at, add(x, y))
    v128.store(at + offset, canonical(multiply(minus(x, y), w)))
  }
}

/** Two doublings. */
function joinFour(at: usize, rows: usize, block: usize, twiddles: usize): void {
  const w = twiddle(twiddles, block)
  const wLow = twiddle(twiddles, 2 * block)
  const wHigh = twiddle(twiddles, 2 * block + 1)
  const offset = (rows >> 2) * ROW_BYTES
  for (let end = at + offset; at < end; at += ROW_BYTES) {
    const x0 = v128.load(at)
    const x1 = v128.load(at + offset)
    const x2 = v128.load(at + 2 * offset)
    const x3 = v128.load(at + 3 * offset)
    const y0 = add(x0, x1)
    const y1 = canonical(multiply(minus(x0, x1), wLow))
    const y2 = add(x2, x3)
    const y3 = canonical(multiply(minus(x2, x3), wHigh))
    v128.store(at, add(y0, y2))
    v128.store(at + offset, add(y1, y3))
    v128.store(at + 2 * offset, canonical(multiply(minus(y0, y2), w)))
    v128.store(at + 3 * offset, canonical(multiply(minus(y1, y3), w)))
  }
}
