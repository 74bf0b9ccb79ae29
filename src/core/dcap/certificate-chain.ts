/**
 * Who may issue what: chains from an end entity to the trusted root, each certificate in its role,
 * and the lists of what was revoked. docs/dcap.md names the source of each rule.
 */
import { equalBytes } from '../bytes.js'
import { RejectedError } from '../errors.js'
import { type Certificate, equalNames, KEY_USAGE, type SignedBytes } from './certificate.js'
import type { Crl } from './crl.js'
import { isSignedBy } from './primitives.js'
import { fingerprintOf, type TrustedRoot } from './trusted-root.js'

/** What a certificate must be in its place. */
interface Role {
  readonly title: string
  readonly commonNames: readonly string[]
  /** The longest path that it may allow below itself; absent in an end entity. */
  readonly pathLength?: number
}

const ROOT: Role = { title: 'root', commonNames: ['Intel SGX Root CA'], pathLength: 1 }
const PCK_CA: Role = {
  title: 'PCK CA',
  commonNames: ['Intel SGX PCK Platform CA', 'Intel SGX PCK Processor CA'],
  pathLength: 0,
}
const PCK: Role = { title: 'PCK certificate', commonNames: ['Intel SGX PCK Certificate'] }
const TCB_SIGNING: Role = {
  title: 'TCB signing certificate',
  commonNames: ['Intel SGX TCB Signing'],
}

/** The chains there are, from their end to the root; in this order and no other. */
const CHAINS = {
  pck: { title: 'PCK chain', roles: [PCK, PCK_CA, ROOT] },
  pckCrlIssuer: { title: "PCK CRL issuer's chain", roles: [PCK_CA, ROOT] },
  tcbInfoIssuer: { title: "TCB info issuer's chain", roles: [TCB_SIGNING, ROOT] },
  qeIdentityIssuer: { title: "QE identity issuer's chain", roles: [TCB_SIGNING, ROOT] },
} as const satisfies Record<string, { title: string; roles: readonly Role[] }>

export interface ChainOptions {
  readonly root: TrustedRoot
  readonly now: Date
}

/**
 * @returns the chain, whose certificates are what their places demand, valid now, and signed up to
 *   the trusted root. Whether they were revoked is not looked at.
 * @throws RejectedError `CHAIN_INCOMPLETE`, `ROOT_UNTRUSTED`, `CERTIFICATE_PROFILE`,
 *   `CERTIFICATE_EXPIRED`, `CERTIFICATE_SIGNATURE`
 */
export function verifyChain(
  name: keyof typeof CHAINS,
  chain: readonly Certificate[],
  { root, now }: ChainOptions,
): readonly Certificate[] {
  const { title, roles } = CHAINS[name]
  if (chain.length !== roles.length) {
    const expected = roles.map((role) => role.title).join(', ')
    throw new RejectedError('CHAIN_INCOMPLETE', { chain: title, have: chain.length, expected })
  }
  for (const [i, certificate] of chain.entries()) checkRole(certificate, roles[i]!, title)
  checkRoot(chain.at(-1)!, root, title)
  for (const [i, certificate] of chain.entries()) {
    const what = `${roles[i]!.title} of the ${title}`
    checkValidity(certificate, what, now)
    // The root is compared with the trusted one byte by byte; who signed it says nothing.
    if (i < chain.length - 1) checkIssuer(certificate, chain[i + 1]!, what)
  }
  return chain
}

/**
 * @returns the certificate, which is the trusted root, and valid now
 * @throws RejectedError `ROOT_UNTRUSTED`, `CERTIFICATE_PROFILE`, `CERTIFICATE_EXPIRED`
 */
export function verifyRoot(certificate: Certificate, { root, now }: ChainOptions): Certificate {
  const where = 'collateral'
  checkRole(certificate, ROOT, where)
  checkRoot(certificate, root, where)
  checkValidity(certificate, `${ROOT.title} of the ${where}`, now)
  return certificate
}

/**
 * @returns the list: signed by this issuer, of its name, and valid now.
 * @throws RejectedError `CRL_ISSUER`, `CRL_SIGNATURE`, `CRL_EXPIRED`
 */
export function verifyCrl(what: string, crl: Crl, issuer: Certificate, now: Date): Crl {
  const isIssuer =
    equalNames(crl.issuer, issuer.subject) &&
    equalBytes(crl.authorityKeyIdentifier, issuer.subjectKeyIdentifier ?? new Uint8Array(0)) &&
    issuer.keyUsage.includes(KEY_USAGE.crlSign)
  if (!isIssuer) {
    const expected = issuer.subject.commonName
    throw new RejectedError('CRL_ISSUER', { crl: what, issuer: crl.issuer.commonName, expected })
  }
  if (!isSigned(crl, issuer)) throw new RejectedError('CRL_SIGNATURE', { crl: what })
  const { thisUpdate, nextUpdate } = crl
  const outside = windowAround(now, thisUpdate, nextUpdate)
  if (outside !== undefined) throw new RejectedError('CRL_EXPIRED', { crl: what, ...outside })
  return crl
}

/** When something is valid, ends included, and when it is not; undefined if it is valid now. */
export function windowAround(
  now: Date,
  from: Date,
  until: Date,
): { from: string; until: string; now: string } | undefined {
  if (now >= from && now <= until) return undefined
  const shown = (date: Date) => date.toISOString().replace(/\.\d+Z$/, 'Z')
  return { from: shown(from), until: shown(until), now: shown(now) }
}

/** @throws RejectedError `CERTIFICATE_REVOKED` */
export function checkNotRevoked(certificate: Certificate, crl: Crl): void {
  if (!crl.revoked.has(certificate.serialNumber)) return
  const { subject, serialNumber } = certificate
  throw new RejectedError('CERTIFICATE_REVOKED', {
    certificate: subject.commonName,
    serialNumber,
    crl: crl.issuer.commonName,
  })
}

function checkRole(certificate: Certificate, role: Role, chain: string): void {
  const { subject, isCa, pathLength, keyUsage } = certificate
  const refuse = (reason: string): never => {
    const facts = { certificate: `${role.title} of the ${chain}`, reason }
    throw new RejectedError('CERTIFICATE_PROFILE', facts)
  }
  if (!role.commonNames.includes(subject.commonName)) {
    refuse(`is of "${printableName(subject.commonName)}", not of ${role.commonNames.join(' or ')}`)
  }
  const shouldBeCa = role.pathLength !== undefined
  if (isCa !== shouldBeCa) refuse(shouldBeCa ? 'is no CA' : 'is a CA')
  if (shouldBeCa && !(pathLength !== undefined && pathLength <= role.pathLength!)) {
    refuse(`allows a path of ${pathLength ?? 'any'} length below itself`)
  }
  const needed = shouldBeCa ? KEY_USAGE.keyCertSign : KEY_USAGE.digitalSignature
  if (!keyUsage.includes(needed)) refuse('may not sign what it should')
  if (!shouldBeCa && keyUsage.includes(KEY_USAGE.keyCertSign)) refuse('may sign certificates')
}

function checkRoot(certificate: Certificate, root: TrustedRoot, chain: string): void {
  const fingerprint = fingerprintOf(certificate.der)
  if (fingerprint === root.fingerprint) return
  throw new RejectedError('ROOT_UNTRUSTED', {
    chain,
    fingerprint,
    trusted: root.isIntel ? "Intel's" : 'the one given',
  })
}

function checkValidity({ notBefore, notAfter }: Certificate, what: string, now: Date): void {
  const outside = windowAround(now, notBefore, notAfter)
  if (outside === undefined) return
  throw new RejectedError('CERTIFICATE_EXPIRED', { certificate: what, ...outside })
}

function checkIssuer(certificate: Certificate, issuer: Certificate, what: string): void {
  const { authorityKeyIdentifier } = certificate
  const isNamed =
    equalNames(certificate.issuer, issuer.subject) &&
    authorityKeyIdentifier !== undefined &&
    equalBytes(authorityKeyIdentifier, issuer.subjectKeyIdentifier ?? new Uint8Array(0))
  if (isNamed && isSigned(certificate, issuer)) return
  throw new RejectedError('CERTIFICATE_SIGNATURE', {
    certificate: what,
    issuer: issuer.subject.commonName,
  })
}

function isSigned({ signed, signature }: SignedBytes, issuer: Certificate): boolean {
  return isSignedBy(issuer.publicKey, signed, signature)
}

/** A name from a certificate that nobody vouches for yet. */
function printableName(name: string): string {
  return name.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 64)
}
