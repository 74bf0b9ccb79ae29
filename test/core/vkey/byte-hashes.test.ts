/** The kept hashes of the chip Byte: proved to be what the chip's rows hash to. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Program } from '../../../src/core/riscv/program.js'
import { BYTE } from '../../../src/core/vkey/byte-chip.js'
import {
  BYTE_HASHES_FILE,
  isByteHashes,
  loadByteHashes,
} from '../../../src/core/vkey/byte-hashes.js'
import { commitTraces, hashTrace } from '../../../src/core/vkey/commitment.js'
import {
  BABYBEAR_GENERATOR,
  fromMontgomery,
  invert,
  power,
  reduce,
  rootOfUnity,
} from '../../../src/core/vkey/field.js'
import { hashElements } from '../../../src/core/vkey/poseidon2.js'
import type { RowHashes, Trace } from '../../../src/core/vkey/recipe.js'

const LOG_HEIGHT = 16
const HEIGHT = 2 ** LOG_HEIGHT
const trace: Trace = BYTE.trace({} as Program)
const { rowHashes: _kept, ...bare } = trace

/** The row of the extension at 31 * w^i: each column's polynomial there, by Lagrange's formula. */
function extendedRow(i: number): number[] {
  const x = reduce(BABYBEAR_GENERATOR * power(rootOfUnity(LOG_HEIGHT + 1), BigInt(i)))
  const root = rootOfUnity(LOG_HEIGHT)
  const sums = trace.columns.map(() => 0n)
  let point = 1n
  for (let row = 0; row < HEIGHT; row++) {
    const weight = reduce(point * invert(x - point))
    trace.columns.forEach((column, c) => {
      sums[c] += BigInt(column(row)) * weight
    })
    point = reduce(point * root)
  }
  const scale = (power(x, BigInt(HEIGHT)) - 1n) * invert(BigInt(HEIGHT))
  return sums.map((sum) => Number(reduce(reduce(sum) * scale)))
}

/** Quicker by far than a matcher that could say where a million words differ. */
function isSame(a: RowHashes | undefined, b: RowHashes): boolean {
  return a?.length === b.length && a.every((word, i) => word === b[i])
}

describe('the kept hashes of Byte', () => {
  it('are those of the file named in the source', async () => {
    const bytes = readFileSync(BYTE_HASHES_FILE)
    expect(isByteHashes(bytes)).toBe(true)
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    expect(isSame(await loadByteHashes(), words)).toBe(true)
    bytes[1234] ^= 1
    expect(isByteHashes(bytes)).toBe(false)
  })

  it('are what the kernels make of the chip', async () => {
    const hashes = await hashTrace({ logHeight: LOG_HEIGHT, trace: bare }, 2)
    expect(isSame(await loadByteHashes(), hashes)).toBe(true)
  })

  it.each([0, 70_001])('are the plain hash of row %i', async (row) => {
    const hashes = (await loadByteHashes()) as RowHashes
    const words = Array.from({ length: 8 }, (_, word) => hashes[2 * HEIGHT * word + row])
    expect(words.map(fromMontgomery)).toEqual(hashElements(extendedRow(row)))
  })

  it('give the commitment that the chip has without them', async () => {
    const [kept, computed] = await Promise.all(
      [trace, bare].map((trace) =>
        commitTraces([{ logHeight: LOG_HEIGHT, trace }], { threads: 1 }),
      ),
    )
    expect(kept).toEqual(computed)
  })
})
