/**
 * Writes schemas/policy.schema.json from the schema that the built library enforces; with --check
 * only says whether it is fresh.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { POLICY_SCHEMA } from '../dist/core/index.js'

const path = join(import.meta.dirname, '../schemas/policy.schema.json')
const fresh = `${JSON.stringify(POLICY_SCHEMA, undefined, 2)}\n`

if (!process.argv.includes('--check')) {
  writeFileSync(path, fresh)
  console.log('wrote schemas/policy.schema.json')
} else if (readFileSync(path, 'utf8') !== fresh) {
  console.error('schemas/policy.schema.json is stale: run `npm run generate`')
  process.exitCode = 1
}
