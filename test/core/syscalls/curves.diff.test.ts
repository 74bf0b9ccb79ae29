/** Precompiles of curves and fields against @noble/curves, on operands both take. */
import type { Fp2 as NobleFp2 } from '@noble/curves/abstract/tower.js'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { bn254 } from '@noble/curves/bn254.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Hart } from '../../../src/core/riscv/hart.js'
import { Memory } from '../../../src/core/riscv/memory.js'
import {
  BLS12_381,
  BN254,
  ED25519,
  SECP256K1,
  SECP256R1,
} from '../../../src/core/syscalls/curves.js'
import { readNumbers, writeNumbers } from '../../../src/core/syscalls/operands.js'
import type { SyscallContext } from '../../../src/core/syscalls/syscall.js'
import { SYSCALLS_5_2_4 } from '../../../src/core/syscalls/table.js'

const FIRST = 0x0040_0000
const SECOND = 0x0050_0000
const SEED = 20260

const WEIERSTRASS = {
  SECP256K1: { ours: SECP256K1, noble: secp256k1.Point },
  SECP256R1: { ours: SECP256R1, noble: p256.Point },
  BN254: { ours: BN254, noble: bn254.G1.Point },
  BLS12381: { ours: BLS12_381, noble: bls12_381.G1.Point },
} as const

const anyScalar = fc.bigInt({ min: 1n, max: 2n ** 250n })

/** What the syscall makes of numbers at both pointers; the numbers at the first. */
function call(
  name: string,
  words: number,
  first: readonly bigint[],
  second: readonly bigint[] | number,
): bigint[] {
  const syscall = [...SYSCALLS_5_2_4.values()].find((each) => each.name === name)
  const memory = new Memory({ limitMib: 8 })
  const hart = new Hart(memory, { ecall: () => {} }, 0)
  const refuse = (reason: string) => expect.fail(reason)
  const context = { hart, memory, markUnprovable: refuse } as unknown as SyscallContext
  writeNumbers(memory, FIRST, first, words)
  if (typeof second !== 'number') writeNumbers(memory, SECOND, second, words)
  syscall?.execute(context, FIRST, typeof second === 'number' ? second : SECOND)
  return readNumbers(memory, FIRST, { count: first.length, words })
}

function coordinates({ x, y }: { x: bigint; y: bigint }): [bigint, bigint] {
  return [x, y]
}

describe.each(Object.entries(WEIERSTRASS))('%s', (name, { ours, noble }) => {
  const { p, a, b, words } = ours
  const point = (scalar: bigint) => coordinates(noble.BASE.multiply(scalar).toAffine())

  it('is the curve of that name', () => {
    expect({ p, a, b }).toEqual({
      p: noble.CURVE().p,
      a: noble.CURVE().a,
      b: noble.CURVE().b,
    })
  })

  it('adds and doubles', () => {
    fc.assert(
      fc.property(anyScalar, anyScalar, (m, n) => {
        fc.pre(m !== n)
        expect(call(`${name}_ADD`, words, point(m), point(n))).toEqual(point(m + n))
        expect(call(`${name}_DOUBLE`, words, point(m), 0)).toEqual(point(2n * m))
      }),
      { numRuns: 20, seed: SEED },
    )
  })

  // BN254 has no precompile for it.
  if (name === 'BN254') return

  it('decompresses', () => {
    fc.assert(
      fc.property(anyScalar, (n) => {
        const [x, y] = point(n)
        const isSet = name === 'BLS12381' ? y > p - y : y % 2n === 1n
        expect(call(`${name}_DECOMPRESS`, words, [0n, x], isSet ? 1 : 0)).toEqual([y, x])
        expect(call(`${name}_DECOMPRESS`, words, [0n, x], isSet ? 0 : 1)).toEqual([p - y, x])
      }),
      { numRuns: 20, seed: SEED },
    )
  })
})

describe('Ed25519', () => {
  const { p, d, words } = ED25519
  const point = (scalar: bigint) => coordinates(ed25519.Point.BASE.multiply(scalar).toAffine())

  it('is the curve of that name', () => {
    expect({ p, d }).toEqual({ p: ed25519.Point.CURVE().p, d: ed25519.Point.CURVE().d })
  })

  it('adds, and so doubles', () => {
    fc.assert(
      fc.property(anyScalar, anyScalar, (m, n) => {
        expect(call('ED_ADD', words, point(m), point(n))).toEqual(point(m + n))
        expect(call('ED_ADD', words, point(m), point(m))).toEqual(point(2n * m))
        expect(call('ED_ADD', words, point(m), [0n, 1n])).toEqual(point(m))
      }),
      { numRuns: 20, seed: SEED },
    )
  })

  it('decompresses', () => {
    fc.assert(
      fc.property(anyScalar, (n) => {
        const [x, y] = point(n)
        const sign = Number(x % 2n)
        expect(call('ED_DECOMPRESS', words, [0n, y], sign)).toEqual([x, y])
        expect(call('ED_DECOMPRESS', words, [0n, y], 1 - sign)).toEqual([p - x, y])
      }),
      { numRuns: 20, seed: SEED },
    )
  })
})

describe.each([
  ['BN254', BN254, bn254.fields],
  ['BLS12381', BLS12_381, bls12_381.fields],
] as const)('the fields of %s', (name, { p, words }, { Fp, Fp2 }) => {
  const anyElement = fc.bigInt({ min: 0n, max: p - 1n })
  const pair = ({ c0, c1 }: NobleFp2) => [c0, c1]

  it('add, subtract and multiply', () => {
    fc.assert(
      fc.property(fc.tuple(anyElement, anyElement, anyElement, anyElement), ([a, b, c, d]) => {
        expect(call(`${name}_FP_ADD`, words, [a], [b])).toEqual([Fp.add(a, b)])
        expect(call(`${name}_FP_SUB`, words, [a], [b])).toEqual([Fp.sub(a, b)])
        expect(call(`${name}_FP_MUL`, words, [a], [b])).toEqual([Fp.mul(a, b)])
        const [x, y] = [Fp2.fromBigTuple([a, b]), Fp2.fromBigTuple([c, d])]
        expect(call(`${name}_FP2_ADD`, words, [a, b], [c, d])).toEqual(pair(Fp2.add(x, y)))
        expect(call(`${name}_FP2_SUB`, words, [a, b], [c, d])).toEqual(pair(Fp2.sub(x, y)))
        expect(call(`${name}_FP2_MUL`, words, [a, b], [c, d])).toEqual(pair(Fp2.mul(x, y)))
      }),
      { numRuns: 50, seed: SEED },
    )
  })
})
