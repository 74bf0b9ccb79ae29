/**
 * The build: WebAssembly kernels, the interpreter in WebAssembly, TypeScript, the commands in few files,
 * then what is computed with all of them.
 * `--kernels-only` is enough to run the tests, which run from source.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { main as compileAssemblyScript } from 'assemblyscript/asc'
import { rolldown } from 'rolldown'
import { tsImport } from 'tsx/esm/api'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))

/** Folders with kernels, and how each deals with the memory it imports. */
const KERNELS = {
  // Its threads share the memory.
  'src/core/vkey': ['--enable', 'threads', '--sharedMemory'],
  // The memory holds one program.
  'src/core/riscv': ['--noExportMemory', '--memoryBase', '0', '--zeroFilledMemory'],
  // The memory is a guest's: these have what lies between its state and its first page.
  'src/core/syscalls': [
    ...['--memoryBase', '1024', '--lowMemoryLimit', '65536'],
    ...['--zeroFilledMemory', '--noExportMemory'],
  ],
}

process.chdir(ROOT)
for (const [folder, flags] of Object.entries(KERNELS)) await buildKernels(folder, flags)
await buildStepper()
if (!process.argv.includes('--kernels-only')) {
  const tsc = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin/tsc',
  )
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.json'], { stdio: 'inherit' })
  await bundleCommands()
  await bundleClient()
  execFileSync(process.execPath, ['scripts/byte-hashes.mjs'], { stdio: 'inherit' })
}

/** Compiles FOLDER/kernels and writes the module, as text, to FOLDER/kernels.wasm.ts. */
async function buildKernels(folder, flags) {
  let wasm
  const { error, stderr } = await compileAssemblyScript(
    [
      `${folder}/kernels/index.ts`,
      ...['--outFile', 'kernels.wasm', '-O3', '--noAssert', '--runtime', 'stub'],
      ...['--enable', 'simd'],
      // The whole address space: the importer chooses how much of it there is.
      ...['--importMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
      ...flags,
    ],
    { writeFile: (_name, contents) => (wasm = contents) },
  )
  if (error) throw new Error(`${folder}/kernels: ${error.message}\n${stderr.toString()}`)
  writeModule(`${folder}/kernels.wasm.ts`, 'kernels/', 'KERNELS_BASE64', wasm)
}

/** Translates the instruction rows to the interpreter in WebAssembly. */
async function buildStepper() {
  const { translateStepper } = await tsImport(
    '../src/core/riscv/translate/stepper.ts',
    import.meta.url,
  )
  const { RV32IM_ISA } = await tsImport('../src/core/riscv/decode.ts', import.meta.url)
  const wasm = translateStepper(RV32IM_ISA)
  writeModule(
    'src/core/riscv/stepper.wasm.ts',
    'translate/stepper.ts',
    'STEPPER_RV32IM_BASE64',
    wasm,
  )
}

/** A module as text. */
function writeModule(to, from, name, wasm) {
  const base64 = Buffer.from(wasm).toString('base64')
  writeFileSync(
    to,
    `// Built from ${from} by scripts/build.mjs.\nexport const ${name} =\n  '${base64}'\n`,
  )
  console.log(`${to}: ${wasm.length} bytes of WebAssembly`)
}

/**
 * dist/cli/commands: each command with what it needs of our code, and no more, in a few files that commands
 * share. To find and load two hundred small ones would be a quarter of what a short command takes.
 */
async function bundleCommands() {
  const scripts = readdirSync('dist/commands', { recursive: true }).filter((path) =>
    path.endsWith('.js'),
  )
  const input = Object.fromEntries(
    scripts.map((path) => [path.slice(0, -'.js'.length), `dist/commands/${path}`]),
  )
  rmSync('dist/cli', { recursive: true, force: true })
  // Packages stay packages: npm installs them, and can replace one that has a flaw.
  const bundle = await rolldown({ input, platform: 'node', external: /^[^./]/ })
  await bundle.write({
    dir: 'dist/cli',
    entryFileNames: 'commands/[name].js',
    chunkFileNames: '[name].js',
  })
}

/**
 * dist/browser/client.js: what `sp1-tee/client` is in browsers, in one file with the packages it needs.
 * `browser` in package.json names the files that others stand in for.
 */
async function bundleClient() {
  rmSync('dist/browser', { recursive: true, force: true })
  const bundle = await rolldown({ input: 'dist/core/client.js', platform: 'browser' })
  // Errors say what class they are of.
  const keepNames = { class: true, function: false }
  const minify = { mangle: { keepNames }, compress: { keepNames } }
  const { output } = await bundle.write({ file: 'dist/browser/client.js', minify })
  const { code } = output[0]
  console.log(`dist/browser/client.js: ${code.length} bytes, ${gzipSync(code).length} gzipped`)
}
