import { keccak_256 } from '@noble/hashes/sha3.js'
import { describe, expect, it } from 'vitest'
import { concatBytes, toHex } from '../../../src/core/bytes.js'
import { INTEL_ROOT } from '../../../src/core/dcap/trusted-root.js'
import { type VerifiedQuote, verifyQuote } from '../../../src/core/dcap/verify-quote.js'
import { RejectedError } from '../../../src/core/errors.js'
import { inspectQuote } from '../../../src/core/policy/inspect-quote.js'
import { judgeQuote, requireValidQuote } from '../../../src/core/policy/judge-quote.js'
import { DEFAULT_POLICY, parsePolicy } from '../../../src/core/policy/policy.js'
import { checkPolicy, RULES, verifyPolicy } from '../../../src/core/policy/rules.js'
import { namesOfAttributes } from '../../../src/core/policy/td-attributes.js'
import { computeWorkloadId, workloadOf } from '../../../src/core/policy/workload.js'
import { parseQuote, parseTdQuote } from '../../../src/core/tdx/quote.js'
import { SIMULATED_BODY } from '../../../src/core/tdx/simulated-authority.js'
import { collateralOf, optionsOf, type Scene, svns } from '../dcap/samples.js'
import { QUOTE_V3, QUOTE_V4, refusalOf, unmarked } from '../tdx/samples.js'

const ADVISORY = 'SIMULATED-SA-00001'
const OLD: Scene = { quote: { body: { teeTcbSvn: svns(6, 1, 2) } } }
const attributes = (...bytes: number[]): Scene => ({
  quote: { body: { tdAttributes: Uint8Array.from({ length: 8 }, (_, i) => bytes[i] ?? 0) } },
})
const SERVICE = new Uint8Array(48).fill(5)
const SERVICE_TD: Scene = { quote: { body: { bodyType: 3, mrServiceTd: SERVICE } } }
const BODY = parseTdQuote(QUOTE_V4).body
const ENTRY = workloadOf(BODY)

function failuresOf(scene: Scene, policy: object): string[] {
  const verified = verifyQuote(optionsOf(scene))
  return checkPolicy(verified, parsePolicy({ version: 1, ...policy })).flatMap(({ name, code }) =>
    code === undefined ? [] : [`${name} ${code}`],
  )
}

describe('a policy accepts', () => {
  it.each<[string, Scene, object]>([
    ['a good TD without saying more', {}, {}],
    ['its very workload', {}, { workloads: [ENTRY] }],
    ['a workload by its id', {}, { workloads: [{ workloadId: ENTRY.workloadId }] }],
    ['hex of either case', {}, { workloads: [{ mrtd: `0x${ENTRY.mrtd.slice(2).toUpperCase()}` }] }],
    [
      'the second of two workloads',
      {},
      { workloads: [{ mrtd: `0x${'00'.repeat(48)}` }, { name: 'mine', rtmr1: ENTRY.rtmr1 }] },
    ],
    ['its TDX module', {}, { tdxModules: [toHex(BODY.mrSeam)] }],
    ['its evaluation number', {}, { minimumEvaluationNumber: 1 }],
    [
      'an accepted status with ignored advisories',
      OLD,
      {
        acceptedStatuses: ['UpToDate', 'OutOfDate'],
        ignoredAdvisories: [{ id: ADVISORY, until: '2026-11-23' }],
      },
    ],
    // 2025-01-01 and 691 days is the day of the quote.
    ['what is out of date, within its grace', OLD, { outOfDateGraceDays: 692 }],
    ['SEPT_VE_DISABLE clear if told so', attributes(), { septVeDisable: 'any' }],
    ['a service TD that it lists', SERVICE_TD, { serviceTds: [toHex(SERVICE)] }],
  ])('%s', (_, scene, policy) => {
    expect(failuresOf(scene, policy)).toEqual([])
  })
})

describe('a policy refuses', () => {
  const SEPT = [0, 0, 0, 0x10]
  it.each<[string, Scene, object, string[]]>([
    [
      'what is out of date',
      OLD,
      {},
      ['policy.status TCB_OUT_OF_DATE', 'policy.advisories ADVISORY_OPEN'],
    ],
    [
      'what is out of date beyond its grace',
      OLD,
      { outOfDateGraceDays: 690 },
      ['policy.status TCB_OUT_OF_DATE', 'policy.advisories ADVISORY_OPEN'],
    ],
    [
      'an advisory that is not ignored',
      OLD,
      { acceptedStatuses: ['OutOfDate'], ignoredAdvisories: [{ id: 'X', until: '2030-01-01' }] },
      ['policy.advisories ADVISORY_OPEN'],
    ],
    [
      'an advisory that is ignored no longer',
      OLD,
      {
        acceptedStatuses: ['OutOfDate'],
        ignoredAdvisories: [{ id: ADVISORY, until: '2026-11-22' }],
      },
      ['policy.advisories ADVISORY_OPEN'],
    ],
    [
      'a status that needs configuration',
      { collateral: { tcbInfo: { tcbLevels: configurationNeeded() } } },
      {},
      ['policy.status TCB_STATUS_REFUSED'],
    ],
    [
      'a status that it does not list, however good',
      {},
      { acceptedStatuses: ['OutOfDate'] },
      ['policy.status TCB_STATUS_REFUSED'],
    ],
    [
      'old collateral',
      {},
      { minimumEvaluationNumber: 2 },
      ['policy.evaluationNumber TCB_EVALUATION_OLD'],
    ],
    ['a debug TD', attributes(1, 0, 0, 0x10), {}, ['policy.debug TD_DEBUG']],
    ['a TD that is profiled', attributes(0x10, 0, 0, 0x10), {}, ['policy.debug TD_DEBUG']],
    ['a migratable TD', attributes(0, 0, 0, 0x30), {}, ['policy.migratable TD_MIGRATABLE']],
    ['reserved attributes', attributes(...SEPT, 1), {}, ['policy.tdAttributes TD_ATTRIBUTES']],
    ['SERVTD_EXT', attributes(0, 0, 2, 0x10), {}, ['policy.tdAttributes TD_ATTRIBUTES']],
    ['SEPT_VE_DISABLE clear', attributes(), {}, ['policy.tdAttributes TD_ATTRIBUTES']],
    ['a service TD', SERVICE_TD, {}, ['policy.serviceTd SERVICE_TD_REFUSED']],
    [
      'a service TD that is bound now, and was not at first',
      { quote: { body: { bodyType: 4, curServiceTdHash: SERVICE } } },
      {},
      ['policy.serviceTd SERVICE_TD_REFUSED'],
    ],
    [
      'another service TD',
      SERVICE_TD,
      { serviceTds: [`0x${'06'.repeat(48)}`] },
      ['policy.serviceTd SERVICE_TD_REFUSED'],
    ],
    [
      'another TDX module',
      {},
      { tdxModules: [`0x${'06'.repeat(48)}`] },
      ['policy.tdxModule TDX_MODULE_REFUSED'],
    ],
    [
      'another workload',
      {},
      { workloads: [{ ...ENTRY, rtmr2: `0x${'06'.repeat(48)}` }] },
      ['policy.workload WORKLOAD_REFUSED'],
    ],
    ['a TD in place of an enclave', {}, { tee: 'SGX' }, ['policy.tee TEE_REFUSED']],
  ])('%s', (_, scene, policy, expected) => {
    expect(failuresOf(scene, policy)).toEqual(expected)
    const verified = verifyQuote(optionsOf(scene))
    const { code } = refusalOf(() => verifyPolicy(verified, parsePolicy({ version: 1, ...policy })))
    expect(code).toBe(expected[0]?.split(' ')[1])
  })

  it('debug and migratable TDs whatever it says', () => {
    const lenient = {
      septVeDisable: 'any',
      workloads: [{ tdAttributes: '0x0100000000000000' }, { tdAttributes: '0x0000002000000000' }],
    }
    expect(failuresOf(attributes(1), lenient)).toEqual(['policy.debug TD_DEBUG'])
    expect(failuresOf(attributes(0, 0, 0, 0x20), lenient)).toEqual([
      'policy.migratable TD_MIGRATABLE',
    ])
  })

  it('a workload by the fields in which the nearest differs', () => {
    const other = `0x${'06'.repeat(48)}`
    const workloads = [
      { ...ENTRY, name: 'far', rtmr0: other, rtmr1: other },
      { name: 'near', mrtd: other, rtmr0: ENTRY.rtmr0 },
    ]
    const verified = verifyQuote(optionsOf())
    expect(
      refusalOf(() => verifyPolicy(verified, parsePolicy({ version: 1, workloads }))),
    ).toMatchObject({ details: { nearest: 'near', differs: ['mrtd'] } })
  })
})

describe('an SGX enclave', () => {
  const verified = { ...verifyQuote(optionsOf()), quote: parseQuote(QUOTE_V3) } as VerifiedQuote
  it('is refused unless the policy is for enclaves', () => {
    expect(refusalOf(() => verifyPolicy(verified, DEFAULT_POLICY)).code).toBe('TEE_REFUSED')
    const policy = parsePolicy({ version: 1, tee: 'SGX' })
    expect(checkPolicy(verified, policy).filter(({ ok }) => !ok)).toEqual([])
  })

  it.each([
    ['workload', { workloads: [ENTRY] }],
    ['tdxModule', { tdxModules: [toHex(BODY.mrSeam)] }],
  ])('is refused by the rule %s where the policy names TDs', (name, names) => {
    const policy = parsePolicy({ version: 1, tee: 'SGX', ...names })
    expect(checkPolicy(verified, policy).filter(({ ok }) => !ok)).toMatchObject([
      { name: `policy.${name}`, code: 'TEE_REFUSED' },
    ])
  })

  it('is refused if it can be debugged', () => {
    const { quote } = verified
    const body = { ...quote.body, attributes: svns(0x17) } as typeof quote.body
    const debuggable = { ...verified, quote: { ...quote, body } } as VerifiedQuote
    const policy = parsePolicy({ version: 1, tee: 'SGX' })
    expect(refusalOf(() => verifyPolicy(debuggable, policy)).code).toBe('TD_DEBUG')
  })
})

describe('a policy file', () => {
  it.each<[string, unknown, string, string]>([
    ['no object', [], '', 'is no object'],
    ['no version', {}, '', 'has no version'],
    ['another version', { version: 2 }, 'version', 'is not 1'],
    ['an unknown field', { version: 1, debug: true }, 'debug', 'is not known'],
    ['a revoked status', { version: 1, acceptedStatuses: ['Revoked'] }, 'acceptedStatuses[0]', ''],
    ['no status', { version: 1, acceptedStatuses: [] }, 'acceptedStatuses', 'has 0 items'],
    ['a workload without fields', { version: 1, workloads: [{}] }, 'workloads[0]', 'is empty'],
    [
      'a workload of a name',
      { version: 1, workloads: [{ name: 'x' }] },
      'workloads[0]',
      'pins nothing',
    ],
    ['no workload', { version: 1, workloads: [] }, 'workloads', 'has 0 items'],
    [
      'short hex',
      { version: 1, workloads: [{ mrtd: '0x00' }] },
      'workloads[0].mrtd',
      'is not the initial',
    ],
    [
      'a day that is none',
      { version: 1, ignoredAdvisories: [{ id: 'A', until: '2026-02-30' }] },
      'ignoredAdvisories[0].until',
      'is no date',
    ],
    [
      'a number as text',
      { version: 1, minimumEvaluationNumber: '17' },
      'minimumEvaluationNumber',
      'is no integer',
    ],
    [
      'days below none',
      { version: 1, outOfDateGraceDays: -1 },
      'outOfDateGraceDays',
      'is not in 0 to',
    ],
  ])('with %s is refused', (_, value, path, reason) => {
    const { code, details } = refusalOf(() => parsePolicy(value))
    expect(code).toBe('POLICY_MALFORMED')
    expect(details).toMatchObject({ path, reason: expect.stringContaining(reason) })
  })

  it('has defaults that accept what is up to date, and nothing else', () => {
    expect(DEFAULT_POLICY).toEqual({
      version: 1,
      tee: 'TDX',
      acceptedStatuses: ['UpToDate'],
      outOfDateGraceDays: 0,
      ignoredAdvisories: [],
      minimumEvaluationNumber: 0,
      septVeDisable: 'required',
      serviceTds: [],
    })
  })
})

describe('a workload id', () => {
  it('is the hash of what a build decides, in the order of Flashtestations', () => {
    const { mrtd, rtmr0, rtmr1, rtmr2, rtmr3, mrConfigId, xfam, tdAttributes } = SIMULATED_BODY
    const parts = [mrtd, rtmr0, rtmr1, rtmr2, rtmr3, mrConfigId, xfam, tdAttributes]
    expect(computeWorkloadId(BODY)).toBe(toHex(keccak_256(concatBytes(...parts))))
    for (const field of ['mrtd', 'rtmr3', 'mrConfigId', 'xfam', 'tdAttributes'] as const) {
      const changed = {
        ...BODY,
        [field]: BODY[field].map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
      }
      expect(computeWorkloadId(changed)).not.toBe(computeWorkloadId(BODY))
    }
    expect(computeWorkloadId({ ...BODY, mrOwner: SERVICE })).toBe(computeWorkloadId(BODY))
  })
})

describe('a verdict', () => {
  it('has the checks of the quote, then those of the policy', () => {
    const verdict = judgeQuote(optionsOf())
    expect(verdict).toMatchObject({ valid: true, simulated: true, status: 'UpToDate' })
    const policy = RULES.map(({ name }) => `policy.${name}`)
    expect(verdict.checks.map(({ name }) => name).slice(-policy.length)).toEqual(policy)
    expect(requireValidQuote(verdict)).toBeUndefined()
    expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict)
  })

  it('of a quote that did not verify says that the policy was not reached', () => {
    const verdict = judgeQuote({ ...optionsOf(), root: INTEL_ROOT })
    expect(verdict).toMatchObject({ valid: false, simulated: true })
    expect(verdict.status).toBeUndefined()
    expect(verdict.checks.at(-1)).toMatchObject({ name: 'policy', ok: false })
    expect(() => requireValidQuote(verdict)).toThrow(RejectedError)
  })

  it('is not valid if only the policy says no', () => {
    const verdict = judgeQuote(optionsOf(attributes(1, 0, 0, 0x10)))
    expect(verdict).toMatchObject({ valid: false, status: 'UpToDate' })
  })
})

describe('an inspection', () => {
  it('shows a TD, its platform and its certificates', () => {
    const inspection = inspectQuote(parseQuote(QUOTE_V4))
    expect(inspection).toMatchObject({
      version: 4,
      tee: 'TDX',
      bodyType: 'TD 1.0',
      simulated: true,
      tdAttributes: ['SEPT_VE_DISABLE'],
      workloadId: ENTRY.workloadId,
      platform: { fmspc: '0x53494d000000', pceSvn: 11 },
    })
    expect(inspection.signer).toBeUndefined()
    expect(inspection.certificates.map(({ subject }) => subject)).toEqual([
      'Intel SGX PCK Certificate',
      'Intel SGX PCK Platform CA',
      'Intel SGX Root CA',
    ])
    expect(JSON.parse(JSON.stringify(inspection))).toEqual(inspection)
  })

  it('shows an SGX enclave, and certificates that are none', () => {
    const inspection = inspectQuote(parseQuote(unmarked(QUOTE_V3)))
    expect(inspection).toMatchObject({ tee: 'SGX', bodyType: 'SGX', certificates: [] })
    expect(inspection.platform).toBeUndefined()
  })

  it('names attributes, and numbers those without a name', () => {
    expect(namesOfAttributes(Uint8Array.of(3, 0, 0, 0x10, 0, 0, 0, 0x80))).toEqual([
      'DEBUG',
      'bit 1',
      'SEPT_VE_DISABLE',
      'PERFMON',
    ])
  })
})

function configurationNeeded() {
  const { tcbLevels } = JSON.parse(collateralOf().tcb_info)
  return [{ ...tcbLevels[0], tcbStatus: 'ConfigurationNeeded' }]
}
