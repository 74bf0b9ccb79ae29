/**
 * Random calls of syscalls, several on the same memory, as SP1 did them, in every engine: public values,
 * memory, cycles, counts and output are equal, or the failure is.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { releaseOf, SP1_VERSIONS } from '../../../src/core/executor/release.js'
import { answerOf, guestOf } from '../../support/call-vectors.js'
import { CHOICES } from '../../support/engines.js'
import { type Answer, isSame } from '../../support/random-vectors.js'

const PER_TEST = 250

const FILE = new URL('../../vectors/calls/answers.json', import.meta.url)
const RECORDED: Record<string, { elfs: string; answers: Answer[] }> = JSON.parse(
  readFileSync(FILE, 'utf8'),
)

describe.each(SP1_VERSIONS.map(releaseOf))('SP1 $version', (release) => {
  const { elfs, answers } = RECORDED[release.version]
  const starts = Array.from({ length: answers.length / PER_TEST }, (_, i) => i * PER_TEST)

  describe.each(CHOICES)('$name', ({ create }) => {
    it.each(starts)(`${PER_TEST} programs from %i on`, (start) => {
      const wrong = answers.slice(start, start + PER_TEST).flatMap((sp1, i) => {
        const answer = answerOf(start + i, release, create)
        return isSame(sp1, answer) ? [] : [{ seed: start + i, sp1, answer }]
      })
      expect(wrong).toEqual([])
    })
  })

  it('runs the programs that SP1 ran, of which many end well', () => {
    const hash = createHash('sha256')
    for (const seed of answers.keys()) hash.update(guestOf(seed, release).elf)
    expect(hash.digest('hex')).toBe(elfs)
    expect(answers.filter(([end]) => end === 'ok').length).toBeGreaterThan(answers.length / 3)
  })
})
