/** Runs forge in contracts/: `node scripts/forge.mjs test`. */
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const CONTRACTS = join(import.meta.dirname, '../contracts')

/** Absolute path of a program of Foundry, from its npm package. */
export function foundryBinary(name) {
  const manifest = createRequire(import.meta.url).resolve(
    `@foundry-rs/${name}-linux-amd64/package.json`,
  )
  return join(dirname(manifest), 'bin', name)
}

export function forge(args, options = {}) {
  return spawnSync(foundryBinary('forge'), args, { cwd: CONTRACTS, encoding: 'utf8', ...options })
}

if (process.argv[1] === import.meta.filename) {
  process.exitCode = forge(process.argv.slice(2), { stdio: 'inherit' }).status ?? 1
}
