/**
 * What a quote says of itself, for people and as JSON: nothing is verified here, so nothing is to be
 * believed.
 */
import { type Hex, toHex } from '../bytes.js'
import { parseCertificate } from '../dcap/certificate.js'
import { parsePckExtension } from '../dcap/pck-extension.js'
import { InputError } from '../errors.js'
import { parsePemChain } from '../tdx/pem.js'
import { isTdQuote, type Quote } from '../tdx/quote.js'
import { parseReportData } from '../tdx/report-data.js'
import { isSimulatedQuote } from '../tdx/simulated-mark.js'
import { namesOfAttributes } from './td-attributes.js'
import { computeWorkloadId } from './workload.js'

export interface InspectedCertificate {
  readonly subject: string
  readonly issuer: string
  readonly serialNumber: Hex
  readonly notBefore: string
  readonly notAfter: string
}

export interface InspectedPlatform {
  readonly fmspc: Hex
  readonly ppid: Hex
  readonly pceId: Hex
  readonly pceSvn: number
  readonly cpuSvn: readonly number[]
  readonly sgxType: string
}

export interface QuoteInspection {
  readonly version: number
  readonly tee: 'TDX' | 'SGX'
  readonly body: Readonly<Record<string, Hex | number>>
  readonly bodyType: 'SGX' | 'TD 1.0' | 'TD 1.5' | 'TD 1.5 extended'
  readonly simulated: boolean
  /** Signer and hash, where the report data have the form of this project's. */
  readonly signer?: Hex
  readonly referenceHash?: Hex
  /** TDs only. */
  readonly tdAttributes?: readonly string[]
  readonly workloadId?: Hex
  readonly header: Readonly<Record<string, Hex | number>>
  readonly qeReport: Readonly<Record<string, Hex | number>>
  readonly qeAuthData: Hex
  readonly attestationKey: Hex
  readonly signature: Hex
  readonly qeReportSignature: Hex
  readonly trailingZeroBytes: number
  /** The type of the PCK certification data; from 1 to 4 the quote only names its certificate. */
  readonly certificationType: number
  /** Leaf first; empty if they are no certificates. */
  readonly certificates: readonly InspectedCertificate[]
  readonly platform?: InspectedPlatform
}

const PCK_CHAIN_TYPE = 5
const BODY_TYPES = { 1: 'SGX', 2: 'TD 1.0', 3: 'TD 1.5', 4: 'TD 1.5 extended' } as const

/** Never throws for a quote that parsed. */
export function inspectQuote(quote: Quote): QuoteInspection {
  const { header, body, certificationData } = quote
  const { qeReport, qeReportSignature, qeAuthData } = certificationData
  const { bodyType, ...fields } = body
  const reportData = ownReportData(body.reportData)
  return {
    version: header.version,
    tee: isTdQuote(quote) ? 'TDX' : 'SGX',
    bodyType: BODY_TYPES[bodyType],
    simulated: isSimulatedQuote(quote),
    ...(reportData !== undefined && {
      signer: reportData.address,
      referenceHash: reportData.referenceHash,
    }),
    ...(isTdQuote(quote) && {
      tdAttributes: namesOfAttributes(quote.body.tdAttributes),
      workloadId: computeWorkloadId(quote.body),
    }),
    body: hexFields(fields),
    header: hexFields(header),
    qeReport: hexFields(qeReport),
    qeAuthData: toHex(qeAuthData),
    attestationKey: toHex(quote.attestationKey),
    signature: toHex(quote.signature),
    qeReportSignature: toHex(qeReportSignature),
    trailingZeroBytes: quote.trailingZeroBytes,
    certificationType: certificationData.pckReference?.type ?? PCK_CHAIN_TYPE,
    ...readCertificates(quote),
  }
}

function ownReportData(bytes: Uint8Array) {
  try {
    return parseReportData(bytes)
  } catch (error) {
    if (error instanceof InputError) return undefined
    throw error
  }
}

function hexFields(fields: object) {
  const values: readonly [string, Uint8Array | number][] = Object.entries(fields)
  const entries = values.map(([name, value]) => [
    name,
    typeof value === 'number' ? value : toHex(value),
  ])
  return Object.fromEntries(entries) as Record<string, Hex | number>
}

function readCertificates(quote: Quote): Pick<QuoteInspection, 'certificates' | 'platform'> {
  try {
    const chain = parsePemChain(quote.certificationData.certificateChain).map((der, i) =>
      parseCertificate(der, `certificate ${i} of the quote`),
    )
    const certificates = chain.map(({ subject, issuer, serialNumber, notBefore, notAfter }) => ({
      subject: subject.commonName,
      issuer: issuer.commonName,
      serialNumber,
      notBefore: notBefore.toISOString(),
      notAfter: notAfter.toISOString(),
    }))
    const extension = chain[0]?.sgxExtension
    return { certificates, ...(extension !== undefined && { platform: readPlatform(extension) }) }
  } catch (error) {
    if (error instanceof InputError) return { certificates: [] }
    throw error
  }
}

function readPlatform(extension: Uint8Array): InspectedPlatform {
  const { fmspc, ppid, pceId, pceSvn, cpuSvn, sgxType } = parsePckExtension(
    extension,
    "PCK certificate's SGX extension",
  )
  return {
    fmspc: toHex(fmspc),
    ppid: toHex(ppid),
    pceId: toHex(pceId),
    pceSvn,
    cpuSvn,
    sgxType,
  }
}
