/**
 * Values that the tests of SP1's crates publish: p3-baby-bear 0.1.4-succinct (the same in
 * 0.2.3-succinct, which SP1 5.2.4 uses), src/baby_bear.rs and src/poseidon2.rs.
 */
import { describe, expect, it } from 'vitest'
import {
  BABYBEAR_P,
  BABYBEAR_TWO_ADICITY,
  power,
  reduce,
  rootOfUnity,
  toMontgomery,
} from '../../../src/core/vkey/field.js'
import { permute } from '../../../src/core/vkey/poseidon2.js'

describe('BabyBear', () => {
  it('has the Montgomery form of 11', () => {
    expect(toMontgomery(11n)).toBe(939_524_073)
  })

  it('has the generators of its two-adic subgroups', () => {
    const largest = 0x1a42_7a41n
    for (let bits = 0; bits <= BABYBEAR_TWO_ADICITY; bits++) {
      const exponent = 2n ** BigInt(BABYBEAR_TWO_ADICITY - bits)
      expect(rootOfUnity(bits)).toBe(power(largest, exponent))
    }
  })

  it('multiplies, and takes seventh roots', () => {
    const [a, b] = [0x3416_7c58n, 0x61f3_207bn]
    expect(reduce(a * b)).toBe(0x1b5c_8046n)
    for (const x of [a, b, 2n]) expect(power(power(x, 1_725_656_503n), 7n)).toBe(x)
  })
})

const MASK_64 = 2n ** 64n - 1n

/** The generator of the round constants in those tests: Xoroshiro128+ with SplitMix64 of 1 as its state. */
function* elementsOfSeedOne(): Generator<bigint> {
  const mixed = (i: bigint) => {
    let z = (1n + i * 0x9e37_79b9_7f4a_7c15n) & MASK_64
    z = ((z ^ (z >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & MASK_64
    z = ((z ^ (z >> 27n)) * 0x94d0_49bb_1331_11ebn) & MASK_64
    return z ^ (z >> 31n)
  }
  const rotate = (x: bigint, by: bigint) => ((x << by) | (x >> (64n - by))) & MASK_64
  let [a, b] = [mixed(1n), mixed(2n)]
  for (;;) {
    const word = ((a + b) & MASK_64) >> 33n
    b ^= a
    a = rotate(a, 24n) ^ b ^ ((b << 16n) & MASK_64)
    b = rotate(b, 37n)
    // A word below p is an element as it is, in Montgomery form.
    if (word < BABYBEAR_P) yield reduce(word * power(2n ** 32n, -1n + BigInt(BABYBEAR_P - 1)))
  }
}

describe('Poseidon2 of width 16', () => {
  it('maps the published input to the published output', () => {
    const elements = elementsOfSeedOne()
    const take = (count: number) =>
      Array.from({ length: count }, () => elements.next().value as bigint)
    const external = Array.from({ length: 8 }, () => take(16))
    const internal = take(13)
    const input = [
      894848333, 1437655012, 1200606629, 1690012884, 71131202, 1749206695, 1717947831, 120589055,
      19776022, 42382981, 1831865506, 724844064, 171220207, 1299207443, 227047920, 1783754913,
    ]
    const output = [
      512585766, 975869435, 1921378527, 1238606951, 899635794, 132650430, 1426417547, 1734425242,
      57415409, 67173027, 1535042492, 1318033394, 1070659233, 17258943, 856719028, 1500534995,
    ]
    expect(permute(input.map(BigInt), { external, internal }).map(Number)).toEqual(output)
  })
})
