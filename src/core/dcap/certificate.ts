/**
 * X.509 certificates as Intel issues them: version 3, P-256, ecdsa-with-SHA256, and no critical
 * extension that is not understood here. Reads structure; certificate-chain.ts says who may do what.
 *
 * Source: RFC 5280, 4.1; Intel SGX PCK Certificate and CRL Profile Specification 1.5.
 */
import { equalBytes, type Hex, toHex } from '../bytes.js'
import { contextTag, implicitTag, TAG } from '../tdx/der.js'
import { OID } from '../tdx/oids.js'
import { DerReader } from './der-reader.js'
import { PUBLIC_KEY_BYTES } from './primitives.js'

const VERSION_3 = 2
const UNCOMPRESSED_POINT = 0x04
const SCALAR_BYTES = 32
/** RFC 5280, 4.1.2.2. */
const MAX_SERIAL_BYTES = 20
const MAX_PATH_LENGTH = 255
/** RFC 5280, 4.2.1.3: bits of key usage that are looked at. */
export const KEY_USAGE = { digitalSignature: 0, keyCertSign: 5, crlSign: 6 } as const

export interface DistinguishedName {
  /** DER: names are compared by their bytes. */
  readonly der: Uint8Array
  readonly commonName: string
}

/** What certificates and CRLs have in common: who signed what. */
export interface SignedBytes {
  /** The bytes that are signed. */
  readonly signed: Uint8Array
  /** r ‖ s. */
  readonly signature: Uint8Array
}

export interface Certificate extends SignedBytes {
  readonly der: Uint8Array
  /** Without leading zeros. */
  readonly serialNumber: Hex
  readonly issuer: DistinguishedName
  readonly subject: DistinguishedName
  readonly notBefore: Date
  readonly notAfter: Date
  /** x ‖ y on P-256, not checked to be on the curve. */
  readonly publicKey: Uint8Array
  readonly isCa: boolean
  /** How many CAs may follow below this one. */
  readonly pathLength?: number
  /** Numbers of bits; empty without the extension. */
  readonly keyUsage: readonly number[]
  readonly subjectKeyIdentifier?: Uint8Array
  readonly authorityKeyIdentifier?: Uint8Array
  /** Contents of Intel's SGX extension, in PCK certificates. */
  readonly sgxExtension?: Uint8Array
}

/**
 * @param what - which certificate it is, for errors.
 * @throws InputError `DER_MALFORMED`
 */
export function parseCertificate(der: Uint8Array, what: string): Certificate {
  const { fields, ...signedBytes } = openSigned(der, what, 'tbsCertificate')
  const version = fields.enter(contextTag(0), 'version')
  if (version.number('version', VERSION_3) !== VERSION_3) throw version.malformed('it is not v3')
  version.end('version')
  const serialNumber = readSerialNumber(fields)
  readAlgorithm(fields)
  const issuer = readName(fields, 'issuer')
  const validity = fields.sequence('validity')
  const [notBefore, notAfter] = [validity.time('notBefore'), validity.time('notAfter')]
  validity.end('validity')
  const subject = readName(fields, 'subject')
  const publicKey = readPublicKey(fields)
  const extensions = readExtensions(fields.enter(contextTag(3), 'extensions'))
  fields.end('tbsCertificate')
  return {
    ...{ der, ...signedBytes, serialNumber, issuer, subject, notBefore, notAfter, publicKey },
    ...extensions,
  }
}

/**
 * What certificates and CRLs begin and end with.
 *
 * @param name - of the part that is signed.
 * @returns the signed bytes, their signature, and a reader of the signed fields.
 */
export function openSigned(
  der: Uint8Array,
  what: string,
  name: string,
): SignedBytes & { readonly fields: DerReader } {
  const outer = new DerReader(der, what)
  const whole = outer.sequence(what)
  outer.end(what)
  const signed = whole.whole(TAG.sequence, name)
  const signature = readSignature(whole)
  whole.end(what)
  const base = der.length - whole.bytes.length
  return { signed, signature, fields: new DerReader(signed, what, base).sequence(name) }
}

export function readSerialNumber(reader: DerReader): Hex {
  const serial = reader.unsigned('serialNumber')
  if (serial.length > MAX_SERIAL_BYTES) throw reader.malformed('serialNumber is too long')
  return toHex(serial)
}

export function readAlgorithm(reader: DerReader): void {
  const algorithm = reader.sequence('signatureAlgorithm')
  const oid = algorithm.objectIdentifier('signatureAlgorithm')
  if (oid !== OID.ecdsaWithSha256) {
    throw algorithm.malformed(`the signature algorithm is ${oid}, not ecdsa-with-SHA256`)
  }
  algorithm.end('signatureAlgorithm')
}

/** The algorithm and value at the end of what is signed. */
function readSignature(reader: DerReader): Uint8Array {
  readAlgorithm(reader)
  const value = new DerReader(reader.bits('signatureValue'), reader.what)
  const numbers = value.sequence('signatureValue')
  value.end('signatureValue')
  const signature = new Uint8Array(2 * SCALAR_BYTES)
  for (const end of [SCALAR_BYTES, 2 * SCALAR_BYTES]) {
    const scalar = numbers.unsigned('signatureValue')
    if (scalar.length > SCALAR_BYTES) throw numbers.malformed('signatureValue is too long')
    signature.set(scalar, end - scalar.length)
  }
  numbers.end('signatureValue')
  return signature
}

export function readName(reader: DerReader, name: string): DistinguishedName {
  const der = reader.whole(TAG.sequence, name)
  const attributes = new DerReader(der, reader.what).sequence(name)
  const commonNames: string[] = []
  while (!attributes.isAtEnd) {
    const set = attributes.enter(TAG.set, name)
    const attribute = set.sequence(name)
    set.end(name)
    const oid = attribute.objectIdentifier(name)
    const tag = attribute.has(TAG.utf8String) ? TAG.utf8String : TAG.printableString
    const text = decodeText(attribute.take(tag, name), attribute)
    attribute.end(name)
    if (oid === OID.commonName) commonNames.push(text)
  }
  const [commonName] = commonNames
  if (commonName === undefined || commonNames.length > 1) {
    throw reader.malformed(`${name} has ${commonNames.length} common names`)
  }
  return { der, commonName }
}

/**
 * Extensions by OID. A critical one that the caller does not name is refused, as RFC 5280 demands.
 *
 * @param reader - of what holds the sequence of extensions.
 */
export function readExtensionList(
  reader: DerReader,
  known: ReadonlySet<string>,
): Map<string, DerReader> {
  const found = new Map<string, DerReader>()
  const list = reader.sequence('extensions')
  reader.end('extensions')
  while (!list.isAtEnd) {
    const extension = list.sequence('extension')
    const oid = extension.objectIdentifier('extension')
    const isCritical = extension.flag('critical')
    const value = extension.enter(TAG.octetString, `extension ${oid}`)
    extension.end('extension')
    if (found.has(oid)) throw list.malformed(`extension ${oid} is there twice`)
    if (isCritical && !known.has(oid)) throw list.malformed(`extension ${oid} is critical`)
    found.set(oid, value)
  }
  return found
}

/** Contents of an authority key identifier: the key's, and nothing else. */
export function readAuthorityKeyIdentifier(reader: DerReader): Uint8Array {
  const identifier = reader.sequence('authorityKeyIdentifier')
  reader.end('authorityKeyIdentifier')
  const keyIdentifier = identifier.take(implicitTag(0), 'keyIdentifier')
  identifier.end('authorityKeyIdentifier')
  return keyIdentifier
}

export function equalNames(a: DistinguishedName, b: DistinguishedName): boolean {
  return equalBytes(a.der, b.der)
}

const KNOWN_EXTENSIONS: ReadonlySet<string> = new Set([OID.keyUsage, OID.basicConstraints])

function readExtensions(
  reader: DerReader,
): Omit<Certificate, keyof SignedBytes | 'der' | 'serialNumber' | 'publicKey' | NameAndTime> {
  const extensions = readExtensionList(reader, KNOWN_EXTENSIONS)
  const read = <T>(oid: string, parse: (value: DerReader) => T): T | undefined => {
    const value = extensions.get(oid)
    return value === undefined ? undefined : parse(value)
  }
  const subjectKeyIdentifier = read(OID.subjectKeyIdentifier, (value) => {
    const identifier = value.octets('subjectKeyIdentifier')
    value.end('subjectKeyIdentifier')
    return identifier
  })
  const authorityKeyIdentifier = read(OID.authorityKeyIdentifier, readAuthorityKeyIdentifier)
  const keyUsage = read(OID.keyUsage, (value) => {
    const usage = value.namedBits('keyUsage')
    value.end('keyUsage')
    return usage
  })
  const sgxExtension = read(OID.sgx, (value) => value.bytes)
  return {
    ...(read(OID.basicConstraints, readBasicConstraints) ?? { isCa: false }),
    keyUsage: keyUsage ?? [],
    ...(subjectKeyIdentifier !== undefined && { subjectKeyIdentifier }),
    ...(authorityKeyIdentifier !== undefined && { authorityKeyIdentifier }),
    ...(sgxExtension !== undefined && { sgxExtension }),
  }
}
type NameAndTime = 'issuer' | 'subject' | 'notBefore' | 'notAfter'

function readBasicConstraints(reader: DerReader): { isCa: boolean; pathLength?: number } {
  const constraints = reader.sequence('basicConstraints')
  reader.end('basicConstraints')
  const isCa = constraints.flag('cA')
  const pathLength = constraints.isAtEnd
    ? undefined
    : constraints.number('pathLength', MAX_PATH_LENGTH)
  constraints.end('basicConstraints')
  if (!isCa && pathLength !== undefined) {
    throw constraints.malformed('basicConstraints has a path length and is no CA')
  }
  return { isCa, ...(pathLength !== undefined && { pathLength }) }
}

function readPublicKey(reader: DerReader): Uint8Array {
  const info = reader.sequence('subjectPublicKeyInfo')
  const algorithm = info.sequence('algorithm')
  const oids = [algorithm.objectIdentifier('algorithm'), algorithm.objectIdentifier('curve')]
  algorithm.end('algorithm')
  if (oids[0] !== OID.ecPublicKey || oids[1] !== OID.p256) {
    throw info.malformed(`the key is ${oids.join(', ')}, not on P-256`)
  }
  const point = info.bits('subjectPublicKey')
  info.end('subjectPublicKeyInfo')
  if (point[0] !== UNCOMPRESSED_POINT || point.length !== 1 + PUBLIC_KEY_BYTES) {
    throw info.malformed('the key is no uncompressed point')
  }
  return point.subarray(1)
}

function decodeText(bytes: Uint8Array, reader: DerReader): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw reader.malformed('a name is not UTF-8')
  }
}
