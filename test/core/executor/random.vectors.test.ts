/**
 * Random programs as SP1 ran them, in every engine: registers, memory and counts are equal, or the
 * failure is.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { releaseOf, SP1_VERSIONS } from '../../../src/core/executor/release.js'
import { engines } from '../../support/engines.js'
import { randomProgram } from '../../support/random-program.js'
import { type Answer, isSame, outcomeOf } from '../../support/random-vectors.js'

const PER_TEST = 500

const FILE = new URL('../../vectors/random/answers.json', import.meta.url)
const RECORDED: Record<string, { elfs: string; answers: Answer[] }> = JSON.parse(
  readFileSync(FILE, 'utf8'),
)

describe.each(SP1_VERSIONS.map(releaseOf))('SP1 $version', (release) => {
  const { elfs, answers } = RECORDED[release.version]
  const starts = Array.from({ length: answers.length / PER_TEST }, (_, i) => i * PER_TEST)

  describe.each(engines())('$name', ({ create }) => {
    it.each(starts)(`${PER_TEST} programs from %i on`, (start) => {
      const wrong = answers.slice(start, start + PER_TEST).flatMap((sp1, i) => {
        const seed = start + i
        const { answer, state } = outcomeOf(seed, release, create)
        return isSame(sp1, answer) ? [] : [{ seed, sp1, answer, state }]
      })
      expect(wrong).toEqual([])
    })
  })

  it('runs the programs that SP1 ran', () => {
    const hash = createHash('sha256')
    for (const seed of answers.keys()) {
      hash.update(randomProgram(seed, release.descriptors.publicValues).elf)
    }
    expect(hash.digest('hex')).toBe(elfs)
  })

  it('has programs that end in every way', () => {
    const ends = new Set(answers.map(([end]) => end))
    const errors = ['HaltWithNonZeroExitCode', 'InvalidMemoryAccess', 'ExceededCycleLimit']
    for (const end of ['ok', 'panic', ...errors]) expect(ends).toContain(end)
    expect(answers.filter(([end]) => end === 'ok').length).toBeGreaterThan(answers.length / 3)
  })
})
