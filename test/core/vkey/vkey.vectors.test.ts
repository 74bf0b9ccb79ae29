/** SP1's own commitments and digests, without the costly step between program and commitment. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { encodeBytes32, parseBytes32, parseHashBytes } from '../../../src/core/vkey/encodings.js'
import { hashElements } from '../../../src/core/vkey/poseidon2.js'
import { RECIPE_3_4_0 } from '../../../src/core/vkey/recipe-3.4.0.js'

const GUESTS = new URL('../../vectors/guests/sp1-3.4.0.json', import.meta.url)
const { guests } = JSON.parse(readFileSync(GUESTS, 'utf8'))

describe('digest of the key of', () => {
  for (const name of Object.keys(guests)) {
    const { commit, chips, pcStart, bytes32, hashBytes } = guests[name].vkey
    it(name, () => {
      const digest = hashElements(RECIPE_3_4_0.digestInput({ commit, chips, pcStart }))
      expect(digest).toEqual(parseHashBytes(`0x${hashBytes}`))
      expect(digest).toEqual(parseBytes32(bytes32))
      expect(encodeBytes32(digest)).toBe(bytes32)
    })
  }
})
