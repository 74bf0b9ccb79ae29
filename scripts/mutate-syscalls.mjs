/**
 * Tells how much the syscall vectors notice: changes one constant or operator of src/core/syscalls at
 * a time, runs the vectors of test/vectors/syscalls, and lists the changes that no vector saw.
 *
 *   node scripts/mutate-syscalls.mjs            all files of definitions
 *   node scripts/mutate-syscalls.mjs fp.ts ...  these
 *
 * and writes what it found to test/vectors/mutations/syscalls.json.
 *
 * Nothing in the repository is touched: mutants are bundles in a temporary folder, each run in a
 * thread of its own until the first vector that fails.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire, SourceMap } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

const ROOT = join(import.meta.dirname, '..')
const SOURCES = join(ROOT, 'src/core/syscalls')
const SYSCALLS = readdirSync(join(ROOT, 'test/vectors/syscalls'))
  .filter((file) => file.endsWith('.json'))
  .map((file) => basename(file, '.json'))
const RESULTS = join(ROOT, 'test/vectors/mutations/syscalls.json')
const THREADS = 2
/** A mutant that takes so many times what all vectors take unchanged never ends. */
const PATIENCE = 3

/** What an operator becomes. A number becomes its neighbours, true becomes false. */
const OPERATORS = {
  '+': ['-'],
  '-': ['+'],
  '*': ['+'],
  '/': ['*'],
  '%': ['*'],
  '**': ['*'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['>>', '<<'],
  '&': ['|'],
  '|': ['&', '^'],
  '^': ['|'],
  '~': ['-'],
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '&&': ['||'],
  '||': ['&&'],
  '!': [''],
  '<<=': ['>>='],
  '>>=': ['<<='],
  '|=': ['&='],
  '++': ['--'],
  true: ['false'],
  false: ['true'],
}
const TOKEN =
  /\/\*[\s\S]*?\*\/|\/\/.*|void 0|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|[A-Za-z_$#][\w$]*|(?:0x[\da-f]+|\d+)n?|=>|\.\.\.|>>>|\*\*|<<=|>>=|===|!==|<=|>=|<<|>>|&&|\|\||\|=|\+\+|[-+*/%&|^~<>!]/gi

/** Longest run of a mutant. */
let timeoutMs = 600_000

if (isMainThread) await main(process.argv.slice(2))
else await runVectors(workerData)

async function main(names) {
  const files = names.length > 0 ? names : definitionFiles()
  const scratch = mkdtempSync(join(tmpdir(), 'mutants-'))
  symlinkSync(join(ROOT, 'node_modules'), join(scratch, 'node_modules'))
  // Where a file of test/support looks for them.
  symlinkSync(join(ROOT, 'test/vectors'), join(scratch, 'vectors'))
  const folder = join(scratch, 'support')
  mkdirSync(folder)
  try {
    const bundler = await createBundler()
    const original = join(folder, 'original.mjs')
    writeFileSync(original, await bundler.bundle())
    const startedAt = performance.now()
    const verdict = await run({ bundle: original, named: [], first: [] })
    timeoutMs = PATIENCE * (performance.now() - startedAt)
    if (verdict.killedBy !== undefined) throw new Error(`unchanged: ${verdict.killedBy} fails`)

    for (const file of files) record(file, await mutateFile({ file, folder, bundler }))
    await bundler.end()
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

/**
 * The vectors run in the interpreter, which knows no kernels: so definitions are what they are held
 * against. kernels.diff.test.ts holds the kernels against the definitions.
 */
function definitionFiles() {
  const isDefinition = (file) =>
    file.endsWith('.ts') && !file.endsWith('.wasm.ts') && file !== 'kernel-module.ts'
  return readdirSync(SOURCES).filter(isDefinition).sort()
}

async function mutateFile({ file, folder, bundler }) {
  const { code, map } = bundler.javascriptOf(file)
  const mutants = mutantsOf(code)
  /** A file that names syscalls is run by no others. */
  const named = SYSCALLS.filter((syscall) => code.includes(`"${syscall}"`))
  /** Syscalls whose vectors noticed a mutant: they come first. */
  const first = new Set()
  const survivors = []
  const work = mutants.entries()
  const worker = async () => {
    for (const [index, { offset, from, to }] of work) {
      const text = code.slice(0, offset) + to + code.slice(offset + from.length)
      const bundle = join(folder, `${file}-${index}.mjs`)
      writeFileSync(bundle, await bundler.bundle(file, text))
      const { killedBy } = await run({ bundle, named, first: [...first] })
      rmSync(bundle)
      if (killedBy === undefined) {
        survivors.push(`${placeOf(file, code, map, offset)}  // ${from} becomes ${to || 'nothing'}`)
      } else {
        first.add(killedBy.split('/')[0])
      }
    }
  }
  await Promise.all(Array.from({ length: THREADS }, worker))
  return { mutants: mutants.length, survivors: survivors.sort() }
}

function record(file, found) {
  const { mutants, survivors } = found
  console.log(`${file}: ${mutants - survivors.length} of ${mutants} noticed`)
  for (const line of survivors) console.log(`  ${line}`)
  const known = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : {}
  const all = Object.entries({ ...known, [file]: found }).sort(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(RESULTS, `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`)
}

/** All changes of one token. Strings, imports and names are left alone. */
function mutantsOf(code) {
  return [...code.matchAll(TOKEN)].flatMap(({ index: offset, 0: from }) =>
    replacementsOf(from).map((to) => ({ offset, from, to })),
  )
}

function replacementsOf(token) {
  if (!/^\d/.test(token)) return Object.hasOwn(OPERATORS, token) ? OPERATORS[token] : []
  const suffix = token.endsWith('n') ? 'n' : ''
  const value = BigInt(token.replace(/n$/, ''))
  const neighbours = value > 0n ? [value + 1n, value - 1n] : [value + 1n]
  return neighbours.map((neighbour) => `${neighbour}${suffix}`)
}

/** The line in the source. */
function placeOf(file, code, map, offset) {
  const before = code.slice(0, offset).split('\n')
  const { originalLine } = map.findEntry(before.length - 1, before.at(-1).length)
  return readFileSync(join(SOURCES, file), 'utf8').split('\n')[originalLine].trim()
}

/** Bundles what runs the vectors, with one source replaced. */
async function createBundler() {
  // tsx brings esbuild.
  const esbuild = createRequire(createRequire(import.meta.url).resolve('tsx'))('esbuild')
  let replaced = {}
  const replace = {
    name: 'replace',
    setup({ onLoad }) {
      onLoad({ filter: /core\/syscalls\/[^/]+\.ts$/ }, ({ path }) =>
        basename(path) === replaced.file
          ? { contents: replaced.text, loader: 'js' }
          : { contents: readFileSync(path, 'utf8'), loader: 'ts' },
      )
    },
  }
  const context = await esbuild.context({
    entryPoints: [join(ROOT, 'test/support/syscall-vectors.ts')],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    plugins: [replace],
    logLevel: 'silent',
  })
  let turn = Promise.resolve()
  return {
    bundle(file, text) {
      // One at a time, because `replaced` is shared.
      turn = turn.then(async () => {
        replaced = { file, text }
        const { outputFiles } = await context.rebuild()
        return outputFiles[0].text
      })
      return turn
    },
    javascriptOf(file) {
      const source = readFileSync(join(SOURCES, file), 'utf8')
      const options = { loader: 'ts', sourcemap: 'external', target: 'node20' }
      const { code, map } = esbuild.transformSync(source, options)
      return { code, map: new SourceMap(JSON.parse(map)) }
    },
    end: () => context.dispose(),
  }
}

function run({ bundle, named, first }) {
  return new Promise((resolve) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { bundle, named, first } })
    const timer = setTimeout(() => worker.terminate(), timeoutMs)
    const end = (killedBy) => {
      clearTimeout(timer)
      resolve({ killedBy })
    }
    worker.on('message', ({ killedBy }) => end(killedBy))
    worker.on('error', (error) => end(`loading/${error.message}`))
    worker.on('exit', () => end('loading/timeout'))
  })
}

/** In a thread: post the first vector that fails, or nothing. */
async function runVectors({ bundle, named, first }) {
  const { loadVectorFiles, RELEASES, expectedOf, verdictOf } = await import(pathToFileURL(bundle))
  const rank = ({ syscall }) => (first.includes(syscall) ? 0 : 1)
  const files = loadVectorFiles()
    .filter(({ syscall }) => named.length === 0 || named.includes(syscall))
    .sort((a, b) => rank(a) - rank(b))
  for (const { syscall, vectors } of files) {
    for (const vector of vectors) {
      for (const release of RELEASES) {
        if (isRight({ syscall, vector, release })) continue
        parentPort.postMessage({ killedBy: `${syscall}/${vector.name}` })
        return
      }
    }
  }
  parentPort.postMessage({})

  function isRight({ syscall, vector, release }) {
    const expected = expectedOf(syscall, vector, release)
    if (expected === undefined) return true
    try {
      return isDeepStrictEqual(verdictOf(vector.program, release), expected)
    } catch {
      return false
    }
  }
}
