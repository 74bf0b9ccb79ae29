/**
 * Hooks that tell a guest whether a compressed Edwards point can be decompressed, so that it can skip
 * what would fail. Source: sp1-core-executor hook.rs, `hook_ed_decompress` of 3.4.0 and of 5.2.4.
 */

import { Field } from '@noble/curves/abstract/modular.js'
import { bytesToNumberLE, numberToBytesLE } from '@noble/curves/utils.js'
import { type Hook, hookFailed, status } from './hook.js'

/** 2^255 - 19 */
const P = 2n ** 255n - 19n
const Fp = Field(P)
/** -121665 / 121666 */
const D = Fp.div(Fp.neg(121_665n), 121_666n)
/** 2 is no square modulo P. */
const NON_SQUARE = 2n
const POINT_BYTES = 32

/** The point, 32 bytes, → 1 or 0. Anything of another length is no point. */
export const edDecompressHook: Hook = {
  name: 'ED_DECOMPRESS',
  answer(input) {
    if (input.length !== POINT_BYTES) return [status(0)]
    const y = readY(input)
    const yy = (y * y) % P
    if (yy === 0n) hookFailed('ED_DECOMPRESS', 'its point has y = 0')
    return [status(isSquare(quotient(yy - 1n, yy * D + 1n)) ? 1 : 0)]
  },
}

/**
 * The point, 32 bytes, and v = d·y² + 1, little-endian.
 * → 1; or 0 if y is not canonical; or 0, 1/v and a root of 2·(y² - 1)/v, which show that there is none.
 */
export const edDecompressWitnessHook: Hook = {
  name: 'ED_DECOMPRESS',
  answer(input) {
    if (input.length < POINT_BYTES) hookFailed('ED_DECOMPRESS', 'its point has less than 32 bytes')
    const y = readY(input.subarray(0, POINT_BYTES))
    if (y >= P) return [status(0)]
    const v = bytesToNumberLE(input.subarray(POINT_BYTES))
    if (v >= P) hookFailed('ED_DECOMPRESS', 'its v is no field element')
    const inverse = inverseOrZero(v)
    const ratio = Fp.mul(Fp.create(y * y - 1n), inverse)
    if (isSquare(ratio)) return [status(1)]
    const root = evenRoot(Fp.mul(ratio, NON_SQUARE))
    return [status(0), toBytes(inverse), toBytes(root)]
  },
}

/** Little-endian, without the sign bit. */
function readY(point: Uint8Array): bigint {
  return bytesToNumberLE(point) & (2n ** 255n - 1n)
}

function quotient(u: bigint, v: bigint): bigint {
  return Fp.mul(Fp.create(u), inverseOrZero(Fp.create(v)))
}

function inverseOrZero(n: bigint): bigint {
  return n === 0n ? 0n : Fp.inv(n)
}

function isSquare(n: bigint): boolean {
  return n === 0n || Fp.pow(n, (P - 1n) / 2n) === 1n
}

function evenRoot(n: bigint): bigint {
  const root = Fp.sqrt(n)
  return root % 2n === 0n ? root : P - root
}

function toBytes(n: bigint): Uint8Array {
  return numberToBytesLE(n, 32)
}
