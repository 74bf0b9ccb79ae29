/** Certificates and lists with other contents, signed again by their issuer: genuine, and wrong. */
import { concatBytes, fromHex, type Hex, toHex } from '../../../src/core/bytes.js'
import { parseCertificate } from '../../../src/core/dcap/certificate.js'
import { parseCrl } from '../../../src/core/dcap/crl.js'
import * as der from '../../../src/core/tdx/der.js'
import type { Issuer } from '../../../src/core/tdx/simulated-certificates.js'

const ALGORITHM = der.sequence(der.objectIdentifier('1.2.840.10045.4.3.2'))

/** One place, as hex without 0x; what replaces it is as long. */
export type Edit = readonly [from: string, to: string]

export function resignedCertificate(bytes: Uint8Array, issuer: Issuer, ...edits: Edit[]) {
  return signed(edited(parseCertificate(bytes, 'sample').signed, edits), issuer)
}

export function resignedCrl(bytes: Uint8Array, issuer: Issuer, ...edits: Edit[]) {
  return signed(edited(parseCrl(bytes, 'sample').signed, edits), issuer)
}

function edited(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
  let hex = toHex(bytes)
  for (const [from, to] of edits) {
    if (hex.split(from).length !== 2) throw new Error(`${from} is not there once`)
    if (from.length !== to.length) throw new Error(`${to} has another length`)
    hex = hex.replace(from, to) as Hex
  }
  return fromHex(hex)
}

function signed(toBeSigned: Uint8Array, { key }: Issuer): Uint8Array {
  const signature = key.sign(toBeSigned)
  const numbers = [signature.subarray(0, 32), signature.subarray(32)]
  const value = der.sequence(...numbers.map((number) => der.integer(number)))
  return der.sequence(concatBytes(toBeSigned), ALGORITHM, der.bitString(value))
}

export function hexOf(text: string): string {
  return toHex(new TextEncoder().encode(text)).slice(2)
}
