/**
 * The whole suite: format, lint, types, freshness of generated files, then every test. Ends with one
 * line that counts them, and fails if anything did. `npm test -- PATTERN` runs only matching tests.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { forge } from './forge.mjs'

const patterns = process.argv.slice(2)
const scratch = mkdtempSync(join(tmpdir(), 'sp1-tee-test-'))
const report = join(scratch, 'report.json')
const totals = { passed: 0, failed: 0, skipped: 0 }

try {
  step('what the tests need', 'scripts/setup-test', [])
  if (patterns.length === 0) {
    step('build', 'node', ['scripts/build.mjs'])
    step('format and lint', 'biome', ['ci', '.'])
    step('types', 'tsc', ['--noEmit', '-p', 'tsconfig.test.json'])
    step('manifest', 'node', ['scripts/manifest.mjs', '--check'])
    step('docs/errors.md', 'node', ['scripts/errors.mjs', '--check'])
    step('docs/conformance.md', 'node', ['scripts/conformance.mjs', '--check'])
    step("the policy's schema", 'node', ['scripts/schema.mjs', '--check'])
    step("the contracts' vectors", 'node', ['scripts/fixtures.mjs', '--check'])
    step("the contracts' interfaces", 'node', ['scripts/abi.mjs', '--check'])
    testContracts()
    step('every branch of the contracts', 'node', ['scripts/coverage.mjs'])
  }
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const status = run('vitest', ['run', ...reporters, ...patterns])
  const { numPassedTests, numFailedTests, numPendingTests, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  )
  totals.passed += numPassedTests
  totals.failed += numFailedTests
  totals.skipped += numPendingTests
  // A file that could not even be loaded has no tests to count.
  const broken = testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  )
  totals.failed += broken.length
  if (status !== 0 && totals.failed === 0) totals.failed += 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : ''
console.log(`${totals.passed} passed, ${totals.failed} failed${skipped}`)
process.exitCode = totals.failed === 0 ? 0 : 1

function testContracts() {
  // The gas of each call is what contracts/snapshots says, too.
  const env = { ...process.env, FORGE_SNAPSHOT_CHECK: 'true' }
  const { stdout } = forge(['test', '--json'], { maxBuffer: 2 ** 28, env })
  for (const [suite, { test_results }] of Object.entries(JSON.parse(stdout))) {
    for (const [name, { status, reason }] of Object.entries(test_results)) {
      const isGood = status === 'Success'
      if (!isGood) console.log(`FAILED: ${suite} ${name}: ${reason}`)
      totals[isGood ? 'passed' : 'failed'] += 1
    }
    console.log(`${suite}: ${Object.keys(test_results).length} tests`)
  }
}

function step(name, command, args) {
  const isGood = run(command, args) === 0
  console.log(`${isGood ? 'ok' : 'FAILED'}: ${name}`)
  totals[isGood ? 'passed' : 'failed'] += 1
}

function run(command, args) {
  const path = `${join(import.meta.dirname, '..', 'node_modules', '.bin')}:${process.env.PATH}`
  const { status, error } = spawnSync(command, args, {
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
  })
  if (error) throw error
  return status
}
