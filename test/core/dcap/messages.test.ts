/** What people read when a quote is refused: one sentence for each code, in full. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { InputError, RejectedError, UnavailableError } from '../../../src/core/errors.js'
import { evaluate } from './samples.js'

const WINDOW = { from: '2026-01-01T00:00:00Z', until: '2026-02-01T00:00:00Z' }
const NOW = '2026-11-25T00:00:00Z'

/** Every code with which these folders refuse something. */
function codesIn(...folders: string[]): string[] {
  const sources = folders.flatMap((folder) => {
    const url = new URL(`../../../src/core/${folder}/`, import.meta.url)
    return readdirSync(url).map((name) => readFileSync(new URL(name, url), 'utf8'))
  })
  const found = sources.flatMap((text) => [...text.matchAll(/RejectedError\([^)]*?'([A-Z_]+)'/g)])
  expect(found.length).toBeGreaterThan(30)
  return found.map(([, code]) => String(code))
}

const REJECTED = [
  new RejectedError('QE_VENDOR_UNKNOWN', { vendorId: '0x00' }),
  new RejectedError('PCK_CHAIN_ABSENT', { type: 3 }),
  new RejectedError('CHAIN_INCOMPLETE', { chain: 'PCK chain', have: 2, expected: 'a, b, c' }),
  new RejectedError('ROOT_UNTRUSTED', {
    chain: 'PCK chain',
    fingerprint: '0x01',
    trusted: "Intel's",
  }),
  new RejectedError('CERTIFICATE_PROFILE', {
    certificate: 'root of the PCK chain',
    reason: 'is no CA',
  }),
  new RejectedError('CERTIFICATE_EXPIRED', {
    certificate: 'root of the PCK chain',
    ...WINDOW,
    now: NOW,
  }),
  new RejectedError('CERTIFICATE_SIGNATURE', { certificate: 'leaf', issuer: 'the CA' }),
  new RejectedError('CERTIFICATE_REVOKED', {
    certificate: 'leaf',
    serialNumber: '0x02',
    crl: 'the CA',
  }),
  new RejectedError('CRL_ISSUER', { crl: 'PCK CRL', issuer: 'the root', expected: 'the CA' }),
  new RejectedError('CRL_SIGNATURE', { crl: 'PCK CRL' }),
  new RejectedError('CRL_EXPIRED', { crl: 'PCK CRL', ...WINDOW, now: NOW }),
  new RejectedError('COLLATERAL_SIGNATURE', { document: 'TCB info' }),
  new RejectedError('COLLATERAL_EXPIRED', { document: 'TCB info', ...WINDOW, now: NOW }),
  new RejectedError('COLLATERAL_MISMATCH', {
    document: 'TCB info',
    field: 'fmspc',
    actual: '0x03',
    expected: '0x04',
  }),
  new RejectedError('QE_REPORT_SIGNATURE', {}),
  new RejectedError('ATTESTATION_KEY_UNBOUND', {}),
  new RejectedError('QE_MISMATCH', { field: 'isvProdId', actual: '1', expected: '2' }),
  new RejectedError('QUOTE_SIGNATURE', {}),
  new RejectedError('TDX_MODULE_MISMATCH', { reason: 'Intel lists no module TDX_09' }),
  new RejectedError('POLICY_PINS_NOTHING', {}),
  new RejectedError('SIGNER_UNBOUND', { signer: '0x5a', reason: 'the report data name 0x5b' }),
  new RejectedError('RUNTIME_DATA_UNBOUND', { actual: '0x01', expected: '0x02' }),
  new RejectedError('TCB_LEVEL_MISSING', { what: 'platform', short: ['PCE is 4 and needs 5'] }),
  new RejectedError('TCB_REVOKED', { when: 'at launch' }),
  new RejectedError('EVENT_LOG_MISMATCH', { registers: ['RTMR1'] }),
  new RejectedError('QUOTE_REFUSED', { failed: ['qe', 'tcbStatus'] }),
  new RejectedError('TEE_REFUSED', { actual: 'SGX', accepted: 'TDX' }),
  new RejectedError('TCB_OUT_OF_DATE', {
    status: 'OutOfDate',
    tcbDate: '2025-01-01',
    accepted: ['UpToDate'],
    behind: ['PCE is 4 and needs 5'],
  }),
  new RejectedError('TCB_STATUS_REFUSED', {
    status: 'ConfigurationNeeded',
    tcbDate: '2025-01-01',
    accepted: ['UpToDate'],
  }),
  new RejectedError('ADVISORY_OPEN', { advisoryIds: ['INTEL-SA-00001'] }),
  new RejectedError('TCB_EVALUATION_OLD', { actual: 17, minimum: 18 }),
  new RejectedError('TD_DEBUG', {}),
  new RejectedError('TD_MIGRATABLE', {}),
  new RejectedError('TD_ATTRIBUTES', { attributes: '0x00', reason: 'reserved bits are set' }),
  new RejectedError('SERVICE_TD_REFUSED', { actual: '0x05' }),
  new RejectedError('TDX_MODULE_REFUSED', { actual: '0x06' }),
  new RejectedError('WORKLOAD_REFUSED', { workloadId: '0x07', nearest: 'v1', differs: ['rtmr2'] }),
]

const OTHERS = [
  new InputError('ROOT_MALFORMED', { reason: 'holds 2 certificates' }),
  new InputError('DER_MALFORMED', { what: 'root CRL', offset: 7, reason: 'it is cut off' }),
  new InputError('COLLATERAL_MALFORMED', {
    document: 'tcb_info',
    path: 'fmspc',
    reason: 'is no text',
  }),
  new InputError('COLLATERAL_MALFORMED', { document: 'pck_crl', path: '', reason: 'is empty' }),
  new InputError('POLICY_MALFORMED', { path: 'workloads[0]', reason: 'pins nothing' }),
  new UnavailableError('PCS_UNREACHABLE', { url: 'https://pccs.example', reason: 'ENOTFOUND' }),
  new UnavailableError('PCS_ANSWER', { url: 'https://pccs.example', reason: 'status 500' }),
  new UnavailableError('PCS_PLATFORM_UNKNOWN', {
    url: 'https://pccs.example',
    fmspc: '00806f050000',
  }),
]

it('says why a quote is refused, and what to do', () => {
  const messages = REJECTED.map(({ message }) => message)
  expect(`\n${messages.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    The quote was made by a quoting enclave of vendor 0x00, which is not Intel. Do not trust it.
    The quote names its PCK certificate (certification data type 3) and does not hold the chain, so nothing of it can be believed. Let the platform's quoting library fetch the chain (type 5).
    The PCK chain has 2 certificates; it should be a, b, c. Get the quote again, with its whole chain.
    The root of the PCK chain (SHA-256 0x01) is not Intel's. Do not trust it; a simulated quote verifies only under its own root, given explicitly (--root).
    The root of the PCK chain is no CA. Do not trust it.
    The root of the PCK chain is valid from 2026-01-01T00:00:00Z to 2026-02-01T00:00:00Z, not at 2026-11-25T00:00:00Z. Fetch it again, or check the clock.
    The leaf is not signed by the CA. Do not trust it.
    The leaf with serial number 0x02 was revoked by the CA. Do not trust this platform.
    The PCK CRL is by the root, not by the CA. Fetch the right one.
    The PCK CRL is not signed by its issuer. Fetch it again.
    The PCK CRL is valid from 2026-01-01T00:00:00Z to 2026-02-01T00:00:00Z, not at 2026-11-25T00:00:00Z. Fetch it again, or check the clock.
    The TCB info is not signed by its issuer. Fetch it again.
    The TCB info is valid from 2026-01-01T00:00:00Z to 2026-02-01T00:00:00Z, not at 2026-11-25T00:00:00Z. Fetch it again, or check the clock.
    The TCB info is for fmspc 0x03, and the quote is of 0x04. Fetch that of this platform.
    The quoting enclave's report is not signed by the platform's PCK key. Do not trust the quote.
    The quoting enclave does not vouch for the key that signs the quote. Do not trust it.
    The quoting enclave's isvProdId is 1, not 2 as Intel says. Do not trust the quote.
    The quote is not signed by its attestation key: a byte of it was changed. Do not trust it.
    The TDX module is not one of Intel's: Intel lists no module TDX_09. Do not trust the quote.
    The policy pins no workload: any software in a TD could have made the signer. Add the measurements of yours (\`quote measure\`).
    The quote does not vouch for the signer 0x5a: the report data name 0x5b. Do not trust the signer.
    The quote is not about these runtime data: its report data are 0x01, and the data's hash is 0x02. Pass the file that was written with the quote.
    The platform is below the lowest level that Intel lists: PCE is 4 and needs 5. Update firmware and TDX module of the host.
    Intel has revoked what the platform ran at launch. Do not trust it.
    The event log does not give RTMR1 of the quote. It is of another boot, or was changed.
    The quote is not accepted: qe, tcbStatus failed. The checks say why.
    The quote is of SGX, and the policy accepts TDX. Use another policy if that is meant.
    The platform is OutOfDate: it has what was good as of 2025-01-01, and is behind by: PCE is 4 and needs 5. Update its firmware and TDX module, then make a new quote; the policy accepts UpToDate.
    The platform is ConfigurationNeeded. Do what its advisories say, or accept that status in the policy, which accepts UpToDate.
    Intel's advisories INTEL-SA-00001 apply to the platform. Update it, or ignore them in the policy until a date.
    The collateral is of TCB evaluation 17, and the policy demands 18. Fetch newer collateral.
    The TD can be debugged by its host. Do not trust it.
    The TD can be moved to other platforms. Do not trust it.
    The TD's attributes 0x00 are refused: reserved bits are set. Launch it with others.
    A service TD is bound to the TD (MRSERVICETD 0x05) that the policy does not list. Do not trust it.
    The TDX module (MRSEAM 0x06) is none that the policy lists. Add it, or update the host.
    The TD (workload 0x07) is none that the policy lists; v1 differs in rtmr2. \`sp1-tee quote measure\` prints its entry.
    "
  `)
  const shown = new Set<string>(REJECTED.map(({ code }) => code))
  expect(codesIn('dcap', 'policy').filter((code) => !shown.has(code))).toEqual([])
})

it('says what is wrong with the files around it', () => {
  const messages = OTHERS.map(({ message }) => message)
  expect(`\n${messages.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    The root certificate holds 2 certificates. Pass one certificate, PEM or DER.
    The root CRL is no strict DER at byte 7: it is cut off. Fetch it again.
    The collateral's tcb_info, field fmspc, is no text. Fetch it again.
    The collateral's pck_crl is empty. Fetch it again.
    The policy's workloads[0] pins nothing. Mend it; schemas/policy.schema.json says what a policy may hold.
    The collateral service at https://pccs.example does not answer: ENOTFOUND. Check the network and --pccs-url, or pass a bundle with --collateral.
    The collateral service at https://pccs.example gave no usable answer: status 500. Check --pccs-url, or try again later.
    The collateral service at https://pccs.example knows no platform with FMSPC 00806f050000. Intel has no TCB info for this kind of machine, or the cache lacks it.
    "
  `)
})

it('says what it found when all is well', () => {
  const lines = evaluate().checks.map(({ name, detail }) => `${name}: ${detail}`)
  expect(`\n${lines.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    format: version 4, TD 1.0, marked as simulated
    pckChain: Intel SGX PCK Certificate ← Intel SGX PCK Platform CA ← Intel SGX Root CA
    rootCrl: 0 revoked, valid until 2026-12-22
    pckCrl: 0 revoked, valid until 2026-12-22
    tcbInfo: evaluation data 1, valid until 2026-12-22
    qeIdentity: evaluation data 1, valid until 2026-12-22
    platform: FMSPC 0x53494d000000, PCEID 0x0000, scalable platform
    qeReport: the quoting enclave's report is signed by the platform's PCK key
    attestationKey: the quoting enclave vouches for the key that signs the quote
    qe: the one that Intel names, at least SVN 4: UpToDate
    quoteSignature: header and body are signed
    tdxModule: at least SVN 6: UpToDate
    tcbLevel: UpToDate: at least CPU 3.3.2.2.4.1.0.5, PCE 11, TDX ·.·.4
    tcbStatus: UpToDate as of 2026-01-01
    "
  `)
})
