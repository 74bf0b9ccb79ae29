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
// oclif lists commands in the order in which it finds their folders, which is not always the same.
const { commands, ...rest } = JSON.parse(readFileSync(path, 'utf8'))
const sorted = Object.fromEntries(Object.entries(commands).sort(([a], [b]) => (a < b ? -1 : 1)))
const fresh = `${JSON.stringify({ commands: sorted, ...rest }, null, 2)}\n`
writeFileSync(path, fresh)

if (!process.argv.includes('--check')) {
  console.log('wrote oclif.manifest.json')
} else if (fresh !== committed) {
  writeFileSync(path, committed)
  console.error('oclif.manifest.json is stale: run `npm run generate`')
  process.exitCode = 1
}
