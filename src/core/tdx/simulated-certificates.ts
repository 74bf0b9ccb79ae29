/**
 * Certificates of a simulated platform, in the shape of Intel's (X.509 v3, P-256, SHA-256; the same
 * extensions in the same order) and marked as simulated in every subject and issuer.
 *
 * Source: Intel SGX PCK Certificate and CRL Profile Specification 1.5 and real PCK chains.
 */
import { p256 } from '@noble/curves/nist.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes } from '../bytes.js'
import * as der from './der.js'
import { OID } from './oids.js'
import { SIMULATED_ORGANIZATION } from './simulated-mark.js'

const VERSION_3 = 2
const CRL_VERSION_2 = 1
const KEY_COMPROMISE = 1
const SERIAL_BYTES = 20
const KEY_IDENTIFIER_BYTES = 20
const TCB_COMPONENTS = 16

/** A P-256 key and what it signs. */
export interface P256Key {
  /** x ‖ y, 64 bytes. */
  readonly publicKey: Uint8Array
  /** r ‖ s over SHA-256 of the message; the same message gives the same signature (RFC 6979). */
  sign(message: Uint8Array): Uint8Array
}

/** A name that signs certificates and CRLs. */
export interface Issuer {
  readonly commonName: string
  readonly key: P256Key
}

export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

export interface CertificateTemplate {
  readonly commonName: string
  readonly publicKey: Uint8Array
  readonly issuer: Issuer
  readonly validity: Validity
  /** Where a CRL would be; nothing of the kind exists. */
  readonly crlUrl: string
  /** How many CAs may follow below this one; absent in an end entity. */
  readonly pathLength?: number
  /** Contents of the SGX extension, in PCK certificates. */
  readonly sgxExtension?: Uint8Array
}

/** What the SGX extension of a PCK certificate says of the platform. */
export interface PckPlatform {
  /** 16 bytes. */
  readonly ppid: Uint8Array
  /** 16 component SVNs; also written as one octet string. */
  readonly cpuSvn: Uint8Array
  readonly pceSvn: number
  /** 2 bytes. */
  readonly pceId: Uint8Array
  /** 6 bytes. */
  readonly fmspc: Uint8Array
  /** 16 bytes. */
  readonly platformInstanceId: Uint8Array
}

/** @param secretKey - 32 bytes, big-endian, in the curve's range. */
export function createP256Key(secretKey: Uint8Array): P256Key {
  return {
    publicKey: p256.getPublicKey(secretKey, false).slice(1),
    // As Intel signs: s is not made low.
    sign: (message) => p256.sign(message, secretKey, { prehash: true, lowS: false }),
  }
}

/** @returns DER. */
export function encodeCertificate(template: CertificateTemplate): Uint8Array {
  const { commonName, publicKey, issuer, validity } = template
  const algorithm = der.sequence(der.objectIdentifier(OID.ecdsaWithSha256))
  const toBeSigned = der.sequence(
    der.explicit(0, der.integer(VERSION_3)),
    der.integer(serialOf(commonName, publicKey)),
    algorithm,
    encodeName(issuer.commonName),
    der.sequence(der.time(validity.notBefore), der.time(validity.notAfter)),
    encodeName(commonName),
    encodePublicKey(publicKey),
    der.explicit(3, der.sequence(...encodeExtensions(template))),
  )
  const signature = encodeEcdsaSignature(issuer.key.sign(toBeSigned))
  return der.sequence(toBeSigned, algorithm, der.bitString(signature))
}

export interface CrlTemplate {
  readonly issuer: Issuer
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  /** Certificates that are revoked, by what their serial numbers are made of. */
  readonly revoked: readonly { readonly commonName: string; readonly publicKey: Uint8Array }[]
}

/** @returns DER; always the first list of its issuer. */
export function encodeCrl({ issuer, thisUpdate, nextUpdate, revoked }: CrlTemplate): Uint8Array {
  const algorithm = der.sequence(der.objectIdentifier(OID.ecdsaWithSha256))
  const entries = revoked.map(({ commonName, publicKey }) =>
    der.sequence(
      der.integer(serialOf(commonName, publicKey)),
      der.time(thisUpdate),
      der.sequence(extension(OID.reasonCode, der.enumerated(KEY_COMPROMISE))),
    ),
  )
  const toBeSigned = der.sequence(
    der.integer(CRL_VERSION_2),
    algorithm,
    encodeName(issuer.commonName),
    der.time(thisUpdate),
    der.time(nextUpdate),
    // Absent where nothing is revoked (RFC 5280, 5.1.2.6).
    ...(entries.length === 0 ? [] : [der.sequence(...entries)]),
    der.explicit(
      0,
      der.sequence(
        extension(OID.crlNumber, der.integer(1)),
        extension(
          OID.authorityKeyIdentifier,
          der.sequence(der.implicit(0, keyIdentifierOf(issuer.key.publicKey))),
        ),
      ),
    ),
  )
  const signature = encodeEcdsaSignature(issuer.key.sign(toBeSigned))
  return der.sequence(toBeSigned, algorithm, der.bitString(signature))
}

/** The extension's contents: seven entries, as in certificates issued by a platform CA. */
export function encodeSgxExtension(platform: PckPlatform): Uint8Array {
  const { cpuSvn } = platform
  const components = Array.from({ length: TCB_COMPONENTS }, (_, i) =>
    sgxEntry(`2.${i + 1}`, der.integer(cpuSvn[i]!)),
  )
  const tcb = der.sequence(
    ...components,
    sgxEntry('2.17', der.integer(platform.pceSvn)),
    sgxEntry('2.18', der.octetString(cpuSvn)),
  )
  const configuration = der.sequence(
    sgxEntry('7.1', der.boolean(true)), // dynamic platform
    sgxEntry('7.2', der.boolean(true)), // cached keys
    sgxEntry('7.3', der.boolean(true)), // SMT
  )
  return der.sequence(
    sgxEntry('1', der.octetString(platform.ppid)),
    sgxEntry('2', tcb),
    sgxEntry('3', der.octetString(platform.pceId)),
    sgxEntry('4', der.octetString(platform.fmspc)),
    sgxEntry('5', der.enumerated(1)), // scalable
    sgxEntry('6', der.octetString(platform.platformInstanceId)),
    sgxEntry('7', configuration),
  )
}

function sgxEntry(arc: string, value: Uint8Array): Uint8Array {
  return der.sequence(der.objectIdentifier(`${OID.sgx}.${arc}`), value)
}

function encodeExtensions(template: CertificateTemplate): Uint8Array[] {
  const { publicKey, issuer, crlUrl, pathLength, sgxExtension } = template
  const isCa = pathLength !== undefined
  const extensions = [
    extension(
      OID.authorityKeyIdentifier,
      der.sequence(der.implicit(0, keyIdentifierOf(issuer.key.publicKey))),
    ),
    extension(OID.crlDistributionPoints, encodeCrlDistributionPoint(crlUrl)),
    extension(OID.subjectKeyIdentifier, der.octetString(keyIdentifierOf(publicKey))),
    criticalExtension(OID.keyUsage, encodeKeyUsage(isCa)),
    criticalExtension(
      OID.basicConstraints,
      isCa ? der.sequence(der.boolean(true), der.integer(pathLength)) : der.sequence(),
    ),
  ]
  return sgxExtension === undefined ? extensions : [...extensions, extension(OID.sgx, sgxExtension)]
}

function extension(oid: string, value: Uint8Array): Uint8Array {
  return der.sequence(der.objectIdentifier(oid), der.octetString(value))
}

function criticalExtension(oid: string, value: Uint8Array): Uint8Array {
  return der.sequence(der.objectIdentifier(oid), der.boolean(true), der.octetString(value))
}

/** keyCertSign and cRLSign (bits 5, 6), or digitalSignature and nonRepudiation (bits 0, 1). */
function encodeKeyUsage(isCa: boolean): Uint8Array {
  return isCa
    ? der.bitString(Uint8Array.of(0b0000_0110), 1)
    : der.bitString(Uint8Array.of(0b1100_0000), 6)
}

function encodeCrlDistributionPoint(url: string): Uint8Array {
  const uri = der.implicit(6, new TextEncoder().encode(url))
  return der.sequence(der.sequence(der.explicit(0, der.explicit(0, uri))))
}

function encodeName(commonName: string): Uint8Array {
  const attribute = (oid: string, value: string) =>
    der.setOf(der.sequence(der.objectIdentifier(oid), der.utf8String(value)))
  return der.sequence(
    attribute(OID.commonName, commonName),
    attribute(OID.organization, SIMULATED_ORGANIZATION),
  )
}

function encodePublicKey(publicKey: Uint8Array): Uint8Array {
  const algorithm = der.sequence(
    der.objectIdentifier(OID.ecPublicKey),
    der.objectIdentifier(OID.p256),
  )
  return der.sequence(algorithm, der.bitString(uncompressed(publicKey)))
}

function encodeEcdsaSignature(signature: Uint8Array): Uint8Array {
  return der.sequence(der.integer(signature.subarray(0, 32)), der.integer(signature.subarray(32)))
}

/** Method 1 of RFC 7093: the first 160 bits of SHA-256 over the key. */
function keyIdentifierOf(publicKey: Uint8Array): Uint8Array {
  return sha256(uncompressed(publicKey)).slice(0, KEY_IDENTIFIER_BYTES)
}

/** Positive, and always as long as RFC 5280 allows. */
function serialOf(commonName: string, publicKey: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode(commonName)
  const serial = sha256(concatBytes(name, publicKey)).slice(0, SERIAL_BYTES)
  serial[0] = (serial[0]! & 0x3f) | 0x40
  return serial
}

function uncompressed(publicKey: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(0x04), publicKey)
}
