/**
 * The verdict on a proof file: everything it says is derived again from as much as the caller gives,
 * and it is valid only if something outside the file vouches for its signer. Runs in browsers as well:
 * what needs a program's key computed is given.
 */
import { fromHex, type Hex } from '../bytes.js'
import { InputError, RejectedError } from '../errors.js'
import type { Binding } from '../signer/eip712.js'
import type { Proof } from '../signer/proof.js'
import { schemeOf } from '../signer/schemes.js'
import { recoverAddress } from '../signer/signer.js'
import { deriveProofBytes, statementOf } from '../signer/statement.js'
import { bytes32ToHashBytes } from '../vkey/encodings.js'

const EXPECTED = 'what was expected'

export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly detail: string
}

export interface Verdict {
  readonly valid: boolean
  /** The proof says of itself that its signer is simulated. */
  readonly simulated?: true
  readonly checks: readonly Check[]
}

/** A contract that is asked with values derived from the proof. */
export interface ContractAnchor {
  /** What it is and where, for people. */
  readonly description: string
  /** The contract's error; undefined if it accepts the proof. */
  readonly ask: (proof: Proof) => Promise<string | undefined>
}

/** A verdict on the signer's attestation, by whoever knows quotes and the caller's policy. */
export interface AttestationAnchor {
  readonly valid: boolean
  readonly simulated?: true
  readonly checks: readonly Check[]
}

type Domain = Pick<Binding, 'chainId' | 'verifyingContract'>

export interface CheckProofOptions {
  /** A trust anchor: the signer the caller trusts. */
  readonly signer?: Hex
  /** Another one: a contract that knows which signers are registered. */
  readonly contract?: ContractAnchor
  /** A third one: the attestation of the signer under a policy. */
  readonly attestation?: AttestationAnchor
  /** The chain and the contract that a proof of scheme `eip712` has to be for. */
  readonly domain?: Partial<Domain>
  /** The key, as contracts know it (bytes32), of the program that the caller expects. */
  readonly vkey?: Hex
  /** What the caller expects the guest to have committed. */
  readonly publicValues?: Hex
}

/** @internal Looks at the proof's program; by whoever can compute keys. */
export type ProgramCheck = (proof: Proof) => Promise<readonly Check[]>

/**
 * Checks in the order a person would read them: the key, what was signed, by whom, and who says so.
 * A proof that parses never makes this throw.
 */
export async function checkProof(
  proof: Proof,
  options: CheckProofOptions = {},
  checkProgram: ProgramCheck = async () => checkNoProgram(options),
): Promise<Verdict> {
  const { contract: anchor, vkey, publicValues, attestation } = options
  const contract = anchor === undefined ? undefined : await checkContract(proof, anchor)
  const checks = [
    checkVkeyEncodings(proof),
    ...(await checkProgram(proof)),
    ...(vkey === undefined ? [] : [compare('program', proof.vkey, vkey.toLowerCase(), EXPECTED)]),
    ...(publicValues === undefined ? [] : [checkPublicValues(proof, publicValues)]),
    checkScheme(proof),
    ...(proof.domain === undefined ? [] : [checkDomain(proof.domain, options.domain)]),
    checkSignature(proof),
    ...(proof.proofBytes === undefined ? [] : [checkProofBytes(proof)]),
    ...(contract === undefined ? [] : [contract]),
    ...attestationChecks(attestation),
    checkTrustAnchor(proof, options, contract),
  ]
  const simulated = proof.simulated || attestation?.simulated
  return { valid: checks.every(({ ok }) => ok), ...(simulated && { simulated }), checks }
}

/** @throws RejectedError `VERIFICATION_FAILED`, naming the checks that failed */
export function requireValid({ valid, checks }: Verdict): void {
  if (valid) return
  const failed = checks.filter(({ ok }) => !ok).map(({ name }) => name)
  throw new RejectedError('VERIFICATION_FAILED', { failed })
}

function checkVkeyEncodings({ vkey, vkeyHash }: Proof): Check {
  const name = 'vkey'
  try {
    const isSame = bytes32ToHashBytes(vkey) === vkeyHash
    const detail = isSame ? vkey : 'vkey and vkeyHash are not the same key'
    return { name, ok: isSame, detail }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return { name, ok: false, detail: 'vkey is no verifying key' }
  }
}

/** A program whose key nobody computed is not passed over in silence: types alone forbid it. */
function checkNoProgram(options: object): Check[] {
  if (!('elf' in options) || options.elf === undefined) return []
  const detail = 'no key is computed here: pass the one that is expected as vkey'
  return [{ name: 'program', ok: false, detail }]
}

function checkPublicValues({ publicValues }: Proof, expected: Hex): Check {
  return compare('publicValues', publicValues, expected.toLowerCase(), EXPECTED)
}

function checkScheme({ scheme, teeVersion, domain, workloadId, proofBytes }: Proof): Check {
  const { isVersioned, isBound } = schemeOf(scheme)
  const fields = {
    teeVersion: [teeVersion, isVersioned],
    domain: [domain, isBound],
    workloadId: [workloadId, isBound],
    proofBytes: [proofBytes, isVersioned || isBound],
  } as const
  const wrong = Object.entries(fields).find(
    ([, [value, isNeeded]]) => (value !== undefined) !== isNeeded,
  )
  if (wrong === undefined) return { name: 'scheme', ok: true, detail: scheme }
  const [field, [, isNeeded]] = wrong
  return {
    name: 'scheme',
    ok: false,
    detail: `${scheme} ${isNeeded ? 'needs' : 'has no'} ${field}`,
  }
}

function checkDomain(domain: Domain, { chainId, verifyingContract }: Partial<Domain> = {}): Check {
  const foreign = [
    ...(chainId === undefined || chainId === domain.chainId ? [] : [`chain ${chainId}`]),
    ...(verifyingContract === undefined ||
    verifyingContract.toLowerCase() === domain.verifyingContract
      ? []
      : [`contract ${verifyingContract}`]),
  ]
  const own = `chain ${domain.chainId}, contract ${domain.verifyingContract}`
  if (foreign.length === 0) return { name: 'domain', ok: true, detail: own }
  return { name: 'domain', ok: false, detail: `it is for ${own}, not for ${foreign.join(', ')}` }
}

function checkSignature(proof: Proof): Check {
  const name = 'signature'
  const scheme = schemeOf(proof.scheme)
  const statement = statementOf(proof)
  if (scheme.isBound && statement.binding === undefined) {
    return { name, ok: false, detail: 'it says not for which contract it is' }
  }
  const digest = scheme.digest(statement)
  const recovered = recoverAddress(digest, fromHex(proof.signature))
  if (recovered === undefined) return { name, ok: false, detail: 'it is no low-s signature' }
  const isSame = recovered === proof.signer
  const detail = isSame ? `by ${recovered}` : `it is by ${recovered}, not by signer ${proof.signer}`
  return { name, ok: isSame, detail }
}

function checkProofBytes(proof: Proof): Check {
  const expected = deriveProofBytes(proof)
  const ok = expected !== undefined && expected === proof.proofBytes
  const detail = ok ? 'as the contract takes them' : 'they are not those of this signature'
  return { name: 'proofBytes', ok, detail }
}

async function checkContract(proof: Proof, { description, ask }: ContractAnchor): Promise<Check> {
  const name = 'contract'
  const { isVersioned } = schemeOf(proof.scheme)
  if (isVersioned) return { name, ok: false, detail: `MultiProof takes no scheme ${proof.scheme}` }
  const error = await ask(proof)
  const detail =
    error === undefined ? `accepted by ${description}` : `${description} reverts: ${error}`
  return { name, ok: error === undefined, detail }
}

/** Each by its own name, so that a check of the quote is not taken for one of the proof. */
function attestationChecks(anchor: AttestationAnchor | undefined): Check[] {
  const checks = anchor?.checks ?? []
  return checks.map(({ name, ok, detail }) => ({ name: `quote.${name}`, ok, detail }))
}

/** Something outside the file has to vouch for the signer; every anchor that is given must. */
function checkTrustAnchor(
  proof: Proof,
  { signer, attestation }: Pick<CheckProofOptions, 'signer' | 'attestation'>,
  contract: Check | undefined,
): Check {
  const name = 'trustAnchor'
  if (signer !== undefined && proof.signer !== signer.toLowerCase()) {
    return { name, ok: false, detail: `the signer is not ${signer}` }
  }
  if (contract?.ok === false)
    return { name, ok: false, detail: 'the contract does not vouch for it' }
  if (attestation?.valid === false) {
    return { name, ok: false, detail: 'the attestation does not vouch for it under the policy' }
  }
  const anchors = [
    signer && 'the signer given',
    contract && 'the contract',
    attestation && 'the attestation under the policy',
  ].filter(Boolean)
  if (anchors.length > 0) return { name, ok: true, detail: anchors.join(' and ') }
  const detail =
    'nothing vouches for the signer: pass --signer, --policy, or --rpc-url and --multiproof'
  return { name, ok: false, detail }
}

/** @param of - whose value is expected */
export function compare(name: string, actual: string, expected: string, of: string): Check {
  const ok = actual === expected
  return { name, ok, detail: ok ? actual : `it is not that of ${of}, ${expected}` }
}
