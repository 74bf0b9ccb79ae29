/**
 * Writes oclif.manifest.json from the built commands; with --check only says whether it is fresh.
 * oclif trusts that file and does not look for commands itself, so a stale one hides a command.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const path = join(root, 'oclif.manifest.json')
const committed = readFileSync(path, 'utf8')

execFileSync(join(root, 'node_modules/.bin/oclif'), ['manifest'], { cwd: root, stdio: 'pipe' })
const fresh = readFileSync(path, 'utf8')

if (!process.argv.includes('--check')) {
  console.log('wrote oclif.manifest.json')
} else if (fresh !== committed) {
  writeFileSync(path, committed)
  console.error('oclif.manifest.json is stale: run `npm run generate`')
  process.exitCode = 1
}
