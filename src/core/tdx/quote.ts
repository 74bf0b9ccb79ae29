/**
 * Quotes as bytes and as values: version 3 (SGX), version 4 (SGX, TD 1.0) and version 5 (SGX,
 * TD 1.0, TD 1.5 and its extension of 2026). The tables are in quote-layouts.ts.
 *
 * Reads structure only: no signature, certificate or measurement is believed or refused here.
 */
import { concatBytes, encodeU32LE } from '../bytes.js'
import { InputError } from '../errors.js'
import { encodeCertification, parseCertification, type QeCertification } from './certification.js'
import {
  BODIES,
  BODY_DESCRIPTOR,
  type FieldsOf,
  HEADER,
  SGX_BODY_TYPE,
  type SgxQuoteBody,
  SIGNATURE,
  TD10_BODY_TYPE,
  TD15_BODY_TYPE,
  TD15_EXTENDED_BODY_TYPE,
  type TdQuoteBody,
} from './quote-layouts.js'
import { malformed, QuoteReader, unsupported, wrongLength } from './quote-reader.js'

const VERSIONS = [3, 4, 5] as const
/** ECDSA over P-256 with SHA-256. */
const ECDSA_P256 = 2
export const TEE_SGX = 0
export const TEE_TDX = 0x81

/** Body types by version and TEE; before version 5 there is one, which is not written. */
const BODY_TYPES: Readonly<Record<QuoteHeader['version'], Readonly<Record<number, number[]>>>> = {
  3: { [TEE_SGX]: [SGX_BODY_TYPE] },
  4: { [TEE_SGX]: [SGX_BODY_TYPE], [TEE_TDX]: [TD10_BODY_TYPE] },
  5: {
    [TEE_SGX]: [SGX_BODY_TYPE],
    [TEE_TDX]: [TD10_BODY_TYPE, TD15_BODY_TYPE, TD15_EXTENDED_BODY_TYPE],
  },
}

export const REPORT_DATA_BYTES = 64
/** What the newest kernels allow; real ones have 5 to 8 kB. */
export const MAX_QUOTE_BYTES = 16 * 2 ** 20

/** `qeSvn` and `pceSvn` are 0 in TDX quotes; they have a meaning in SGX quotes of version 3. */
export interface QuoteHeader extends FieldsOf<typeof HEADER> {
  readonly version: (typeof VERSIONS)[number]
  readonly attestationKeyType: typeof ECDSA_P256
  readonly teeType: typeof TEE_SGX | typeof TEE_TDX
}

export type QuoteBody = SgxQuoteBody | TdQuoteBody

export interface Quote {
  readonly header: QuoteHeader
  readonly body: QuoteBody
  /** r ‖ s by the attestation key, over `encodeSignedBytes`. */
  readonly signature: Uint8Array
  /** x ‖ y on P-256, not checked to be on the curve. */
  readonly attestationKey: Uint8Array
  readonly certificationData: QeCertification
  /** How many zero bytes follow; some platforms pad. Not signed. */
  readonly trailingZeroBytes: number
}

export interface TdQuote extends Quote {
  readonly body: TdQuoteBody
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
  if (bytes.length > MAX_QUOTE_BYTES) {
    throw malformed('bytes', 0, `are more than ${MAX_QUOTE_BYTES}`)
  }
  const reader = new QuoteReader(bytes)
  const header = parseHeader(reader)
  const body = parseBody(reader, header)
  const section = reader.section('signatureSection', reader.u32('signatureSectionLength'))
  const { signature, attestationKey } = section.read('signature', SIGNATURE)
  const certificationData = parseCertification(section, isNested(header))
  const trailingZeroBytes = parsePadding(reader)
  return { header, body, signature, attestationKey, certificationData, trailingZeroBytes }
}

/**
 * The same for quotes of TDs only.
 *
 * @throws InputError as `parseQuote`; `QUOTE_UNSUPPORTED` it is the quote of an SGX enclave
 */
export function parseTdQuote(bytes: Uint8Array): TdQuote {
  const quote = parseQuote(bytes)
  if (isTdQuote(quote)) return quote
  const offset = HEADER.offsets.teeType
  throw unsupported('teeType', offset, quote.header.teeType, `${TEE_TDX} (TDX)`)
}

export function isTdQuote(quote: Quote): quote is TdQuote {
  return quote.body.bodyType !== SGX_BODY_TYPE
}

/** @throws InputError `QUOTE_MALFORMED`, `QUOTE_UNSUPPORTED` no quote has such values. */
export function encodeQuote(quote: Quote): Uint8Array {
  const certification = encodeCertification(quote.certificationData, isNested(quote.header))
  const section = concatBytes(SIGNATURE.encode(quote), certification)
  const padding = new Uint8Array(quote.trailingZeroBytes)
  return concatBytes(encodeSignedBytes(quote), encodeU32LE(section.length), section, padding)
}

/** What the attestation key signs: header, descriptor (version 5) and body; nothing after them. */
export function encodeSignedBytes({ header, body }: Pick<Quote, 'header' | 'body'>): Uint8Array {
  const { bodyType } = body
  const possible = BODY_TYPES[header.version][header.teeType] ?? []
  if (!possible.includes(bodyType)) {
    const supported = `${possible.join(', ')} (in version ${header.version})`
    throw unsupported('bodyType', HEADER.bytes, bodyType, supported)
  }
  const encodedBody = encodeBody(body)
  const descriptor =
    header.version < 5
      ? new Uint8Array(0)
      : BODY_DESCRIPTOR.encode({ bodyType, bodyBytes: encodedBody.length })
  return concatBytes(HEADER.encode(header), descriptor, encodedBody)
}

function encodeBody(body: QuoteBody): Uint8Array {
  switch (body.bodyType) {
    case SGX_BODY_TYPE:
      return BODIES[SGX_BODY_TYPE].encode(body)
    case TD10_BODY_TYPE:
      return BODIES[TD10_BODY_TYPE].encode(body)
    case TD15_BODY_TYPE:
      return BODIES[TD15_BODY_TYPE].encode(body)
    case TD15_EXTENDED_BODY_TYPE:
      return BODIES[TD15_EXTENDED_BODY_TYPE].encode(body)
  }
}

function parseHeader(reader: QuoteReader): QuoteHeader {
  const header = reader.read('header', HEADER)
  const { version, teeType, attestationKeyType } = header
  const { offsets } = HEADER
  if (version !== 3 && version !== 4 && version !== 5) {
    throw unsupported('version', offsets.version, version, VERSIONS.join(', '))
  }
  if (attestationKeyType !== ECDSA_P256) {
    const supported = `${ECDSA_P256} (ECDSA P-256)`
    const offset = offsets.attestationKeyType
    throw unsupported('attestationKeyType', offset, attestationKeyType, supported)
  }
  if ((teeType !== TEE_SGX && teeType !== TEE_TDX) || BODY_TYPES[version][teeType] === undefined) {
    const supported = version === 3 ? `${TEE_SGX} (SGX)` : `${TEE_SGX} (SGX), ${TEE_TDX} (TDX)`
    throw unsupported('teeType', offsets.teeType, teeType, supported)
  }
  return { ...header, version, attestationKeyType, teeType }
}

function parseBody(reader: QuoteReader, { version, teeType }: QuoteHeader): QuoteBody {
  const possible = BODY_TYPES[version][teeType]!
  if (version < 5) return readBody(reader, possible[0] as QuoteBody['bodyType'])
  const start = reader.offset
  const { bodyType, bodyBytes } = reader.read('bodyDescriptor', BODY_DESCRIPTOR)
  const { offsets } = BODY_DESCRIPTOR
  if (!possible.includes(bodyType)) {
    throw unsupported('bodyType', start + offsets.bodyType, bodyType, possible.join(', '))
  }
  const type = bodyType as QuoteBody['bodyType']
  if (bodyBytes !== BODIES[type].bytes) {
    throw wrongLength('body', start + offsets.bodyBytes, bodyBytes, BODIES[type].bytes)
  }
  return readBody(reader, type)
}

function readBody(reader: QuoteReader, bodyType: QuoteBody['bodyType']): QuoteBody {
  const table = BODIES[bodyType]
  return { bodyType, ...table.parse(reader.take('body', table.bytes)) } as QuoteBody
}

/** Version 3 has the QE's report directly in its signature section. */
function isNested({ version }: QuoteHeader): boolean {
  return version > 3
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
