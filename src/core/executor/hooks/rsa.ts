/**
 * The hook that divides for RSA-2048: product, 512 bytes ‖ modulus, 256 bytes, little-endian
 * → the remainder and the quotient, the low 256 bytes of each.
 * Source: sp1-core-executor 5.2.4 hook.rs, `hook_rsa_mul_mod`.
 */
import { bytesToNumberLE, numberToBytesLE } from '@noble/curves/utils.js'
import { type Hook, hookFailed } from './hook.js'

const PRODUCT_BYTES = 512
const MODULUS_BYTES = 256
const HOOK = 'RSA_MUL_MOD'

export const rsaMulModHook: Hook = {
  name: HOOK,
  answer(input) {
    if (input.length !== PRODUCT_BYTES + MODULUS_BYTES) {
      hookFailed(HOOK, 'its input has not 768 bytes')
    }
    const product = bytesToNumberLE(input.subarray(0, PRODUCT_BYTES))
    const modulus = bytesToNumberLE(input.subarray(PRODUCT_BYTES))
    if (modulus === 0n) hookFailed(HOOK, 'its modulus is 0')
    return [product % modulus, product / modulus].map((n) =>
      numberToBytesLE(BigInt.asUintN(8 * MODULUS_BYTES, n), MODULUS_BYTES),
    )
  },
}
