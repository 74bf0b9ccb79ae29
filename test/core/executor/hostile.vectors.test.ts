/** Broken programs and inputs as SP1 dealt with them: what it runs every engine runs, no other. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ENGINES } from '../../../src/core/executor/engines.js'
import { SP1_VERSIONS } from '../../../src/core/executor/release.js'
import { type Answer, answerTo, isSame, readableInput } from '../../support/hostile-vectors.js'

const PER_TEST = 100

const FILE = new URL('../../vectors/hostile/answers.json', import.meta.url)
const RECORDED: Record<string, { inputs: string; answers: [seed: number, ...Answer][] }> =
  JSON.parse(readFileSync(FILE, 'utf8'))

describe.each(SP1_VERSIONS)('SP1 %s', (sp1) => {
  const { inputs, answers } = RECORDED[sp1]
  const starts = Array.from({ length: answers.length / PER_TEST }, (_, i) => i * PER_TEST)
  const inputOf = (seed: number) => {
    const input = readableInput(seed, sp1)
    if (input === undefined) throw new RangeError(`no input of seed ${seed}`)
    return input
  }

  describe.each(ENGINES)('%s', (engine) => {
    it.each(starts)(`${PER_TEST} inputs from %i on`, async (start) => {
      const wrong: unknown[] = []
      for (const [seed, ...recorded] of answers.slice(start, start + PER_TEST)) {
        const { elf, stdin } = inputOf(seed)
        const ours = await answerTo(elf, stdin, sp1, engine)
        if (!isSame(recorded, ours)) wrong.push({ seed, recorded, ours })
      }
      expect(wrong).toEqual([])
    })
  })

  it('has the inputs that SP1 had, which end in every way', () => {
    const hash = createHash('sha256')
    for (const [seed] of answers) {
      const { elf, stdin } = inputOf(seed)
      hash.update(elf)
      for (const buffer of stdin.buffers) hash.update(buffer)
    }
    expect(hash.digest('hex')).toBe(inputs)
    const shareOf = (end: string) =>
      answers.filter((each) => each[1] === end).length / answers.length
    for (const end of ['ok', 'HaltWithNonZeroExitCode', 'panic']) {
      expect(shareOf(end)).toBeGreaterThan(0.05)
    }
  })
})
