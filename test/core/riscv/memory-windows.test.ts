import { describe, expect, it } from 'vitest'
import {
  FIRST_WINDOW_BYTES,
  growTo,
  reserve,
  windowFor,
} from '../../../src/core/riscv/memory-windows.js'

const PAGE = 65_536
const MIB = 2 ** 20

describe('windows', () => {
  it.each([
    [0, 4],
    [4 * MIB, 4],
    [4 * MIB + 1, 16],
    [17 * MIB, 64],
    [1000 * MIB, 1024],
    [1025 * MIB, 1920],
  ])('%d bytes are in one of %d MiB', (bytes, mib) => {
    expect(windowFor(bytes, 1920 * MIB)).toBe(mib * MIB)
  })

  it('are whole pages of what there is', () => {
    expect(windowFor(1, MIB)).toBe(MIB)
    expect(windowFor(1, MIB + 1)).toBe(MIB + 4096)
    expect(windowFor(1, FIRST_WINDOW_BYTES + 1)).toBe(FIRST_WINDOW_BYTES)
  })
})

describe('a host without memory', () => {
  const unavailable = expect.objectContaining({ code: 'MEMORY_UNAVAILABLE', exitCode: 8 })

  it('is told when a run begins', () => {
    expect(() => reserve(2 ** 40, 2 ** 40)).toThrow()
  })

  it('is told when a run grows, and leaves the memory as it was', () => {
    const memory = reserve(PAGE, 2 * PAGE)
    new Uint8Array(memory.buffer).fill(7)
    expect(() => growTo(memory, 3 * PAGE)).toThrow(unavailable)
    expect(memory.buffer.byteLength).toBe(PAGE)
    growTo(memory, 2 * PAGE)
    expect(new Uint8Array(memory.buffer, PAGE - 1, 2)).toEqual(Uint8Array.of(7, 0))
  })
})
