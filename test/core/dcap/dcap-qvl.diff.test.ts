/**
 * Our verdicts beside those of dcap-qvl 0.7.0, Phala's verifier in Rust, as Python's package index has
 * it (`scripts/setup-test` installs it): the same but where docs/dcap.md says why not.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toHex } from '../../../src/core/bytes.js'
import { subjectOf } from '../../support/quote-mutations.js'
import {
  type Case,
  DIFFERENCES,
  flippedCases,
  levelCases,
  ours,
  PLAIN_CASES,
  packCases,
  qeCases,
  refusalCodeOf,
  STRICTER_THAN_RUST,
  tamperedCases,
} from '../../support/verdict-cases.js'
import { SHARED_TDX } from '../tdx/shared.js'
import { AUTHORITY, NOW, ROOT } from './samples.js'

const PYTHON = new URL('../../../node_modules/.cache/dcap-qvl/bin/python', import.meta.url).pathname
const SCRIPT = new URL('../../support/dcap_qvl_verdicts.py', import.meta.url).pathname

let oracle: ChildProcess
let answers: AsyncIterator<string>
let lines: Interface
beforeAll(() => {
  oracle = spawn(PYTHON, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] })
  lines = createInterface({ input: oracle.stdout! })
  answers = lines[Symbol.asyncIterator]()
})
afterAll(() => {
  lines.close()
  oracle.kill()
})

async function theirs({ quote, collateral, now, root }: Case): Promise<string> {
  const question = {
    quote: toHex(quote).slice(2),
    collateral: new TextDecoder().decode(collateral),
    root: root.isIntel ? null : toHex(AUTHORITY.rootCertificate).slice(2),
    now: Math.floor(now.getTime() / 1000),
  }
  oracle.stdin!.write(`${JSON.stringify(question)}\n`)
  const { value, done } = await answers.next()
  if (done) throw new Error('dcap-qvl ended: run scripts/setup-test')
  const verdict = JSON.parse(value)
  if (verdict.refused !== undefined) return 'refused'
  return [verdict.status, ...verdict.advisories.toSorted()].join(' ')
}

describe('the same verdict', () => {
  it.each([...levelCases(), ...qeCases(), ...PLAIN_CASES])('on %s', async (_, row) => {
    expect(ours(row)).toBe(await theirs(row))
  })

  it('on quotes with a bit flipped anywhere that is signed', async () => {
    for (const [name, row] of flippedCases()) {
      expect([name, ours(row), await theirs(row)]).toEqual([name, 'refused', 'refused'])
    }
  })
})

describe('another verdict, for a reason, or the same where only the one on npm differs', () => {
  for (const [reason, row, expectedOurs, , expectedTheirs = expectedOurs] of DIFFERENCES) {
    it(reason, async () => {
      expect([ours(row), await theirs(row)]).toEqual([expectedOurs, expectedTheirs])
    })
  }
})

describe('on mutated quotes and collateral', () => {
  const COUNT = 3_000
  /** What it does not look at: roots in chains, the PCK CRL's issuer chain, what follows a quote. */
  const STRICTER_CODES: ReadonlySet<string> = new Set([
    'CERTIFICATE_PROFILE',
    'CERTIFICATE_SIGNATURE',
    'COLLATERAL_MALFORMED',
    'DER_MALFORMED',
    'QUOTE_MALFORMED',
    'QUOTE_TRAILING',
    'QUOTE_UNSUPPORTED',
    'ROOT_UNTRUSTED',
  ])
  it(`the same verdict, or ours is stricter: ${COUNT}`, { timeout: 300_000 }, async () => {
    const unexplained: string[] = []
    for (let number = 0; number < COUNT; number++) {
      const { quote, file, what } = subjectOf(number)
      const row = { quote, collateral: file, now: NOW, root: ROOT }
      const [mine, other] = [ours(row), await theirs(row)]
      if (mine === other) continue
      const code = refusalCodeOf(row) ?? 'none'
      if (mine !== 'refused' || !STRICTER_CODES.has(code)) {
        unexplained.push(`mutation ${number} of ${what}: ${mine} (${code}), ${other}`)
      }
    }
    expect(unexplained).toEqual([])
  })
})

describe.skipIf(SHARED_TDX === undefined)('on quotes of real machines (SP1_TEE_SHARED)', () => {
  it.each(packCases())('the same verdict: %s', async (_, row) => {
    expect(ours(row)).toBe(await theirs(row))
  })

  it.each(tamperedCases())('%s', async (name, row) => {
    const verdicts = [ours(row), await theirs(row)]
    if (STRICTER_THAN_RUST.includes(name)) expect(verdicts).toEqual(['refused', 'UpToDate'])
    else expect(verdicts[0]).toBe(verdicts[1])
  })
})
