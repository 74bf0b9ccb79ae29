/**
 * Collateral: what Intel signs about platforms, and what a quote is verified with. One JSON file
 * holds it in the form of dcap-qvl, so that files can be exchanged with that library. Reads
 * structure; verify-collateral.ts says what is believed.
 */
import { fromHex, type Hex, isHex, toHex } from '../bytes.js'
import { InputError, UnavailableError } from '../errors.js'
import { parsePemChain } from '../tdx/pem.js'
import { type Certificate, parseCertificate } from './certificate.js'
import { type Crl, parseCrl } from './crl.js'
import { JsonFields } from './json-fields.js'
import { SIGNATURE_BYTES } from './primitives.js'
import { parseQeIdentity, type QeIdentity } from './qe-identity.js'
import { parseTcbInfo, type TcbInfo } from './tcb-info.js'

/** Far more than any document has; Intel's largest CRLs are some hundred kilobytes. */
export const MAX_COLLATERAL_BYTES = 16 * 2 ** 20
const MAX_CHAIN_CERTIFICATES = 4

/** The file's fields: PEM chains, hex without 0x, and signed JSON exactly as it was signed. */
export interface CollateralDocuments {
  readonly pck_crl_issuer_chain: string
  readonly root_ca_crl: string
  readonly pck_crl: string
  readonly tcb_info_issuer_chain: string
  readonly tcb_info: string
  readonly tcb_info_signature: string
  readonly qe_identity_issuer_chain: string
  readonly qe_identity: string
  readonly qe_identity_signature: string
}

const DOCUMENT_NAMES = [
  'pck_crl_issuer_chain',
  'root_ca_crl',
  'pck_crl',
  'tcb_info_issuer_chain',
  'tcb_info',
  'tcb_info_signature',
  'qe_identity_issuer_chain',
  'qe_identity',
  'qe_identity_signature',
] as const satisfies readonly (keyof CollateralDocuments)[]

/** A signed JSON document. */
export interface Statement<T> {
  readonly value: T
  /** What is signed: the text as it came. */
  readonly signed: Uint8Array
  /** r ‖ s. */
  readonly signature: Uint8Array
  /** Signer, root. */
  readonly issuerChain: readonly Certificate[]
}

export interface Collateral {
  readonly documents: CollateralDocuments
  readonly rootCrl: Crl
  readonly pckCrl: Crl
  /** Issuer of the PCK CRL, root. */
  readonly pckCrlIssuerChain: readonly Certificate[]
  readonly tcbInfo: Statement<TcbInfo>
  readonly qeIdentity: Statement<QeIdentity>
}

/**
 * @param bytes - the file.
 * @throws InputError `COLLATERAL_MALFORMED`, `DER_MALFORMED`
 */
export function parseCollateral(bytes: Uint8Array): Collateral {
  if (bytes.length > MAX_COLLATERAL_BYTES) {
    throw malformed('file', `has more than ${MAX_COLLATERAL_BYTES} bytes`)
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw malformed('file', 'is not UTF-8', error)
  }
  const fields = JsonFields.parse('file', text)
  const entries = DOCUMENT_NAMES.map((name) => [name, fields.text(name)])
  return openCollateral(Object.fromEntries(entries) as CollateralDocuments)
}

/** @throws InputError `COLLATERAL_MALFORMED`, `DER_MALFORMED` */
export function openCollateral(documents: CollateralDocuments): Collateral {
  return {
    documents,
    rootCrl: parseCrl(readHex(documents, 'root_ca_crl'), 'root CRL'),
    pckCrl: parseCrl(readHex(documents, 'pck_crl'), 'PCK CRL'),
    pckCrlIssuerChain: readChain(documents, 'pck_crl_issuer_chain'),
    tcbInfo: readStatement(documents, 'tcb_info', parseTcbInfo),
    qeIdentity: readStatement(documents, 'qe_identity', parseQeIdentity),
  }
}

/**
 * The same of what came from elsewhere, whose fault it is if it is none.
 *
 * @param source - where it came from, for the error.
 * @throws UnavailableError `PCS_ANSWER`
 */
export function openFetched(documents: CollateralDocuments, source: string): Collateral {
  try {
    return openCollateral(documents)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw new UnavailableError('PCS_ANSWER', { url: source, reason: error.message }, error)
  }
}

export function encodeCollateral({ documents }: Pick<Collateral, 'documents'>): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(documents, undefined, 1)}\n`)
}

export function hexWithoutPrefix(bytes: Uint8Array): string {
  return toHex(bytes).slice(2)
}

function readStatement<T>(
  documents: CollateralDocuments,
  name: 'tcb_info' | 'qe_identity',
  parse: (text: string) => T,
): Statement<T> {
  const signature = readHex(documents, `${name}_signature`)
  if (signature.length !== SIGNATURE_BYTES) {
    throw malformed(`${name}_signature`, `does not have ${SIGNATURE_BYTES} bytes`)
  }
  return {
    value: parse(documents[name]),
    signed: new TextEncoder().encode(documents[name]),
    signature,
    issuerChain: readChain(documents, `${name}_issuer_chain`),
  }
}

function readChain(
  documents: CollateralDocuments,
  name: keyof CollateralDocuments,
): readonly Certificate[] {
  let chain: Uint8Array[]
  try {
    chain = parsePemChain(documents[name])
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw malformed(name, `is no PEM chain: ${String(error.details.reason)}`, error)
  }
  if (chain.length > MAX_CHAIN_CERTIFICATES) {
    throw malformed(name, `has ${chain.length} certificates`)
  }
  return chain.map((der, i) => parseCertificate(der, `certificate ${i} of ${name}`))
}

function readHex(documents: CollateralDocuments, name: keyof CollateralDocuments): Uint8Array {
  const hex: Hex = `0x${documents[name]}`
  if (hex === '0x') throw malformed(name, 'is empty')
  if (!isHex(hex)) throw malformed(name, 'is not hex')
  return fromHex(hex)
}

function malformed(document: string, reason: string, cause?: unknown) {
  return new InputError('COLLATERAL_MALFORMED', { document, path: '', reason }, cause)
}
