/** Hex by tables is what hex by the number formatter of JavaScript is. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, type Hex, toHex } from '../../src/core/bytes.js'

function plainToHex(bytes: Uint8Array): Hex {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

function plainFromHex(hex: Hex): Uint8Array {
  const pairs = hex.slice(2).match(/../g) ?? []
  return Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16))
}

const anyBytes = fc.uint8Array({ maxLength: 600 })
/** Each digit in either case. */
const anyHex = fc
  .array(fc.constantFrom(...'0123456789abcdefABCDEF'), { maxLength: 300 })
  .map((digits) => `0x${[...digits, ...digits].join('')}` as Hex)

describe('toHex', () => {
  it('is the same of any bytes', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(toHex(bytes)).toBe(plainToHex(bytes))
      }),
      { numRuns: 500 },
    )
  })

  it('is the same of every byte, of a view into larger bytes, and of none', () => {
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    for (const bytes of [every, every.subarray(7, 200), new Uint8Array(), Buffer.from(every)]) {
      expect(toHex(bytes)).toBe(plainToHex(bytes))
    }
  })
})

describe('fromHex', () => {
  it('is the same of any hex', () => {
    fc.assert(
      fc.property(anyHex, (hex) => {
        expect(fromHex(hex)).toEqual(plainFromHex(hex))
      }),
      { numRuns: 500 },
    )
  })

  it('is the inverse of toHex', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(fromHex(toHex(bytes))).toEqual(bytes)
      }),
      { numRuns: 500 },
    )
  })
})

describe('megabytes', () => {
  const bytes = new Uint8Array(16 * 2 ** 20).map((_, i) => i * 7 + (i >> 8))
  const hex = `0x${Buffer.from(bytes).toString('hex')}` as Hex

  it('are the same, and take not much longer than what the host takes for them', () => {
    const host = fastestMs(() => Buffer.from(Buffer.from(bytes).toString('hex'), 'hex'))
    const ours = fastestMs(() => fromHex(toHex(bytes)))
    expect(toHex(bytes) === hex).toBe(true)
    expect(Buffer.compare(fromHex(hex), bytes)).toBe(0)
    // Byte by byte it is more than thirty times as long.
    expect(ours / host).toBeLessThan(12)
  })
})

function fastestMs(work: () => unknown): number {
  const times = Array.from({ length: 3 }, () => {
    const beganMs = performance.now()
    work()
    return performance.now() - beganMs
  })
  return Math.min(...times)
}
