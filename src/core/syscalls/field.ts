/**
 * Arithmetic modulo a prime, on bigints from 0 to p - 1, for the precompiles of fields and curves.
 */
import { invert, pow } from '@noble/curves/abstract/modular.js'

/** n^(p - 2) mod p: the inverse of n, and 0 for 0, as SP1 divides. */
export function inverseOrZero(n: bigint, p: bigint): bigint {
  return n === 0n ? 0n : invert(n, p)
}

/** A square root of n for p = 3 mod 4, either of the two; undefined if there is none. */
export function squareRoot3Mod4(n: bigint, p: bigint): bigint | undefined {
  const root = pow(n, (p + 1n) / 4n, p)
  return (root * root) % p === n ? root : undefined
}

/** The even square root of n for p = 5 mod 8; undefined if there is none. */
export function evenSquareRoot5Mod8(n: bigint, p: bigint): bigint | undefined {
  const quarter = (p - 1n) / 4n
  const candidate = pow(n, (p + 3n) / 8n, p)
  // If n is a square, the square of the candidate is n or -n, and 2^quarter is a root of -1.
  const roots = [candidate, (candidate * pow(2n, quarter, p)) % p]
  const root = roots.find((value) => (value * value) % p === n)
  if (root === undefined) return undefined
  return root % 2n === 0n ? root : p - root
}
