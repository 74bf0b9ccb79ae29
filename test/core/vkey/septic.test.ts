/** The septic extension and its curve against their laws, and the kernel against the plain version. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BABYBEAR_P } from '../../../src/core/vkey/field.js'
import {
  digestImage,
  digestImagePlainly,
  pointOfWord,
} from '../../../src/core/vkey/image-digest.js'
import {
  addPoints,
  curveFormula,
  frobenius,
  inverse,
  multiply,
  negatePoint,
  norm,
  raise,
  SEPTIC_DEGREE,
  type Septic,
  squareRoot,
} from '../../../src/core/vkey/septic.js'

const P = BigInt(BABYBEAR_P)
const ONE: Septic = [1n, 0n, 0n, 0n, 0n, 0n, 0n]
const anyElement = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, P - 1n, (P - 1n) / 2n),
  fc.bigInt({ min: 0n, max: P - 1n }),
)
const anySeptic = fc.array(anyElement, { minLength: SEPTIC_DEGREE, maxLength: SEPTIC_DEGREE })
const isZero = (a: Septic) => a.every((x) => x === 0n)
const anyWord = fc.integer({ min: 0, max: 0xffff_ffff })
const RUNS = { numRuns: 50 }

describe('septic extension', () => {
  it('is a commutative ring in which z^7 = 2z + 5', () => {
    fc.assert(
      fc.property(anySeptic, anySeptic, anySeptic, (a, b, c) => {
        expect(multiply(a, b)).toEqual(multiply(b, a))
        expect(multiply(multiply(a, b), c)).toEqual(multiply(a, multiply(b, c)))
        expect(multiply(a, ONE)).toEqual(a)
      }),
      RUNS,
    )
    const z: Septic = [0n, 1n, 0n, 0n, 0n, 0n, 0n]
    expect(raise(z, 7n)).toEqual([5n, 2n, 0n, 0n, 0n, 0n, 0n])
  })

  it('raises to p linearly', () => {
    fc.assert(
      fc.property(anySeptic, (a) => {
        expect(frobenius(a)).toEqual(raise(a, P))
      }),
      RUNS,
    )
  })

  it('has inverses, and norms that multiply', () => {
    fc.assert(
      fc.property(anySeptic, anySeptic, (a, b) => {
        fc.pre(!isZero(a))
        expect(multiply(a, inverse(a))).toEqual(ONE)
        expect(norm(multiply(a, b))).toBe((norm(a) * norm(b)) % P)
      }),
      RUNS,
    )
  })

  it('has roots of squares and of nothing else', () => {
    const nonSquare: Septic = [31n, 0n, 0n, 0n, 0n, 0n, 0n]
    fc.assert(
      fc.property(anySeptic, (a) => {
        fc.pre(!isZero(a))
        const square = multiply(a, a)
        const root = squareRoot(square)
        expect(root).toBeDefined()
        expect(multiply(root as Septic, root as Septic)).toEqual(square)
        expect(squareRoot(multiply(square, nonSquare))).toBeUndefined()
      }),
      RUNS,
    )
  })
})

describe('points of words', () => {
  const anyPoint = fc.tuple(anyWord, anyWord).map(([address, word]) => pointOfWord(address, word))

  it('lie on the curve, on the upper half', () => {
    fc.assert(
      fc.property(anyPoint, ({ x, y }) => {
        expect(multiply(y, y)).toEqual(curveFormula(x))
        expect(y[SEPTIC_DEGREE - 1] > (P - 1n) / 2n).toBe(true)
      }),
      RUNS,
    )
  })

  it('are a commutative group', () => {
    fc.assert(
      fc.property(anyPoint, anyPoint, anyPoint, (a, b, c) => {
        expect(addPoints(a, b)).toEqual(addPoints(b, a))
        expect(addPoints(addPoints(a, b), c)).toEqual(addPoints(a, addPoints(b, c)))
        expect(addPoints(addPoints(a, a), negatePoint(a))).toEqual(a)
        expect(addPoints(a, negatePoint(a))).toBeUndefined()
        expect(addPoints(a, undefined)).toEqual(a)
      }),
      RUNS,
    )
  })
})

describe('digest of a memory image', () => {
  const imageOf = (words: readonly number[]) => ({
    instructionWords: new Uint32Array(),
    pcBase: 0,
    pcStart: 0,
    imageAddresses: Uint32Array.from(words, (_, i) => 0x0020_0000 + 4 * i),
    imageWords: Uint32Array.from(words),
  })

  it.each([1, 2, 3])('is the plain sum, on %i threads', async (threads) => {
    for (const count of [0, 1, 3, 4, 5, 8, 13, 100]) {
      const words = fc.sample(anyWord, { numRuns: count, seed: count })
      const image = imageOf(words)
      expect(await digestImage(image, { threads })).toEqual(digestImagePlainly(image))
    }
  })

  it('counts equal points as often as they come', async () => {
    const image = imageOf(new Array(64).fill(7))
    image.imageAddresses.fill(0x20_0000)
    const digest = digestImage(image, { threads: 1 })
    await expect(digest).resolves.toEqual(digestImagePlainly(image))
  })

  it('ends when it is interrupted', async () => {
    const signal = AbortSignal.abort()
    const image = imageOf(new Array(10).fill(1))
    await expect(digestImage(image, { threads: 1, signal })).rejects.toMatchObject({
      code: 'INTERRUPTED',
    })
  })
})
