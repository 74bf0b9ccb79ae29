/**
 * The message schedule and the compression of SHA-256 (FIPS 180-4, 6.2.2).
 * src/core/syscalls/sha256.ts is the plain version.
 */
import { at, isOverlapping, isPlain, markUsed } from './guest'

const SCHEDULE_WORDS: u32 = 64
const STATE_WORDS: u32 = 8

/** FIPS 180-4, 4.2.2. */
const K = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
])

export function shaExtend(w: u32, arg2: u32): i32 {
  if (arg2 != 0 || !isPlain(w, SCHEDULE_WORDS)) return 0
  const start = at(w)
  const end = start + 4 * SCHEDULE_WORDS
  let w15 = load<u32>(start)
  for (let to = start + 4 * 16; to < end; to += 4) {
    const w16 = w15
    w15 = load<u32>(to - 4 * 15)
    const w2 = load<u32>(to - 4 * 2)
    const s0 = rotr(w15, 7) ^ rotr(w15, 18) ^ (w15 >> 3)
    const s1 = rotr(w2, 17) ^ rotr(w2, 19) ^ (w2 >> 10)
    store<u32>(to, s1 + w16 + s0 + load<u32>(to - 4 * 7))
  }
  markUsed(w, SCHEDULE_WORDS)
  return 1
}

export function shaCompress(w: u32, state: u32): i32 {
  if (!isPlain(w, SCHEDULE_WORDS) || !isPlain(state, STATE_WORDS)) return 0
  if (isOverlapping(w, SCHEDULE_WORDS, state, STATE_WORDS)) return 0
  const h = at(state)
  let a = load<u32>(h), b = load<u32>(h, 4), c = load<u32>(h, 8), d = load<u32>(h, 12)
  let e = load<u32>(h, 16), f = load<u32>(h, 20), g = load<u32>(h, 24), last = load<u32>(h, 28)
  // Eight rounds, after which every word is in its place again.
  for (let i: usize = 0; i < 4 * SCHEDULE_WORDS; i += 32) {
    const wi = at(w) + i
    const k = K + i
    let t: u32
    t = last + sum(e, f, g, wi, k, 0); d += t; last = t + spread(a, b, c)
    t = g + sum(d, e, f, wi, k, 4); c += t; g = t + spread(last, a, b)
    t = f + sum(c, d, e, wi, k, 8); b += t; f = t + spread(g, last, a)
    t = e + sum(b, c, d, wi, k, 12); a += t; e = t + spread(f, g, last)
    t = d + sum(a, b, c, wi, k, 16); last += t; d = t + spread(e, f, g)
    t = c + sum(last, a, b, wi, k, 20); g += t; c = t + spread(d, e, f)
    t = b + sum(g, last, a, wi, k, 24); f += t; b = t + spread(c, d, e)
    t = a + sum(f, g, last, wi, k, 28); e += t; a = t + spread(b, c, d)
  }
  store<u32>(h, load<u32>(h) + a)
  store<u32>(h, load<u32>(h, 4) + b, 4)
  store<u32>(h, load<u32>(h, 8) + c, 8)
  store<u32>(h, load<u32>(h, 12) + d, 12)
  store<u32>(h, load<u32>(h, 16) + e, 16)
  store<u32>(h, load<u32>(h, 20) + f, 20)
  store<u32>(h, load<u32>(h, 24) + g, 24)
  store<u32>(h, load<u32>(h, 28) + last, 28)
  markUsed(w, SCHEDULE_WORDS)
  markUsed(state, STATE_WORDS)
  return 1
}

/** All of T1 but h: the second sum of e, the choice, the round's constant and word. */
// @ts-ignore: decorator
@inline
function sum(e: u32, f: u32, g: u32, w: usize, k: usize, offset: usize): u32 {
  const choice = g ^ (e & (f ^ g))
  const s1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)
  return s1 + choice + load<u32>(k + offset) + load<u32>(w + offset)
}

/** T2: the first sum of a, and the majority. */
// @ts-ignore: decorator
@inline
function spread(a: u32, b: u32, c: u32): u32 {
  return (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) | (c & (a | b)))
}
