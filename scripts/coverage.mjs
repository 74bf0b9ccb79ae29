/**
 * Shows that the contracts' tests reach every branch of contracts/src: forge measures, this fails if a
 * branch is left. In a folder of its own, because forge follows imports of packages only inside its
 * root.
 */

import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { foundryBinary } from './forge.mjs'

const ROOT = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'sp1-tee-coverage-'))

try {
  for (const part of ['src', 'test']) {
    cpSync(join(ROOT, 'contracts', part), join(folder, part), { recursive: true })
  }
  const packages = 'node_modules/@openzeppelin'
  cpSync(join(ROOT, packages), join(folder, packages), { recursive: true })
  const config = readFileSync(join(ROOT, 'contracts/foundry.toml'), 'utf8')
    .replace('../node_modules/@openzeppelin/', `${packages}/`)
    .replace('../scripts/solc', join(ROOT, 'scripts/solc'))
  writeFileSync(join(folder, 'foundry.toml'), config)
  // Without the optimizer gas is another, and a function of the library has too many variables.
  const choice = ['--ir-minimum', '--no-match-contract', 'GasTest']
  const { status, stdout, stderr } = spawnSync(
    foundryBinary('forge'),
    ['coverage', ...choice, '--report', 'lcov'],
    { cwd: folder, encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`${stdout}${stderr}`)
  report(readFileSync(join(folder, 'lcov.info'), 'utf8'))
} finally {
  rmSync(folder, { recursive: true })
}

/** @param lcov - records of files, each ended by `end_of_record`. */
function report(lcov) {
  const files = lcov
    .split('end_of_record')
    .map((record) => ({
      path: /^SF:(.+)$/m.exec(record)?.[1] ?? '',
      branches: Array.from(record.matchAll(/^BRDA:(\d+),.*,(\d+|-)$/gm), ([, line, count]) => ({
        line: Number(line),
        isReached: count !== '-' && count !== '0',
      })),
    }))
    .filter(({ path }) => path.startsWith('src/'))
  for (const { path, branches } of files) {
    const missed = branches.filter(({ isReached }) => !isReached)
    const lines = missed.length > 0 ? `, not those of lines ${missed.map((b) => b.line)}` : ''
    console.log(
      `${path}: ${branches.length - missed.length} of ${branches.length} branches${lines}`,
    )
    if (missed.length > 0) process.exitCode = 1
  }
  if (files.length === 0) throw new Error('forge reported no contract')
}
