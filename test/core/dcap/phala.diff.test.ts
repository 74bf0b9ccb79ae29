/**
 * Our verdicts beside those of `@phala/dcap-qvl` 0.3.9: the same where it is right, and different
 * where docs/dcap.md says that it is not.
 */
import { QuoteVerifier } from '@phala/dcap-qvl'
import { describe, expect, it } from 'vitest'
import {
  type Case,
  DIFFERENCES,
  flippedCases,
  levelCases,
  ours,
  PLAIN_CASES,
  packCases,
  qeCases,
} from '../../support/verdict-cases.js'
import { SHARED_TDX } from '../tdx/shared.js'
import { AUTHORITY } from './samples.js'

function theirs({ quote, collateral, now, root }: Case): string {
  const verifier = root.isIntel
    ? QuoteVerifier.newProd()
    : QuoteVerifier.newWithRootCa(Buffer.from(AUTHORITY.rootCertificate))
  const documents = JSON.parse(new TextDecoder().decode(collateral))
  try {
    const report = verifier.verify(quote, documents, Math.floor(now.getTime() / 1000))
    return [report.status, ...report.advisory_ids.toSorted()].join(' ')
  } catch {
    // It throws errors of no kind; what it says is not compared.
    return 'refused'
  }
}

describe('the same verdict', () => {
  it.each(levelCases())('on the level %s', (_, row) => {
    expect(ours(row)).toBe(theirs(row))
  })

  it.each(qeCases())('on %s', (_, row) => {
    expect(ours(row)).toBe(theirs(row))
  })

  it.each(PLAIN_CASES)('on %s', (_, row) => {
    expect(ours(row)).toBe(theirs(row))
  })

  it('on quotes with a bit flipped anywhere that is signed', () => {
    for (const [name, row] of flippedCases()) {
      expect([name, ours(row), theirs(row)]).toEqual([name, 'refused', 'refused'])
    }
  })
})

describe('another verdict, for a reason', () => {
  for (const [reason, row, expectedOurs, expectedTheirs] of DIFFERENCES) {
    it(reason, () => {
      expect([ours(row), theirs(row)]).toEqual([expectedOurs, expectedTheirs])
    })
  }
})

describe.skipIf(SHARED_TDX === undefined)('on quotes of real machines (SP1_TEE_SHARED)', () => {
  /** Packs on which we differ, and why. */
  const DIFFERENT: Readonly<Record<string, string>> = {
    dcapqvl_tdx_v5_td15ex: 'the extended body is not known to it',
  }
  it.each(packCases())('%s', (name, row) => {
    if (DIFFERENT[name] === undefined) expect(ours(row)).toBe(theirs(row))
    else expect([ours(row), theirs(row)]).toEqual(['UpToDate', 'refused'])
  })
})
