import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BABYBEAR_GENERATOR,
  BABYBEAR_P,
  invert,
  power,
  reduce,
  rootOfUnity,
} from '../../../src/core/vkey/field.js'
import { extendColumn, extendRows, merkleRoot } from '../../../src/core/vkey/merkle.js'
import { compress, hashElements } from '../../../src/core/vkey/poseidon2.js'

const anyElement = fc.integer({ min: 0, max: BABYBEAR_P - 1 })

describe('low-degree extension', () => {
  /** The polynomial through (root^i, values[i]) at x, by Lagrange's formula. */
  function interpolate(values: readonly number[], x: bigint): number {
    const points = values.map((_, i) => power(rootOfUnity(Math.log2(values.length)), BigInt(i)))
    const terms = values.map((value, i) => {
      const others = points.filter((point) => point !== points[i])
      const above = others.reduce((product, point) => reduce(product * (x - point)), 1n)
      const below = others.reduce((product, point) => reduce(product * (points[i] - point)), 1n)
      return BigInt(value) * above * invert(below)
    })
    return Number(reduce(terms.reduce((sum, term) => sum + term, 0n)))
  }

  it('is the interpolated polynomial on the coset', () => {
    for (const log2 of [0, 1, 2, 3]) {
      const anyColumn = fc.array(anyElement, { minLength: 2 ** log2, maxLength: 2 ** log2 })
      fc.assert(
        fc.property(anyColumn, (values) => {
          const root = rootOfUnity(log2 + 1)
          const coset = Array.from(
            { length: 2 * values.length },
            (_, i) => BABYBEAR_GENERATOR * power(root, BigInt(i)),
          )
          expect(extendColumn(values)).toEqual(coset.map((x) => interpolate(values, x)))
        }),
        { numRuns: 10 },
      )
    }
  })

  it('keeps constants', () => {
    expect(extendColumn([7, 7, 7, 7])).toEqual(new Array(8).fill(7))
  })

  it('gives rows in bit-reversed order', () => {
    const column = [1, 2, 3, 4]
    const natural = extendColumn(column)
    expect(extendRows(column.map((value) => [value]))).toEqual(
      [0, 4, 2, 6, 1, 5, 3, 7].map((row) => [natural[row]]),
    )
  })
})

describe('Merkle tree', () => {
  const row = (...elements: number[]) => elements

  it('of one matrix', () => {
    const leaves = [row(1), row(2), row(3), row(4)].map(hashElements)
    const expected = compress(compress(leaves[0], leaves[1]), compress(leaves[2], leaves[3]))
    expect(merkleRoot([[row(1), row(2), row(3), row(4)]])).toEqual(expected)
  })

  it('joins rows of equal height, and takes shorter ones in where the tree is as wide', () => {
    const tall = [row(1, 2), row(3, 4), row(5, 6), row(7, 8)]
    const alsoTall = [row(11), row(12), row(13), row(14)]
    const short = [row(21, 22, 23), row(24, 25, 26)]
    const leaf = (i: number) => hashElements([...tall[i], ...alsoTall[i]])
    const left = compress(compress(leaf(0), leaf(1)), hashElements(short[0]))
    const right = compress(compress(leaf(2), leaf(3)), hashElements(short[1]))
    expect(merkleRoot([tall, short, alsoTall])).toEqual(compress(left, right))
  })
})
