/**
 * Operands that precompiles are called with: random ones from a fixed seed, and the edges of each
 * family. Nothing here knows the right answer.
 */
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { bn254 } from '@noble/curves/bn254.js'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p256 } from '@noble/curves/nist.js'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { concatBytes } from '../../src/core/bytes.js'

/** What one call gets from a0 on: the contents of the memory a pointer leads to, or a number. */
export interface Operands {
  readonly name: string
  readonly args: readonly (Uint8Array | number)[]
}

interface Point {
  readonly x: bigint
  readonly y: bigint
}

/** Both sorts of curves; `BASE.multiply` is all that is needed. */
interface NobleCurve {
  readonly BASE: { multiply(scalar: bigint): { toAffine(): Point } }
  CURVE(): { readonly p: bigint; readonly n: bigint }
}

const SEED = 'sp1-tee'
const RANDOM_CASES = 10

export const CURVES = {
  secp256k1: { noble: secp256k1.Point as NobleCurve, bytes: 32 },
  secp256r1: { noble: p256.Point as NobleCurve, bytes: 32 },
  bn254: { noble: bn254.G1.Point as NobleCurve, bytes: 32 },
  bls12381: { noble: bls12_381.G1.Point as NobleCurve, bytes: 48 },
  ed25519: { noble: ed25519.Point as NobleCurve, bytes: 32 },
} as const

export type CurveName = keyof typeof CURVES

export function randomBelow(label: string, bound: bigint): bigint {
  const parts = [0, 1, 2, 3, 4].map((i) =>
    sha512(new TextEncoder().encode(`${SEED}/${label}/${i}`)),
  )
  return toNumber(concatBytes(...parts)) % bound
}

export function randomBytes(label: string, count: number): Uint8Array {
  return littleEndian(count, randomBelow(label, 256n ** BigInt(count)))
}

/** Numbers of `bytes` bytes, one after the other. */
export function littleEndian(bytes: number, ...numbers: readonly bigint[]): Uint8Array {
  return Uint8Array.from({ length: bytes * numbers.length }, (_, i) => {
    const number = numbers[Math.floor(i / bytes)] as bigint
    return Number((number >> BigInt(8 * (i % bytes))) & 0xffn)
  })
}

function toNumber(bytes: Uint8Array): bigint {
  return bytes.reduceRight((number, byte) => (number << 8n) | BigInt(byte), 0n)
}

function randomPoint(curve: CurveName, label: string): Point {
  const { BASE, CURVE } = { BASE: CURVES[curve].noble.BASE, CURVE: CURVES[curve].noble.CURVE() }
  return BASE.multiply(1n + randomBelow(`${curve}/${label}`, CURVE.n - 1n)).toAffine()
}

/** Around the ends of a field of numbers of `bytes` bytes. */
function edgesOf(p: bigint, bytes: number): [string, bigint][] {
  const max = 256n ** BigInt(bytes) - 1n
  const edges: [string, bigint][] = [
    ['0', 0n],
    ['1', 1n],
    ['p-1', p - 1n],
    ['p', p],
    ['p+1', p + 1n],
    ['2p', 2n * p],
    ['max', max],
  ]
  return edges.filter(([, value]) => value <= max)
}

function randomCases(make: (label: string) => (Uint8Array | number)[]): Operands[] {
  return Array.from({ length: RANDOM_CASES }, (_, i) => ({
    name: `random/${i}`,
    args: make(`random/${i}`),
  }))
}

/** Each of some numbers at each edge, the others as they are. */
function atEdges(
  names: readonly string[],
  numbers: readonly bigint[],
  edges: readonly [string, bigint][],
): { name: string; numbers: bigint[] }[] {
  return names.flatMap((name, i) =>
    edges.map(([edge, value]) => ({ name: `${name}=${edge}`, numbers: numbers.with(i, value) })),
  )
}

/** Pairs of points for an addition. */
export function additionOperands(curve: CurveName): Operands[] {
  const { noble, bytes } = CURVES[curve]
  const { p } = noble.CURVE()
  const pair = (x1: bigint, y1: bigint, x2: bigint, y2: bigint) => [
    littleEndian(bytes, x1, y1),
    littleEndian(bytes, x2, y2),
  ]
  const a = randomPoint(curve, 'a')
  const b = randomPoint(curve, 'b')
  const edges = edgesOf(p, bytes)
  const max = 256n ** BigInt(bytes) - 1n
  const any = (label: string) => randomBelow(`${curve}/any/${label}`, p)
  const named: [string, Uint8Array[]][] = [
    ['same-point', pair(a.x, a.y, a.x, a.y)],
    ['opposite-point', pair(a.x, a.y, a.x, p - a.y)],
    ['same-y', pair(a.x, a.y, b.x, a.y)],
    ['opposite-x', pair(a.x, a.y, p - a.x, a.y)],
    ['zero-plus-point', pair(0n, 0n, a.x, a.y)],
    ['point-plus-zero', pair(a.x, a.y, 0n, 0n)],
    ['zero-plus-zero', pair(0n, 0n, 0n, 0n)],
    ['off-curve/0', pair(any('0'), any('1'), any('2'), any('3'))],
    ['off-curve/1', pair(any('4'), any('5'), any('6'), any('7'))],
    ['swapped-coordinates', pair(a.y, a.x, b.y, b.x)],
    ['all-max', pair(max, max, max, max)],
    ['max-and-zero', pair(max, max, 0n, 0n)],
    ['zero-and-max', pair(0n, 0n, max, max)],
    ['same-x-mod-p', pair(1n, a.y, p + 1n, b.y)],
    ['same-point-mod-p', pair(1n, 2n, p + 1n, p + 2n)],
    ['y1-just-below-zero', pair(a.x, p + 3n, b.x, 2n)],
    ['y1-just-zero', pair(a.x, p + 2n, b.x, 2n)],
    ['x1-just-below-zero', pair(p + 3n, a.y, 2n, b.y)],
    ['x1-just-zero', pair(p + 2n, a.y, 2n, b.y)],
    ['flat/x-sum-2p', pair(p, 5n, p, p + 5n)],
    ['flat/x-sum-above-2p', pair(p + 1n, 5n, p, p + 5n)],
    ['flat/y-p', pair(3n, p, 4n, p)],
    ['flat/y-above-p', pair(3n, p + 1n, 4n, p + 1n)],
  ]
  if (curve === 'ed25519') {
    const { Fp } = ed25519.Point
    const product = Fp.mul(ed25519.Point.CURVE().d, Fp.mul(Fp.mul(a.x, a.y), b.x))
    named.push(
      ['no-sum/x', pair(a.x, a.y, b.x, Fp.neg(Fp.inv(product)))],
      ['no-sum/y', pair(a.x, a.y, b.x, Fp.inv(product))],
    )
  }
  return [
    ...randomCases((label) => {
      const first = randomPoint(curve, `${label}/first`)
      const second = randomPoint(curve, `${label}/second`)
      return pair(first.x, first.y, second.x, second.y)
    }),
    ...named.map(([name, args]) => ({ name, args })),
    ...atEdges(['x1', 'y1', 'x2', 'y2'], [a.x, a.y, b.x, b.y], edges).map(({ name, numbers }) => ({
      name,
      args: pair(...(numbers as [bigint, bigint, bigint, bigint])),
    })),
  ]
}

/** Points for a doubling. */
export function doublingOperands(curve: CurveName): Operands[] {
  const { noble, bytes } = CURVES[curve]
  const { p } = noble.CURVE()
  const a = randomPoint(curve, 'a')
  const point = (x: bigint, y: bigint, arg2 = 0) => [littleEndian(bytes, x, y), arg2]
  const max = 256n ** BigInt(bytes) - 1n
  const any = (label: string) => randomBelow(`${curve}/any/${label}`, p)
  const named: [string, (Uint8Array | number)[]][] = [
    ['generator', point(...coordinatesOf(noble.BASE.multiply(1n).toAffine()))],
    ['zero', point(0n, 0n)],
    ['off-curve/0', point(any('0'), any('1'))],
    ['off-curve/1', point(any('2'), any('3'))],
    ['all-max', point(max, max)],
    ['x-0-y-p', point(0n, p)],
    ['x-0-y-above-p', point(0n, p + 1n)],
    ['x-p-y-0', point(p, 0n)],
    ['x-above-p-y-0', point(p + 1n, 0n)],
    ['arg2-1', point(a.x, a.y, 1)],
    ['arg2-pointer', point(a.x, a.y, 0x0041_0000)],
    ['arg2-max', point(a.x, a.y, 0xffff_ffff)],
  ]
  return [
    ...randomCases((label) => point(...coordinatesOf(randomPoint(curve, label)))),
    ...named.map(([name, args]) => ({ name, args })),
    ...atEdges(['x', 'y'], [a.x, a.y], edgesOf(p, bytes)).map(({ name, numbers }) => ({
      name,
      args: point(...(numbers as [bigint, bigint])),
    })),
  ]
}

/** What a decompression reads, behind 0xcc bytes that it writes, and a sign. */
export function decompressionOperands(curve: CurveName): Operands[] {
  const { noble, bytes } = CURVES[curve]
  const { p } = noble.CURVE()
  const isEdwards = curve === 'ed25519'
  const given = ({ x, y }: Point) => (isEdwards ? y : x)
  const a = given(randomPoint(curve, 'a'))
  const max = 256n ** BigInt(bytes) - 1n
  const call = (value: bigint, sign: number) => [
    concatBytes(new Uint8Array(bytes).fill(0xcc), littleEndian(bytes, value)),
    sign,
  ]
  const edges: [string, bigint][] = [
    ...edgesOf(p, bytes),
    ...[2n, 3n, 4n, 5n, 6n, 7n].map((n): [string, bigint] => [`${n}`, n]),
    ...[2n, 3n, 4n, 5n, 6n].map((n): [string, bigint] => [`p-${n}`, p - n]),
    ...[0, 1, 2, 3].map((i): [string, bigint] => [`any/${i}`, randomBelow(`${curve}/any/${i}`, p)]),
    ...flagged(curve, a).filter(([, value]) => value <= max),
  ]
  return [
    ...randomCases((label) =>
      call(given(randomPoint(curve, label)), Number(randomBelow(`${curve}/${label}/sign`, 2n))),
    ),
    ...[0, 1].map((sign) => ({ name: `sign-${sign}`, args: call(a, sign) })),
    ...[2, 3, 0x8000_0000, 0xffff_ffff].map((sign) => ({
      name: `sign-${sign}`,
      args: call(a, sign),
    })),
    ...edges.flatMap(([name, value]) =>
      [0, 1].map((sign) => ({ name: `${name}/sign-${sign}`, args: call(value, sign) })),
    ),
  ]
}

/** Values whose high bits act as flags. */
function flagged(curve: CurveName, value: bigint): [string, bigint][] {
  if (curve === 'ed25519') {
    return [
      ['top-bit', value + 2n ** 255n],
      ['top-bit-and-1', 1n + 2n ** 255n],
      ['top-bit-and-p', CURVES.ed25519.noble.CURVE().p + 2n ** 255n],
      ['most-y', 2n ** 255n - 1n],
    ]
  }
  const { p } = CURVES.bls12381.noble.CURVE()
  const [larger, infinity, compressed] = [2n ** 381n, 2n ** 382n, 2n ** 383n]
  return [
    ['larger', value + larger],
    ['compressed', value + compressed],
    ['larger-and-compressed', value + larger + compressed],
    ['larger-and-0', larger],
    ['larger-and-p', p + larger],
    ['infinity', infinity],
    ['infinity-and-compressed', infinity + compressed],
    ['infinity-and-larger', infinity + larger],
    ['infinity-and-1', infinity + 1n],
    ['infinity-and-value', infinity + value],
    ['most-x', larger - 1n],
  ]
}

/** Two elements of a field, or of its quadratic extension. */
export function fieldOperands(curve: CurveName, degree: 1 | 2): Operands[] {
  const { noble, bytes } = CURVES[curve]
  const { p } = noble.CURVE()
  const max = 256n ** BigInt(bytes) - 1n
  const any = (label: string, bound = p) => randomBelow(`${curve}/fp${degree}/${label}`, bound)
  const names = degree === 1 ? ['a', 'b'] : ['a0', 'a1', 'b0', 'b1']
  const args = (numbers: readonly bigint[]) => [
    littleEndian(bytes, ...numbers.slice(0, degree)),
    littleEndian(bytes, ...numbers.slice(degree)),
  ]
  const corners = edgesOf(p, bytes).filter(([name]) => ['0', 'p-1', 'p', 'max'].includes(name))
  const cross = corners.flatMap(([first, a]) =>
    corners.map(([second, b]) => ({
      name: `all-a=${first},b=${second}`,
      args: args([...Array(degree).fill(a), ...Array(degree).fill(b)]),
    })),
  )
  const limit = ((p << BigInt(8 * bytes)) - 1n) / max
  const named: [string, bigint[]][] = [
    ['largest-provable-product', [max, limit]],
    ['smallest-unprovable-product', [max, limit + 1n]],
    ['b-just-below-a+p', [2n, p + 1n]],
    ['b-at-a+p', [2n, p + 2n]],
    ['b-just-above-a+p', [2n, p + 3n]],
  ]
  const sample = names.map((name) => any(name))
  return [
    ...randomCases((label) => args(names.map((name) => any(`${label}/${name}`)))),
    ...[0, 1, 2].map((i) => ({
      name: `unreduced/${i}`,
      args: args(names.map((name) => any(`unreduced/${i}/${name}`, max + 1n))),
    })),
    ...cross,
    ...named.map(([name, [a, b]]) => ({
      name,
      args: args(degree === 1 ? [a as bigint, b as bigint] : [1n, a as bigint, 1n, b as bigint]),
    })),
    ...atEdges(names, sample, edgesOf(p, bytes)).map(({ name, numbers }) => ({
      name,
      args: args(numbers),
    })),
  ]
}

/** x, and y with a modulus behind it. */
export function uint256Operands(): Operands[] {
  const two256 = 2n ** 256n
  const max = two256 - 1n
  const any = (label: string, bits = 256n) => randomBelow(`uint256/${label}`, 2n ** bits)
  const args = (x: bigint, y: bigint, m: bigint) => [littleEndian(32, x), littleEndian(32, y, m)]
  const p = CURVES.secp256k1.noble.CURVE().p
  const named: [string, Uint8Array[]][] = [
    ['modulus-0', args(any('x'), any('y'), 0n)],
    ['modulus-0/max', args(max, max, 0n)],
    ['modulus-0/one', args(1n, 1n, 0n)],
    ['modulus-0/zero', args(0n, max, 0n)],
    ['modulus-1', args(any('x', 100n), any('y', 100n), 1n)],
    ['modulus-1/all-random', args(any('x'), any('y'), 1n)],
    ['modulus-1/largest-provable', args(2n, 2n ** 255n - 1n, 1n)],
    ['modulus-1/smallest-unprovable', args(2n, 2n ** 255n, 1n)],
    ['modulus-2/largest-provable', args(4n, 2n ** 255n - 1n, 2n)],
    ['modulus-2/smallest-unprovable', args(4n, 2n ** 255n, 2n)],
    ['modulus-2', args(any('x', 100n), any('y', 100n), 2n)],
    ['modulus-2^32', args(any('x'), any('y', 20n), 2n ** 32n)],
    ['modulus-2^255', args(any('x'), any('y'), 2n ** 255n)],
    ['modulus-max', args(any('x'), any('y'), max)],
    ['modulus-max/max', args(max, max, max)],
    ['modulus-max/max-1', args(max - 1n, max - 1n, max)],
    ['x-0', args(0n, any('y'), p)],
    ['y-0', args(any('x'), 0n, p)],
    ['x-1', args(1n, any('y'), p)],
    ['y-1', args(any('x'), 1n, p)],
    ['x-modulus', args(p, any('y'), p)],
    ['x-modulus-1', args(p - 1n, p - 1n, p)],
    ['x-modulus+1', args(p + 1n, p + 1n, p)],
    ['x-max', args(max, any('y'), p)],
    ['y-max', args(any('x'), max, p)],
    ['all-max', args(max, max, p)],
  ]
  return [
    ...randomCases((label) => args(any(`${label}/x`), any(`${label}/y`), any(`${label}/m`))),
    ...named.map(([name, operands]) => ({ name, args: operands })),
  ]
}

/** 256 and 2048 bits, and memory for the product's low and high part. */
export function wideOperands(): Operands[] {
  const max256 = 2n ** 256n - 1n
  const max2048 = 2n ** 2048n - 1n
  const any = (label: string, bits: bigint) => randomBelow(`wide/${label}`, 2n ** bits)
  const args = (a: bigint, b: bigint) => [
    littleEndian(32, a),
    littleEndian(256, b),
    new Uint8Array(256).fill(0xcc),
    new Uint8Array(32).fill(0xdd),
  ]
  const named: [string, Uint8Array[]][] = [
    ['a-0', args(0n, any('b', 2048n))],
    ['b-0', args(any('a', 256n), 0n)],
    ['a-1', args(1n, any('b', 2048n))],
    ['b-1', args(any('a', 256n), 1n)],
    ['all-max', args(max256, max2048)],
    ['a-max-b-1', args(max256, 1n)],
    ['high-just-0', args(2n, 2n ** 2047n - 1n)],
    ['high-just-1', args(2n, 2n ** 2047n)],
  ]
  return [
    ...randomCases((label) => args(any(`${label}/a`, 256n), any(`${label}/b`, 2048n))),
    ...named.map(([name, operands]) => ({ name, args: operands })),
  ]
}

/** States, schedules and second arguments of the hash functions. */
export function hashOperands(sizes: readonly number[], arg2?: number): Operands[] {
  const args = (fill: (label: string, size: number) => Uint8Array) => [
    ...sizes.map((size, i) => fill(`${i}`, size)),
    ...(arg2 === undefined ? [] : [arg2]),
  ]
  const label = sizes.join('+')
  const edges = arg2 === undefined ? [] : [1, 0x0041_0000, 0xffff_ffff]
  const sample = args((name, size) => randomBytes(`hash/${label}/arg2/${name}`, size))
  return [
    ...randomCases((name) => args((i, size) => randomBytes(`hash/${label}/${name}/${i}`, size))),
    { name: 'zeros', args: args((_, size) => new Uint8Array(size)) },
    { name: 'ones', args: args((_, size) => new Uint8Array(size).fill(0xff)) },
    ...edges.map((value) => ({ name: `arg2-${value}`, args: sample.with(-1, value) })),
  ]
}

function coordinatesOf({ x, y }: Point): [bigint, bigint] {
  return [x, y]
}
