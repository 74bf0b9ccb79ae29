/**
 * The septic extension of BabyBear, F[z] / (z^7 - 2z - 5), and the curve y^2 = x^3 + 2x + 26 z^5 over
 * it, on whose points SP1 5 sums up what memory holds. Plain and slow; kernels/septic.ts is the fast one.
 *
 * Source: sp1-stark 5.2.4 src/{septic_extension,septic_curve}.rs.
 */
import { InternalError } from '../errors.js'
import { BABYBEAR_P, invert, power, reduce } from './field.js'
import { POSEIDON2_WIDTH, permute } from './poseidon2.js'

/** Coefficients of 1, z, … z^6. */
export type Septic = readonly bigint[]

/** An affine point. */
export interface Point {
  readonly x: Septic
  readonly y: Septic
}

/** Affine, or undefined: the point at infinity. */
export type CurvePoint = Point | undefined

export const SEPTIC_DEGREE = 7

const P = BigInt(BABYBEAR_P)
const ONE = septic(1n)
const A = 2n
const B: Septic = [0n, 0n, 0n, 0n, 0n, 26n, 0n]
/** Lifting tries so many offsets. */
const OFFSETS = 256

/** The lowest coefficients; the others are 0. */
function septic(...low: readonly bigint[]): Septic {
  return [...low, ...new Array<bigint>(SEPTIC_DEGREE - low.length).fill(0n)]
}

export function multiply(a: Septic, b: Septic): Septic {
  const product = new Array<bigint>(2 * SEPTIC_DEGREE - 1).fill(0n)
  a.forEach((x, i) => {
    b.forEach((y, j) => {
      product[i + j] += x * y
    })
  })
  // z^7 = 2z + 5
  for (let i = product.length - 1; i >= SEPTIC_DEGREE; i--) {
    product[i - 7] += 5n * product[i]
    product[i - 6] += 2n * product[i]
  }
  return product.slice(0, SEPTIC_DEGREE).map(reduce)
}

const add = (a: Septic, b: Septic) => a.map((x, i) => reduce(x + b[i]))
const subtract = (a: Septic, b: Septic) => a.map((x, i) => reduce(x - b[i]))
const negate = (a: Septic) => a.map((x) => reduce(-x))
const scale = (a: Septic, factor: bigint) => a.map((x) => reduce(x * factor))
const isEqual = (a: Septic, b: Septic) => a.every((x, i) => x === b[i])

export function raise(base: Septic, exponent: bigint): Septic {
  let result = ONE
  let square = base
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = multiply(result, square)
    square = multiply(square, square)
  }
  return result
}

/** a^p: raising to p is linear, so it is known by the powers of z. */
export function frobenius(a: Septic): Septic {
  const parts = a.map((coefficient, i) => scale(Z_POWERS_P[i], coefficient))
  return parts.reduce(add)
}

/** (z^p)^i for i = 0 to 6. */
const Z_POWERS_P: readonly Septic[] = powers(raise(septic(0n, 1n), P))

/** What the Frobenius map, once and twice, makes of z, z^2, … z^6. */
export const FROBENIUS_OF_POWERS: readonly (readonly Septic[])[] = [
  Z_POWERS_P.slice(1),
  Z_POWERS_P.slice(1).map(frobenius),
]

function powers(base: Septic): Septic[] {
  return Array.from({ length: SEPTIC_DEGREE }, (_, i) => raise(base, BigInt(i)))
}

/** The product of a's six other conjugates: a^(r - 1) with r = 1 + p + … + p^6. */
function otherConjugates(a: Septic): Septic {
  let product = ONE
  let conjugate = a
  for (let i = 1; i < SEPTIC_DEGREE; i++) {
    conjugate = frobenius(conjugate)
    product = multiply(product, conjugate)
  }
  return product
}

/** The product of all conjugates, an element of BabyBear. */
export function norm(a: Septic): bigint {
  return multiply(otherConjugates(a), a)[0]
}

/** 1 / a; of 0 it is 0. */
export function inverse(a: Septic): Septic {
  return scale(otherConjugates(a), invert(norm(a)))
}

/** One of the two roots of a square; undefined for others. 0 counts as none: no use has a point there. */
export function squareRoot(a: Septic): Septic | undefined {
  const baseNorm = norm(a)
  const root = baseRoot(baseNorm)
  if (root === undefined || baseNorm === 0n) return undefined
  // (a^((r + 1) / 2))^2 = a^r * a, and a^r is the norm.
  // (r + 1) / 2 = 1 + p * (p + 1) / 2 * (1 + p^2 + p^4).
  const half = frobenius(raise(a, (P + 1n) / 2n))
  const third = frobenius(frobenius(half))
  const fifth = frobenius(frobenius(third))
  return scale([half, third, fifth, a].reduce(multiply), invert(root))
}

/** A square root in BabyBear by Cipolla's algorithm; undefined if there is none. */
export function baseRoot(square: bigint): bigint | undefined {
  if (power(square, (P - 1n) / 2n) !== 1n) return undefined
  let a = 1n
  while (power(a * a - square, (P - 1n) / 2n) !== P - 1n) a++
  const nonResidue = reduce(a * a - square)
  // (a + w)^((p + 1) / 2) with w^2 = nonResidue
  let [real, imaginary] = [1n, 0n]
  let [baseReal, baseImaginary] = [a, 1n]
  for (let rest = (P + 1n) / 2n; rest > 0n; rest >>= 1n) {
    if (rest & 1n) {
      ;[real, imaginary] = [
        reduce(real * baseReal + nonResidue * imaginary * baseImaginary),
        reduce(real * baseImaginary + imaginary * baseReal),
      ]
    }
    ;[baseReal, baseImaginary] = [
      reduce(baseReal * baseReal + nonResidue * baseImaginary * baseImaginary),
      reduce(2n * baseReal * baseImaginary),
    ]
  }
  return real
}

/** y^2 for x on the curve. */
export function curveFormula(x: Septic): Septic {
  return add(add(multiply(multiply(x, x), x), scale(x, A)), B)
}

/**
 * The point whose x is the hash of seven elements and the first offset that leads to one. Of its two
 * y the one whose last coefficient is from 1 to (p - 1) / 2.
 *
 * @throws InternalError no offset does; SP1 panics. Never seen: each does with probability 1/2.
 */
export function liftX(elements: Septic): Point {
  for (let offset = 0n; offset < OFFSETS; offset++) {
    const padding = new Array<bigint>(POSEIDON2_WIDTH - SEPTIC_DEGREE - 1).fill(0n)
    const x = permute([...elements, offset, ...padding]).slice(0, SEPTIC_DEGREE)
    const y = squareRoot(curveFormula(x))
    const last = y?.[SEPTIC_DEGREE - 1]
    if (y === undefined || last === 0n || last === undefined) continue
    return { x, y: last > (P - 1n) / 2n ? negate(y) : y }
  }
  throw new InternalError('no point for a word of memory')
}

export function negatePoint({ x, y }: Point): Point {
  return { x, y: negate(y) }
}

export function addPoints(left: CurvePoint, right: CurvePoint): CurvePoint {
  if (left === undefined) return right
  if (right === undefined) return left
  const isSameX = isEqual(left.x, right.x)
  if (isSameX && !isEqual(left.y, right.y)) return undefined
  const rise = isSameX
    ? add(scale(multiply(left.x, left.x), 3n), septic(A))
    : subtract(right.y, left.y)
  const run = isSameX ? scale(left.y, 2n) : subtract(right.x, left.x)
  const slope = multiply(rise, inverse(run))
  const x = subtract(subtract(multiply(slope, slope), left.x), right.x)
  return { x, y: subtract(multiply(slope, subtract(left.x, x)), left.y) }
}
