/**
 * The chip Byte, the same for every program and in SP1 3.4.0 and 5.2.4.
 * Source: sp1-core-machine 3.4.0 and 5.2.4 src/bytes/{mod,columns}.rs.
 */
import { loadByteHashes } from './byte-hashes.js'
import type { Chip, Column, Trace } from './recipe.js'

const LOG_HEIGHT = 16

export const BYTE: Chip = {
  name: 'Byte',
  logHeights: [LOG_HEIGHT],
  rowsAre: 'byte table',
  trace: byteTrace,
}

/** Every pair of bytes b, c with what the byte operations make of it; the same for every program. */
function byteTrace(): Trace {
  const of =
    (value: (b: number, c: number) => number): Column =>
    (row) =>
      value(row >> 8, row & 0xff)
  return {
    rows: 2 ** LOG_HEIGHT,
    padding: 'zeroes',
    rowHashes: loadByteHashes,
    columns: [
      of((b) => b),
      of((_, c) => c),
      of((b, c) => b & c),
      of((b, c) => b | c),
      of((b, c) => b ^ c),
      of((b, c) => (b << (c & 7)) & 0xff),
      of((b, c) => b >> (c & 7)),
      of((b, c) => b & ((1 << (c & 7)) - 1)), // what the shift to the right drops
      of((b, c) => Number(b < c)),
      of((b) => b >> 7),
      of((b, c) => 256 * b + c),
    ],
  }
}
