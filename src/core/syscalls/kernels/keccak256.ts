/**
 * Keccak-f[1600] (FIPS 202, 3.2 and 3.3) on 25 lanes of two words.
 * src/core/syscalls/keccak256.ts is the plain version.
 */
import { at, isPlain, markUsed } from './guest'

const STATE_WORDS: u32 = 50

/** The constants of iota (FIPS 202, 3.2.5). */
const ROUND_CONSTANTS = memory.data<u64>([
  0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808a,
  0x8000_0000_8000_8000, 0x0000_0000_0000_808b, 0x0000_0000_8000_0001,
  0x8000_0000_8000_8081, 0x8000_0000_0000_8009, 0x0000_0000_0000_008a,
  0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000a,
  0x0000_0000_8000_808b, 0x8000_0000_0000_008b, 0x8000_0000_0000_8089,
  0x8000_0000_0000_8003, 0x8000_0000_0000_8002, 0x8000_0000_0000_0080,
  0x0000_0000_0000_800a, 0x8000_0000_8000_000a, 0x8000_0000_8000_8081,
  0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
])
const ROUNDS: usize = 24

export function keccakPermute(pointer: u32, arg2: u32): i32 {
  if (arg2 != 0 || !isPlain(pointer, STATE_WORDS)) return 0
  permute(at(pointer))
  markUsed(pointer, STATE_WORDS)
  return 1
}

// @ts-ignore: decorator
@inline
function lane(state: usize, i: usize): u64 {
  return load<u64>(state + 8 * i)
}

// @ts-ignore: decorator
@inline
function setLane(state: usize, i: usize, value: u64): void {
  store<u64>(state + 8 * i, value)
}

/** Lane aXY of the standard is a(x + 5 y) here. */
function permute(state: usize): void {
  let a0 = lane(state, 0), a1 = lane(state, 1), a2 = lane(state, 2)
  let a3 = lane(state, 3), a4 = lane(state, 4)
  let a5 = lane(state, 5), a6 = lane(state, 6), a7 = lane(state, 7)
  let a8 = lane(state, 8), a9 = lane(state, 9)
  let a10 = lane(state, 10), a11 = lane(state, 11), a12 = lane(state, 12)
  let a13 = lane(state, 13), a14 = lane(state, 14)
  let a15 = lane(state, 15), a16 = lane(state, 16), a17 = lane(state, 17)
  let a18 = lane(state, 18), a19 = lane(state, 19)
  let a20 = lane(state, 20), a21 = lane(state, 21), a22 = lane(state, 22)
  let a23 = lane(state, 23), a24 = lane(state, 24)
  for (let round: usize = 0; round < 8 * ROUNDS; round += 8) {
    // theta
    const c0 = a0 ^ a5 ^ a10 ^ a15 ^ a20
    const c1 = a1 ^ a6 ^ a11 ^ a16 ^ a21
    const c2 = a2 ^ a7 ^ a12 ^ a17 ^ a22
    const c3 = a3 ^ a8 ^ a13 ^ a18 ^ a23
    const c4 = a4 ^ a9 ^ a14 ^ a19 ^ a24
    const d0 = c4 ^ rotl(c1, 1)
    const d1 = c0 ^ rotl(c2, 1)
    const d2 = c1 ^ rotl(c3, 1)
    const d3 = c2 ^ rotl(c4, 1)
    const d4 = c3 ^ rotl(c0, 1)
    // rho and pi: lane (x, y) moves to (y, 2 x + 3 y)
    const b0 = a0 ^ d0
    const b1 = rotl(a6 ^ d1, 44)
    const b2 = rotl(a12 ^ d2, 43)
    const b3 = rotl(a18 ^ d3, 21)
    const b4 = rotl(a24 ^ d4, 14)
    const b5 = rotl(a3 ^ d3, 28)
    const b6 = rotl(a9 ^ d4, 20)
    const b7 = rotl(a10 ^ d0, 3)
    const b8 = rotl(a16 ^ d1, 45)
    const b9 = rotl(a22 ^ d2, 61)
    const b10 = rotl(a1 ^ d1, 1)
    const b11 = rotl(a7 ^ d2, 6)
    const b12 = rotl(a13 ^ d3, 25)
    const b13 = rotl(a19 ^ d4, 8)
    const b14 = rotl(a20 ^ d0, 18)
    const b15 = rotl(a4 ^ d4, 27)
    const b16 = rotl(a5 ^ d0, 36)
    const b17 = rotl(a11 ^ d1, 10)
    const b18 = rotl(a17 ^ d2, 15)
    const b19 = rotl(a23 ^ d3, 56)
    const b20 = rotl(a2 ^ d2, 62)
    const b21 = rotl(a8 ^ d3, 55)
    const b22 = rotl(a14 ^ d4, 39)
    const b23 = rotl(a15 ^ d0, 41)
    const b24 = rotl(a21 ^ d1, 2)
    // chi and iota
    a0 = b0 ^ (~b1 & b2) ^ load<u64>(ROUND_CONSTANTS + round)
    a1 = b1 ^ (~b2 & b3)
    a2 = b2 ^ (~b3 & b4)
    a3 = b3 ^ (~b4 & b0)
    a4 = b4 ^ (~b0 & b1)
    a5 = b5 ^ (~b6 & b7)
    a6 = b6 ^ (~b7 & b8)
    a7 = b7 ^ (~b8 & b9)
    a8 = b8 ^ (~b9 & b5)
    a9 = b9 ^ (~b5 & b6)
    a10 = b10 ^ (~b11 & b12)
    a11 = b11 ^ (~b12 & b13)
    a12 = b12 ^ (~b13 & b14)
    a13 = b13 ^ (~b14 & b10)
    a14 = b14 ^ (~b10 & b11)
    a15 = b15 ^ (~b16 & b17)
    a16 = b16 ^ (~b17 & b18)
    a17 = b17 ^ (~b18 & b19)
    a18 = b18 ^ (~b19 & b15)
    a19 = b19 ^ (~b15 & b16)
    a20 = b20 ^ (~b21 & b22)
    a21 = b21 ^ (~b22 & b23)
    a22 = b22 ^ (~b23 & b24)
    a23 = b23 ^ (~b24 & b20)
    a24 = b24 ^ (~b20 & b21)
  }
  setLane(state, 0, a0)
  setLane(state, 1, a1)
  setLane(state, 2, a2)
  setLane(state, 3, a3)
  setLane(state, 4, a4)
  setLane(state, 5, a5)
  setLane(state, 6, a6)
  setLane(state, 7, a7)
  setLane(state, 8, a8)
  setLane(state, 9, a9)
  setLane(state, 10, a10)
  setLane(state, 11, a11)
  setLane(state, 12, a12)
  setLane(state, 13, a13)
  setLane(state, 14, a14)
  setLane(state, 15, a15)
  setLane(state, 16, a16)
  setLane(state, 17, a17)
  setLane(state, 18, a18)
  setLane(state, 19, a19)
  setLane(state, 20, a20)
  setLane(state, 21, a21)
  setLane(state, 22, a22)
  setLane(state, 23, a23)
  setLane(state, 24, a24)
}
