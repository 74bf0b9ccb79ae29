// Makes sp1-3.4.0.json: the benchmarks, run in SP1 itself. SOURCE.md says how to call it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { toHex } from '../../../src/core/bytes.ts'
import { parseStdin } from '../../../src/core/executor/stdin.ts'
import { ask } from '../../reference/ask.mjs'

const ROOT = join(import.meta.dirname, '../../..')
const cases = JSON.parse(readFileSync(join(ROOT, 'bench/cases.json'), 'utf8'))

const requests = cases.map(({ name, elf }) => {
  const stdin = readFileSync(join(ROOT, `guests/bench/inputs/${name}.bin`))
  const buffers = parseStdin(stdin, 'sp1').buffers.map((buffer) => toHex(buffer).slice(2))
  return { name, elf: join(ROOT, elf), buffers, tasks: ['execute'] }
})
const answers = ask('3.4.0', requests)
const rows = cases.map(({ name }) => {
  const { elfSha256, execute } = answers.get(name)
  const { publicValues, cycles, syscallCount, syscalls, opcodes, error, panic } = execute
  if (error ?? panic) throw new Error(`${name}: ${error ?? panic}`)
  const answer = { name, elfSha256, publicValues, cycles, syscallCount }
  return `  ${JSON.stringify({ ...answer, syscalls: sorted(syscalls), opcodes: sorted(opcodes) })}`
})
writeFileSync(join(import.meta.dirname, 'sp1-3.4.0.json'), `[\n${rows.join(',\n')}\n]\n`)

function sorted(counts) {
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)))
}
