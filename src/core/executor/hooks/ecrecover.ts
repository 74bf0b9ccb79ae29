/**
 * Hooks of signature recovery.
 * Source: sp1-core-executor hook.rs, `hook_ecrecover` and `hook_ecrecover_v2` of 3.4.0,
 * `hook_ecrecover` of 5.2.4; k256 0.13 and ecdsa 0.16 for what they accept.
 */
import { Field } from '@noble/curves/abstract/modular.js'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToNumberBE, numberToBytesBE } from '@noble/curves/utils.js'
import { type Hook, hookFailed, status } from './hook.js'

const SIGNATURE_BYTES = 64
const RECOVERY_INPUT_BYTES = SIGNATURE_BYTES + 1 + 32

/** r ‖ s ‖ recovery id ‖ message hash → the compressed public key, 1/s. Fails if there is no key. */
export const recoverHook: Hook = {
  name: 'ECRECOVER',
  answer(input) {
    return recover('ECRECOVER', input) ?? hookFailed('ECRECOVER', 'there is no such public key')
  },
}

/** The same → 1, the public key, 1/s; or 0. */
export const tryRecoverHook: Hook = {
  name: 'ECRECOVER_2',
  answer(input) {
    const recovered = recover('ECRECOVER_2', input)
    return recovered === undefined ? [status(0)] : [status(1), ...recovered]
  },
}

function recover(hook: string, input: Uint8Array): Uint8Array[] | undefined {
  if (input.length !== RECOVERY_INPUT_BYTES) hookFailed(hook, 'its input has not 97 bytes')
  const order = secp256k1.Point.Fn.ORDER
  const r = bytesToNumberBE(input.subarray(0, 32))
  const high = bytesToNumberBE(input.subarray(32, SIGNATURE_BYTES))
  if (!isScalar(r, order) || !isScalar(high, order)) hookFailed(hook, 'it is given no signature')
  const isHigh = high > order / 2n
  const s = isHigh ? order - high : high
  const recovery = (input[SIGNATURE_BYTES] ?? 0) ^ (isHigh ? 1 : 0)
  if (recovery > 3) hookFailed(hook, 'its recovery id is none')
  const inverse = numberToBytesBE(secp256k1.Point.Fn.inv(s), 32)
  try {
    const signature = new secp256k1.Signature(r, s).addRecoveryBit(recovery)
    const key = signature.recoverPublicKey(input.subarray(SIGNATURE_BYTES + 1))
    return [key.toBytes(true), inverse]
  } catch {
    // r is the x of no point, or the key would be the point at infinity.
    return undefined
  }
}

function isScalar(n: bigint, order: bigint): boolean {
  return n > 0n && n < order
}

interface Curve {
  readonly Fp: ReturnType<typeof Field>
  readonly Fn: ReturnType<typeof Field>
  /** Whether SP1's hook looks. */
  readonly refusesZeroAlpha: boolean
}

const CURVES: Readonly<Record<number, Curve>> = {
  1: {
    Fp: Field(secp256k1.Point.Fp.ORDER),
    Fn: Field(secp256k1.Point.Fn.ORDER),
    refusesZeroAlpha: true,
  },
  2: { Fp: Field(p256.Point.Fp.ORDER), Fn: Field(p256.Point.Fn.ORDER), refusesZeroAlpha: false },
}
/** No square in either field. */
const NON_SQUARE = 3n

/**
 * (curve | parity of y << 7) ‖ r ‖ alpha = r³ + a·r + b, big-endian.
 * → 1, the y of that parity, 1/r; or 0 and a root of 3·alpha, which shows that there is no y.
 */
export const decompressHook: Hook = {
  name: 'ECRECOVER',
  answer(input) {
    const hook = 'ECRECOVER'
    if (input.length !== 65) hookFailed(hook, 'its input has not 65 bytes')
    const [head = 0] = input
    const curve = CURVES[head & 0x7f]
    if (curve === undefined) return hookFailed(hook, 'it is given no curve')
    const { Fp, Fn, refusesZeroAlpha } = curve
    const r = bytesToNumberBE(input.subarray(1, 33))
    const alpha = bytesToNumberBE(input.subarray(33))
    if (r >= Fp.ORDER || alpha >= Fp.ORDER) hookFailed(hook, 'its r or alpha is no field element')
    if (alpha === 0n && refusesZeroAlpha) hookFailed(hook, 'its alpha is 0')
    const root = rootOf(alpha, Fp)
    if (root === undefined) {
      const witness = rootOf(Fp.mul(alpha, NON_SQUARE), Fp)
      if (witness === undefined) return hookFailed(hook, 'its alpha has no witness')
      return [status(0), numberToBytesBE(witness, 32)]
    }
    if (!isScalar(r, Fn.ORDER)) hookFailed(hook, 'its r is no scalar')
    const isOdd = (head & 0x80) !== 0
    const y = (root % 2n === 1n) === isOdd ? root : Fp.neg(root)
    return [status(1), numberToBytesBE(y, 32), numberToBytesBE(Fn.inv(r), 32)]
  },
}

/** n^((p + 1) / 4), if that is a root of n; both primes are 3 mod 4. */
function rootOf(n: bigint, Fp: ReturnType<typeof Field>): bigint | undefined {
  const root = Fp.pow(n, (Fp.ORDER + 1n) / 4n)
  return Fp.sqr(root) === n ? root : undefined
}
