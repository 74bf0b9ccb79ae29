/**
 * Writes oclif.manifest.json from the built commands; with --check only says whether it is fresh.
 * oclif trusts that file and does not look for commands itself, so a stale one hides a command.
 */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { Config, Plugin } from '@oclif/core'

const path = new URL('../oclif.manifest.json', import.meta.url)
const root = new URL('..', import.meta.url).pathname
const committed = await readFile(path, 'utf8').catch(() => '')

// With the file in place oclif would answer from it.
await rm(path, { force: true })
try {
  const config = await Config.load({ root, devPlugins: false, userPlugins: false })
  const plugin = new Plugin({ root, type: 'core', ignoreManifest: true, isRoot: true })
  await plugin.load()
  const fresh = `${JSON.stringify(sorted({ ...plugin.manifest, version: config.version }), null, 2)}\n`
  if (process.argv.includes('--check')) {
    await writeFile(path, committed)
    if (fresh !== committed) {
      console.error('oclif.manifest.json is stale: run `npm run generate`')
      process.exitCode = 1
    }
  } else {
    await writeFile(path, fresh)
    console.log(`wrote oclif.manifest.json: ${Object.keys(plugin.manifest.commands).join(', ')}`)
  }
} catch (error) {
  await writeFile(path, committed)
  throw error
}

/** Keys in order at every level, so that the file does not depend on load order. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  )
}
