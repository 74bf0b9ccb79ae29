/**
 * A made-up TDX platform: a root of its own, the chain below it, and quotes that are whole and
 * verify under that root and no other. All of it follows from 32 bytes and a date, so the same
 * authority gives the same quote for the same report data. simulated-mark.ts tells them apart.
 *
 * docs/simulated-quotes.md says which bytes each key signs.
 */
import { p256 } from '@noble/curves/nist.js'
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256, sha384 } from '@noble/hashes/sha2.js'
import { concatBytes } from '../bytes.js'
import { InternalError } from '../errors.js'
import { encodeSgxReport, type SgxReport } from './certification.js'
import { encodePemChain } from './pem.js'
import { encodeQuote, encodeSignedBytes, type QuoteHeader } from './quote.js'
import {
  TD10_BODY_TYPE,
  TD15_BODY_TYPE,
  TD15_EXTENDED_BODY_TYPE,
  type Td10QuoteBody,
  type Td15ExtendedQuoteBody,
  type TdQuoteBody,
} from './quote-layouts.js'
import {
  createP256Key,
  encodeCertificate,
  encodeSgxExtension,
  type Issuer,
  type P256Key,
  type PckPlatform,
} from './simulated-certificates.js'

export const AUTHORITY_SEED_BYTES = 32
/** Ends before 2050, when dates in certificates take another form: readers see one form only. */
const ROOT_YEARS = 20
const PCK_YEARS = 7
const MS_PER_DAY = 86_400_000
const SEED_DOMAIN = 'sp1-tee simulated authority 1'

/** Parsers look for Intel's common names; the organisation beside them is not Intel. */
const COMMON_NAME = {
  root: 'Intel SGX Root CA',
  platformCa: 'Intel SGX PCK Platform CA',
  pck: 'Intel SGX PCK Certificate',
  tcbSigning: 'Intel SGX TCB Signing',
} as const

/** `.invalid` can never be resolved (RFC 2606). */
const ROOT_CRL_URL = 'https://simulated.invalid/root.crl'
const PCK_CRL_URL = 'https://simulated.invalid/pck.crl'

const ZERO_48 = new Uint8Array(48)

/** Stable and plainly made up: SHA-384 of a sentence that says so. */
function fakeMeasurement(name: string): Uint8Array {
  return sha384(new TextEncoder().encode(`sp1-tee simulated ${name}`))
}

function fakeId(name: string, bytes: number): Uint8Array {
  return fakeMeasurement(name).slice(0, bytes)
}

function littleEndian(bytes: number, ...values: readonly number[]): Uint8Array {
  const filled = new Uint8Array(bytes)
  filled.set(values)
  return filled
}

/** Bit 28 of TDATTRIBUTES: the guest is told of pages taken away from it. */
const SEPT_VE_DISABLE = littleEndian(8, 0x00, 0x00, 0x00, 0x10)

/** The platform of every simulated PCK certificate. Its FMSPC begins with "SIM". */
export const SIMULATED_PLATFORM: PckPlatform = {
  ppid: fakeId('ppid', 16),
  cpuSvn: littleEndian(16, 3, 3, 2, 2, 4, 1, 0, 5),
  pceSvn: 11,
  pceId: littleEndian(2),
  fmspc: littleEndian(6, 0x53, 0x49, 0x4d),
  platformInstanceId: fakeId('platform instance', 16),
}

/** Not a debug TD, with an Intel module (no other signer), and nothing set by its host. */
export const SIMULATED_BODY: Omit<Td10QuoteBody, 'bodyType' | 'reportData'> = {
  teeTcbSvn: littleEndian(16, 6, 1, 4),
  mrSeam: fakeMeasurement('mrSeam'),
  mrSignerSeam: ZERO_48,
  seamAttributes: littleEndian(8),
  tdAttributes: SEPT_VE_DISABLE,
  xfam: littleEndian(8, 0xe7, 0x02, 0x06),
  mrtd: fakeMeasurement('mrtd'),
  mrConfigId: ZERO_48,
  mrOwner: ZERO_48,
  mrOwnerConfig: ZERO_48,
  rtmr0: fakeMeasurement('rtmr0'),
  rtmr1: fakeMeasurement('rtmr1'),
  rtmr2: fakeMeasurement('rtmr2'),
  rtmr3: fakeMeasurement('rtmr3'),
}

/** What the extended body adds: a first TD, no service TD bound to it. */
const EXTENSION = {
  vmId: littleEndian(1),
  tdId: fakeId('TD id', 32),
  deviceInfo: ZERO_48,
  initServiceTdHash: ZERO_48,
  initServiceTdAttributes: littleEndian(8),
  cpuSvn: SIMULATED_PLATFORM.cpuSvn,
  fmspc: littleEndian(12, ...SIMULATED_PLATFORM.fmspc),
  curServiceTdHash: ZERO_48,
  curServiceTdAttributes: littleEndian(8),
}

const HEADER: QuoteHeader = {
  version: 4,
  attestationKeyType: 2,
  teeType: 0x81,
  qeSvn: 0,
  pceSvn: 0,
  // Intel's QE, as parsers insist.
  qeVendorId: Uint8Array.of(
    ...[0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9],
    ...[0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07],
  ),
  userData: new TextEncoder().encode('SIMULATED, NOT INTEL'),
}

/** The QE of TDX has product id 2. Its signer is made up, so Intel's QE identity never fits. */
export const SIMULATED_QE_REPORT: Omit<SgxReport, 'reportData'> = {
  cpuSvn: SIMULATED_PLATFORM.cpuSvn,
  miscSelect: littleEndian(4),
  reserved1: new Uint8Array(28),
  attributes: littleEndian(16, 0x15, 0, 0, 0, 0, 0, 0, 0, 0xe7),
  mrEnclave: fakeId('QE mrEnclave', 32),
  reserved2: new Uint8Array(32),
  mrSigner: fakeId('QE mrSigner', 32),
  reserved3: new Uint8Array(96),
  isvProdId: 2,
  isvSvn: 4,
  reserved4: new Uint8Array(60),
}

export interface SimulatedAuthorityOptions {
  /** 32 secret bytes. */
  readonly entropy: Uint8Array
  /** When the authority comes into being; its certificates are valid from the day before. */
  readonly now: Date
}

/** Values in place of the made-up ones, signed as they are. A TD 1.5 body makes it version 5. */
export interface SimulatedOverrides {
  readonly body?: Partial<Omit<Td15ExtendedQuoteBody, 'bodyType'>> & {
    readonly bodyType?: TdQuoteBody['bodyType']
  }
  readonly header?: Partial<QuoteHeader>
  readonly qeReport?: Partial<SgxReport>
}

export interface SimulatedAuthority {
  /** DER. */
  readonly rootCertificate: Uint8Array
  /** DER: PCK leaf, platform CA, root. */
  readonly certificateChain: readonly Uint8Array[]
  /** DER: TCB signing certificate, root. */
  readonly tcbSigningChain: readonly Uint8Array[]
  /** For what else a platform has: CRLs, TCB info, QE identity. */
  readonly issuers: Readonly<Record<'root' | 'platformCa' | 'tcbSigning', Issuer>>
  /** The platform itself; it issues nothing, and may be revoked. */
  readonly pck: Issuer
  /**
   * @param reportData - 64 bytes.
   * @throws InputError `QUOTE_MALFORMED`, `QUOTE_UNSUPPORTED` a value does not fit its field.
   */
  quote(reportData: Uint8Array, overrides?: SimulatedOverrides): Uint8Array
}

export function createSimulatedAuthority(options: SimulatedAuthorityOptions): SimulatedAuthority {
  const keys = deriveKeys(options.entropy)
  const root: Issuer = { commonName: COMMON_NAME.root, key: keys.root }
  const platformCa: Issuer = { commonName: COMMON_NAME.platformCa, key: keys.platformCa }
  const tcbSigning: Issuer = { commonName: COMMON_NAME.tcbSigning, key: keys.tcbSigning }
  const pck: Issuer = { commonName: COMMON_NAME.pck, key: keys.pck }
  const certificateChain = makeChain({ root, platformCa, pck: keys.pck, now: options.now })
  const tcbSigningCertificate = encodeCertificate({
    commonName: tcbSigning.commonName,
    publicKey: tcbSigning.key.publicKey,
    issuer: root,
    validity: validityOf(options.now, PCK_YEARS),
    crlUrl: ROOT_CRL_URL,
  })
  const qeAuthData = fakeId('QE authentication data', 32)
  // Quoting libraries end the chain with a zero byte.
  const pemChain = `${encodePemChain(certificateChain)}\0`

  return {
    rootCertificate: certificateChain[2]!,
    certificateChain,
    tcbSigningChain: [tcbSigningCertificate, certificateChain[2]!],
    issuers: { root, platformCa, tcbSigning },
    pck,
    quote(reportData, overrides = {}) {
      const body = bodyOf(reportData, overrides)
      const version = body.bodyType === TD10_BODY_TYPE ? HEADER.version : 5
      const header = { ...HEADER, version, ...overrides.header } as QuoteHeader
      const qeReport = {
        ...SIMULATED_QE_REPORT,
        reportData: qeReportDataOf(keys.attestation, qeAuthData),
        ...overrides.qeReport,
      }
      return encodeQuote({
        header,
        body,
        signature: keys.attestation.sign(encodeSignedBytes({ header, body })),
        attestationKey: keys.attestation.publicKey,
        certificationData: {
          qeReport,
          qeReportSignature: keys.pck.sign(encodeSgxReport(qeReport)),
          qeAuthData,
          certificateChain: pemChain,
        },
        trailingZeroBytes: 0,
      })
    },
  }
}

function bodyOf(
  reportData: Uint8Array,
  { body: { bodyType = TD10_BODY_TYPE, ...fields } = {} }: SimulatedOverrides,
): TdQuoteBody {
  const body = { ...SIMULATED_BODY, reportData, ...fields }
  if (bodyType === TD10_BODY_TYPE) return { ...body, bodyType }
  const { teeTcbSvn } = body
  const body15 = { teeTcbSvn2: teeTcbSvn, mrServiceTd: ZERO_48, ...body }
  if (bodyType === TD15_BODY_TYPE) return { ...body15, bodyType }
  return { ...EXTENSION, initTeeTcbSvn: teeTcbSvn, ...body15, bodyType: TD15_EXTENDED_BODY_TYPE }
}

/** How the QE vouches for the attestation key. */
function qeReportDataOf({ publicKey }: P256Key, qeAuthData: Uint8Array): Uint8Array {
  return concatBytes(sha256(concatBytes(publicKey, qeAuthData)), new Uint8Array(32))
}

interface ChainOptions {
  readonly root: Issuer
  readonly platformCa: Issuer
  readonly pck: P256Key
  readonly now: Date
}

function makeChain({ root, platformCa, pck, now }: ChainOptions): Uint8Array[] {
  const rootValidity = validityOf(now, ROOT_YEARS)
  const pckValidity = validityOf(now, PCK_YEARS)
  const leaf = encodeCertificate({
    commonName: COMMON_NAME.pck,
    publicKey: pck.publicKey,
    issuer: platformCa,
    validity: pckValidity,
    crlUrl: PCK_CRL_URL,
    sgxExtension: encodeSgxExtension(SIMULATED_PLATFORM),
  })
  const intermediate = encodeCertificate({
    commonName: platformCa.commonName,
    publicKey: platformCa.key.publicKey,
    issuer: root,
    validity: rootValidity,
    crlUrl: ROOT_CRL_URL,
    pathLength: 0,
  })
  const anchor = encodeCertificate({
    commonName: root.commonName,
    publicKey: root.key.publicKey,
    issuer: root,
    validity: rootValidity,
    crlUrl: ROOT_CRL_URL,
    pathLength: 1,
  })
  return [leaf, intermediate, anchor]
}

/** From the day before, so that a chain whose clock is behind accepts it. */
function validityOf(now: Date, years: number) {
  const notBefore = new Date(now.getTime() - MS_PER_DAY)
  const notAfter = new Date(notBefore)
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + years)
  return { notBefore, notAfter }
}

function deriveKeys(entropy: Uint8Array) {
  if (entropy.length !== AUTHORITY_SEED_BYTES) {
    throw new InternalError(`a simulated authority needs ${AUTHORITY_SEED_BYTES} bytes of entropy`)
  }
  const derive = (name: string): P256Key => {
    const info = new TextEncoder().encode(name)
    const bytes = hkdf(sha256, entropy, new TextEncoder().encode(SEED_DOMAIN), info, 48)
    // 48 bytes reduced into the curve's range are uniform (FIPS 186-5, A.2.1).
    return createP256Key(p256.utils.randomSecretKey(bytes))
  }
  return {
    root: derive('root'),
    platformCa: derive('platform CA'),
    pck: derive('PCK'),
    tcbSigning: derive('TCB signing'),
    attestation: derive('attestation'),
  }
}
