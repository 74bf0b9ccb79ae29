/**
 * TDX quotes as bytes and as values: version 4 with a TD 1.0 body, version 5 with a TD 1.0 or 1.5
 * body. What Intel's C++ calls TDReport10 is the `TdQuoteBody` here, as in go-tdx-guest; a TDREPORT,
 * the local 1,024-byte structure, is something else.
 *
 * Reads structure only: no signature, certificate or measurement is believed or refused here.
 * Source: Intel TDX DCAP quoting library API, appendix A.3 (version 4) and A.4 (version 5).
 */
import { concatBytes, encodeU32LE, viewOf } from '../bytes.js'
import { InputError } from '../errors.js'
import { type Fields, type Layout, layout, type ValuesOf } from './layout.js'
import { parsePemChain } from './pem.js'

const VERSIONS = [4, 5] as const
/** ECDSA over P-256 with SHA-256. */
const ECDSA_P256 = 2
const TEE_TDX = 0x81
/** Certification data types: a QE report with certification data of its own; a PEM chain. */
const QE_REPORT_CERTIFICATION = 6
const PCK_CHAIN_CERTIFICATION = 5

const HEADER = layout(48, [
  ['version', 'u16'],
  ['attestationKeyType', 'u16'],
  ['teeType', 'u32'],
  ['qeSvn', 'u16'],
  ['pceSvn', 'u16'],
  ['qeVendorId', 16],
  ['userData', 20],
])

/** Between header and body, from version 5 on. */
const BODY_DESCRIPTOR = layout(6, [
  ['bodyType', 'u16'],
  ['bodyBytes', 'u32'],
])

const TD10_FIELDS = [
  ['teeTcbSvn', 16],
  ['mrSeam', 48],
  ['mrSignerSeam', 48],
  ['seamAttributes', 8],
  ['tdAttributes', 8],
  ['xfam', 8],
  ['mrtd', 48],
  ['mrConfigId', 48],
  ['mrOwner', 48],
  ['mrOwnerConfig', 48],
  ['rtmr0', 48],
  ['rtmr1', 48],
  ['rtmr2', 48],
  ['rtmr3', 48],
  ['reportData', 64],
] as const satisfies Fields

const TD15_FIELDS = [
  ...TD10_FIELDS,
  ['teeTcbSvn2', 16],
  ['mrServiceTd', 48],
] as const satisfies Fields

export const TD10_BODY_TYPE = 2
export const TD15_BODY_TYPE = 3
const TD10_BODY = layout(584, TD10_FIELDS)
const TD15_BODY = layout(648, TD15_FIELDS)

const SGX_REPORT = layout(384, [
  ['cpuSvn', 16],
  ['miscSelect', 4],
  ['reserved1', 28],
  ['attributes', 16],
  ['mrEnclave', 32],
  ['reserved2', 32],
  ['mrSigner', 32],
  ['reserved3', 96],
  ['isvProdId', 'u16'],
  ['isvSvn', 'u16'],
  ['reserved4', 60],
  ['reportData', 64],
])

/** Where the signature section begins. */
const SIGNATURE = layout(128, [
  ['signature', 64],
  ['attestationKey', 64],
])

const CERTIFICATION = layout(6, [
  ['type', 'u16'],
  ['bytes', 'u32'],
])

export const REPORT_DATA_BYTES = 64

type FieldsOf<L> = L extends Layout<infer F> ? ValuesOf<F> : never

/** `qeSvn` and `pceSvn` are 0 in TDX quotes; they have a meaning in SGX quotes of version 3. */
export interface QuoteHeader extends FieldsOf<typeof HEADER> {
  readonly version: (typeof VERSIONS)[number]
  readonly attestationKeyType: typeof ECDSA_P256
  readonly teeType: typeof TEE_TDX
}

export interface Td10QuoteBody extends ValuesOf<typeof TD10_FIELDS> {
  readonly bodyType: typeof TD10_BODY_TYPE
}

export interface Td15QuoteBody extends ValuesOf<typeof TD15_FIELDS> {
  readonly bodyType: typeof TD15_BODY_TYPE
}

/** What the TDX module says of a TD. In version 4 the body type is not written, and always TD 1.0. */
export type TdQuoteBody = Td10QuoteBody | Td15QuoteBody

/** The report of the quoting enclave (QE); `mrSigner` and `isvSvn` are what collateral speaks of. */
export type SgxReport = FieldsOf<typeof SGX_REPORT>

/** Why the attestation key should be believed: the QE vouches for it, the PCK chain for the QE. */
export interface QeCertification {
  readonly qeReport: SgxReport
  /** r ‖ s by the PCK key, over the 384 bytes of `qeReport`. */
  readonly qeReportSignature: Uint8Array
  /** Hashed, after the attestation key, into the first half of the QE's report data. */
  readonly qeAuthData: Uint8Array
  /** PEM: leaf, its CA, root, as they came (real chains often end with a zero byte). */
  readonly certificateChain: string
}

export interface Quote {
  readonly header: QuoteHeader
  readonly body: TdQuoteBody
  /** r ‖ s by the attestation key, over `encodeSignedBytes`. */
  readonly signature: Uint8Array
  /** x ‖ y on P-256, not checked to be on the curve. */
  readonly attestationKey: Uint8Array
  readonly certificationData: QeCertification
  /** How many zero bytes follow; some platforms pad. Not signed. */
  readonly trailingZeroBytes: number
}

/**
 * @returns a value that shares no memory with `bytes`.
 * @throws InputError, each with `field` and `offset` (from the quote's first byte)
 *   `QUOTE_TRUNCATED` the input ends too early
 *   `QUOTE_UNSUPPORTED` version, TEE, key, body or certification type
 *   `QUOTE_LENGTH` a length inside does not fit what it counts
 *   `QUOTE_MALFORMED` the certificate chain is not PEM
 *   `QUOTE_TRAILING` something other than zeros follows
 */
export function parseQuote(bytes: Uint8Array): Quote {
  const reader = new QuoteReader(bytes)
  const header = parseHeader(reader)
  const body = parseBody(reader, header.version)
  const section = reader.section('signatureSection', reader.u32('signatureSectionLength'))
  const { signature, attestationKey } = section.read('signature', SIGNATURE)
  const certificationData = parseCertificationData(section)
  const trailingZeroBytes = parsePadding(reader)
  return { header, body, signature, attestationKey, certificationData, trailingZeroBytes }
}

/** @throws InputError `QUOTE_MALFORMED`, `QUOTE_UNSUPPORTED` no quote has such values. */
export function encodeQuote(quote: Quote): Uint8Array {
  const { qeReport, qeReportSignature, qeAuthData, certificateChain } = quote.certificationData
  requireLength('qeReportSignature', qeReportSignature, 64)
  const chain = encodeText(certificateChain)
  const qeCertification = concatBytes(
    encodeSgxReport(qeReport),
    qeReportSignature,
    encodeU16LE('qeAuthDataLength', qeAuthData.length),
    qeAuthData,
    CERTIFICATION.encode({ type: PCK_CHAIN_CERTIFICATION, bytes: chain.length }),
    chain,
  )
  const section = concatBytes(
    SIGNATURE.encode(quote),
    CERTIFICATION.encode({ type: QE_REPORT_CERTIFICATION, bytes: qeCertification.length }),
    qeCertification,
  )
  const padding = new Uint8Array(quote.trailingZeroBytes)
  return concatBytes(encodeSignedBytes(quote), encodeU32LE(section.length), section, padding)
}

/** What the attestation key signs: header, descriptor (version 5) and body; nothing after them. */
export function encodeSignedBytes({ header, body }: Pick<Quote, 'header' | 'body'>): Uint8Array {
  const { bodyType } = body
  if (header.version === 4 && bodyType !== TD10_BODY_TYPE) {
    throw unsupported('bodyType', HEADER.bytes, bodyType, `${TD10_BODY_TYPE} (in version 4)`)
  }
  const encodedBody = bodyType === TD15_BODY_TYPE ? TD15_BODY.encode(body) : TD10_BODY.encode(body)
  const descriptor =
    header.version === 4
      ? new Uint8Array(0)
      : BODY_DESCRIPTOR.encode({ bodyType, bodyBytes: encodedBody.length })
  return concatBytes(HEADER.encode(header), descriptor, encodedBody)
}

/** What the PCK key signs. */
export function encodeSgxReport(report: SgxReport): Uint8Array {
  return SGX_REPORT.encode(report)
}

function parseHeader(reader: QuoteReader): QuoteHeader {
  const header = reader.read('header', HEADER)
  const { version, teeType, attestationKeyType } = header
  const { offsets } = HEADER
  if (version !== 4 && version !== 5) {
    throw unsupported('version', offsets.version, version, VERSIONS.join(', '))
  }
  if (attestationKeyType !== ECDSA_P256) {
    const supported = `${ECDSA_P256} (ECDSA P-256)`
    const offset = offsets.attestationKeyType
    throw unsupported('attestationKeyType', offset, attestationKeyType, supported)
  }
  if (teeType !== TEE_TDX) {
    throw unsupported('teeType', offsets.teeType, teeType, `${TEE_TDX} (TDX)`)
  }
  return { ...header, version, attestationKeyType, teeType }
}

function parseBody(reader: QuoteReader, version: QuoteHeader['version']): TdQuoteBody {
  if (version === 4) return readTd10Body(reader)
  const start = reader.offset
  const { bodyType, bodyBytes } = reader.read('bodyDescriptor', BODY_DESCRIPTOR)
  const table = { [TD10_BODY_TYPE]: TD10_BODY, [TD15_BODY_TYPE]: TD15_BODY }[bodyType]
  if (table === undefined) {
    const supported = `${TD10_BODY_TYPE} (TD 1.0), ${TD15_BODY_TYPE} (TD 1.5)`
    throw unsupported('bodyType', start + BODY_DESCRIPTOR.offsets.bodyType, bodyType, supported)
  }
  if (bodyBytes !== table.bytes) {
    const offset = start + BODY_DESCRIPTOR.offsets.bodyBytes
    throw wrongLength('body', offset, bodyBytes, table.bytes)
  }
  if (bodyType === TD10_BODY_TYPE) return readTd10Body(reader)
  return { bodyType: TD15_BODY_TYPE, ...reader.read('body', TD15_BODY) }
}

function readTd10Body(reader: QuoteReader): Td10QuoteBody {
  return { bodyType: TD10_BODY_TYPE, ...reader.read('body', TD10_BODY) }
}

function parseCertificationData(section: QuoteReader): QeCertification {
  const outer = section.certification('certificationData', QE_REPORT_CERTIFICATION)
  const qeReport = outer.read('qeReport', SGX_REPORT)
  const qeReportSignature = outer.take('qeReportSignature', 64).slice()
  const qeAuthData = outer.take('qeAuthData', outer.u16('qeAuthDataLength')).slice()
  const inner = outer.certification('certificateChain', PCK_CHAIN_CERTIFICATION)
  const certificateChain = parseChain(inner)
  return { qeReport, qeReportSignature, qeAuthData, certificateChain }
}

function parseChain(reader: QuoteReader): string {
  const start = reader.offset
  const bytes = reader.take('certificateChain', reader.remaining)
  const foreign = bytes.findIndex((byte) => byte > 0x7f)
  if (foreign !== -1) {
    throw malformed('certificateChain', start + foreign, 'is not PEM text', undefined)
  }
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  try {
    parsePemChain(text)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    const at = start + Number(error.details.offset)
    throw malformed('certificateChain', at, `is not PEM: ${error.details.reason}`, error)
  }
  return text
}

function parsePadding(reader: QuoteReader): number {
  const start = reader.offset
  const padding = reader.take('padding', reader.remaining)
  const first = padding.findIndex((byte) => byte !== 0)
  if (first !== -1) {
    throw new InputError('QUOTE_TRAILING', { field: 'padding', offset: start + first })
  }
  return padding.length
}

/**
 * Reads forward and knows where it is in the whole quote. The end of the input is a truncation; the
 * end of a section inside it is a length that does not fit.
 */
class QuoteReader {
  #position = 0

  constructor(
    private readonly bytes: Uint8Array,
    private readonly base?: number,
  ) {}

  /** From the quote's first byte. */
  get offset(): number {
    return (this.base ?? 0) + this.#position
  }

  get remaining(): number {
    return this.bytes.length - this.#position
  }

  /** A view of the next bytes. */
  take(field: string, count: number): Uint8Array {
    const { offset, remaining } = this
    if (count > remaining) {
      if (this.base !== undefined) throw wrongLength(field, offset, count, remaining)
      throw new InputError('QUOTE_TRUNCATED', { field, offset, need: count, have: remaining })
    }
    this.#position += count
    return this.bytes.subarray(this.#position - count, this.#position)
  }

  read<F extends Fields>(field: string, table: Layout<F>): ValuesOf<F> {
    return table.parse(this.take(field, table.bytes))
  }

  u16(field: string): number {
    return viewOf(this.take(field, 2)).getUint16(0, true)
  }

  u32(field: string): number {
    return viewOf(this.take(field, 4)).getUint32(0, true)
  }

  section(field: string, length: number): QuoteReader {
    const start = this.offset
    return new QuoteReader(this.take(field, length), start)
  }

  /** Certification data of one type, which must end where this section ends. */
  certification(field: string, expected: number): QuoteReader {
    const start = this.offset
    const { type, bytes } = this.read(`${field}Header`, CERTIFICATION)
    const { offsets } = CERTIFICATION
    if (type !== expected) {
      throw unsupported(`${field}Type`, start + offsets.type, type, String(expected))
    }
    if (bytes !== this.remaining) {
      throw wrongLength(field, start + offsets.bytes, bytes, this.remaining)
    }
    return this.section(field, bytes)
  }
}

function requireLength(field: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) {
    throw malformed(field, 0, `does not have ${length} bytes`, undefined)
  }
}

function encodeU16LE(field: string, value: number): Uint8Array {
  if (value > 0xffff) throw malformed(field, 0, 'is no u16', undefined)
  return Uint8Array.of(value & 0xff, value >>> 8)
}

function encodeText(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => {
    const code = character.charCodeAt(0)
    if (code > 0x7f) throw malformed('certificateChain', 0, 'is not PEM text', undefined)
    return code
  })
}

function unsupported(field: string, offset: number, value: number, supported: string) {
  return new InputError('QUOTE_UNSUPPORTED', { field, offset, value, supported })
}

function wrongLength(field: string, offset: number, stated: number, actual: number) {
  return new InputError('QUOTE_LENGTH', { field, offset, stated, actual })
}

function malformed(field: string, offset: number, reason: string, cause: unknown) {
  return new InputError('QUOTE_MALFORMED', { field, offset, reason }, cause)
}
