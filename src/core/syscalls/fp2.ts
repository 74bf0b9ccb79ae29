/**
 * Arithmetic in the extensions of the base fields of BN254 and BLS12-381 by a square root of -1:
 * FP2_ADD, FP2_SUB and FP2_MUL of both. The element at the first pointer becomes the result.
 * Operands need not be reduced, results are.
 *
 * Sources: sp1-core-executor 3.4.0 and 5.2.4 syscalls/precompiles/fptower/{fp2_addsub,fp2_mul}.rs;
 * sp1-core-machine syscall/precompiles/fptower and operations/field/field_op.rs.
 */
import { BLS12_381, BN254, type PrimeField } from './curves.js'
import type { KernelName } from './kernel-module.js'
import {
  isProductProvable,
  readNumbers,
  readTarget,
  subtract,
  wordCountOf,
  writeNumbers,
} from './operands.js'
import { defineSyscall, refuseMisaligned, type Syscall } from './syscall.js'

/** a + bi as [a, b] */
type Fp2 = readonly bigint[]

interface Fp2Operation {
  /** Congruent to the result and not negative. */
  compute(name: string, a: Fp2, b: Fp2, field: PrimeField): Fp2
  /** Can the prover's table hold this operation on these operands? */
  isProvable(a: Fp2, b: Fp2, field: PrimeField): boolean
}

const ADD: Fp2Operation = {
  compute: (_name, [a0, a1], [b0, b1]) => [a0 + b0, a1 + b1],
  isProvable: () => true,
}
const SUBTRACT: Fp2Operation = {
  compute: (name, [a0, a1], [b0, b1], { p }) => [
    subtract(name, a0 + p, b0),
    subtract(name, a1 + p, b1),
  ],
  isProvable: ([a0, a1], _b, { p }) => a0 < p && a1 < p,
}
const MULTIPLY: Fp2Operation = {
  compute: (_name, [a0, a1], [b0, b1], { p }) => [a0 * b0 + p - ((a1 * b1) % p), a0 * b1 + a1 * b0],
  isProvable: (a, b, field) => a.every((x) => b.every((y) => isProductProvable(x, y, field))),
}

interface Fp2Rules {
  /** 3.4.0 leaves no room between a first part whose highest words are 0 and the second part. */
  readonly padsParts: boolean
}

export function fp2Syscalls(rules: Fp2Rules): Syscall[] {
  const bls12381 = { field: BLS12_381, ...rules }
  const bn254 = { field: BN254, ...rules }
  return [
    fp2({
      name: 'BLS12381_FP2_ADD',
      kernel: 'bls12381Fp2Add',
      code: 0x00_01_01_23,
      operation: ADD,
      ...bls12381,
    }),
    fp2({
      name: 'BLS12381_FP2_SUB',
      kernel: 'bls12381Fp2Sub',
      code: 0x00_01_01_24,
      operation: SUBTRACT,
      ...bls12381,
    }),
    fp2({
      name: 'BLS12381_FP2_MUL',
      kernel: 'bls12381Fp2Mul',
      code: 0x00_01_01_25,
      operation: MULTIPLY,
      ...bls12381,
    }),
    fp2({
      name: 'BN254_FP2_ADD',
      kernel: 'bn254Fp2Add',
      code: 0x00_01_01_29,
      operation: ADD,
      ...bn254,
    }),
    fp2({
      name: 'BN254_FP2_SUB',
      kernel: 'bn254Fp2Sub',
      code: 0x00_01_01_2a,
      operation: SUBTRACT,
      ...bn254,
    }),
    fp2({
      name: 'BN254_FP2_MUL',
      kernel: 'bn254Fp2Mul',
      code: 0x00_01_01_2b,
      operation: MULTIPLY,
      ...bn254,
    }),
  ]
}

function fp2(
  options: Fp2Rules & {
    readonly name: string
    readonly kernel: KernelName
    readonly code: number
    readonly field: PrimeField
    readonly operation: Fp2Operation
  },
): Syscall {
  const { name, kernel, code, field, operation, padsParts } = options
  const { p, words } = field
  const shape = { count: 2, words }
  return defineSyscall({
    name,
    kernel,
    code,
    extraCycles: 1,
    execute(context, firstPointer, secondPointer) {
      refuseMisaligned(name, firstPointer, secondPointer)
      const a = readTarget(context, firstPointer, shape)
      const b = readNumbers(context.memory, secondPointer, shape)
      if (!operation.isProvable(a, b, field)) {
        context.markUnprovable(`${name} was called with an operand that is not reduced`)
      }
      const [c0, c1] = operation.compute(name, a, b, field).map((part) => part % p)
      const wordsOfC0 = padsParts ? words : wordCountOf(c0)
      if (wordsOfC0 < words && c1 !== 0n) {
        context.markUnprovable(`${name} wrote its result in too few words`)
      }
      const result = c0 | (c1 << BigInt(32 * wordsOfC0))
      writeNumbers(context.memory, firstPointer, [result], 2 * words)
    },
  })
}
