/** LEB128: known encodings, the edges where a byte is added, and reading back what was written. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteSink } from '../../../src/core/wasm/byte-sink.js'
import { ByteSource } from '../../../src/core/wasm/byte-source.js'

function written(write: (sink: ByteSink) => void): number[] {
  const sink = new ByteSink()
  write(sink)
  return [...sink.toBytes()]
}

describe('u32', () => {
  it.each([
    [0, [0x00]],
    [0x7f, [0x7f]],
    [0x80, [0x80, 0x01]],
    [0x3fff, [0xff, 0x7f]],
    [0x4000, [0x80, 0x80, 0x01]],
    [624485, [0xe5, 0x8e, 0x26]],
    [2 ** 31, [0x80, 0x80, 0x80, 0x80, 0x08]],
    [2 ** 32 - 1, [0xff, 0xff, 0xff, 0xff, 0x0f]],
  ])('%d', (value, bytes) => {
    expect(written((sink) => sink.u32(value))).toEqual(bytes)
  })

  it.each([-1, 2 ** 32, 0.5, Number.NaN])('refuses %d', (value) => {
    expect(() => new ByteSink().u32(value)).toThrow('is no u32')
  })
})

describe('s32 and s64', () => {
  it.each([
    [0, [0x00]],
    [-1, [0x7f]],
    [63, [0x3f]],
    [64, [0xc0, 0x00]],
    [-64, [0x40]],
    [-65, [0xbf, 0x7f]],
    [-123456, [0xc0, 0xbb, 0x78]],
    [2 ** 31 - 1, [0xff, 0xff, 0xff, 0xff, 0x07]],
    [-(2 ** 31), [0x80, 0x80, 0x80, 0x80, 0x78]],
  ])('%d', (value, bytes) => {
    expect(written((sink) => sink.s32(value))).toEqual(bytes)
    expect(written((sink) => sink.s64(BigInt(value)))).toEqual(bytes)
  })

  it('takes a u32 for the i32 of the same bits', () => {
    expect(written((sink) => sink.s32(2 ** 32 - 1))).toEqual([0x7f])
  })
})

describe('reading back', () => {
  const RUNS = { numRuns: 1000 }

  it('u32', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (value) => {
        const source = new ByteSource(Uint8Array.from(written((sink) => sink.u32(value))))
        expect(source.u32()).toBe(value)
        expect(source.isAtEnd).toBe(true)
      }),
      RUNS,
    )
  })

  it('s64', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const source = new ByteSource(Uint8Array.from(written((sink) => sink.s64(value))))
        expect(source.s64()).toBe(value)
        expect(source.isAtEnd).toBe(true)
      }),
      RUNS,
    )
  })
})
