/** SP1's own commitments and digests, without the costly step between program and commitment. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseElf } from '../../../src/core/riscv/elf.js'
import { encodeBytes32, parseBytes32, parseHashBytes } from '../../../src/core/vkey/encodings.js'
import { digestImage } from '../../../src/core/vkey/image-digest.js'
import { hashElements } from '../../../src/core/vkey/poseidon2.js'
import { RECIPE_3_4_0 } from '../../../src/core/vkey/recipe-3.4.0.js'
import { RECIPE_5_2_4 } from '../../../src/core/vkey/recipe-5.2.4.js'
import { guestElf } from '../../support/cli.js'

describe.each([RECIPE_3_4_0, RECIPE_5_2_4])('digest of the key of SP1 $release:', (recipe) => {
  const file = new URL(`../../vectors/guests/sp1-${recipe.release}.json`, import.meta.url)
  const { guests } = JSON.parse(readFileSync(file, 'utf8'))
  it.each(Object.keys(guests))('%s', async (name) => {
    const { commit, chips, pcStart, bytes32, hashBytes } = guests[name].vkey
    const program = parseElf(readFileSync(guestElf(name, recipe.release)))
    const imageDigest = recipe.hasImageDigest ? await digestImage(program, { threads: 1 }) : []
    const digest = hashElements(recipe.digestInput({ commit, chips, pcStart, imageDigest }))
    expect(digest).toEqual(parseHashBytes(`0x${hashBytes}`))
    expect(digest).toEqual(parseBytes32(bytes32))
    expect(encodeBytes32(digest)).toBe(bytes32)
  })
})
