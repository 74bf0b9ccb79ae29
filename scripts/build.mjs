/**
 * The build: WebAssembly kernels, then TypeScript, then what is computed with both.
 * `--kernels-only` is enough to run the tests, which run from source.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main as compileAssemblyScript } from 'assemblyscript/asc'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const CORE = 'src/core'

process.chdir(ROOT)
for (const folder of readdirSync(CORE)) {
  if (existsSync(join(CORE, folder, 'kernels/index.ts'))) await buildKernels(join(CORE, folder))
}
if (!process.argv.includes('--kernels-only')) {
  const tsc = join(
    dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
    'bin/tsc',
  )
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.json'], { stdio: 'inherit' })
  execFileSync(process.execPath, ['scripts/byte-hashes.mjs'], { stdio: 'inherit' })
}

/** Compiles FOLDER/kernels and writes the module, as text, to FOLDER/kernels.wasm.ts. */
async function buildKernels(folder) {
  let wasm
  const { error, stderr } = await compileAssemblyScript(
    [
      `${folder}/kernels/index.ts`,
      ...['--outFile', 'kernels.wasm', '-O3', '--noAssert', '--runtime', 'stub'],
      ...['--enable', 'simd', '--enable', 'threads', '--importMemory', '--sharedMemory'],
      // The whole address space: the importer chooses how much of it there is.
      ...['--initialMemory', '1', '--maximumMemory', '65536'],
    ],
    { writeFile: (_name, contents) => (wasm = contents) },
  )
  if (error) throw new Error(`${folder}/kernels: ${error.message}\n${stderr.toString()}`)
  const to = `${folder}/kernels.wasm.ts`
  writeFileSync(
    to,
    `// Built from kernels/ by scripts/build.mjs.\nexport const KERNELS_BASE64 =\n  '${Buffer.from(wasm).toString('base64')}'\n`,
  )
  console.log(`${to}: ${wasm.length} bytes of WebAssembly`)
}
