/**
 * Who may import whom, and what may not be written in the core: the tables of ARCHITECTURE.md, held
 * against every file. A rule that nothing enforces dies.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const SRC = new URL('../src/', import.meta.url).pathname

/** Layers of src/core: the folders a folder may import from, besides itself. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  wasm: [],
  riscv: ['wasm'],
  syscalls: ['riscv'],
  executor: ['riscv', 'syscalls'],
  vkey: ['riscv'],
  tdx: [],
  dcap: ['tdx'],
  policy: ['dcap', 'tdx'],
  signer: [],
  chain: ['dcap', 'signer', 'tdx'],
  prover: ['executor', 'riscv', 'signer', 'vkey'],
  client: ['dcap', 'executor', 'policy', 'private-inputs', 'prover', 'signer', 'tdx'],
  'private-inputs': ['signer'],
  jobs: [],
  server: [
    'chain',
    'dcap',
    'executor',
    'jobs',
    'policy',
    'private-inputs',
    'prover',
    'signer',
    'tdx',
  ],
}
/** What is outside the core may import these of it: the library, and the service apart from it. */
const ENTRANCES = ['core/index.ts', 'core/server/app.ts']
/** Files every layer may import. */
const GROUND = ['backoff.ts', 'bytes.ts', 'errors.ts', 'one-at-a-time.ts', 'pause.ts', 'sha256.ts']

/** Packages and the parts of src/ that may use them; node: modules are below. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@oclif/core': [
    'commands',
    'base-command.ts',
    'chain-flags.ts',
    'config.ts',
    'flag-sources.ts',
    'guest-flags.ts',
    'policy-flags.ts',
    'quote-flags.ts',
    'register-flags.ts',
    'serve-flags.ts',
    'server-flags.ts',
    'state.ts',
  ],
  listr2: ['terminal.ts'],
  chalk: ['base-command.ts', 'commands', 'quote-flags.ts', 'terminal.ts'],
  cosmiconfig: ['config.ts'],
  'js-yaml': ['policy-file.ts'],
  execa: ['anvil.ts', 'core/tdx/tpm-tools.ts'],
  hpke: ['core/private-inputs'],
  '@opentelemetry/api': ['core/server/tracing.ts'],
  ajv: ['core/server/proof-request.ts'],
  fastify: ['core/server'],
  '@fastify/cors': ['core/server/cross-origin.ts'],
  '@fastify/multipart': ['core/server'],
  'prom-client': ['core/server/metrics.ts'],
  aws4fetch: ['core/jobs/s3-client.ts'],
  libsql: ['core/jobs/sqlite-database.ts'],
  pg: [
    'core/jobs/postgres-attestations.ts',
    'core/jobs/postgres-database.ts',
    'core/jobs/postgres-job-store.ts',
  ],
  'pg-boss': ['core/jobs/postgres-database.ts', 'core/jobs/postgres-job-store.ts'],
  viem: ['core/chain'],
  '@noble/curves': [
    'core/dcap/p256-portable.ts',
    'core/executor',
    'core/signer',
    'core/syscalls',
    'core/tdx',
  ],
  '@noble/hashes': [
    'core/chain',
    'core/client',
    'core/executor',
    'core/policy',
    'core/prover',
    'core/server',
    'core/sha256-portable.ts',
    'core/signer',
    'core/syscalls',
    'core/tdx',
  ],
}
/** Files of the core that touch the world outside: a device, a file, the clock, entropy. */
const CORE_EDGES = [
  'core/client/client.ts',
  'core/vkey/byte-hashes.ts',
  'core/dcap/collateral-cache.ts',
  'core/jobs/folder-blob-store.ts',
  'core/jobs/s3-blob-store.ts',
  'core/jobs/spool-file.ts',
  'core/signer/key-store.ts',
  'core/tdx/configfs-files.ts',
  'core/tdx/machine-sources.ts',
  'core/tdx/quote-service.ts',
  'core/tdx/simulated-provider.ts',
  'core/tdx/tpm-tools.ts',
]
/** Their text runs in a browser. */
const BROWSER_SCRIPTS = ['core/server/status-page.ts']
const NODE_MODULES: Readonly<Record<string, readonly string[]>> = {
  'node:crypto': [
    'commands/serve.ts',
    'files.ts',
    'state.ts',
    'tls-files.ts',
    'core/chain/keystore.ts',
    'core/dcap/p256.ts',
    'core/sha256.ts',
    ...CORE_EDGES,
  ],
  'node:child_process': ['core/server/execution-process.ts'],
  'node:events': ['core/server/execution-process.ts'],
  'node:stream': ['core/server/body-budget.ts'],
  'node:fs': [
    'files.ts',
    'state.ts',
    'core/server/execution-worker.ts',
    'core/server/resident-memory.ts',
    ...CORE_EDGES,
  ],
  'node:fs/promises': [
    'files.ts',
    'service-setup.ts',
    'tls-files.ts',
    'vkey-disk-cache.ts',
    ...CORE_EDGES,
  ],
  'node:http': ['core/jobs/s3-http.ts', 'core/tdx/quote-service.ts'],
  'node:https': ['core/jobs/s3-http.ts', 'core/tdx/quote-service.ts'],
  'node:module': ['anvil.ts'],
  'node:net': ['core/server/execution-process.ts'],
  'node:os': [
    'chain-flags.ts',
    'serve-flags.ts',
    'state.ts',
    'vkey-disk-cache.ts',
    'core/server/app.ts',
    'core/vkey/vkey.ts',
  ],
  'node:path': [
    'anvil.ts',
    'chain-flags.ts',
    'commands',
    'files.ts',
    'service-setup.ts',
    'state.ts',
    'vkey-disk-cache.ts',
    ...CORE_EDGES,
  ],
  'node:readline': ['anvil.ts'],
  'node:tls': ['tls-files.ts'],
  'node:url': ['core/jobs/sqlite-thread.ts', 'core/server/execution-process.ts'],
  'node:worker_threads': [
    'core/jobs/sqlite-thread-worker.ts',
    'core/jobs/sqlite-thread.ts',
    'core/vkey/kernel-pool.ts',
  ],
}

const FORBIDDEN_IN_CORE: readonly [string, RegExp][] = [
  ['an error without a code', /throw (new )?(Error|TypeError|RangeError)\(/],
  ['Buffer', /\bBuffer\b/],
  ['the environment', /\bprocess\.env\b/],
  ['console', /\bconsole\./],
  ['a clock', /\bDate\.now\(|\bnew Date\(\)/],
  ['randomness', /\bMath\.random\(|\bgetRandomValues\(/],
]
const FORBIDDEN_FOLDERS = ['utils', 'helpers', 'common', 'types', 'lib', 'misc']

interface Source {
  readonly path: string
  readonly text: string
  readonly imports: readonly string[]
}

const sources: readonly Source[] = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(SRC, join(entry.parentPath, entry.name)))
  .filter((path) => !path.includes('/kernels/') && !path.endsWith('.wasm.ts'))
  .map((path) => {
    const text = readFileSync(join(SRC, path), 'utf8')
    return { path, text, imports: importsOf(text) }
  })

function importsOf(text: string): string[] {
  const statements = text.matchAll(
    /(?:^|\n)(?:import|export)\b[^'"]*?from '([^']+)'|import\('([^']+)'\)/g,
  )
  return Array.from(statements, ([, from, dynamic]) => from ?? dynamic ?? '')
}

function isWithin(path: string, places: readonly string[]): boolean {
  return places.some((place) => path === place || path.startsWith(`${place}/`))
}

/** The layer of a file below src/core, e.g. riscv; undefined for files of src/core itself. */
function layerOf(path: string): string | undefined {
  const parts = path.split('/')
  return parts[0] === 'core' && parts.length > 2 ? parts[1] : undefined
}

describe('imports', () => {
  it.each(sources)('$path', ({ path, imports }) => {
    for (const specifier of imports) {
      if (specifier.startsWith('.')) checkInternal(path, specifier)
      else checkExternal(path, specifier)
    }
  })

  function checkInternal(path: string, specifier: string): void {
    const target = normalize(join(dirname(path), specifier)).replace(/\.js$/, '.ts')
    const from = layerOf(path)
    const to = layerOf(target)
    if (!path.startsWith('core/')) {
      const isAllowed = !target.startsWith('core/') || ENTRANCES.includes(target)
      expect(isAllowed, `${path} reaches past core/index.ts to ${target}`).toBe(true)
    } else if (from !== undefined && to === undefined) {
      expect(GROUND, `${path} imports ${target}`).toContain(target.slice('core/'.length))
    } else if (from !== undefined && to !== undefined && from !== to) {
      expect(LAYERS[from], `${path} imports ${target}`).toContain(to)
    }
  }

  function checkExternal(path: string, specifier: string): void {
    const name = specifier
      .split('/')
      .slice(0, specifier.startsWith('@') ? 2 : 1)
      .join('/')
    const places = specifier.startsWith('node:') ? NODE_MODULES[specifier] : PACKAGES[name]
    expect(places, `${path} imports ${specifier}, which has no place`).toBeDefined()
    expect(isWithin(path, places ?? []), `${path} imports ${specifier}`).toBe(true)
  }
})

describe('the core', () => {
  const core = sources.filter(({ path }) => path.startsWith('core/'))

  const pure = core.filter(({ path }) => ![...CORE_EDGES, ...BROWSER_SCRIPTS].includes(path))

  it.each(FORBIDDEN_IN_CORE)('has no %s', (_name, pattern) => {
    const found = pure.filter(({ text }) => pattern.test(withoutComments(text)))
    expect(found.map(({ path }) => path)).toEqual([])
  })

  it('has a known layer for every folder, and no index inside one', () => {
    const folders = new Set(
      core.map(({ path }) => layerOf(path)).filter((layer) => layer !== undefined),
    )
    expect([...folders].filter((folder) => LAYERS[folder] === undefined)).toEqual([])
    expect(core.filter(({ path }) => /\/.+\/index\.ts$/.test(path))).toEqual([])
  })

  it('has no folder whose name says nothing', () => {
    const folders = new Set(sources.flatMap(({ path }) => dirname(path).split('/')))
    expect(FORBIDDEN_FOLDERS.filter((name) => folders.has(name))).toEqual([])
  })

  it('keeps files at a size one can read', () => {
    // Tables are as long as they are: generated interfaces, the errors with their sentences.
    const tables = ['core/chain/abi.ts', 'core/errors.ts']
    const long = sources.filter(
      ({ path, text }) => !tables.includes(path) && text.split('\n').length > 400,
    )
    expect(long.map(({ path }) => path)).toEqual([])
  })

  function withoutComments(text: string): string {
    return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '')
  }
})

describe('commands', () => {
  const commands = sources.filter(({ path }) => path.startsWith('commands/'))

  it.each(commands)('$path has a summary, an example and a test', ({ path, text }) => {
    expect(text).toMatch(/static override summary = /)
    expect(text).toMatch(/static override examples = \[/)
    const name = path.replace('commands/', '').replace('.ts', '').replaceAll('/', '-')
    const tests = readdirSync(new URL('./commands/', import.meta.url))
    expect(tests.some((file) => file.endsWith('.test.ts') && file.includes(name))).toBe(true)
  })
})
