/**
 * Verifies a quote completely, offline: this file is the table of contents, in the order in which a
 * person reads it. docs/dcap.md names the source of each check, and where we are stricter.
 *
 * What is *not* decided here: whether the measurements, the status or the TD's attributes are
 * acceptable. That is a policy's part.
 */
import { concatBytes, equalBytes, fromHex, toHex } from '../bytes.js'
import { InternalError, RejectedError } from '../errors.js'
import { encodeSgxReport } from '../tdx/certification.js'
import { encodeSignedBytes, isTdQuote, type Quote } from '../tdx/quote.js'
import type { TdQuoteBody } from '../tdx/quote-layouts.js'
import { type Certificate, equalNames, parseCertificate } from './certificate.js'
import {
  checkNotRevoked,
  verifyChain,
  verifyCrl,
  verifyRoot,
  windowAround,
} from './certificate-chain.js'
import { CheckList, type Finding, type QuoteCheck } from './check-list.js'
import type { Collateral, Statement } from './collateral.js'
import type { Crl } from './crl.js'
import {
  dayOf,
  describeCrl,
  describeFormat,
  describeNoModule,
  describeStatement,
} from './describe-check.js'
import { pckChainOf } from './pck-chain.js'
import { type PckPlatform, parsePckExtension } from './pck-extension.js'
import { isSignedBy, sha256 } from './primitives.js'
import type { QeIdentity } from './qe-identity.js'
import type { TcbInfo } from './tcb-info.js'
import {
  decideOutcome,
  describeLevel,
  findModuleIdentity,
  isvGap,
  matchIsvLevel,
  matchModuleLevel,
  matchPlatformLevel,
  platformGap,
  type TcbLevels,
  type TcbOutcome,
} from './tcb-level.js'
import { INTEL_ROOT, type TrustedRoot } from './trusted-root.js'

/** Intel's, the only one whose QE there is collateral for. */
const INTEL_QE_VENDOR = fromHex('0x939a7233f79c4ca9940a0db3957f0607')
/** Of SGX attributes, the second bit of the first byte. */
const SGX_DEBUG = 0x02

export interface VerifyQuoteOptions {
  readonly quote: Quote
  readonly collateral: Collateral
  readonly now: Date
  /** Intel's unless given. With another one nothing of Intel's verifies, and the result is simulated. */
  readonly root?: TrustedRoot
}

declare const verified: unique symbol

/** A quote of which every check succeeded. Only `verifyQuote` and `checkQuote` make one. */
export interface VerifiedQuote extends TcbOutcome {
  readonly [verified]: true
  readonly quote: Quote
  /** Verified under a root that is not Intel's: it proves nothing. */
  readonly simulated: boolean
  readonly platform: PckPlatform
  readonly levels: TcbLevels
  /** What would have to be higher for Intel's newest levels: `PCE is 11 and needs 13`. */
  readonly behind: readonly string[]
  /** The lower of TCB info's and QE identity's. */
  readonly evaluationNumber: number
  readonly verifiedAt: Date
  /** When the first part of the collateral, or a certificate, ends to be valid. */
  readonly expires: Date
}

export interface QuoteEvaluation {
  readonly checks: readonly QuoteCheck[]
  /** Undefined if any check failed. */
  readonly verified?: VerifiedQuote
}

/**
 * @throws RejectedError the first check that failed
 * @throws InputError `DER_MALFORMED` a certificate in the quote is none
 */
export function verifyQuote(options: VerifyQuoteOptions): VerifiedQuote {
  const list = new CheckList()
  const result = evaluate(list, options)
  if (list.refusal !== undefined) throw list.refusal
  if (result === undefined) throw new InternalError('a check was not reached, and none failed')
  return result
}

/** The same with every check and its reason, for people; never throws for what a quote says. */
export function checkQuote(options: VerifyQuoteOptions): QuoteEvaluation {
  const list = new CheckList()
  const result = evaluate(list, options)
  return { checks: list.checks, ...(result !== undefined && { verified: result }) }
}

function evaluate(
  list: CheckList,
  { quote, collateral, now, root = INTEL_ROOT }: VerifyQuoteOptions,
): VerifiedQuote | undefined {
  const { tcbInfo, qeIdentity } = collateral
  const at = { root, now }

  list.run('format', () => checkVendor(quote), describeFormat)
  const pckChain = list.run(
    'pckChain',
    () => verifyChain('pck', parseChain(quote), at),
    (chain) => `${chain.map(({ subject }) => subject.commonName).join(' ← ')}`,
  )
  const rootCrl = list.run('rootCrl', () => verifyRootCrl(collateral, at), describeCrl)
  list.run('pckCrl', () => verifyPckCrl(collateral, pckChain.value, rootCrl, at), describeCrl)
  const trustedTcbInfo = list.run(
    'tcbInfo',
    () => verifyStatement('tcbInfo', tcbInfo, rootCrl, at),
    describeStatement,
  )
  const trustedIdentity = list.run(
    'qeIdentity',
    () => verifyStatement('qeIdentity', qeIdentity, rootCrl, at),
    describeStatement,
  )
  const platform = list.run(
    'platform',
    () => readPlatform(quote, pckChain.value[0]!, trustedTcbInfo.value),
    ({ fmspc, pceId, sgxType }) =>
      `FMSPC ${toHex(fmspc)}, PCEID ${toHex(pceId)}, ${sgxType} platform`,
  )
  list.run(
    'qeReport',
    () => checkQeReport(quote, pckChain.value[0]!),
    () => "the quoting enclave's report is signed by the platform's PCK key",
  )
  list.run(
    'attestationKey',
    () => checkAttestationKey(quote),
    () => 'the quoting enclave vouches for the key that signs the quote',
  )
  const qe = list.run(
    'qe',
    () => matchQe(quote, trustedIdentity.value),
    ({ isvSvn, status }) => `the one that Intel names, at least SVN ${isvSvn}: ${status}`,
  )
  list.run(
    'quoteSignature',
    () => checkQuoteSignature(quote),
    () => 'header and body are signed',
  )
  const module = list.run(
    'tdxModule',
    () => (isTdQuote(quote) ? matchModule(quote.body, trustedTcbInfo.value) : undefined),
    (level) =>
      level === undefined
        ? describeNoModule(quote)
        : `at least SVN ${level.isvSvn}: ${level.status}`,
  )
  const level = list.run(
    'tcbLevel',
    () => matchPlatformLevel(trustedTcbInfo.value, platform.value, launchSvn(quote)),
    (found) => `${found.status}: at least ${describeLevel(found, launchSvn(quote))}`,
  )
  const outcome = list.run(
    'tcbStatus',
    () => {
      const levels = levelsOf(level.value, qe.value, module.value)
      const current = currentLevels(quote, trustedTcbInfo.value, platform.value, levels)
      const behind = gapsOf(quote, trustedTcbInfo.value, trustedIdentity.value, platform.value)
      return { levels, behind, ...decideOutcome(levels, current) }
    },
    ({ status, tcbDate, advisoryIds }) =>
      [`${status} as of ${dayOf(tcbDate)}`, ...advisoryIds].join(', '),
  )
  if (list.checks.some(({ ok }) => !ok)) return undefined
  const result: Omit<VerifiedQuote, typeof verified> = {
    ...outcome.value,
    quote,
    simulated: !root.isIntel,
    platform: platform.value,
    evaluationNumber: Math.min(tcbInfo.value.evaluationNumber, qeIdentity.value.evaluationNumber),
    verifiedAt: now,
    expires: earliestExpiry(collateral, pckChain.value),
  }
  return result as VerifiedQuote
}

function checkVendor(quote: Quote): Quote {
  const { qeVendorId } = quote.header
  if (equalBytes(qeVendorId, INTEL_QE_VENDOR)) return quote
  throw new RejectedError('QE_VENDOR_UNKNOWN', { vendorId: toHex(qeVendorId) })
}

function parseChain(quote: Quote): Certificate[] {
  return pckChainOf(quote).map((der, i) => parseCertificate(der, `certificate ${i} of the quote`))
}

/** By the root of the collateral, so that a bad chain in the quote does not hide what it is worth. */
function verifyRootCrl(
  { rootCrl, tcbInfo }: Collateral,
  at: { root: TrustedRoot; now: Date },
): Crl {
  const root = verifyRoot(tcbInfo.issuerChain.at(-1)!, at)
  const crl = verifyCrl('root CRL', rootCrl, root, at.now)
  // A root that revokes itself vouches for nothing any more.
  checkNotRevoked(root, crl)
  return crl
}

function verifyPckCrl(
  { pckCrl, pckCrlIssuerChain }: Collateral,
  chain: readonly Certificate[],
  rootCrl: Finding<Crl>,
  at: { root: TrustedRoot; now: Date },
): Crl {
  const [leaf, ca] = chain as [Certificate, Certificate]
  const [issuer] = verifyChain('pckCrlIssuer', pckCrlIssuerChain, at) as [Certificate]
  verifyCrl('PCK CRL', pckCrl, issuer, at.now)
  // A list of the other PCK CA is genuine and says nothing of this leaf.
  if (!equalNames(leaf.issuer, pckCrl.issuer) || !equalBytes(issuer.publicKey, ca.publicKey)) {
    const facts = { crl: 'PCK CRL', issuer: pckCrl.issuer.commonName }
    throw new RejectedError('CRL_ISSUER', { ...facts, expected: ca.subject.commonName })
  }
  checkNotRevoked(leaf, pckCrl)
  for (const certificate of [ca, issuer]) checkNotRevoked(certificate, rootCrl.value)
  return pckCrl
}

function verifyStatement<T extends TcbInfo | QeIdentity>(
  name: 'tcbInfo' | 'qeIdentity',
  { value, signed, signature, issuerChain }: Statement<T>,
  rootCrl: Finding<Crl>,
  at: { root: TrustedRoot; now: Date },
): T {
  const document = name === 'tcbInfo' ? 'TCB info' : 'QE identity'
  const [signer] = verifyChain(`${name}Issuer`, issuerChain, at) as [Certificate]
  if (!isSignedBy(signer.publicKey, signed, signature)) {
    throw new RejectedError('COLLATERAL_SIGNATURE', { document })
  }
  const outside = windowAround(at.now, value.issueDate, value.nextUpdate)
  if (outside !== undefined) throw new RejectedError('COLLATERAL_EXPIRED', { document, ...outside })
  checkNotRevoked(signer, rootCrl.value)
  return value
}

function readPlatform(quote: Quote, leaf: Certificate, tcbInfo: TcbInfo): PckPlatform {
  if (leaf.sgxExtension === undefined) {
    const facts = { certificate: 'PCK certificate', reason: 'has no SGX extension' }
    throw new RejectedError('CERTIFICATE_PROFILE', facts)
  }
  const platform = parsePckExtension(leaf.sgxExtension, "PCK certificate's SGX extension")
  const tee = isTdQuote(quote) ? 'TDX' : 'SGX'
  if (tcbInfo.id !== tee) throw mismatch('TCB info', 'TEE', tcbInfo.id, tee)
  for (const field of ['fmspc', 'pceId'] as const) {
    const [actual, expected] = [toHex(tcbInfo[field]), toHex(platform[field])]
    if (actual !== expected) throw mismatch('TCB info', field, actual, expected)
  }
  return platform
}

function checkQeReport({ certificationData }: Quote, leaf: Certificate): void {
  const { qeReport, qeReportSignature } = certificationData
  if (!isSignedBy(leaf.publicKey, encodeSgxReport(qeReport), qeReportSignature)) {
    throw new RejectedError('QE_REPORT_SIGNATURE', {})
  }
}

function checkAttestationKey({ attestationKey, certificationData }: Quote): void {
  const { qeReport, qeAuthData } = certificationData
  const hash = sha256(concatBytes(attestationKey, qeAuthData))
  if (!equalBytes(qeReport.reportData, concatBytes(hash, new Uint8Array(32)))) {
    throw new RejectedError('ATTESTATION_KEY_UNBOUND', {})
  }
}

function matchQe(quote: Quote, identity: QeIdentity) {
  const { qeReport } = quote.certificationData
  const expectedId = isTdQuote(quote) ? 'TD_QE' : 'QE'
  if (identity.id !== expectedId) throw mismatch('QE identity', 'id', identity.id, expectedId)
  const refuse = (field: string, actual: string, expected: string): never => {
    throw new RejectedError('QE_MISMATCH', { field, actual, expected })
  }
  const compare = (field: string, actual: Uint8Array, expected: Uint8Array) => {
    if (!equalBytes(actual, expected)) refuse(field, toHex(actual), toHex(expected))
  }
  compare('miscSelect', masked(qeReport.miscSelect, identity.miscSelectMask), identity.miscSelect)
  compare('attributes', masked(qeReport.attributes, identity.attributesMask), identity.attributes)
  compare('mrSigner', qeReport.mrSigner, identity.mrSigner)
  if (qeReport.isvProdId !== identity.isvProdId) {
    refuse('isvProdId', String(qeReport.isvProdId), String(identity.isvProdId))
  }
  if ((qeReport.attributes[0]! & SGX_DEBUG) !== 0) refuse('DEBUG', 'set', 'clear')
  return matchIsvLevel('quoting enclave', identity.levels, qeReport.isvSvn)
}

function checkQuoteSignature(quote: Quote): void {
  if (!isSignedBy(quote.attestationKey, encodeSignedBytes(quote), quote.signature)) {
    throw new RejectedError('QUOTE_SIGNATURE', {})
  }
}

function matchModule(body: TdQuoteBody, tcbInfo: TcbInfo) {
  const identity = findModuleIdentity(tcbInfo, body.teeTcbSvn)
  const expected = identity ?? tcbInfo.tdxModule
  if (expected === undefined) {
    throw new RejectedError('TDX_MODULE_MISMATCH', { reason: 'TCB info is not of TDX' })
  }
  const isZero = body.seamAttributes.every((byte) => byte === 0)
  if (!equalBytes(body.mrSignerSeam, expected.mrSigner)) {
    const reason = `MRSIGNERSEAM is ${toHex(body.mrSignerSeam)}, not ${toHex(expected.mrSigner)}`
    throw new RejectedError('TDX_MODULE_MISMATCH', { reason })
  }
  if (!isZero || !equalBytes(body.seamAttributes, expected.attributes)) {
    const reason = `SEAMATTRIBUTES are ${toHex(body.seamAttributes)}, not ${toHex(expected.attributes)} and zero`
    throw new RejectedError('TDX_MODULE_MISMATCH', { reason })
  }
  return matchModuleLevel(tcbInfo, body.teeTcbSvn)
}

function launchSvn(quote: Quote): Uint8Array | undefined {
  return isTdQuote(quote) ? quote.body.teeTcbSvn : undefined
}

function levelsOf(
  platform: TcbLevels['platform'],
  qe: TcbLevels['qe'],
  module: TcbLevels['module'] | undefined,
): TcbLevels {
  return { platform, qe, ...(module !== undefined && { module }) }
}

/** What runs now, where the quote says it: a module may have been updated under a running TD. */
function currentLevels(
  { body }: Quote,
  tcbInfo: TcbInfo,
  platform: PckPlatform,
  { qe }: TcbLevels,
): TcbLevels | undefined {
  if (!('teeTcbSvn2' in body)) return undefined
  const module = matchModuleLevel(tcbInfo, body.teeTcbSvn2)
  return levelsOf(matchPlatformLevel(tcbInfo, platform, body.teeTcbSvn2), qe, module)
}

/** How far platform, module and quoting enclave are behind the newest levels. */
function gapsOf(
  quote: Quote,
  tcbInfo: TcbInfo,
  qeIdentity: QeIdentity,
  platform: PckPlatform,
): string[] {
  const svn = launchSvn(quote)
  const module = svn && findModuleIdentity(tcbInfo, svn)
  const { isvSvn } = quote.certificationData.qeReport
  return [
    ...platformGap(tcbInfo.levels[0], platform, svn),
    ...(svn && module ? isvGap('TDX module', module.levels[0], svn[0]!) : []),
    ...isvGap('quoting enclave', qeIdentity.levels[0], isvSvn),
  ]
}

function earliestExpiry(collateral: Collateral, pckChain: readonly Certificate[]): Date {
  const { rootCrl, pckCrl, pckCrlIssuerChain, tcbInfo, qeIdentity } = collateral
  const chains = [pckChain, pckCrlIssuerChain, tcbInfo.issuerChain, qeIdentity.issuerChain]
  const ends = [
    ...[rootCrl, pckCrl, tcbInfo.value, qeIdentity.value].map(({ nextUpdate }) => nextUpdate),
    ...chains.flat().map(({ notAfter }) => notAfter),
  ]
  return new Date(Math.min(...ends.map((end) => end.getTime())))
}

function masked(bytes: Uint8Array, mask: Uint8Array): Uint8Array {
  return bytes.map((byte, i) => byte & mask[i]!)
}

function mismatch(document: string, field: string, actual: string, expected: string) {
  return new RejectedError('COLLATERAL_MISMATCH', { document, field, actual, expected })
}
