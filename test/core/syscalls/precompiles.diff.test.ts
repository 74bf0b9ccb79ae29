/** The precompiles of SHA-256 and Keccak against other implementations of both. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GuestError } from '../../../src/core/errors.js'
import { Hart } from '../../../src/core/riscv/hart.js'
import { Memory } from '../../../src/core/riscv/memory.js'
import { keccakPermute } from '../../../src/core/syscalls/keccak256.js'
import { shaCompress, shaExtend } from '../../../src/core/syscalls/sha256.js'
import type { Syscall, SyscallContext } from '../../../src/core/syscalls/syscall.js'

const compress = shaCompress({ refusesOverlap: false })
const W = 0x0040_0000
const H = 0x0050_0000

function call(syscall: Syscall, arg1: number, arg2: number, memory = new Memory({ limitMib: 8 })) {
  const reasons: string[] = []
  const hart = new Hart(memory, { ecall: () => {} }, 0)
  const context = { hart, memory, markUnprovable: (reason: string) => reasons.push(reason) }
  syscall.execute(context as unknown as SyscallContext, arg1, arg2)
  return reasons
}

describe('SHA_EXTEND and SHA_COMPRESS', () => {
  /** FIPS 180-4, 5.3.3. */
  const INITIAL = [
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
  ]

  function sha256(message: Uint8Array): string {
    const memory = new Memory({ limitMib: 8 })
    const padded = new Uint8Array(64 * Math.ceil((message.length + 9) / 64))
    padded.set(message)
    padded[message.length] = 0x80
    const view = new DataView(padded.buffer)
    view.setUint32(padded.length - 4, 8 * message.length)
    memory.writeWords(H, INITIAL)
    for (let block = 0; block < padded.length; block += 64) {
      const words = Array.from({ length: 16 }, (_, i) => view.getUint32(block + 4 * i))
      memory.writeWords(W, words)
      call(shaExtend, W, 0, memory)
      call(compress, W, H, memory)
    }
    return [...memory.readWords(H, 8)].map((word) => word.toString(16).padStart(8, '0')).join('')
  }

  it('make SHA-256', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (message) => {
        expect(sha256(message)).toBe(createHash('sha256').update(message).digest('hex'))
      }),
      { numRuns: 100 },
    )
  })

  it('refuse wrong arguments', () => {
    expect(() => call(shaExtend, W, 1)).toThrow(GuestError)
    expect(() => call(compress, W, W)).toThrow(GuestError)
    const strict = shaCompress({ refusesOverlap: true })
    expect(() => call(strict, W, W + 252)).toThrow(GuestError)
    expect(call(strict, W, W + 256)).toEqual([])
  })

  it('report what cannot be proved', () => {
    expect(call(shaExtend, W, 0)).toEqual([])
    expect(call(shaExtend, W + 1, 0)).toHaveLength(1)
    expect(call(compress, W, H)).toEqual([])
    expect(call(compress, W, W + 256)).toEqual([])
    expect(call(compress, W, W + 252)).toHaveLength(1)
    expect(call(compress, W, W - 32)).toEqual([])
    expect(call(compress, W, W - 28)).toHaveLength(1)
    expect(call(compress, W, H + 2)).toHaveLength(1)
  })
})

describe('KECCAK_PERMUTE', () => {
  const U64 = 2n ** 64n
  const rotate = (lane: bigint, bits: bigint) => ((lane << bits) | (lane >> (64n - bits))) % U64

  /** Keccak-f[1600] as FIPS 202 states it, lanes A[x + 5y] as bigints. */
  function keccakF(lanes: bigint[]): bigint[] {
    let state = lanes
    let lfsr = 1
    for (let round = 0; round < 24; round++) {
      const parity = [0, 1, 2, 3, 4].map((x) =>
        [0, 1, 2, 3, 4].reduce((sum, y) => sum ^ (state[x + 5 * y] as bigint), 0n),
      )
      const at = (i: number) => parity[(i + 5) % 5] as bigint
      state = state.map((lane, i) => lane ^ at((i % 5) - 1) ^ rotate(at((i % 5) + 1), 1n))
      const moved = state.slice()
      for (let t = 0, x = 1, y = 0; t < 24; t++) {
        const offset = BigInt((((t + 1) * (t + 2)) / 2) % 64)
        const [nextX, nextY] = [y, (2 * x + 3 * y) % 5]
        moved[nextX + 5 * nextY] = rotate(state[x + 5 * y] as bigint, offset)
        x = nextX
        y = nextY
      }
      state = moved.map((lane, i) => {
        const row = i - (i % 5)
        const next = (step: number) => moved[row + ((i + step) % 5)] as bigint
        return lane ^ (~next(1) & (U64 - 1n) & next(2))
      })
      for (let j = 0; j < 7; j++) {
        if (lfsr & 1) state[0] = (state[0] as bigint) ^ (1n << BigInt(2 ** j - 1))
        lfsr = lfsr & 0x80 ? ((lfsr << 1) ^ 0x171) & 0xff : lfsr << 1
      }
    }
    return state
  }

  it('is Keccak-f[1600]', () => {
    const anyState = fc.array(fc.bigInt({ min: 0n, max: U64 - 1n }), {
      minLength: 25,
      maxLength: 25,
    })
    fc.assert(
      fc.property(anyState, (lanes) => {
        const memory = new Memory({ limitMib: 8 })
        const words = lanes.flatMap((lane) => [Number(lane % 2n ** 32n), Number(lane >> 32n)])
        memory.writeWords(W, words)
        expect(call(keccakPermute, W, 0, memory)).toEqual([])
        const after = memory.readWords(W, 50)
        const expected = keccakF(lanes)
        expected.forEach((lane, i) => {
          expect(BigInt(after[2 * i] as number) + (BigInt(after[2 * i + 1] as number) << 32n)).toBe(
            lane,
          )
        })
      }),
      { numRuns: 50 },
    )
  })

  it('refuses a second argument, and reports a misaligned pointer', () => {
    expect(() => call(keccakPermute, W, 1)).toThrow(GuestError)
    expect(call(keccakPermute, W + 2, 0)).toHaveLength(1)
  })
})
