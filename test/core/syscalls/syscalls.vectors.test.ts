/**
 * Every call of test/vectors/syscalls as SP1 answered it, in both releases and every engine: public
 * values, cycles, counts and output are equal, what SP1 refuses is refused, and what it could not prove
 * is marked.
 */
import { isDeepStrictEqual } from 'node:util'
import { describe, expect, it } from 'vitest'
import { CHOICES } from '../../support/engines.js'
import { expectedOf, loadVectorFiles, RELEASES, verdictOf } from '../../support/syscall-vectors.js'

const FILES = new Map(loadVectorFiles().map(({ syscall, vectors }) => [syscall, vectors]))
const RANDOM_CALLS = 10

/** A precompile has a table of its own in SP1's prover; its code says so in the second byte. */
const hasOwnTable = (code: number) => ((code >> 8) & 0xff) !== 0

describe.each(RELEASES)('SP1 $version', (release) => {
  const names = [...new Set([...release.syscalls.values()].map(({ name }) => name))]

  describe.each(CHOICES)('$name', ({ create }) => {
    it.each([...names, 'unknown'])('%s', (syscall) => {
      const answered = (FILES.get(syscall) ?? []).flatMap((vector) => {
        const expected = expectedOf(syscall, vector, release)
        return expected === undefined ? [] : [{ vector, expected }]
      })
      expect(answered.some(({ expected }) => 'hasFailed' in expected)).toBe(true)
      const wrong = answered.flatMap(({ vector, expected }) => {
        const verdict = verdictOf(vector.program, release, create)
        const isEqual = isDeepStrictEqual(verdict, expected)
        return isEqual ? [] : [{ name: vector.name, verdict, expected }]
      })
      expect(wrong).toEqual([])
    })
  })

  it('has random calls of every precompile', () => {
    const precompiles = [...release.syscalls.values()].filter(({ code }) => hasOwnTable(code))
    const tooFew = precompiles.filter(({ name }) => {
      const vectors = FILES.get(name) ?? []
      return vectors.filter((vector) => vector.name.includes('random')).length < RANDOM_CALLS
    })
    expect(tooFew).toEqual([])
  })
})
