// Makes the vectors of this folder: every case of test/support/{precompile,system}-cases.ts, run in
// SP1 itself. SOURCE.md says how to call it.
import { writeFileSync } from 'node:fs'
import { SYSCALLS_3_4_0, SYSCALLS_5_2_4 } from '../../../src/core/syscalls/table.ts'
import { precompileCases } from '../../support/precompile-cases.ts'
import { elfOfProgram } from '../../support/syscall-program.ts'
import { systemCases } from '../../support/system-cases.ts'
import { ask } from '../../reference/ask.mjs'

const RELEASES = [
  { version: '3.4.0', syscalls: SYSCALLS_3_4_0, publicValuesFd: 3 },
  { version: '5.2.4', syscalls: SYSCALLS_5_2_4, publicValuesFd: 13 },
]
/** Fields of an answer that are kept, if they are not empty. */
const KEPT = ['publicValues', 'cycles', 'syscalls', 'stdout', 'stderr', 'cycleTracker']

const allCases = new Map([...systemCases(), ...precompileCases()])
const outcomes = new Map(RELEASES.map((release) => [release.version, run(release)]))

for (const [syscall, cases] of allCases) {
  const lines = cases.map(({ name, program }) => {
    const found = RELEASES.map(({ version }) => [
      version,
      outcomes.get(version).get(`${syscall}/${name}`),
    ]).filter(([, outcome]) => outcome !== undefined)
    return JSON.stringify({ name, program, sp1: merged(found) })
  })
  const file = new URL(`${syscall}.json`, import.meta.url)
  writeFileSync(file, `{\n"syscall": "${syscall}",\n"vectors": [\n${lines.join(',\n')}\n]\n}\n`)
}
for (const [version, found] of outcomes) console.log(`${version}: ${found.size} vectors`)

/** Outcomes by name of the case, of all that only name syscalls the release has. */
function run({ version, syscalls, publicValuesFd }) {
  const names = new Set([...syscalls.values()].map((syscall) => syscall.name))
  const requests = [...allCases].flatMap(([syscall, cases]) =>
    syscall === 'unknown' || names.has(syscall)
      ? cases.map((each) => request(`${syscall}/${each.name}`, each.program, publicValuesFd))
      : [],
  )
  return new Map([...ask(version, requests)].map(([name, answer]) => [name, kept(answer)]))
}

function request(name, program, publicValuesFd) {
  const elf = elfOfProgram(program, publicValuesFd)
  return {
    name,
    elfHex: Buffer.from(elf).toString('hex'),
    buffers: (program.buffers ?? []).map((hex) => hex.slice(2)),
    tasks: ['execute'],
  }
}

function kept({ execute }) {
  const { error, panic } = execute
  if (error !== undefined) return { error }
  if (panic !== undefined) return { panic }
  return Object.fromEntries(
    KEPT.map((field) => [field, execute[field]]).filter(([, value]) => !isEmpty(value)),
  )
}

function isEmpty(value) {
  return value === '' || (typeof value === 'object' && Object.keys(value).length === 0)
}

/** One outcome for all releases, if it is the same. */
function merged(found) {
  const [[, first]] = found
  const isSame = found.every(([, outcome]) => JSON.stringify(outcome) === JSON.stringify(first))
  return found.length > 1 && isSame ? { all: first } : Object.fromEntries(found)
}
