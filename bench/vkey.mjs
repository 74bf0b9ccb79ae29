/**
 * How long verifying keys take: against SP1's own setup in the same run, by kernel, and when cached.
 *
 *   npm run bench:vkey -- [--json] [--pairs N] [--threads N]
 *
 * SP1_ORACLE (3.4.0) and SP1_ORACLE_5 (5.2.4) name programs around SP1's crates that, called as
 * `PROGRAM v ELF`, print one JSON object on their last line, with `setupMs` and `bytes32`. Without one
 * only our own times are told. A key that is not SP1's ends the bench with exit code 1.
 *
 * Every time is one of a fresh process, which makes the threads and compiles the kernels; ours and
 * SP1's take turns, so that what else the machine does hits both. Ratios are medians over pairs.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { computeVkey, VkeyCache } from '../dist/core/index.js'

const ROOT = join(import.meta.dirname, '..')
const RELEASES = [
  { sp1: '3.4.0', elf: join(ROOT, 'guests/elf/fibonacci.elf'), oracle: process.env.SP1_ORACLE },
  {
    sp1: '5.2.4',
    elf: join(ROOT, 'guests/elf-5.2.4/fibonacci.elf'),
    oracle: process.env.SP1_ORACLE_5,
  },
]
/** What the kernels do, for people. */
const PHASES = {
  fillPowers: 'powers of roots',
  extend: 'extension (NTT)',
  absorb: 'hashing of rows',
  compress: 'Merkle tree',
  addWords: 'points of memory',
}
const REST = 'the rest (traces, threads, compiling)'
const CACHED_ROUNDS = 500
const COMMAND_ROUNDS = 5

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    pairs: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(availableParallelism()) },
    /** Of the bench alone: measure in this process and print the figures. */
    measure: { type: 'string' },
  },
})
const threads = Number(options.threads)

if (options.measure !== undefined) await measureHere(JSON.parse(options.measure))
else await bench()

async function bench() {
  const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-bench-'))
  try {
    const machine = { cpu: cpus()[0].model, node: process.version, threads }
    const releases = []
    for (const release of RELEASES) releases.push(await benchRelease(release, folder))
    const result = { machine, releases }
    console.log(options.json ? JSON.stringify(result, null, 2) : textOf(result))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function benchRelease({ sp1, elf, oracle }, folder) {
  const pairs = Array.from({ length: Number(options.pairs) }, () => {
    const ours = measure({ sp1, elf, threads })
    const sp1s = oracle === undefined ? undefined : askOracle(oracle, elf)
    if (sp1s !== undefined && sp1s.bytes32 !== ours.bytes32) {
      console.error(`SP1 ${sp1} says ${sp1s.bytes32}, we ${ours.bytes32}`)
      process.exit(1)
    }
    return { ms: ours.ms, setupMs: sp1s?.setupMs }
  })
  const { phases } = measure({ sp1, elf, threads: 1 })
  return {
    sp1,
    ms: median(pairs.map(({ ms }) => ms)),
    ...(oracle !== undefined && {
      setupMs: median(pairs.map(({ setupMs }) => setupMs)),
      ratio: median(pairs.map(({ ms, setupMs }) => ms / setupMs)),
    }),
    pairs,
    phasesOnOneThreadMs: phases,
    cachedMs: await timeCached(sp1, elf),
    commandMs: timeCommand(elf, folder),
  }
}

/** In a process of its own. */
function measure(what) {
  const args = [fileURLToPath(import.meta.url), '--measure', JSON.stringify(what)]
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
}

/** On one thread kernels run one after another, so the time between two ends is the second's. */
async function measureHere({ sp1, elf, threads }) {
  const program = readFileSync(elf)
  const phases = {}
  const start = performance.now()
  let last = start
  const spend = (name) => {
    const now = performance.now()
    phases[name] = (phases[name] ?? 0) + now - last
    last = now
  }
  const { bytes32 } = await computeVkey(program, {
    sp1,
    threads,
    watch: { begins: () => spend(REST), ends: (name) => spend(PHASES[name]) },
  })
  spend(REST)
  console.log(JSON.stringify({ bytes32, ms: performance.now() - start, phases }))
}

function askOracle(program, elf) {
  const env = { ...process.env, RAYON_NUM_THREADS: String(threads), VERIFY_VK: 'false' }
  const stdio = ['ignore', 'pipe', 'ignore']
  const output = execFileSync(program, ['v', elf], { encoding: 'utf8', env, stdio })
  return JSON.parse(output.trimEnd().split('\n').at(-1))
}

/** A key that this process has computed. */
async function timeCached(sp1, elf) {
  const program = readFileSync(elf)
  const cache = new VkeyCache()
  await cache.get(program, { sp1, threads })
  const times = []
  for (let i = 0; i < CACHED_ROUNDS; i++) {
    const start = performance.now()
    await cache.get(program, { sp1 })
    times.push(performance.now() - start)
  }
  return median(times)
}

/** The whole command, from the start of its process to the end, with the key on disk. */
function timeCommand(elf, folder) {
  const env = { ...process.env, XDG_CACHE_HOME: folder }
  const run = () => {
    const start = performance.now()
    execFileSync(process.execPath, [join(ROOT, 'bin/run.js'), 'vkey', elf], { env, stdio: 'pipe' })
    return performance.now() - start
  }
  const [, ...cached] = Array.from({ length: 1 + COMMAND_ROUNDS }, run)
  return median(cached)
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

function textOf({ machine, releases }) {
  const lines = [`${machine.cpu}, Node ${machine.node}, ${machine.threads} threads`]
  for (const release of releases) {
    const { sp1, ms, setupMs, ratio, pairs, phasesOnOneThreadMs, cachedMs, commandMs } = release
    lines.push('', `SP1 ${sp1}`)
    const against =
      ratio === undefined
        ? ''
        : `, SP1's setup ${round(setupMs)} ms: ${ratio.toFixed(2)} of its time`
    lines.push(`  a key, uncached: ${round(ms)} ms${against} (medians of ${pairs.length})`)
    lines.push(`  cached in a process: ${cachedMs.toFixed(3)} ms`)
    lines.push(`  cached on disk, the whole command: ${round(commandMs)} ms`)
    const total = Object.values(phasesOnOneThreadMs).reduce((sum, time) => sum + time)
    lines.push(`  on one thread, ${round(total)} ms:`)
    for (const [name, time] of Object.entries(phasesOnOneThreadMs).sort(([, a], [, b]) => b - a)) {
      const share = `${((100 * time) / total).toFixed(1)} %`
      lines.push(`    ${name.padEnd(38)}${round(time).padStart(7)} ms ${share.padStart(7)}`)
    }
  }
  return lines.join('\n')
}

function round(ms) {
  return ms.toFixed(0)
}
