/**
 * The proof file: a statement, its signature, and what is needed to check both. JSON, strict: an
 * unknown field or a value of the wrong shape is refused, because whoever wrote it meant something.
 * Whether it is *true* is for `verifyProof` to say.
 */
import { type Hex, isHex } from '../bytes.js'
import { InputError, shortName } from '../errors.js'
import { type Attestation, findAttestationFault } from './attestation.js'
import type { Binding } from './eip712.js'
import { SCHEME_NAMES, type SchemeName } from './schemes.js'
import { EIP712_DOMAIN_NAME, EIP712_DOMAIN_VERSION } from './typed-data.js'

/** As EIP-712 has it. */
export interface ProofDomain extends Pick<Binding, 'chainId' | 'verifyingContract'> {
  readonly name: typeof EIP712_DOMAIN_NAME
  readonly version: typeof EIP712_DOMAIN_VERSION
}

export interface Proof {
  readonly version: 1
  readonly scheme: SchemeName
  readonly sp1: string
  /** SHA-256 of the program. */
  readonly elfHash: Hex
  /** The verifying key as contracts know it (bytes32). */
  readonly vkey: Hex
  /** The same key as hash_bytes. */
  readonly vkeyHash: Hex
  readonly publicValues: Hex
  readonly exitCode: 0
  /** Of the run; not part of what is signed. */
  readonly cycles: number
  readonly signer: Hex
  /** r ‖ s ‖ v, 65 bytes. */
  readonly signature: Hex
  readonly teeVersion?: number
  /** Scheme `eip712`: the contract that the signature is for. */
  readonly domain?: ProofDomain
  /** Scheme `eip712`: what the signer says it is; the contract knows what was attested. */
  readonly workloadId?: Hex
  readonly proofBytes?: Hex
  /** The signer's quotes are made up, so the proof proves nothing. */
  readonly simulated?: true
  /** Of the signer; it may be a trust anchor. */
  readonly attestation?: Attestation
}

const MAX_PROOF_FILE_BYTES = 64 * 2 ** 20
/** Of any release, known here or not. It is printed, so it may steer no terminal. */
const RELEASE = /^[\w.+-]{1,40}$/

type Check = (value: unknown) => string | undefined

const REQUIRED: Readonly<Record<string, Check>> = {
  version: oneOf(1),
  scheme: oneOf(...SCHEME_NAMES),
  sp1: (value) =>
    typeof value === 'string' && RELEASE.test(value) ? undefined : 'is no name of a release',
  elfHash: hexOf(32),
  vkey: hexOf(32),
  vkeyHash: hexOf(32),
  publicValues: hexOf(),
  exitCode: oneOf(0),
  cycles: (value) =>
    Number.isSafeInteger(value) && (value as number) >= 0 ? undefined : 'is no count',
  signer: hexOf(20),
  signature: hexOf(65),
}
const OPTIONAL: Readonly<Record<string, Check>> = {
  teeVersion: (value) => (isU32(value) ? undefined : 'is no 32-bit number'),
  domain: checkDomain,
  workloadId: hexOf(32),
  proofBytes: hexOf(),
  simulated: oneOf(true),
  attestation: findAttestationFault,
}

/**
 * @param bytes - a proof file's
 * @throws InputError `PROOF_MALFORMED`, naming the field
 */
export function parseProof(bytes: Uint8Array): Proof {
  if (bytes.length > MAX_PROOF_FILE_BYTES) malformed('(file)', 'is larger than 64 MiB')
  const value = readJson(bytes)
  for (const field of Object.keys(value)) {
    if (!Object.hasOwn(REQUIRED, field) && !Object.hasOwn(OPTIONAL, field)) {
      malformed(shortName(field), 'is unknown')
    }
  }
  for (const [field, check] of Object.entries({ ...REQUIRED, ...OPTIONAL })) {
    const isThere = Object.hasOwn(value, field)
    if (!isThere && Object.hasOwn(REQUIRED, field)) malformed(field, 'is missing')
    const complaint = isThere ? check(value[field]) : undefined
    if (complaint !== undefined) malformed(field, complaint)
  }
  return value as unknown as Proof
}

/** Indented JSON with a final newline. */
export function encodeProof(proof: Proof): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(proof, null, 2)}\n`)
}

function readJson(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
  } catch {
    return malformed('(file)', 'is no JSON text')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return malformed('(file)', 'is no JSON object')
  }
  return value as Record<string, unknown>
}

function oneOf(...allowed: readonly unknown[]): Check {
  return (value) => (allowed.includes(value) ? undefined : `is none of ${allowed.join(', ')}`)
}

/** Lower-case hex, of `byteCount` bytes if that is given. */
function hexOf(byteCount?: number): Check {
  return (value) => {
    if (!isHex(value) || value !== value.toLowerCase()) return 'is no lower-case 0x hex'
    const actual = value.length / 2 - 1
    if (byteCount === undefined || actual === byteCount) return undefined
    return `has ${actual} bytes instead of ${byteCount}`
  }
}

const DOMAIN: Readonly<Record<keyof ProofDomain, Check>> = {
  name: oneOf(EIP712_DOMAIN_NAME),
  version: oneOf(EIP712_DOMAIN_VERSION),
  chainId: (value) =>
    Number.isSafeInteger(value) && (value as number) > 0 ? undefined : 'is no chain id',
  verifyingContract: hexOf(20),
}

function checkDomain(value: unknown): string | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  const fields = Object.keys(DOMAIN)
  if (!isObject || Object.keys(value).toSorted().join() !== fields.toSorted().join()) {
    return `is no object with exactly ${fields.join(', ')}`
  }
  for (const [field, check] of Object.entries(DOMAIN)) {
    const complaint = check((value as Record<string, unknown>)[field])
    if (complaint !== undefined) return `has a ${field} that ${complaint}`
  }
  return undefined
}

function isU32(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32
}

function malformed(field: string, reason: string): never {
  throw new InputError('PROOF_MALFORMED', { field, reason })
}
