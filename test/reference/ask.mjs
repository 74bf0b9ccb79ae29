// Asks a reference program. The environment says where it is, as SP1_REFERENCE_3_4_0 for 3.4.0.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * @param {string} release
 * @param {object[]} requests - as README.md describes them
 * @param {object} [options]
 * @param {number} [options.timeoutMs] - for all of them together
 * @returns {Map<string, object>} answers by name
 */
export function ask(release, requests, { timeoutMs } = {}) {
  const variable = `SP1_REFERENCE_${release.replaceAll('.', '_')}`
  const program = process.env[variable]
  if (program === undefined) throw new Error(`Set ${variable} to the reference program.`)
  const folder = mkdtempSync(join(tmpdir(), 'answers-'))
  const out = join(folder, 'answers')
  try {
    execFileSync(program, ['--out', out], {
      input: requests.map((request) => `${JSON.stringify(request)}\n`).join(''),
      // Every key is computed, also that of a program for which no proof would be accepted.
      env: { ...process.env, VERIFY_VK: 'false' },
      stdio: ['pipe', 'ignore', 'ignore'],
      timeout: timeoutMs,
    })
    const lines = readFileSync(out, 'utf8').trimEnd().split('\n')
    if (lines.length !== requests.length) throw new Error(`${release}: ${lines.length} answers`)
    return new Map(lines.map((line) => JSON.parse(line)).map((answer) => [answer.name, answer]))
  } finally {
    rmSync(folder, { recursive: true })
  }
}
