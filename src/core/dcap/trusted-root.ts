/**
 * The one certificate that everything else is believed by. A verification has exactly one: Intel's,
 * or, where the caller names it, a development root under which simulated quotes verify.
 */
import { type Hex, toHex } from '../bytes.js'
import { InputError } from '../errors.js'
import { parsePemChain } from '../tdx/pem.js'
import { sha256 } from './primitives.js'

/** Far more than any certificate has. */
const MAX_ROOT_BYTES = 2 ** 16

export interface TrustedRoot {
  /** SHA-256 of the certificate's DER. */
  readonly fingerprint: Hex
  /** False: what verifies under it is simulated, whatever it says of itself. */
  readonly isIntel: boolean
}

/**
 * Intel SGX Root CA, valid from 2018-05-21 to 2049-12-31. Pinned by its whole certificate, as Intel's
 * library pins it, which compares the signature of the root in a chain with that of the trusted one.
 *
 * @source https://certificates.trustedservices.intel.com/Intel_SGX_Provisioning_Certification_RootCA.cer
 */
export const INTEL_ROOT: TrustedRoot = {
  fingerprint: '0x44a0196b2b99f889b8e149e95b807a350e7424964399e885a7cbb8ccfab674d3',
  isIntel: true,
}

/**
 * @param file - one certificate, PEM or DER, as the caller trusts it.
 * @throws InputError `ROOT_MALFORMED`
 */
export function parseTrustedRoot(file: Uint8Array): TrustedRoot {
  if (file.length > MAX_ROOT_BYTES) {
    throw new InputError('ROOT_MALFORMED', { reason: `has more than ${MAX_ROOT_BYTES} bytes` })
  }
  const fingerprint = fingerprintOf(readCertificate(file))
  return fingerprint === INTEL_ROOT.fingerprint ? INTEL_ROOT : { fingerprint, isIntel: false }
}

export function fingerprintOf(der: Uint8Array): Hex {
  return toHex(sha256(der))
}

function readCertificate(file: Uint8Array): Uint8Array {
  const DER_SEQUENCE = 0x30
  if (file[0] === DER_SEQUENCE) return file
  try {
    const chain = parsePemChain(new TextDecoder('latin1').decode(file))
    if (chain.length === 1) return chain[0]!
    throw new InputError('ROOT_MALFORMED', { reason: `holds ${chain.length} certificates` })
  } catch (error) {
    if (!(error instanceof InputError) || error.code === 'ROOT_MALFORMED') throw error
    throw new InputError('ROOT_MALFORMED', { reason: 'is neither PEM nor DER' }, error)
  }
}
