/**
 * The kernels against the definitions that they stand for. A kernel may decline, and must have changed
 * nothing then; otherwise memory and used words are as both releases' definitions leave them.
 */
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { bn254 } from '@noble/curves/bn254.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BLS12_381,
  BN254,
  ED25519,
  SECP256K1,
  SECP256R1,
} from '../../../src/core/syscalls/curves.js'
import type { KernelName } from '../../../src/core/syscalls/kernel-module.js'
import {
  type Contents,
  createKernels,
  END,
  KernelRig,
  kernelSyscalls,
} from '../../support/kernel-rig.js'
import { operandsOf } from '../../support/precompile-cases.js'
import { littleEndian, type Operands } from '../../support/precompile-operands.js'

const FIRST = 0x1_0000
const STRIDE = 0x1_0000
const SEED = 20261
const SYSCALLS = kernelSyscalls()

const rig = new KernelRig()

type Args = Operands['args']

/** Its operands at the usual places, or at those of `pointers`. */
function place(args: Args, pointers: readonly (number | undefined)[] = []) {
  const addresses = args.map((arg, i) =>
    typeof arg === 'number' ? arg : (pointers[i] ?? FIRST + i * STRIDE),
  )
  const memory: Contents[] = args.flatMap((arg, i) =>
    typeof arg === 'number' ? [] : [{ address: addresses[i] as number, bytes: arg }],
  )
  return { args: addresses, memory }
}

function pointersOf(args: Args): number[] {
  return args.flatMap((arg, i) => (typeof arg === 'number' ? [] : [i]))
}

function lengthOf(args: Args, index: number): number {
  return (args[index] as Uint8Array).length
}

it('are the exports of the module, init apart', () => {
  expect([...SYSCALLS.keys()].sort()).toEqual(Object.keys(createKernels().kernels).sort())
})

describe.each([...SYSCALLS])('%s', (kernel, [syscall]) => {
  const operands = operandsOf(syscall!.name)
  const [{ args: sample }] = operands as [Operands]
  const pointers = pointersOf(sample)
  /** Those whose contents the result replaces, and of which SP1 does not see an unloaded hint. */
  const hasHintRule = !/^(sha|keccak|u256|.*Decompress)/.test(kernel)

  it('does what the definitions do, on numbers of every kind', () => {
    for (const { name, args } of operands) {
      const result = rig.run({ kernel, ...place(args) })
      if (/^random/.test(name)) expect(result, name).toBeDefined()
    }
  })

  it('takes memory up to both ends, and nothing beyond', () => {
    // Several, because what a kernel wrongly read beyond might by chance be no operand it takes.
    for (const { args } of operands.filter(({ name }) => /^random/.test(name)).slice(0, 5)) {
      for (const i of pointers) {
        const bytes = lengthOf(args, i)
        const run = (address: number) => rig.run({ kernel, ...place(args, aside(i, address)) })
        expect(run(32)).toBeDefined()
        expect(run(END - bytes)).toBeDefined()
        for (const address of [0, 4, 28, 30, 31, END - bytes + 4, END - 4, END, END + 4]) {
          expect(run(address), `${address}`).toBeUndefined()
        }
        for (const address of [2 ** 31, 2 ** 32 - bytes, 2 ** 32 - 8, 2 ** 32 - 4]) {
          expect(run(address), `${address}`).toBeUndefined()
        }
      }
    }
  })

  it('declines a pointer that is no multiple of 4', () => {
    for (const i of pointers) {
      for (const shift of [1, 2, 3]) {
        const address = FIRST + i * STRIDE + shift
        expect(rig.run({ kernel, ...place(sample, aside(i, address)) })).toBeUndefined()
      }
    }
  })

  it('does what the definitions do on operands that share memory', () => {
    for (const i of pointers) {
      for (const j of pointers.filter((other) => other !== i)) {
        const reach = Math.max(lengthOf(sample, i), lengthOf(sample, j))
        const target = FIRST + j * STRIDE
        for (let shift = -reach; shift <= reach; shift += 4) {
          rig.run({ kernel, ...place(sample, aside(i, target + shift)) })
        }
      }
    }
  })

  it('declines to replace a hint that was not loaded, and nothing else that was not used', () => {
    for (const i of pointers) {
      const { args, memory } = place(sample)
      const { address, bytes } = memory[i] as Contents
      const others = memory.toSpliced(i, 1)
      /** With one word of the operand that nothing has used. */
      const run = (at: number, word: Uint8Array) =>
        rig.run({
          kernel,
          args,
          memory: [
            ...others,
            { address, bytes: bytes.slice(0, at) },
            { address: address + at, bytes: word, isUsed: false },
            { address: address + at + 4, bytes: bytes.slice(at + 4) },
          ],
        })
      for (let at = 0; at < bytes.length; at += 4) {
        const word = bytes.slice(at, at + 4)
        const isHint = word.some((byte) => byte !== 0)
        expect(run(at, word) === undefined, `${i} ${at}`).toBe(hasHintRule && i === 0 && isHint)
        const isDone = run(at, new Uint8Array(4)) !== undefined
        if (hasHintRule && i === 0) expect(isDone, `${i} ${at}`).toBe(true)
      }
      rig.run({ kernel, args, memory: others })
    }
    const { args, memory } = place(sample)
    rig.run({ kernel, args, memory: memory.map((each) => ({ ...each, isUsed: false })) })
    rig.run({ kernel, args, memory: [] })
  })

  if (pointers.length === 1) {
    it('declines a second argument that it does not know', () => {
      const isSign = kernel.endsWith('Decompress')
      for (const arg2 of [1, 2, 3, FIRST, 2 ** 31, 2 ** 32 - 1]) {
        const result = rig.run({ kernel, ...place([sample[0] as Uint8Array, arg2]) })
        expect(result !== undefined, `${arg2}`).toBe(isSign && arg2 === 1)
      }
    })
  }

  /** The usual places but for the pointer with this index. */
  function aside(index: number, address: number): (number | undefined)[] {
    return sample.map((_, i) => (i === index ? address : undefined))
  }
})

/** Numbers of `words` words: random ones, and those around powers of two, 0 and p. */
function anyNumber(p: bigint, words: number): fc.Arbitrary<bigint> {
  const max = 2n ** BigInt(32 * words) - 1n
  const near = (n: bigint) =>
    fc.bigInt({ min: -3n, max: 3n }).map((step) => {
      const value = n + step
      return value < 0n ? 0n : value > max ? max : value
    })
  return fc.oneof(
    { weight: 6, arbitrary: fc.bigInt({ min: 0n, max: p - 1n }) },
    { weight: 2, arbitrary: fc.constantFrom(0n, p, 2n * p, max).chain(near) },
    { weight: 2, arbitrary: fc.nat(32 * words).chain((bits) => near(2n ** BigInt(bits))) },
    { weight: 1, arbitrary: fc.nat(32 * words).chain((bits) => near(p - 2n ** BigInt(bits))) },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max }) },
  )
}

const WEIERSTRASS = [
  ['secp256k1', SECP256K1, secp256k1.Point],
  ['secp256r1', SECP256R1, p256.Point],
  ['bn254', BN254, bn254.G1.Point],
  ['bls12381', BLS12_381, bls12_381.G1.Point],
] as const

const RUNS = { numRuns: 400, seed: SEED }

describe.each([...WEIERSTRASS, ['ed', ED25519, ed25519.Point] as const])(
  'the points of %s',
  (curve, { p, words }, noble) => {
    const bytes = 4 * words
    const any = anyNumber(p, words)
    const anyScalar = fc.bigInt({ min: 1n, max: 2n ** 250n })
    const isEdwards = curve === 'ed'
    const names = {
      add: `${curve}Add` as KernelName,
      double: `${curve}Double` as KernelName,
      decompress: `${curve}Decompress` as KernelName,
    }
    const point = (scalar: bigint) => {
      const { x, y } = noble.BASE.multiply(scalar).toAffine()
      return [x, y] as const
    }
    const run = (kernel: KernelName, ...args: (readonly bigint[] | number)[]) => {
      const contents = args.map((arg) =>
        typeof arg === 'number' ? arg : littleEndian(bytes, ...arg),
      )
      return rig.run({ kernel, ...place(contents) })?.slice(FIRST, FIRST + 2 * bytes)
    }

    it('add up as the definitions and noble say', () => {
      fc.assert(
        fc.property(anyScalar, anyScalar, (m, n) => {
          fc.pre(m !== n)
          const sum = littleEndian(bytes, ...point(m + n))
          expect(run(names.add, point(m), point(n))).toEqual(sum)
        }),
        { ...RUNS, numRuns: 100 },
      )
    })

    it('need not be on the curve to add up', () => {
      fc.assert(
        fc.property(fc.tuple(any, any, any, any), ([x1, y1, x2, y2]) => {
          const result = run(names.add, [x1, y1], [x2, y2])
          const isReduced = [x1, y1, x2, y2].every((value) => value < p)
          expect(result !== undefined).toBe(isReduced && (isEdwards || x1 !== x2))
        }),
        RUNS,
      )
    })

    if (!isEdwards) {
      it('double', () => {
        fc.assert(
          fc.property(anyScalar, any, any, (n, x, y) => {
            const double = littleEndian(bytes, ...point(2n * n))
            expect(run(names.double, point(n), 0)).toEqual(double)
            const isPlain = x < p && y < p && y !== 0n
            expect(run(names.double, [x, y], 0) !== undefined).toBe(isPlain)
          }),
          RUNS,
        )
      })
    }

    // BN254 has no precompile for it.
    if (curve !== 'bn254') {
      it('are found from one coordinate', () => {
        fc.assert(
          fc.property(anyScalar, any, fc.nat(1), (n, given, sign) => {
            const [x, y] = point(n)
            const known = isEdwards ? y : x
            const results = [0, 1].map((each) => run(names.decompress, [0n, known], each))
            const [found, other] = isEdwards ? [x, y] : [y, x]
            expect(results).toContainEqual(littleEndian(bytes, found, other))
            expect(results).toContainEqual(littleEndian(bytes, p - found, other))
            run(names.decompress, [0n, given], sign)
          }),
          { ...RUNS, numRuns: 200 },
        )
      })
    }
  },
)

describe.each([
  ['bn254', BN254],
  ['bls12381', BLS12_381],
] as const)('the fields of %s', (curve, { p, words }) => {
  const any = anyNumber(p, words)
  const bytes = 4 * words

  it.each(['Add', 'Sub', 'Mul'])('%s', (operation) => {
    fc.assert(
      fc.property(fc.tuple(any, any, any, any), ([a0, a1, b0, b1]) => {
        const run = (kernel: string, ...args: readonly bigint[][]) =>
          rig.run({
            kernel: `${curve}${kernel}${operation}` as KernelName,
            ...place(args.map((numbers) => littleEndian(bytes, ...numbers))),
          })
        expect(run('Fp', [a0], [b0]) !== undefined).toBe(a0 < p && b0 < p)
        run('Fp2', [a0, a1], [b0, b1])
      }),
      RUNS,
    )
  })
})

describe('large integers', () => {
  it('uint256Mul', () => {
    const any = anyNumber(2n ** 255n, 8)
    fc.assert(
      fc.property(fc.tuple(any, any, any), ([x, y, m]) => {
        const args = [littleEndian(32, x), littleEndian(32, y, m)]
        const isProvable = x * y < (m || 2n ** 256n) << 256n
        expect(rig.run({ kernel: 'uint256Mul', ...place(args) }) !== undefined).toBe(isProvable)
      }),
      { ...RUNS, numRuns: 2000 },
    )
  })

  it('u256xU2048Mul', () => {
    const anyB = anyNumber(2n ** 2047n, 64)
    fc.assert(
      fc.property(anyNumber(2n ** 255n, 8), anyB, (a, b) => {
        const args = [
          littleEndian(32, a),
          littleEndian(256, b),
          new Uint8Array(256),
          new Uint8Array(32),
        ]
        expect(rig.run({ kernel: 'u256xU2048Mul', ...place(args) })).toBeDefined()
      }),
      RUNS,
    )
  })
})

describe('hash functions', () => {
  it.each([
    ['shaExtend', [256, 0]],
    ['shaCompress', [256, 32]],
    ['keccakPermute', [200, 0]],
  ] as const)('%s', (kernel, sizes) => {
    const anyArgs = fc.tuple(
      ...sizes.map((size) =>
        size === 0 ? fc.constant(0) : fc.uint8Array({ minLength: size, maxLength: size }),
      ),
    )
    fc.assert(
      fc.property(anyArgs, (args) => {
        expect(rig.run({ kernel, ...place(args) })).toBeDefined()
      }),
      RUNS,
    )
  })
})
