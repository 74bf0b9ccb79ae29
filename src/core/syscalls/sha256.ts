/**
 * SHA-256 precompiles: message schedule (EXTEND) and compression.
 * Source: FIPS 180-4, 6.2.2; sp1-core-executor 3.4.0 and 5.2.4
 * syscalls/precompiles/sha256.
 */
import { isOverlapping } from './operands.js'
import { defineSyscall, invalid, requireAligned, type Syscall } from './syscall.js'

const BLOCK_WORDS = 16
const SCHEDULE_WORDS = 64
const STATE_WORDS = 8

/** The 32 bits after the binary point of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2). */
const K = roundConstants()

export const shaExtend = defineSyscall({
  name: 'SHA_EXTEND',
  kernel: 'shaExtend',
  code: 0x00_30_01_05,
  extraCycles: 48,
  execute(context, wPointer, arg2) {
    if (arg2 !== 0) invalid('SHA_EXTEND', 'its second argument is not 0')
    requireAligned(context, wPointer)
    const { memory } = context
    const wordAt = (i: number) => wPointer + 4 * i
    for (let i = BLOCK_WORDS; i < SCHEDULE_WORDS; i++) {
      const w15 = memory.readWord(wordAt(i - 15))
      const w2 = memory.readWord(wordAt(i - 2))
      const s0 = rotateRight(w15, 7) ^ rotateRight(w15, 18) ^ (w15 >>> 3)
      const s1 = rotateRight(w2, 17) ^ rotateRight(w2, 19) ^ (w2 >>> 10)
      const w16 = memory.readWord(wordAt(i - 16))
      const w7 = memory.readWord(wordAt(i - 7))
      memory.writeWord(wordAt(i), (s1 + w16 + s0 + w7) >>> 0)
    }
  },
})

/** @param options.refusesOverlap - the executor panics if the two operands share memory. */
export function shaCompress(options: { readonly refusesOverlap: boolean }): Syscall {
  const name = 'SHA_COMPRESS'
  return defineSyscall({
    name,
    kernel: 'shaCompress',
    code: 0x00_01_01_06,
    extraCycles: 1,
    execute(context, wPointer, hPointer) {
      if (wPointer === hPointer) invalid(name, 'schedule and state are the same memory')
      requireAligned(context, wPointer, hPointer)
      if (isOverlapping(wPointer, SCHEDULE_WORDS, hPointer, STATE_WORDS)) {
        if (options.refusesOverlap) invalid(name, 'schedule and state share memory')
        context.markUnprovable(`${name} was called on overlapping memory`)
      }
      const { memory } = context
      const state = memory.readWords(hPointer, STATE_WORDS)
      const rounds = compress(state, (i) => memory.readWord(wPointer + 4 * i))
      memory.writeWords(
        hPointer,
        rounds.map((word, i) => (word + state[i]) >>> 0),
      )
    },
  })
}

/** The 64 rounds (FIPS 180-4, 6.2.2, step 3). */
function compress(state: Uint32Array, wordAt: (i: number) => number): number[] {
  let [a, b, c, d, e, f, g, h] = state
  for (let i = 0; i < SCHEDULE_WORDS; i++) {
    const s1 = rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25)
    const choice = (e & f) ^ (~e & g)
    const t1 = (h + s1 + choice + K[i] + wordAt(i)) >>> 0
    const s0 = rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22)
    const majority = (a & b) ^ (a & c) ^ (b & c)
    h = g
    g = f
    f = e
    e = (d + t1) >>> 0
    d = c
    c = b
    b = a
    a = (t1 + s0 + majority) >>> 0
  }
  return [a, b, c, d, e, f, g, h]
}

function rotateRight(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits))
}

/** Integer cube roots in bigint, because a double has too few bits for the last ones. */
function roundConstants(): Uint32Array {
  const constants = new Uint32Array(SCHEDULE_WORDS)
  for (let i = 0, candidate = 2; i < SCHEDULE_WORDS; candidate++) {
    if (!isPrime(candidate)) continue
    constants[i++] = Number(BigInt.asUintN(32, cubeRoot(BigInt(candidate) << 96n)))
  }
  return constants
}

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false
  return true
}

/** The largest integer whose cube is at most `n`, for n < 2^120. */
function cubeRoot(n: bigint): bigint {
  let root = 0n
  for (let bit = 1n << 40n; bit > 0n; bit >>= 1n) if ((root | bit) ** 3n <= n) root |= bit
  return root
}
