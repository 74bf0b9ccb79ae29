/**
 * Times the cases of cases.json here and, where there is one, in SP1, in the same run, turn by turn.
 * README.md says what is measured.
 *
 *   node bench/execute.mjs [--only NAME]... [--repeat N] [--engine NAME] [--json]
 *
 * SP1_ORACLE, SP1_ORACLE_JIT   programs that run a guest in SP1 3.4.0 and in SP1 6.10.0
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parseStdin } from '../dist/core/executor/stdin.js'

const ROOT = join(import.meta.dirname, '..')
const CASES = JSON.parse(readFileSync(join(import.meta.dirname, 'cases.json'), 'utf8'))
const COLD_RUNS = 5
const WARM_RUNS = 31
const MIB = 2 ** 20
/** A process started with this writes its peak of resident memory, in KiB, to descriptor 3. */
const TELL_PEAK =
  'data:text/javascript,import fs from "node:fs";' +
  'process.on("exit",()=>fs.writeSync(3,String(process.resourceUsage().maxRSS)))'

/** What is to be reached. Of a ratio more is better, of the others less. */
const GOALS = [
  ratio('fibonacci, cold', 40, 60, ({ fibonacci }) => fibonacci?.coldRatio),
  ratio('fibonacci, warm, to the JIT of SP1 6.10.0', 2, 5, ({ fibonacci }) => fibonacci?.jitRatio),
  ratio('the list, warm, geometric mean', 50, 90, (_, list) => mean(list.map((r) => r.warmRatio))),
  ratio('the list, cold, geometric mean', 10, 20, (_, list) => mean(list.map((r) => r.coldRatio))),
  ratio('the list, cold, slowest', 1.5, 3, (_, list) => least(list.map((r) => r.coldRatio))),
  ratio('curve-additions, warm', 20, 35, (rows) => rows['curve-additions']?.warmRatio),
  cost('fibonacci-small, whole process', 's', 0.4, 0.25, (rows) => {
    const { processMs } = rows['fibonacci-small'] ?? {}
    return processMs === undefined ? undefined : processMs / 1000
  }),
  cost("memory beyond the guest's pages, the most", 'MB', 200, 120, (rows) =>
    Math.max(...Object.values(rows).map(({ beyondBytes }) => beyondBytes / 1e6)),
  ),
]

const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    repeat: { type: 'string' },
    engine: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})
const repeat = Number(flags.repeat ?? WARM_RUNS)
if (!Number.isInteger(repeat) || repeat < 1) throw new Error('--repeat takes a count')
const unknown = flags.only?.filter((name) => !CASES.some((one) => one.name === name)) ?? []
if (unknown.length > 0) throw new Error(`no case ${unknown}: ${CASES.map(({ name }) => name)}`)

const scratch = mkdtempSync(join(tmpdir(), 'sp1-tee-bench-'))
try {
  const chosen = CASES.filter(({ name }) => flags.only?.includes(name) ?? true)
  const rows = chosen.map((one) => {
    if (!flags.json) process.stderr.write(`${one.name}\n`)
    return measure(one)
  })
  const report = {
    machine: machine(),
    engine: rows[0]?.engine,
    repeat,
    rows,
    goals: judge(rows),
  }
  process.stdout.write(flags.json ? `${JSON.stringify(report, undefined, 2)}\n` : print(report))
} finally {
  rmSync(scratch, { recursive: true })
}

/** Times in milliseconds; what could not be measured is left out. */
function measure({ name, elf, elf64, isInList }) {
  const stdin = join(ROOT, `guests/bench/inputs/${name}.bin`)
  const inputs = parseStdin(readFileSync(stdin), 'sp1').buffers.map((buffer, i) => {
    const path = join(scratch, `${name}-${i}`)
    writeFileSync(path, buffer)
    return `@${path}`
  })
  const ours = (times, ...more) => executeHere(join(ROOT, elf), stdin, times, more)
  const { SP1_ORACLE, SP1_ORACLE_JIT } = process.env
  const runs = Array.from({ length: Math.min(COLD_RUNS, repeat) }, () => ({
    cold: ours(1),
    sp1: SP1_ORACLE && askOracle(SP1_ORACLE, 'x', join(ROOT, elf), inputs),
    jit: SP1_ORACLE_JIT && elf64 && askOracle(SP1_ORACLE_JIT, 'm', join(ROOT, elf64), inputs),
  }))
  const warm = ours(repeat)

  // A run of its own: what else it tells costs memory.
  const { guestBytes } = ours(1, '--explain').explanation

  const [{ cold: first }] = runs
  for (const { cold, sp1, jit } of [...runs, { cold: warm }]) {
    for (const answer of [cold, sp1, jit].filter(Boolean)) {
      const isSame = answer.publicValues.replace('0x', '') === first.publicValues.replace('0x', '')
      if (!isSame) throw new Error(`${name}: public values differ`)
    }
    if (sp1 && sp1.cycles !== first.cycles) throw new Error(`${name}: cycles differ`)
  }
  const coldMs = median(runs.map(({ cold }) => cold.durationMs))
  const warmMs = warm.runs?.medianMs ?? warm.durationMs
  const sp1Ms = SP1_ORACLE && median(runs.map(({ sp1 }) => sp1.executeMs))
  const jitMs = SP1_ORACLE_JIT && elf64 && median(runs.map(({ jit }) => jit.jitMs))
  const peakBytes = Math.max(warm.peakBytes, ...runs.map(({ cold }) => cold.peakBytes))
  return {
    name,
    isInList,
    engine: first.engine,
    cycles: first.cycles,
    syscallCount: first.syscallCount,
    coldMs,
    warmMs,
    processMs: median(runs.map(({ cold }) => cold.processMs)),
    peakBytes,
    guestBytes,
    beyondBytes: peakBytes - guestBytes,
    ...(sp1Ms && { sp1Ms, coldRatio: sp1Ms / coldMs, warmRatio: sp1Ms / warmMs }),
    ...(jitMs && { jitMs, jitRatio: jitMs / warmMs }),
  }
}

/** `execute --json` in a process of its own, with its whole time and its peak of memory. */
function executeHere(elf, stdin, times, more) {
  const engine = flags.engine === undefined ? [] : ['--engine', flags.engine]
  const repeated = ['--repeat', String(times)]
  const run = ['execute', elf, '--stdin', stdin, ...repeated, ...engine, ...more, '--json']
  const startedAt = performance.now()
  const { status, output } = spawnSync(
    process.execPath,
    ['--import', TELL_PEAK, join(ROOT, 'bin/run.js'), ...run],
    { stdio: ['ignore', 'pipe', 'ignore', 'pipe'], encoding: 'utf8', maxBuffer: 64 * MIB },
  )
  const processMs = performance.now() - startedAt
  const [, stdout, , peakKib] = output
  if (status !== 0) throw new Error(stdout)
  return { ...JSON.parse(stdout), processMs, peakBytes: Number(peakKib) * 1024 }
}

/** Its answer is the last line, after what the guest and SP1 print. */
function askOracle(program, mode, elf, inputs) {
  const stdout = execFileSync(program, [mode, elf, ...inputs], {
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
    maxBuffer: 64 * MIB,
  })
  const answer = JSON.parse(stdout.trimEnd().split('\n').at(-1))
  const failure = answer.error ?? answer.panic
  if (failure !== undefined) throw new Error(`${elf} in SP1: ${failure}`)
  return answer
}

function ratio(name, least, aim, measured) {
  return { name, unit: '×', least, aim, measured, reaches: (value, goal) => value >= goal }
}

function cost(name, unit, least, aim, measured) {
  return { name, unit, least, aim, measured, reaches: (value, goal) => value <= goal }
}

/** A goal that this run says nothing about has no value. */
function judge(rows) {
  const byName = Object.fromEntries(rows.map((row) => [row.name, row]))
  const list = CASES.filter(({ isInList }) => isInList).map(({ name }) => byName[name] ?? {})
  return GOALS.map(({ measured, reaches, ...goal }) => {
    const value = measured(byName, list)
    if (value === undefined) return goal
    const [holdsLeast, holdsAim] = [reaches(value, goal.least), reaches(value, goal.aim)]
    return { ...goal, value, holdsLeast, holdsAim }
  })
}

function mean(values) {
  if (values.includes(undefined)) return undefined
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)
}

function least(values) {
  return values.includes(undefined) ? undefined : Math.min(...values)
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2
}

function machine() {
  return { node: process.version, cpu: cpus()[0]?.model, cores: availableParallelism() }
}

function print({ machine: { node, cpu, cores }, engine, repeat, rows, goals }) {
  const round = (value, digits = 1) => value?.toFixed(digits) ?? ''
  const table = [
    [
      ...['case', 'cycles', 'cold ms', 'warm ms', 'SP1 ms', 'cold ×', 'warm ×'],
      ...['process ms', 'guest MB', 'beyond MB'],
    ],
    ...rows.map((row) => [
      ...[row.name, row.cycles.toLocaleString('en-US'), round(row.coldMs), round(row.warmMs)],
      ...[round(row.sp1Ms), round(row.coldRatio), round(row.warmRatio)],
      ...[round(row.processMs), round(row.guestBytes / 1e6), round(row.beyondBytes / 1e6, 0)],
    ]),
  ]
  const verdict = (holds) => (holds === undefined ? '' : holds ? 'yes' : 'no')
  const reached = [
    ['goal', 'value', 'least', '', 'aim', ''],
    ...goals.map(({ name, unit, value, least, aim, holdsLeast, holdsAim }) => [
      ...[name, value === undefined ? '' : `${round(value, 2)} ${unit}`],
      ...[String(least), verdict(holdsLeast), String(aim), verdict(holdsAim)],
    ]),
  ]
  const head = `Node ${node}, ${cpu}, ${cores} cores; engine ${engine}, warm of ${repeat} runs`
  return `${head}\n\n${columns(table)}\n\n${columns(reached)}\n`
}

/** The first column to the left, the others to the right. */
function columns(table) {
  const widths = table[0].map((_, i) => Math.max(...table.map((row) => row[i].length)))
  const pad = (cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))
  return table.map((row) => row.map(pad).join('  ').trimEnd()).join('\n')
}
