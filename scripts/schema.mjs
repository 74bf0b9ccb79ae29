/**
 * Writes the schemas in schemas/: of policies from the one that the built library enforces, of the config
 * file from the keys it may have and the flags of that name. With --check only says whether they are fresh.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CONFIG_KEYS } from '../dist/config.js'
import { POLICY_SCHEMA } from '../dist/core/index.js'

const ROOT = join(import.meta.dirname, '..')
const { commands } = JSON.parse(readFileSync(join(ROOT, 'oclif.manifest.json'), 'utf8'))

const SCHEMAS = { policy: POLICY_SCHEMA, config: configSchema() }

for (const [name, schema] of Object.entries(SCHEMAS)) {
  const path = `schemas/${name}.schema.json`
  const fresh = `${JSON.stringify(schema, undefined, 2)}\n`
  if (!process.argv.includes('--check')) {
    writeFileSync(join(ROOT, path), fresh)
    console.log(`wrote ${path}`)
  } else if (readFileSync(join(ROOT, path), 'utf8') !== fresh) {
    console.error(`${path} is stale: run \`npm run generate\``)
    process.exitCode = 1
  }
}

function configSchema() {
  const properties = Object.entries(CONFIG_KEYS).map(([key, type]) => [key, property(key, type)])
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'sp1-tee config file',
    description: 'Flags win over environment, environment over this file.',
    type: 'object',
    properties: Object.fromEntries(properties),
    additionalProperties: false,
  }
}

/** As the flag says; commands that share a name share its meaning. */
function property(key, type) {
  const flags = Object.values(commands).flatMap(({ flags }) => flags[key] ?? [])
  const [{ description, env, options } = {}] = flags
  if (description === undefined) throw new Error(`no command has a flag --${key}`)
  return {
    type,
    description: env === undefined ? description : `${description} (${env})`,
    ...(options && { enum: options }),
  }
}
