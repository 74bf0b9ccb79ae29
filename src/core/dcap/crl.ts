/**
 * Certificate revocation lists as Intel issues them: version 2, complete (no delta, no scope), with
 * a number and the key identifier of their issuer.
 *
 * Source: RFC 5280, 5; Intel SGX PCK Certificate and CRL Profile Specification 1.5.
 */
import { type Hex, toHex } from '../bytes.js'
import { contextTag, TAG } from '../tdx/der.js'
import { OID } from '../tdx/oids.js'
import {
  type DistinguishedName,
  openSigned,
  readAlgorithm,
  readAuthorityKeyIdentifier,
  readExtensionList,
  readName,
  readSerialNumber,
  type SignedBytes,
} from './certificate.js'
import type { DerReader } from './der-reader.js'

const VERSION_2 = 1
/** RFC 5280, 5.2.3. */
const MAX_CRL_NUMBER_BYTES = 20
/** A critical extension of a list or an entry would narrow what it says; none is understood. */
const NO_CRITICAL_EXTENSION: ReadonlySet<string> = new Set()

export interface Crl extends SignedBytes {
  readonly issuer: DistinguishedName
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  /** Of the list: each one that an issuer makes has a higher one. */
  readonly number: bigint
  /** Serial numbers without leading zeros. */
  readonly revoked: ReadonlySet<Hex>
  readonly authorityKeyIdentifier: Uint8Array
}

/**
 * @param what - which list it is, for errors.
 * @throws InputError `DER_MALFORMED`
 */
export function parseCrl(der: Uint8Array, what: string): Crl {
  const { fields, ...signedBytes } = openSigned(der, what, 'tbsCertList')
  if (fields.number('version', VERSION_2) !== VERSION_2) throw fields.malformed('it is not v2')
  readAlgorithm(fields)
  const issuer = readName(fields, 'issuer')
  const [thisUpdate, nextUpdate] = [fields.time('thisUpdate'), fields.time('nextUpdate')]
  const revoked = fields.has(TAG.sequence)
    ? readRevoked(fields.sequence('revokedCertificates'))
    : new Set<Hex>()
  const extensions = readExtensionList(
    fields.enter(contextTag(0), 'crlExtensions'),
    NO_CRITICAL_EXTENSION,
  )
  fields.end('tbsCertList')
  const number = readNumber(extensions.get(OID.crlNumber) ?? missing('CRL number'))
  const authorityKeyIdentifier = readAuthorityKeyIdentifier(
    extensions.get(OID.authorityKeyIdentifier) ?? missing('authority key identifier'),
  )
  return { ...signedBytes, issuer, thisUpdate, nextUpdate, number, revoked, authorityKeyIdentifier }

  function missing(name: string): never {
    throw fields.malformed(`it has no ${name}`)
  }
}

function readNumber(reader: DerReader): bigint {
  const bytes = reader.unsigned('cRLNumber')
  if (bytes.length > MAX_CRL_NUMBER_BYTES) throw reader.malformed('cRLNumber is too long')
  reader.end('cRLNumber')
  return BigInt(toHex(bytes))
}

function readRevoked(entries: DerReader): Set<Hex> {
  const revoked = new Set<Hex>()
  while (!entries.isAtEnd) {
    const entry = entries.sequence('revokedCertificate')
    revoked.add(readSerialNumber(entry))
    entry.time('revocationDate')
    if (!entry.isAtEnd) {
      const extensions = entry.enter(TAG.sequence, 'crlEntryExtensions')
      while (!extensions.isAtEnd) refuseCritical(extensions.sequence('extension'))
    }
    entry.end('revokedCertificate')
  }
  return revoked
}

function refuseCritical(extension: DerReader): void {
  const oid = extension.objectIdentifier('extension')
  if (extension.flag('critical')) {
    throw extension.malformed(`extension ${oid} is critical`)
  }
  extension.octets('extension')
  extension.end('extension')
}
