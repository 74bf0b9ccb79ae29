// Makes answers.json: programs of random calls, run in SP1 itself. SOURCE.md says how to call it.
import { createHash } from 'node:crypto'
import { releaseOf, SP1_VERSIONS } from '../../../src/core/executor/release.ts'
import { ask } from '../../reference/ask.mjs'
import { answerOf, CYCLE_LIMIT, digestOf, guestOf } from '../../support/call-vectors.ts'
import { INTERPRETER } from '../../support/engines.ts'
import { isSame } from '../../support/random-vectors.ts'
import { rowOf, writeAnswers } from '../answers.mjs'

const [from = 0, count = 1000] = process.argv.slice(2).map(Number)
const isCorpus = process.argv.length === 2

const seeds = Array.from({ length: count }, (_, i) => from + i)
const answers = Object.fromEntries(SP1_VERSIONS.map((sp1) => [sp1, answersOf(sp1)]))
if (isCorpus) writeAnswers(new URL('answers.json', import.meta.url), answers)

function answersOf(sp1) {
  const release = releaseOf(sp1)
  const hash = createHash('sha256')
  const requests = seeds.map((seed) => {
    const { elf, buffers } = guestOf(seed, release)
    hash.update(elf)
    return {
      name: String(seed),
      elfHex: Buffer.from(elf).toString('hex'),
      buffers: buffers.map((buffer) => Buffer.from(buffer).toString('hex')),
      tasks: ['execute'],
      cycleLimit: CYCLE_LIMIT,
    }
  })
  const found = ask(sp1, requests)
  const rows = seeds.map((seed) => rowOf(found.get(String(seed)).execute, digestOf))
  const ours = seeds.map((seed) => answerOf(seed, release, INTERPRETER.create))
  const wrong = seeds.filter((_, i) => !isSame(rows[i], ours[i]))
  console.log(`${sp1}: ${count} programs, ${count - wrong.length} the same here; not: ${wrong}`)
  return { elfs: hash.digest('hex'), rows }
}
