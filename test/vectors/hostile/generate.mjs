// Makes answers.json: broken programs and inputs, run in SP1 itself. SOURCE.md says how to call it.
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { SP1_VERSIONS } from '../../../src/core/executor/release.ts'
import { ask } from '../../reference/ask.mjs'
import { answerTo, CYCLE_LIMIT, isSame, readableInput } from '../../support/hostile-vectors.ts'

const COUNT = 1000
const PER_PROCESS = 20
const TIMEOUT_MS = 20_000

const parts = []
for (const sp1 of SP1_VERSIONS) {
  const { seeds, inputs, ours } = await chooseInputs(sp1)
  const answers = []
  for (let i = 0; i < COUNT; i += PER_PROCESS) {
    answers.push(...askSafely(sp1, inputs.slice(i, i + PER_PROCESS)))
    console.log(`${sp1}: ${answers.length} of ${COUNT}`)
  }
  const hash = createHash('sha256')
  for (const { elf, stdin } of inputs) {
    hash.update(elf)
    for (const buffer of stdin.buffers) hash.update(buffer)
  }
  for (const [i, answer] of answers.entries()) {
    if (!isSame(answer, ours[i])) console.log(`${sp1}, seed ${seeds[i]}: ${answer}; ours ${ours[i]}`)
  }
  const lines = answers.map((answer, i) => JSON.stringify([seeds[i], ...answer]))
  parts.push(
    `"${sp1}": {\n"inputs": "${hash.digest('hex')}",\n"answers": [\n${lines.join(',\n')}\n]}`,
  )
}
writeFileSync(new URL('answers.json', import.meta.url), `{\n${parts.join(',\n')}\n}\n`)

/** The first seeds whose stdin can be read and that end here, within the time. */
async function chooseInputs(sp1) {
  const [seeds, inputs, ours] = [[], [], []]
  for (let seed = 0; seeds.length < COUNT; seed++) {
    const input = readableInput(seed, sp1)
    if (input === undefined) continue
    const answer = await answerTo(input.elf, input.stdin, sp1, 'interpreter')
    if (answer[0] === 'TIMEOUT') continue
    seeds.push(seed)
    inputs.push(input)
    ours.push(answer)
  }
  return { seeds, inputs, ours }
}

/** A process that dies is asked again by halves, until one input is left: that one is a panic. */
function askSafely(sp1, inputs) {
  const requests = inputs.map(({ elf, stdin }, i) => ({
    name: String(i),
    elfHex: Buffer.from(elf).toString('hex'),
    buffers: stdin.buffers.map((buffer) => Buffer.from(buffer).toString('hex')),
    tasks: ['execute'],
    cycleLimit: CYCLE_LIMIT,
  }))
  try {
    const found = ask(sp1, requests, { timeoutMs: TIMEOUT_MS })
    return requests.map(({ name }) => answerOf(found.get(name).execute))
  } catch {
    if (inputs.length === 1) return [['panic', 0]]
    const half = Math.ceil(inputs.length / 2)
    return [...askSafely(sp1, inputs.slice(0, half)), ...askSafely(sp1, inputs.slice(half))]
  }
}

function answerOf({ error, panic, cycles }) {
  if (error !== undefined) return [error.split('(')[0], 0]
  return panic === undefined ? ['ok', cycles] : ['panic', 0]
}
