/**
 * The certification data of a quote: the quoting enclave (QE) vouches for the attestation key, and a
 * PCK certificate for the QE. The certificate is there with its chain (type 5, which is all that TDX
 * platforms are known to give), or is only named (types 1 to 4): such a quote can be read and not
 * verified, because who verifies has no other way to the certificate.
 *
 * Source: Intel TDX DCAP quoting library API, appendix A.3.11; sgx_quote_3.h.
 */
import { concatBytes } from '../bytes.js'
import { InputError } from '../errors.js'
import { parsePemChain } from './pem.js'
import { CERTIFICATION, type FieldsOf, PCK_IDENTIFIERS, SGX_REPORT } from './quote-layouts.js'
import { malformed, type QuoteReader, wrongLength } from './quote-reader.js'

/** A QE report with certification data of its own. */
const QE_REPORT = 6
const PCK_CHAIN = 5
const PCK_CERTIFICATE = 4
const PCK_TYPES = [1, 2, 3, PCK_CERTIFICATE, PCK_CHAIN] as const
const SIGNATURE_BYTES = 64

/** The report of an enclave: of the quoting enclave (QE), or what an SGX quote is about. */
export type SgxReport = FieldsOf<typeof SGX_REPORT>

type PckIdentifier<Type extends keyof typeof PCK_IDENTIFIERS> = Readonly<{ type: Type }> &
  FieldsOf<(typeof PCK_IDENTIFIERS)[Type]>

/** Which PCK certificate it is, in place of its chain. */
export type PckReference =
  | PckIdentifier<1>
  | PckIdentifier<2>
  | PckIdentifier<3>
  /** The leaf alone, as it came. */
  | { readonly type: typeof PCK_CERTIFICATE; readonly certificate: Uint8Array }

/** Why the attestation key should be believed: the QE vouches for it, the PCK chain for the QE. */
export interface QeCertification {
  readonly qeReport: SgxReport
  /** r ‖ s by the PCK key, over the 384 bytes of `qeReport`. */
  readonly qeReportSignature: Uint8Array
  /** Hashed, after the attestation key, into the first half of the QE's report data. */
  readonly qeAuthData: Uint8Array
  /**
   * PEM: leaf, its CA, root, as they came (real chains often end with a zero byte). Empty where
   * `pckReference` is in its place.
   */
  readonly certificateChain: string
  readonly pckReference?: PckReference
}

/** What the PCK key signs. */
export function encodeSgxReport(report: SgxReport): Uint8Array {
  return SGX_REPORT.encode(report)
}

/** @param isNested - in certification data of type 6, as from version 4 on. */
export function parseCertification(section: QuoteReader, isNested: boolean): QeCertification {
  const outer = isNested ? section.certification('certificationData', [QE_REPORT]).data : section
  const qeReport = outer.read('qeReport', SGX_REPORT)
  const qeReportSignature = outer.take('qeReportSignature', SIGNATURE_BYTES).slice()
  const qeAuthData = outer.take('qeAuthData', outer.u16('qeAuthDataLength')).slice()
  const { type, data } = outer.certification('certificateChain', PCK_TYPES)
  const parts = { qeReport, qeReportSignature, qeAuthData }
  if (type === PCK_CHAIN) return { ...parts, certificateChain: parseChain(data) }
  return { ...parts, certificateChain: '', pckReference: parseReference(data, type) }
}

export function encodeCertification(
  { qeReport, qeReportSignature, qeAuthData, certificateChain, pckReference }: QeCertification,
  isNested: boolean,
): Uint8Array {
  if (qeReportSignature.length !== SIGNATURE_BYTES) {
    throw malformed('qeReportSignature', 0, `does not have ${SIGNATURE_BYTES} bytes`)
  }
  if (pckReference !== undefined && certificateChain !== '') {
    throw malformed('certificateChain', 0, 'is there, and so is what names it')
  }
  const certification = concatBytes(
    encodeSgxReport(qeReport),
    qeReportSignature,
    encodeU16LE('qeAuthDataLength', qeAuthData.length),
    qeAuthData,
    pckReference === undefined
      ? withHeader(PCK_CHAIN, encodeText(certificateChain))
      : withHeader(pckReference.type, encodeReference(pckReference)),
  )
  return isNested ? withHeader(QE_REPORT, certification) : certification
}

function parseReference(reader: QuoteReader, type: PckReference['type']): PckReference {
  const field = 'pckReference'
  const { offset, remaining } = reader
  const bytes = reader.take(field, remaining)
  if (type === PCK_CERTIFICATE) return { type, certificate: bytes.slice() }
  const table = PCK_IDENTIFIERS[type]
  if (bytes.length !== table.bytes) throw wrongLength(field, offset, table.bytes, bytes.length)
  return { type, ...table.parse(bytes) } as PckReference
}

function encodeReference(reference: PckReference): Uint8Array {
  switch (reference.type) {
    case 1:
      return PCK_IDENTIFIERS[1].encode(reference)
    case 2:
      return PCK_IDENTIFIERS[2].encode(reference)
    case 3:
      return PCK_IDENTIFIERS[3].encode(reference)
    case PCK_CERTIFICATE:
      return reference.certificate
  }
}

function parseChain(reader: QuoteReader): string {
  const start = reader.offset
  const bytes = reader.take('certificateChain', reader.remaining)
  const foreign = bytes.findIndex((byte) => byte > 0x7f)
  if (foreign !== -1) throw malformed('certificateChain', start + foreign, 'is not PEM text')
  const text = new TextDecoder('latin1').decode(bytes)
  try {
    parsePemChain(text)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const at = start + Number(error.details.offset)
    throw malformed('certificateChain', at, `is not PEM: ${error.details.reason}`, error)
  }
  return text
}

function withHeader(type: number, data: Uint8Array): Uint8Array {
  return concatBytes(CERTIFICATION.encode({ type, bytes: data.length }), data)
}

function encodeU16LE(field: string, value: number): Uint8Array {
  if (value > 0xffff) throw malformed(field, 0, 'is no u16')
  return Uint8Array.of(value & 0xff, value >>> 8)
}

function encodeText(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => {
    const code = character.charCodeAt(0)
    if (code > 0x7f) throw malformed('certificateChain', 0, 'is not PEM text')
    return code
  })
}
