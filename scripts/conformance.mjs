/**
 * Writes docs/conformance.md: what the vectors cover, counted from the vectors; with --check only says
 * whether it is fresh.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { releaseOf, SP1_VERSIONS } from '../dist/core/executor/release.js'

const ROOT = join(import.meta.dirname, '..')
const VECTORS = join(ROOT, 'test/vectors')
const path = join(ROOT, 'docs/conformance.md')

const load = (file) => JSON.parse(readFileSync(join(VECTORS, file), 'utf8'))
const guestCases = new Map(SP1_VERSIONS.map((sp1) => [sp1, load(`guests/sp1-${sp1}.json`).cases]))
const syscallFiles = readdirSync(join(VECTORS, 'syscalls'))
  .filter((file) => file.endsWith('.json'))
  .map((file) => load(`syscalls/${file}`))
const reasons = load('provability/calls.json')
const mutations = load('mutations/syscalls.json')

const hasFailed = ({ error, panic }) => error !== undefined || panic !== undefined
const sum = (numbers) => numbers.reduce((total, n) => total + n, 0)
const number = (n) => n.toLocaleString('en-US')
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
/** `ends well / fails` of outcomes, or nothing where the release has none. */
const split = (outcomes) => {
  if (outcomes.length === 0) return '–'
  const failed = outcomes.filter(hasFailed).length
  return `${outcomes.length - failed} / ${failed}`
}

function syscalls() {
  const rows = syscallFiles.map(({ syscall, vectors }) => {
    const cells = SP1_VERSIONS.map((sp1) =>
      split(vectors.map((vector) => vector.sp1.all ?? vector.sp1[sp1]).filter(Boolean)),
    )
    return [syscall === 'unknown' ? 'codes that are none' : `\`${syscall}\``, ...cells]
  })
  return table(['syscall', ...SP1_VERSIONS], rows)
}

function hooks() {
  const rows = SP1_VERSIONS.flatMap((sp1) =>
    [...releaseOf(sp1).descriptors.hooks].map(([fd, { name }]) => {
      const cases = guestCases.get(sp1).filter((each) => each.name.startsWith(`hooks/${fd}-`))
      return [sp1, fd, name, split(cases.map(({ execute }) => execute))]
    }),
  )
  return table(['release', 'descriptor', 'hook', 'answers / panics'], rows)
}

function guests() {
  const names = [...new Set(guestCases.get(SP1_VERSIONS[0]).map(({ guest }) => guest))]
  const rows = names.map((name) => {
    const cells = SP1_VERSIONS.flatMap((sp1) => {
      const cases = guestCases.get(sp1).filter(({ guest }) => guest === name)
      const cycles = Math.max(...cases.map(({ execute }) => execute.cycles))
      return [split(cases.map(({ execute }) => execute)), number(cycles)]
    })
    return [`\`${name}\``, ...cells]
  })
  return table(['guest', ...SP1_VERSIONS.flatMap((sp1) => [sp1, 'most cycles'])], rows)
}

function opcodes() {
  const counts = SP1_VERSIONS.map((sp1) => {
    const totals = new Map()
    for (const { execute } of guestCases.get(sp1)) {
      for (const [opcode, count] of Object.entries(execute.opcodes ?? {})) {
        totals.set(opcode, (totals.get(opcode) ?? 0) + count)
      }
    }
    return totals
  })
  const names = [...new Set(counts.flatMap((totals) => [...totals.keys()]))].sort()
  const rows = names.map((name) => [name, ...counts.map((totals) => number(totals.get(name) ?? 0))])
  return table(['opcode', ...SP1_VERSIONS], rows)
}

function errors() {
  const kinds = new Map()
  const add = (sp1, { error, panic }) => {
    if (error === undefined && panic === undefined) return
    const kind = error === undefined ? 'a panic' : `\`${error.split('(')[0]}\``
    const counts = kinds.get(kind) ?? Object.fromEntries(SP1_VERSIONS.map((each) => [each, 0]))
    counts[sp1]++
    kinds.set(kind, counts)
  }
  for (const sp1 of SP1_VERSIONS) {
    for (const { execute } of guestCases.get(sp1)) add(sp1, execute)
    for (const { vectors } of syscallFiles) {
      for (const vector of vectors) add(sp1, vector.sp1.all ?? vector.sp1[sp1] ?? {})
    }
  }
  const rows = [...kinds].sort().map(([kind, counts]) => [kind, ...Object.values(counts)])
  return table(['SP1 ends with', ...SP1_VERSIONS], rows)
}

/** Reasons, with the names of syscalls taken out of them. */
function provability() {
  const kinds = new Map()
  for (const [sp1, rows] of Object.entries(reasons)) {
    for (const [reason, calls] of Object.entries(rows)) {
      const kind = reason.replace(/^[A-Z\d]+(_[A-Z\d]+)+/, 'it')
      const counts = kinds.get(kind) ?? Object.fromEntries(SP1_VERSIONS.map((each) => [each, 0]))
      counts[sp1] += sum(Object.values(calls).map((names) => names.length))
      kinds.set(kind, counts)
    }
  }
  const rows = [...kinds].sort().map(([kind, counts]) => [kind, ...Object.values(counts)])
  return table(['the call', ...SP1_VERSIONS], rows)
}

function mutants() {
  const rows = Object.entries(mutations).map(([file, { mutants: count, survivors }]) => [
    `\`${file}\``,
    count,
    count - survivors.length,
  ])
  const [all, killed] = [1, 2].map((column) => sum(rows.map((row) => row[column])))
  const share = ((100 * killed) / all).toFixed(1)
  const survivors = Object.entries(mutations)
    .flatMap(([file, each]) => each.survivors.map((line) => `- \`${file}\`: \`\` ${line} \`\``))
    .join('\n')
  return { share, table: table(['file', 'changes', 'noticed'], rows), survivors }
}

const { share, table: mutantTable, survivors } = mutants()
const random = load('random/answers.json')
const calls = load('calls/answers.json')
const hostile = load('hostile/answers.json')
/** How many answers there are in each release, and how many of them are runs that ended well. */
const answersIn = (recorded, isOk) =>
  SP1_VERSIONS.map((sp1) => {
    const { answers } = recorded[sp1]
    return `${number(answers.length)} (${sp1}, ${number(answers.filter(isOk).length)} end well)`
  }).join(' and ')
const syscallCount = sum(
  syscallFiles.flatMap(({ vectors }) =>
    vectors.map(({ sp1 }) => (sp1.all ? 2 : Object.keys(sp1).length)),
  ),
)

const fresh = `# Conformance

What makes us say that a run is SP1's run. The reference is SP1 itself, 3.4.0 and 5.2.4: \`test/reference\`
drives its published crates and writes what they answer to \`test/vectors\`, and the tests compare. This
page is made from those vectors by \`npm run generate\`. A pair of numbers is how many runs end well and how
many fail; in all of them we do the same, by each of the engines.

| compared | with | where |
|---|---|---|
| public values, cycles, opcode and syscall counts, cycle-tracker labels, guest output | SP1's executor, ${SP1_VERSIONS.map((sp1) => `${guestCases.get(sp1).length} cases (${sp1})`).join(' and ')} of our guests | \`test/core/executor/guests.vectors.test.ts\` |
| for every failure: its kind, the pc, the clock, and the output so far | the same | the same |
| every syscall: public values, cycles, counts, output | SP1's executor, ${number(syscallCount)} small programs | \`test/core/syscalls/syscalls.vectors.test.ts\` |
| several calls on the same memory, hints and blocks between them | SP1's executor, random programs: ${answersIn(calls, ([end]) => end === 'ok')} | \`test/core/syscalls/calls.vectors.test.ts\` |
| registers, memory, counts, error and pc | SP1's executor, random programs: ${answersIn(random, ([end]) => end === 'ok')} | \`test/core/executor/random.vectors.test.ts\` |
| whether a damaged program or input ends well | SP1's executor: ${answersIn(hostile, ([, end]) => end === 'ok')} | \`test/core/executor/hostile.vectors.test.ts\` |
| every instruction | a model written from the RISC-V manual | \`test/core/riscv\` |
| curves, fields, SHA-256 and Keccak-f | other implementations | \`test/core/syscalls/*.diff.test.ts\` |
| verifying keys | SP1's \`setup\`, every guest | \`test/core/vkey\` |

## Syscalls

${syscalls()}

Of the constants and operators in \`src/core/syscalls\`, changed one at a time by
\`scripts/mutate-syscalls.mjs\`, these vectors notice ${share} %:

${mutantTable}

The others change nothing that a run of SP1 could show, or a bound of our own, which has other tests:

${survivors}

## Hooks

${hooks()}

## Guests

The first ten exercise the machine; the others are real programs, made of published crates.

${guests()}

## Instructions

How often the guests above executed each.

${opcodes()}

## Failures

${errors()}

## What SP1 executes and cannot prove

Such a run is reported as \`unprovable\` and never signed. Vectors by reason:

${provability()}

\`docs/security.md\` lists all the rules by which a run is not signed; \`test/core/executor/soundness.test.ts\`
has a test for each.

## What is surprising, and equal here

- The cycle limit of 3.4.0 is looked at after the instruction, before the end: a run of exactly that many cycles is over it. 5.2.4 ends a run that is over it.
- In 3.4.0 unconstrained instructions count against the limit while their block runs, and are taken back when it ends. 5.2.4 does not look at the limit in a block. Reports never count them.
- In 3.4.0 registers are memory: address n below 32 is register xn, and a store to address 0 makes x0 read as something else until the next write to x0. A load or store to a register that the instruction itself reads panics. In 5.2.4 every such access panics.
- A hint gives a word its *first* value. A word that was used before keeps its value; a word that was not used yet reads as 0 for WRITE, and a partial store to it loses the rest of the hint.
- A pc that is no multiple of 4 is rounded down. Leaving the program ends a run as a success.
- 3.4.0 rounds the pointers of some precompiles down to words. 5.2.4 panics.
- What a guest hints to itself comes behind its unread input in 3.4.0, and before it in 5.2.4.
- HINT_LEN without input panics in 3.4.0, and answers 0xffffffff in 5.2.4.
- \`slli\` ignores its upper function bits, \`jalr\` its function bits and keeps bit 0 of its target.

Where we refuse more than SP1's executor is listed in ARCHITECTURE.md.
`

if (!process.argv.includes('--check')) {
  writeFileSync(path, fresh)
  console.log('wrote docs/conformance.md')
} else if (readFileSync(path, 'utf8') !== fresh) {
  console.error('docs/conformance.md is stale: run `npm run generate`')
  process.exitCode = 1
}
