/**
 * Multiplication of large integers: UINT256_MUL and U256XU2048_MUL.
 * Sources: sp1-core-executor 3.4.0 and 5.2.4 syscalls/precompiles/{uint256,u256x2048_mul}.rs;
 * sp1-core-machine syscall/precompiles/{uint256,u256x2048_mul}/air.rs.
 */
import {
  isOverlapping,
  isProductProvable,
  readNumbers,
  readTarget,
  writeNumbers,
} from './operands.js'
import { defineSyscall, refuseMisaligned } from './syscall.js'

const U256_WORDS = 8
const U2048_WORDS = 64
const U2048_BITS = 32 * U2048_WORDS
const A2 = 12
const A3 = 13

/** x * y mod m, where m lies behind y and 0 means 2^256. The number at the first pointer is x. */
export const uint256Mul = defineSyscall({
  name: 'UINT256_MUL',
  kernel: 'uint256Mul',
  code: 0x00_01_01_1d,
  extraCycles: 1,
  execute(context, xPointer, yPointer) {
    refuseMisaligned('UINT256_MUL', xPointer, yPointer)
    const [x] = readTarget(context, xPointer, { count: 1, words: U256_WORDS })
    const [y, m] = readNumbers(context.memory, yPointer, { count: 2, words: U256_WORDS })
    const modulus = m === 0n ? 2n ** 256n : m
    if (!isProductProvable(x, y, { p: modulus, words: U256_WORDS })) {
      context.markUnprovable('UINT256_MUL was called with a modulus too small for its operands')
    }
    writeNumbers(context.memory, xPointer, [(x * y) % modulus], U256_WORDS)
  },
})

/** a * b of 256 and 2048 bits: the low 2048 bits go to the pointer in a2, the rest to that in a3. */
export const u256xU2048Mul = defineSyscall({
  name: 'U256XU2048_MUL',
  kernel: 'u256xU2048Mul',
  code: 0x00_01_01_2f,
  extraCycles: 1,
  execute(context, aPointer, bPointer) {
    const { hart, memory } = context
    const lowPointer = hart.x[A2]
    const highPointer = hart.x[A3]
    // SP1 proves one access to a word at a time: all reads have one time, all writes the next.
    if (
      isOverlapping(aPointer, U256_WORDS, bPointer, U2048_WORDS) ||
      isOverlapping(highPointer, U256_WORDS, lowPointer, U2048_WORDS)
    ) {
      context.markUnprovable('U256XU2048_MUL was called on overlapping memory')
    }
    const [a] = readNumbers(memory, aPointer, { count: 1, words: U256_WORDS })
    const [b] = readNumbers(memory, bPointer, { count: 1, words: U2048_WORDS })
    const product = a * b
    const low = BigInt.asUintN(U2048_BITS, product)
    writeNumbers(memory, lowPointer, [low], U2048_WORDS)
    writeNumbers(memory, highPointer, [product >> BigInt(U2048_BITS)], U256_WORDS)
  },
})
