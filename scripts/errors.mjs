/**
 * Writes docs/errors.md from the table of errors in the built library; with --check only says
 * whether it is fresh.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERROR_TABLES } from '../dist/core/index.js'

const path = join(import.meta.dirname, '../docs/errors.md')

const MEANING = {
  input: "the caller's bytes or flags are wrong",
  guest: 'the guest failed, or SP1 could not prove what it did',
  limit: 'a limit was hit',
  device: 'no quote could be had from this machine',
  chain: 'a chain or its RPC did not do what was asked',
  server: 'a server did not do what was asked, or cannot',
  rejected: 'well-formed, but verification says no',
  interrupted: 'the caller interrupted it',
}

/** Facts whose values are their own names in angle brackets. */
const FACTS = new Proxy(
  {},
  { get: (_, name) => ({ toString: () => `‹${name}›`, join: () => `‹${name}›` }) },
)

const sections = Object.entries(ERROR_TABLES).map(([name, table]) => {
  const { rows, exitCode, httpStatus, httpStatusOf = {} } = table
  const lines = Object.entries(rows).map(([code, sentence]) => {
    const other = code in httpStatusOf ? ` (HTTP ${httpStatusOf[code]})` : ''
    return `| \`${code}\`${other} | ${sentence(FACTS)} |`
  })
  const title = `## Exit code ${exitCode}, HTTP ${httpStatus}: ${MEANING[name]}`
  return [title, '', '| code | sentence |', '|---|---|', ...lines].join('\n')
})
const fresh = `# Errors

Codes are stable; sentences may change. With \`--json\` an error is \`{"error":{"code","message","details"}}\`, and
\`details\` holds the facts that the sentence is made of. The details of a guest's failure also hold \`pc\`,
\`cycles\`, \`stdout\` and \`stderr\`.

${sections.join('\n\n')}

## Usage and bugs

| code | exit code | meaning |
|---|---|---|
| \`USAGE\` | 2 | a flag or argument is missing, unknown or of the wrong form |
| \`INTERNAL\` | 1 | a bug of sp1-tee; run again with \`--log-level debug\` and report it |
`

if (!process.argv.includes('--check')) {
  writeFileSync(path, fresh)
  console.log('wrote docs/errors.md')
} else if (readFileSync(path, 'utf8') !== fresh) {
  console.error('docs/errors.md is stale: run `npm run generate`')
  process.exitCode = 1
}
