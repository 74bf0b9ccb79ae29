/**
 * Round constants of SP1's Poseidon2 (width 16, BabyBear), reduced modulo p.
 * Source: sp1-primitives 3.4.0 src/lib.rs, `RC_16_30_U32` (480 random words, of which 141 are used):
 * rows 0-3 and 17-20 are the external rounds, the first entries of rows 4-16 the internal ones.
 */
import { BABYBEAR_P, invert, power, reduce } from './field.js'

export const EXTERNAL_CONSTANTS: readonly (readonly number[])[] = [
  [
    0x05c44304, 0x74548efc, 0x0a92dc75, 0x2ae63782, 0x263157ef, 0x52e360ff, 0x664898b9, 0x5fc45609,
    0x681b1d07, 0x57619f03, 0x594e6152, 0x3189b835, 0x3d585060, 0x756a60ff, 0x04f8c794, 0x71f37c2d,
  ],
  [
    0x64f22fef, 0x2d3f4a46, 0x44cebd25, 0x43761839, 0x406b02dc, 0x03319b3b, 0x3542fef1, 0x0061d4bc,
    0x427ab78b, 0x229bded7, 0x4b5c8423, 0x323e1dc8, 0x20b73dec, 0x5f162cd9, 0x5d200eab, 0x04e090d2,
  ],
  [
    0x0fa64335, 0x5d37bc66, 0x55d50d1d, 0x0afe6861, 0x22e445df, 0x533f25f2, 0x5dedfd22, 0x4ceccd58,
    0x082c5e5c, 0x2d9920e4, 0x25c5205b, 0x01766962, 0x2162d003, 0x70fe8a27, 0x2046e05f, 0x6a4c434f,
  ],
  [
    0x257787e3, 0x3cf1c46d, 0x62ea6ca5, 0x0ea49b8f, 0x00ba12cf, 0x0c0451e9, 0x110f53bf, 0x03fd7ae9,
    0x1e2d9ed5, 0x3f9fbfdd, 0x2ca0cda7, 0x4a29c2b8, 0x241f68b7, 0x45b4c55e, 0x045a0296, 0x2150b878,
  ],
  [
    0x07c26dfd, 0x2c4468fc, 0x20576d41, 0x2fda526d, 0x7324b864, 0x01dc2637, 0x65eb202d, 0x3723f412,
    0x60fc174c, 0x51ecc05f, 0x0a9a4a6b, 0x2534fd81, 0x0c823e36, 0x1074d7fd, 0x6c7c8fd1, 0x3a16665c,
  ],
  [
    0x4d179d28, 0x0d348f34, 0x46db60e1, 0x0d56a7bc, 0x0e0cb856, 0x11ac8a1c, 0x009aa89a, 0x4b6fb2e4,
    0x00876124, 0x2252cbcf, 0x601db98c, 0x720c07a7, 0x4dcd09f0, 0x227cb37d, 0x0b36522b, 0x0b655c03,
  ],
  [
    0x5d3bf2f1, 0x08667386, 0x1a9bd874, 0x331a67f8, 0x51f50851, 0x5b29a0e9, 0x123f5612, 0x3234aaba,
    0x4a53ab2f, 0x3c43230a, 0x7228b4db, 0x489cf324, 0x1bc75463, 0x3a3526aa, 0x308a6e3c, 0x00ca16af,
  ],
  [
    0x4574c574, 0x47c355b9, 0x6b605040, 0x726b2f24, 0x23c6f057, 0x2e17264f, 0x1d023a02, 0x0d8fa228,
    0x54578bcd, 0x1df8bb26, 0x0bde46e4, 0x1e694b67, 0x09ebbf12, 0x55477325, 0x520bf85e, 0x69d9f379,
  ],
]

export const INTERNAL_CONSTANTS: readonly number[] = [
  0x47556cf2, 0x0226080a, 0x58eebefe, 0x6f28f3eb, 0x34abd7e2, 0x6940a1de, 0x5492eac7, 0x53b52e36,
  0x333d6416, 0x5c4796ba, 0x06411997, 0x0aa5e397, 0x608d4abe,
]

/** Room for the table that the kernels read. */
export const POSEIDON2_CONSTANTS_BYTES = 1024

const HALF_LIMB = 2 ** 15
const WIDTH = 16

/**
 * The table of kernels/poseidon2.ts, which says how it is laid out and why elements have a common factor
 * that changes from round to round.
 *
 * `x + constant` times 2^-16 gets `constant * factor * 2^16`, where `factor` is the one afterwards.
 */
export function writeConstants(buffer: ArrayBufferLike, address: number): void {
  const rows: number[][] = []
  const internal: number[] = []
  const internalFactors: number[] = []
  const constantFor = (factor: bigint) => (constant: number) =>
    balanced(BigInt(constant) * factor * twoTo(16)) + HALF_LIMB

  let factor = twoTo(32)
  EXTERNAL_CONSTANTS.forEach((constants, round) => {
    if (round === EXTERNAL_CONSTANTS.length / 2) {
      factor = reduce(factor * twoTo(-16))
      for (const constant of INTERNAL_CONSTANTS) {
        const before = reduce(factor * twoTo(-16))
        internal.push(constantFor(before)(constant))
        internalFactors.push(
          ...factorsOf(factor * invert(power(before, 7n)) * twoTo(192 + 32 - 27)),
        )
        factor = reduce(factor * twoTo(5))
      }
    }
    factor = reduce(factor * twoTo(-16))
    rows.push(constants.map(constantFor(factor)))
    factor = reduce(power(factor, 7n) * twoTo(-192))
  })
  // The layer after the last round divides once more.
  const last = reduce(factor * twoTo(-16))
  const lastFactors = factorsOf(twoTo(32) * invert(last) * twoTo(32))
  const nothing = new Array<number>(WIDTH).fill(HALF_LIMB)
  const table = [rows.flat(), nothing, internal, internalFactors, lastFactors].flat()
  new Int32Array(buffer, address).set(table)
}

function twoTo(exponent: number): bigint {
  const power2 = power(2n, BigInt(Math.abs(exponent)))
  return exponent < 0 ? invert(power2) : power2
}

/** The number congruent to x from -(p - 1) / 2 to (p - 1) / 2. */
function balanced(x: bigint): number {
  const canonical = Number(reduce(x))
  return canonical > BABYBEAR_P / 2 ? canonical - BABYBEAR_P : canonical
}

/** What the kernels' `times` takes for x: limbs of x and of x * 2^-16, paired. */
function factorsOf(x: bigint): [upper: number, lower: number] {
  const [upper, lower] = limbsOf(balanced(x))
  const [foldedUpper, foldedLower] = limbsOf(balanced(x * twoTo(-16)))
  const pair = (high: number, low: number) => (high << 16) | (low & 0xffff)
  return [pair(upper, foldedUpper), pair(lower, foldedLower)]
}

function limbsOf(x: number): [high: number, low: number] {
  const low = (x << 16) >> 16
  return [(x - low) >> 16, low]
}
