/**
 * Hooks that invert and take roots in prime fields: of any modulus, and of BLS12-381.
 * Source: sp1-core-executor 5.2.4 hook.rs, `fp_ops` and `bls`. The arithmetic is that of the source
 * even where its assumptions (a prime modulus, a non-square) do not hold.
 */
import { pow } from '@noble/curves/abstract/modular.js'
import { bytesToNumberBE, numberToBytesBE } from '@noble/curves/utils.js'
import { viewOf } from '../../bytes.js'
import { type Hook, hookFailed, status } from './hook.js'

/** The source has no bound; far beyond this one call would outlast the time limit of its run. */
const MAX_ELEMENT_BYTES = 128
const LENGTH_BYTES = 4
const BLS_BYTES = 48
const BLS_P =
  0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaabn
/** No square modulo BLS_P. */
const BLS_NON_SQUARE = 2n

/** length u32 ‖ element ‖ modulus, big-endian → element^(modulus - 2). */
export const fpInverseHook: Hook = {
  name: 'FP_INVERSE',
  answer(input) {
    const { length, numbers } = readNumbers('FP_INVERSE', input, 2)
    const [element = 0n, modulus = 0n] = numbers
    if (element === 0n) hookFailed('FP_INVERSE', 'its element is 0')
    if (modulus < 2n) hookFailed('FP_INVERSE', 'its modulus is less than 2')
    return [toBytes(power(element, modulus - 2n, modulus), length)]
  },
}

/** length u32 ‖ element ‖ modulus ‖ non-square → 1 and a root; or 0 and a root of non-square·element. */
export const fpSqrtHook: Hook = {
  name: 'FP_SQRT',
  answer(input) {
    const { length, numbers } = readNumbers('FP_SQRT', input, 3)
    const [element = 0n, modulus = 0n, nonSquare = 0n] = numbers
    if (element >= modulus) hookFailed('FP_SQRT', 'its element is not below the modulus')
    if (nonSquare >= modulus) hookFailed('FP_SQRT', 'its non-square is not below the modulus')
    if (element === 0n) return [status(1), new Uint8Array(length)]
    const root = squareRoot(element, modulus, nonSquare)
    if (root !== undefined) return [status(1), toBytes(root, length)]
    const witness = squareRoot((nonSquare * element) % modulus, modulus, nonSquare)
    if (witness === undefined) return hookFailed('FP_SQRT', 'its non-square is none')
    return [status(0), toBytes(witness, length)]
  },
}

/** An element of BLS12-381's base field, 48 bytes big-endian → 1 and a root; or 0 and one of 2·element. */
export const bls12381SqrtHook: Hook = {
  name: 'BLS12381_SQRT',
  answer(input) {
    const element = readBlsElement('BLS12381_SQRT', input)
    if (element === 0n) return [status(1), new Uint8Array(BLS_BYTES)]
    const exponent = (BLS_P + 1n) / 4n
    const root = power(element, exponent, BLS_P)
    if ((root * root) % BLS_P === element) return [status(1), toBytes(root, BLS_BYTES)]
    const square = (BLS_NON_SQUARE * element) % BLS_P
    const witness = power(square, exponent, BLS_P)
    if ((witness * witness) % BLS_P !== square) hookFailed('BLS12381_SQRT', 'there is no witness')
    return [status(0), toBytes(witness, BLS_BYTES)]
  },
}

/** An element of BLS12-381's base field → its inverse. */
export const bls12381InverseHook: Hook = {
  name: 'BLS12381_INVERSE',
  answer(input) {
    const element = readBlsElement('BLS12381_INVERSE', input)
    if (element === 0n) hookFailed('BLS12381_INVERSE', 'its element is 0')
    return [toBytes(power(element, BLS_P - 2n, BLS_P), BLS_BYTES)]
  },
}

function readBlsElement(hook: string, input: Uint8Array): bigint {
  if (input.length < BLS_BYTES) hookFailed(hook, 'its element has less than 48 bytes')
  return bytesToNumberBE(input.subarray(0, BLS_BYTES))
}

function readNumbers(
  hook: string,
  input: Uint8Array,
  count: number,
): { length: number; numbers: bigint[] } {
  if (input.length < LENGTH_BYTES) hookFailed(hook, 'its input has no length')
  const length = viewOf(input).getUint32(0)
  if (input.length !== LENGTH_BYTES + count * length)
    hookFailed(hook, 'its input has another length')
  if (length > MAX_ELEMENT_BYTES) hookFailed(hook, `its numbers exceed ${MAX_ELEMENT_BYTES} bytes`)
  const numbers = Array.from({ length: count }, (_, i) => {
    const start = LENGTH_BYTES + i * length
    return bytesToNumberBE(input.subarray(start, start + length))
  })
  return { length, numbers }
}

/** A root of `element`, which is not 0 unless the modulus is 3 mod 4. */
function squareRoot(element: bigint, modulus: bigint, nonSquare: bigint): bigint | undefined {
  if (modulus % 4n === 3n) {
    const root = power(element, (modulus + 1n) / 4n, modulus)
    return (root * root) % modulus === element ? root : undefined
  }
  return tonelliShanks(element, modulus, nonSquare)
}

/** Tonelli and Shanks: modulus - 1 = q·2^s; while t ≠ 1 the order of t falls. */
function tonelliShanks(element: bigint, modulus: bigint, nonSquare: bigint): bigint | undefined {
  if (element === 0n) return hookFailed('FP_SQRT', 'it is asked whether 0 is a square')
  if (power(element, (modulus - 1n) / 2n, modulus) !== 1n) return undefined
  let [q, s] = [modulus - 1n, 0n]
  while (q !== 0n && q % 2n === 0n) [q, s] = [q / 2n, s + 1n]
  let c = power(nonSquare, q, modulus)
  let root = power(element, (q + 1n) / 2n, modulus)
  let t = power(element, q, modulus)
  let m = s
  while (t !== 1n) {
    // Only for an even modulus; the source then goes below 0, or on for ever.
    if (m === 0n) return hookFailed('FP_SQRT', 'its modulus is no prime')
    let i = 0n
    for (let tt = t; tt !== 1n; ) {
      tt = (tt * tt) % modulus
      if (++i === m) return undefined
    }
    const b = power(c, 2n ** (m - i - 1n), modulus)
    root = (root * b) % modulus
    c = (b * b) % modulus
    t = (t * c) % modulus
    m = i
  }
  return root
}

/** base^exponent mod modulus; for modulus 1 it is 0, also for exponent 0. */
function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  if (modulus === 1n) return 0n
  return pow(base % modulus, exponent, modulus)
}

/** The low `length` bytes, big-endian. */
function toBytes(n: bigint, length: number): Uint8Array {
  return length === 0 ? new Uint8Array() : numberToBytesBE(BigInt.asUintN(8 * length, n), length)
}
