/**
 * Runs docs/operations.md: its `sh` blocks, in order, in one shell and an empty folder, with the built
 * command. What a block shows is checked by the block itself; any that fails ends the run.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const text = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8')
const blocks = Array.from(text.matchAll(/```sh\n([\s\S]*?)```/g), ([, block]) => block)
const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-operations-'))
const bin = join(folder, 'bin')

mkdirSync(bin)
writeFileSync(
  join(bin, 'sp1-tee'),
  `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, 'bin/run.js')}" "$@"\n`,
  { mode: 0o755 },
)
copyFileSync(join(ROOT, 'guests/elf/fibonacci.elf'), join(folder, 'fibonacci.elf'))
// Whatever ends the shell ends the server that a block began.
const cleanUp = '[ ! -f pid ] || kill "$(cat pid)" 2> /dev/null || true'
const script = ['set -eu', `trap '${cleanUp}' EXIT`, ...blocks.map(announced)].join('\n')
const { status, stdout, stderr } = spawnSync('bash', ['-c', script], {
  cwd: folder,
  encoding: 'utf8',
  timeout: 180_000,
  env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, SP1_TEE_HOME: join(folder, 'state') },
})
rmSync(folder, { recursive: true, force: true })
if (status !== 0) {
  console.error(stdout.slice(-2000), stderr.slice(-2000))
  console.error('docs/operations.md does not run')
  process.exit(1)
}
console.log(`docs/operations.md: ${blocks.length} blocks ran`)

function announced(block, index) {
  return `echo "block ${index + 1} of ${blocks.length}"\n${block}`
}
