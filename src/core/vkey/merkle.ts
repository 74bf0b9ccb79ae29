/**
 * The commitment to a batch of traces, written down plainly: low-degree extension of each column, then
 * one Merkle tree over matrices of different heights. Usable for small traces only; commitment.ts
 * computes the same with the kernels.
 *
 * Source: p3-fri 0.1.4-succinct `two_adic_pcs.rs` (commit), p3-merkle-tree `merkle_tree.rs`.
 */
import { BABYBEAR_GENERATOR, invert, power, reduce, rootOfUnity } from './field.js'
import { compress, hashElements } from './poseidon2.js'

/** Rows of canonical elements; the number of rows is a power of two. */
export type Matrix = readonly (readonly number[])[]

/** The root: 8 words. Matrices of one height are joined in the order given. */
export function commitPlainly(traces: readonly Matrix[]): number[] {
  return merkleRoot(traces.map(extendRows))
}

/** Each column's values on the coset 31 * H, H the subgroup of twice the order; rows bit-reversed. */
export function extendRows(trace: Matrix): Matrix {
  const columns = trace[0].map((_, column) => extendColumn(trace.map((row) => row[column])))
  return columns[0].map((_, i) => {
    const row = reverseBits(i, Math.log2(columns[0].length))
    return columns.map((column) => column[row])
  })
}

/** A column's values on the coset in natural order, from those on the subgroup. */
export function extendColumn(values: readonly number[]): number[] {
  const log2 = Math.log2(values.length)
  const scale = invert(BigInt(values.length))
  const coefficients = evaluate(values.map(BigInt), invert(rootOfUnity(log2)))
  const shifted = coefficients.map((c, i) =>
    reduce(c * scale * power(BABYBEAR_GENERATOR, BigInt(i))),
  )
  const padded = [...shifted, ...shifted.map(() => 0n)]
  return evaluate(padded, rootOfUnity(log2 + 1)).map(Number)
}

/** The polynomial's values at root^0, root^1, …, by halving it into even and odd coefficients. */
function evaluate(coefficients: readonly bigint[], root: bigint): bigint[] {
  if (coefficients.length === 1) return [coefficients[0]]
  const square = reduce(root * root)
  const even = evaluate(
    coefficients.filter((_, i) => i % 2 === 0),
    square,
  )
  const odd = evaluate(
    coefficients.filter((_, i) => i % 2 === 1),
    square,
  )
  return coefficients.map((_, i) =>
    reduce(even[i % even.length] + power(root, BigInt(i)) * odd[i % odd.length]),
  )
}

/**
 * Leaves hash the rows of the tallest matrices; at the level as wide as a shorter matrix is tall, each
 * digest is compressed once more with the hash of that matrix's row.
 */
export function merkleRoot(matrices: readonly Matrix[]): number[] {
  const hashRows = (height: number) => {
    const joined = matrices.filter((matrix) => matrix.length === height)
    if (joined.length === 0) return undefined
    return Array.from({ length: height }, (_, i) => hashElements(joined.flatMap((m) => m[i])))
  }
  let level = hashRows(Math.max(...matrices.map((matrix) => matrix.length))) ?? []
  while (level.length > 1) {
    const half = level.length / 2
    const shorter = hashRows(half)
    level = Array.from({ length: half }, (_, i) => {
      const digest = compress(level[2 * i], level[2 * i + 1])
      return shorter === undefined ? digest : compress(digest, shorter[i])
    })
  }
  return level[0]
}

export function reverseBits(value: number, bits: number): number {
  let reversed = 0
  for (let bit = 0; bit < bits; bit++) reversed = reversed * 2 + ((value >>> bit) & 1)
  return reversed
}
