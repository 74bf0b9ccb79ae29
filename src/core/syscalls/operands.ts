/**
 * Operands of the precompiles that compute with large numbers: how they lie in memory, and what SP1
 * can prove about them. A number is little-endian words; a point or an element of a quadratic
 * extension is two numbers, one after the other.
 */
import { viewOf } from '../bytes.js'
import type { Memory } from '../riscv/memory.js'
import type { PrimeField } from './curves.js'
import { invalid, type SyscallContext } from './syscall.js'

const WORD_BITS = 32

/** How many numbers an operand has and how many words each of them. */
export interface OperandShape {
  readonly count: number
  readonly words: number
}

export function readNumbers(memory: Memory, pointer: number, shape: OperandShape): bigint[] {
  return toNumbers(memory.readWords(pointer, shape.count * shape.words), shape)
}

/**
 * Read the operand that the result will replace. SP1's executor only peeks at it, so a hinted word
 * that nothing has used reads as 0; the prover takes the true value.
 * Source: sp1-core-executor syscalls/context.rs, `slice_unsafe`.
 */
export function readTarget(
  context: SyscallContext,
  pointer: number,
  shape: OperandShape,
): bigint[] {
  const { memory } = context
  const wordCount = shape.count * shape.words
  const view = viewOf(memory.peekBytes(pointer, 4 * wordCount))
  const peeked = Uint32Array.from({ length: wordCount }, (_, i) => view.getUint32(4 * i, true))
  const actual = memory.readWords(pointer, wordCount)
  if (actual.some((word, i) => word !== peeked[i])) {
    context.markUnprovable('a precompile overwrote a hint that had not been loaded')
  }
  return toNumbers(peeked, shape)
}

/** @param words - of each number; none may need more. */
export function writeNumbers(
  memory: Memory,
  pointer: number,
  numbers: readonly bigint[],
  words: number,
): void {
  memory.writeWords(
    pointer,
    numbers.flatMap((number) => toWords(number, words)),
  )
}

/**
 * a - b for operands that may be unreduced: SP1 computes with unsigned integers.
 *
 * @throws GuestError `SYSCALL_INVALID` if it is negative, where SP1 panics.
 */
export function subtract(syscall: string, a: bigint, b: bigint): bigint {
  if (b > a) invalid(syscall, 'a coordinate is too far above the modulus')
  return a - b
}

/**
 * Can SP1 prove a * b mod p? It shows that a * b = result + quotient * p with a quotient that has as
 * many words as p; unreduced operands may need a larger one.
 * Source: sp1-core-machine 3.4.0 and 5.2.4 operations/field/field_op.rs.
 */
export function isProductProvable(a: bigint, b: bigint, { p, words }: PrimeField): boolean {
  return a * b < p << BigInt(words * WORD_BITS)
}

/**
 * Do the words that `first` and `second` lie in, and those behind them, share memory? A misaligned
 * pointer means the word it lies in, where the release takes one at all.
 */
export function isOverlapping(
  first: number,
  firstWords: number,
  second: number,
  secondWords: number,
): boolean {
  const firstIndex = first >>> 2
  const secondIndex = second >>> 2
  return firstIndex < secondIndex + secondWords && secondIndex < firstIndex + firstWords
}

/** How many words a number needs; 0 needs none. */
export function wordCountOf(number: bigint): number {
  return number === 0n ? 0 : Math.ceil(number.toString(16).length / 8)
}

function toNumbers(words: Uint32Array, shape: OperandShape): bigint[] {
  return Array.from({ length: shape.count }, (_, i) =>
    toNumber(words.subarray(i * shape.words, (i + 1) * shape.words)),
  )
}

function toNumber(words: Uint32Array): bigint {
  return words.reduceRight((number, word) => (number << BigInt(WORD_BITS)) | BigInt(word), 0n)
}

function toWords(number: bigint, words: number): number[] {
  return Array.from({ length: words }, (_, i) =>
    Number(BigInt.asUintN(WORD_BITS, number >> BigInt(i * WORD_BITS))),
  )
}
