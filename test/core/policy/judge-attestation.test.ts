/** Whether an attestation binds a signer: each way in which it may not. */
import { describe, expect, it } from 'vitest'
import { concatBytes, type Hex, toHex } from '../../../src/core/bytes.js'
import { openCollateral } from '../../../src/core/dcap/collateral.js'
import {
  type JudgeAttestationOptions,
  judgeAttestation,
} from '../../../src/core/policy/judge-attestation.js'
import { DEFAULT_POLICY, parsePolicy } from '../../../src/core/policy/policy.js'
import { computeWorkloadId } from '../../../src/core/policy/workload.js'
import { parseAttestation } from '../../../src/core/signer/attestation.js'
import { computeRuntimeDataHash } from '../../../src/core/tdx/hcl-report.js'
import { parseQuote, parseTdQuote } from '../../../src/core/tdx/quote.js'
import { computeReportData } from '../../../src/core/tdx/report-data.js'
import { AUTHORITY, collateralOf, NOW, ROOT } from '../dcap/samples.js'
import { QUOTE_V3, refusalOf } from '../tdx/samples.js'

const SIGNER: Hex = `0x${'5a'.repeat(20)}`
const OTHER: Hex = `0x${'5b'.repeat(20)}`
const BLOCK = { blockNumber: 7, blockHash: `0x${'b1'.repeat(32)}` as Hex }
const reportDataOf = (signer: Hex, { blockNumber, blockHash } = BLOCK) =>
  computeReportData(signer, { blockNumber: BigInt(blockNumber), blockHash })
const REPORT_DATA = reportDataOf(SIGNER)

/** Of every quote here. */
const WORKLOAD_ID = computeWorkloadId(parseTdQuote(AUTHORITY.quote(REPORT_DATA)).body)
const POLICY = parsePolicy({ version: 1, workloads: [{ workloadId: WORKLOAD_ID }] })

function judge(change: Partial<JudgeAttestationOptions> = {}, quoted = REPORT_DATA) {
  return judgeAttestation({
    quote: parseQuote(AUTHORITY.quote(quoted)),
    policy: POLICY,
    collateral: openCollateral(collateralOf()),
    now: NOW,
    root: ROOT,
    signer: SIGNER,
    reportData: toHex(REPORT_DATA),
    reference: BLOCK,
    ...change,
  })
}

const runtimeData = (bytes: Uint8Array) =>
  new TextEncoder().encode(
    JSON.stringify({ keys: [], 'user-data': toHex(bytes).slice(2).toUpperCase() }),
  )

describe('an attestation', () => {
  it('binds its signer by the report data', () => {
    const { valid, checks } = judge()
    expect(valid).toBe(true)
    expect(checks.at(-1)).toEqual({
      name: 'reportData',
      ok: true,
      detail: `bound to the signer ${SIGNER}, and to block 7`,
    })
  })

  it('binds its signer by runtime data', () => {
    const data = runtimeData(REPORT_DATA)
    const result = judge({ runtimeData: toHex(data) }, computeRuntimeDataHash(data))
    expect(result.valid).toBe(true)
  })

  const data = runtimeData(REPORT_DATA)
  const hash = computeRuntimeDataHash(data)
  it.each<[string, Partial<JudgeAttestationOptions>, Uint8Array | undefined, string]>([
    ['other report data', {}, reportDataOf(OTHER), 'the quote has other report data'],
    ['another signer', { signer: OTHER }, undefined, `the report data name ${SIGNER}`],
    ['no block', { reference: null }, undefined, 'the report data refer to no block'],
    [
      'another block',
      { reference: { ...BLOCK, blockNumber: 8 } },
      undefined,
      'refer to another block',
    ],
    [
      'other runtime data',
      { runtimeData: toHex(concatBytes(data, data)) },
      hash,
      'not about these runtime data',
    ],
    [
      'runtime data of other bytes',
      { runtimeData: toHex(data), reportData: toHex(reportDataOf(OTHER)) },
      hash,
      'name other bytes',
    ],
    [
      'runtime data in place of report data',
      { runtimeData: toHex(data) },
      REPORT_DATA,
      'not about these runtime data',
    ],
    ['report data in place of runtime data', {}, hash, 'the quote has other report data'],
  ])('does not bind it by %s', (_, change, quoted, reason) => {
    const { valid, checks } = judge(change, quoted)
    expect(valid).toBe(false)
    expect(checks.filter(({ ok }) => !ok)).toEqual([
      {
        name: 'reportData',
        ok: false,
        code: 'SIGNER_UNBOUND',
        detail: expect.stringContaining(reason),
      },
    ])
  })

  it('is no reason to trust a signer with a policy that pins no workload', () => {
    const { valid, checks } = judge({ policy: DEFAULT_POLICY })
    expect(valid).toBe(false)
    expect(checks.filter(({ ok }) => !ok)).toMatchObject([
      { name: 'pinned', code: 'POLICY_PINS_NOTHING' },
    ])
  })

  it('of an enclave is no reason either, though the policy is for enclaves', () => {
    for (const policy of [POLICY, parsePolicy({ version: 1, tee: 'SGX' })]) {
      const { valid, checks } = judge({ policy, quote: parseQuote(QUOTE_V3) })
      expect(valid).toBe(false)
      expect(checks.find(({ name }) => name === 'pinned')).toMatchObject({
        ok: false,
        code: 'TEE_REFUSED',
      })
    }
  })

  it('holds the signer to the workload that it signed', () => {
    expect(judge({ workloadId: WORKLOAD_ID }).valid).toBe(true)
    const { valid, checks } = judge({ workloadId: `0x${'00'.repeat(32)}` })
    expect(valid).toBe(false)
    expect(checks.at(-1)).toMatchObject({ name: 'workloadId', code: 'SIGNER_UNBOUND' })
  })

  it('of report data that are no signer’s is refused', () => {
    const bytes = new Uint8Array(64).fill(1)
    const { checks } = judge({ reportData: toHex(bytes) }, bytes)
    expect(checks.at(-1)).toMatchObject({ ok: false, code: 'REPORT_DATA_MALFORMED' })
  })
})

describe('the file of an attestation', () => {
  const good = { quote: '0x00', reportData: toHex(REPORT_DATA), reference: BLOCK }
  const parse = (value: unknown) =>
    parseAttestation(
      new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value)),
    )

  it('is what attest prints, of which the rest is left out', () => {
    expect(parse({ ...good, provider: 'configfs', simulated: false })).toEqual(good)
    expect(
      parse({ ...good, reference: null, runtimeData: '0x7b7d', collateral: { a: '' } }),
    ).toMatchObject({
      reference: null,
    })
  })

  it.each([
    ['no JSON', '{', 'is not JSON'],
    ['a byte order mark', `\ufeff${JSON.stringify(good)}`, 'is not JSON'],
    ['no object', [], 'is no JSON object'],
    ['no quote', { ...good, quote: undefined }, 'has no quote'],
    ['upper case', { ...good, quote: '0xAB' }, 'has a quote that is no lower-case 0x hex'],
    [
      'short report data',
      { ...good, reportData: '0x00' },
      'has a reportData that is no 64 bytes of hex',
    ],
    [
      'a block without hash',
      { ...good, reference: { blockNumber: 1 } },
      'has a reference that is no block, nor null',
    ],
    [
      'a negative block',
      { ...good, reference: { ...BLOCK, blockNumber: -1 } },
      'has a reference that is no block, nor null',
    ],
    [
      'collateral of numbers',
      { ...good, collateral: { a: 1 } },
      'has a collateral that is no collateral',
    ],
  ])('is refused with %s', (_, value, reason) => {
    expect(refusalOf(() => parse(value))).toEqual({
      code: 'ATTESTATION_MALFORMED',
      details: { reason },
    })
  })
})
