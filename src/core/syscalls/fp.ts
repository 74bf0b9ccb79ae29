/**
 * Arithmetic in the base fields of BN254 and BLS12-381: FP_ADD, FP_SUB and FP_MUL of both.
 * The number at the first pointer becomes the result. Operands need not be reduced, results are.
 *
 * Sources: sp1-core-executor 3.4.0 and 5.2.4 syscalls/precompiles/fptower/fp.rs; sp1-core-machine
 * syscall/precompiles/fptower/fp.rs and operations/field/field_op.rs.
 */
import { BLS12_381, BN254, type PrimeField } from './curves.js'
import type { KernelName } from './kernel-module.js'
import { isProductProvable, readNumbers, readTarget, writeNumbers } from './operands.js'
import { defineSyscall, refuseMisaligned, type Syscall } from './syscall.js'

interface FpOperation {
  /** Of reduced operands; congruent to the result and not negative. */
  compute(a: bigint, b: bigint, field: PrimeField): bigint
  /** Can the prover's table hold this operation on these operands? */
  isProvable(a: bigint, b: bigint, field: PrimeField): boolean
}

const ADD: FpOperation = {
  compute: (a, b) => a + b,
  isProvable: () => true,
}
const SUBTRACT: FpOperation = {
  compute: (a, b, { p }) => a + p - b,
  isProvable: (a, b, { p }) => a < p && b <= a + p,
}
const MULTIPLY: FpOperation = {
  compute: (a, b) => a * b,
  isProvable: isProductProvable,
}

interface FpRules {
  /** 3.4.0 reduces the operands before it fills the prover's table, so unreduced ones do not fit. */
  readonly provesUnreduced: boolean
}

export function fpSyscalls(rules: FpRules): Syscall[] {
  const bls12381 = { field: BLS12_381, ...rules }
  const bn254 = { field: BN254, ...rules }
  return [
    fp({
      name: 'BLS12381_FP_ADD',
      kernel: 'bls12381FpAdd',
      code: 0x00_01_01_20,
      operation: ADD,
      ...bls12381,
    }),
    fp({
      name: 'BLS12381_FP_SUB',
      kernel: 'bls12381FpSub',
      code: 0x00_01_01_21,
      operation: SUBTRACT,
      ...bls12381,
    }),
    fp({
      name: 'BLS12381_FP_MUL',
      kernel: 'bls12381FpMul',
      code: 0x00_01_01_22,
      operation: MULTIPLY,
      ...bls12381,
    }),
    fp({
      name: 'BN254_FP_ADD',
      kernel: 'bn254FpAdd',
      code: 0x00_01_01_26,
      operation: ADD,
      ...bn254,
    }),
    fp({
      name: 'BN254_FP_SUB',
      kernel: 'bn254FpSub',
      code: 0x00_01_01_27,
      operation: SUBTRACT,
      ...bn254,
    }),
    fp({
      name: 'BN254_FP_MUL',
      kernel: 'bn254FpMul',
      code: 0x00_01_01_28,
      operation: MULTIPLY,
      ...bn254,
    }),
  ]
}

function fp(
  options: FpRules & {
    readonly name: string
    readonly kernel: KernelName
    readonly code: number
    readonly field: PrimeField
    readonly operation: FpOperation
  },
): Syscall {
  const { name, kernel, code, field, operation, provesUnreduced } = options
  const { p, words } = field
  const shape = { count: 1, words }
  return defineSyscall({
    name,
    kernel,
    code,
    extraCycles: 1,
    execute(context, firstPointer, secondPointer) {
      refuseMisaligned(name, firstPointer, secondPointer)
      const [a] = readTarget(context, firstPointer, shape)
      const [b] = readNumbers(context.memory, secondPointer, shape)
      const isReduced = a < p && b < p
      if (!isReduced && !(provesUnreduced && operation.isProvable(a, b, field))) {
        context.markUnprovable(`${name} was called with an operand that is not reduced`)
      }
      const result = operation.compute(a % p, b % p, field) % p
      writeNumbers(context.memory, firstPointer, [result], words)
    },
  })
}
