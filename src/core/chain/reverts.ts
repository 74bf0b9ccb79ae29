/**
 * Reverts in words: a contract's own error with its arguments, what caused it, and what to do. Errors
 * of the contracts behind ours come through them, so all are known everywhere.
 */
import type { Abi, AbiItem, ContractFunctionRevertedError } from 'viem'
import { fromHex, isHex } from '../bytes.js'
import {
  automataCollateralProbeAbi,
  measurementPolicyAbi,
  multiProofAbi,
  teeProverRegistryAbi,
} from './abi.js'

export interface Revert {
  /** `ReferenceBlockStale(7)` */
  readonly error: string
  /** Cause and remedy, one sentence each; undefined for an error that is not known. */
  readonly remedy?: string
}

const uint8 = [{ name: 'id', type: 'uint8' }] as const
const uint8And256 = [...uint8, { name: 'version', type: 'uint256' }] as const

/** Of Automata's contracts. Source: automata-dcap-attestation v1.1.4, PCCSRouter.sol, FeeManagerBase.sol. */
const ATTESTATION_ERRORS: readonly AbiItem[] = [
  { type: 'error', name: 'Insufficient_Funds', inputs: [] },
  { type: 'error', name: 'CrlExpiredOrNotFound', inputs: uint8 },
  { type: 'error', name: 'CertExpiredOrNotFound', inputs: uint8 },
  { type: 'error', name: 'TcbEvalExpiredOrNotFound', inputs: uint8 },
  { type: 'error', name: 'FmspcTcbExpiredOrNotFound', inputs: uint8And256 },
  { type: 'error', name: 'QEIdentityExpiredOrNotFound', inputs: uint8And256 },
]

const KNOWN_ERRORS: readonly AbiItem[] = uniqueErrors([
  ...teeProverRegistryAbi,
  ...measurementPolicyAbi,
  ...multiProofAbi,
  ...automataCollateralProbeAbi,
  ...ATTESTATION_ERRORS,
])

const COLLATERAL =
  "Collateral is missing on this chain, or has expired. Have it upserted into the chain's PCCS, then try again."
const OWNER = 'Only its owner may do this. Send it with the owner’s key.'

const REMEDIES: Readonly<Record<string, string>> = {
  ProverAddressZero: 'No signer was named. Name one.',
  ReferenceBlockStale:
    'The quote refers to a block that is too old, or not there yet. Register again, with a fresh quote.',
  ReferenceBlockHashMismatch:
    'The quote refers to a block that this chain does not have, by a reorganisation or by another RPC. Register again, with a fresh quote.',
  QuoteRefused: 'The attestation contract does not accept the quote.',
  OutputMalformed:
    "The attestation contract's output has another layout than the registry expects. Deploy with the right --layout.",
  NotTdx:
    "The quote is not of TDX, or the output's layout is another. Check --layout and the machine.",
  ReportDataMismatch: 'The quote is about another signer or block. Register again.',
  QuoteReplayed: 'This quote was registered before. Register again, with a fresh quote.',
  TcbStatusRefused:
    "The platform's TCB status is not one that the policy accepts. Update the platform, or have the policy's owner accept it.",
  DebugTdRefused: 'The TD can be debugged by its host. Start it without debug.',
  MigratableTdRefused: 'The TD can be migrated. Start it as not migratable.',
  ServiceTdRefused: 'A service TD is bound to the TD. Start it without one.',
  ForeignModuleRefused: "The TDX module is not Intel's. Use another machine.",
  WorkloadNotAllowed:
    'The software of this TD is not in the policy. Have its owner run `policy allow`, or start the image that is allowed.',
  WorkloadIsRevoked:
    'The software of this TD is revoked, for ever. Start an image that is allowed.',
  WorkloadKnown: 'The workload is in the policy already. `policy show` says how.',
  ProverIsRevoked: 'This signer is revoked, for ever. Make another key with `rotate`.',
  ProverOfAnotherWorkload:
    'This key was registered in another workload, from which it may have been taken. Make another key with `rotate`.',
  DelayOutlastsValidity:
    "The policy's delay is longer than a registration lasts. Have one of the owners change that.",
  ZkTimeRefused: 'The proof was made for another time than the last hour. Make it again.',
  ZkOutputMalformed: 'The output of the proof is too short. Pass what its prover made.',
  ProverNotRegistered: 'The signer is not registered. Register it first.',
  RegistryNotBound:
    'No registry is bound to the policy. Run `deploy` again: it goes on where it stopped.',
  OnlyRegistry: 'The policy is bound to another registry. Use the registry that it names.',
  OwnableUnauthorizedAccount: OWNER,
  OnlyOwnerOrGuardian: 'Only owner and guardian may revoke. Send it with one of their keys.',
  OnlyOwnerOrDeployer:
    'Only owner and deployer may bind the registry. Send it with one of their keys.',
  TcbStatusesForbidden: 'Revoked and unrecognized statuses can never be accepted. Leave them out.',
  FailedCall: 'The sender takes no change. Pay with an ordinary account.',
  Insufficient_Funds:
    "The attestation's fee was not covered. Send more with --value; the rest comes back.",
  CrlExpiredOrNotFound: COLLATERAL,
  CertExpiredOrNotFound: COLLATERAL,
  TcbEvalExpiredOrNotFound: COLLATERAL,
  FmspcTcbExpiredOrNotFound: COLLATERAL,
  QEIdentityExpiredOrNotFound: COLLATERAL,
  Invalid_TEE_Signer:
    'No registered signer made this signature. Register the signer, or prove again.',
  MessageLength: 'The contract takes messages of 32 bytes only. Pass the SHA-256.',
  WrongSelector: 'The proof is not of scheme eip712. Prove with --scheme eip712.',
  TooFewSignatures: "The program's rule wants more signers. Join proofs of several.",
  InnerProofLength:
    "The program's rule says whether an SP1 proof belongs inside. Add or remove it.",
  GatewayMissing: "The program's rule wants an SP1 proof, and no gateway is set. Ask the owner.",
}

/** What the attestation contract's reasons mean. Source: its Errors.sol; docs/contracts.md. */
const REASONS: Readonly<Record<string, string>> = {
  TCBR: "The platform's TCB is revoked, or its TCB info is missing on this chain. Update the platform, or have the TCB info upserted.",
  TDMF: 'The TDX module does not match the TCB info. Update the platform.',
  TDRF: 'The TD has to be started again. Restart it.',
  QEIDVE:
    'The quoting enclave is revoked, or its identity is missing on this chain. Update the platform, or have the identity upserted.',
  X509VE:
    'A certificate of the platform is revoked or expired, or not under Intel’s root. Register the platform again.',
  ATTVE: 'A signature of the quote does not verify. Fetch the quote again.',
  root: 'The quote is under another root, as simulated quotes of other machines are. Use the machine, or the state folder, that the contracts were deployed with.',
}

/** An interface with the errors of all contracts that may be behind it. */
export function withKnownErrors(abi: Abi): Abi {
  const own = new Set(uniqueErrors(abi).map(keyOf))
  return [...abi, ...KNOWN_ERRORS.filter((item) => !own.has(keyOf(item)))]
}

export function describeRevert({ data, reason, signature }: ContractFunctionRevertedError): Revert {
  if (data === undefined) {
    const unknown = signature === undefined ? 'no reason given' : `unknown error ${signature}`
    return { error: reason ?? unknown }
  }
  const args = (data.args ?? []).map(argumentText)
  const known = REMEDIES[data.errorName]
  const remedy = data.errorName === 'QuoteRefused' ? (REASONS[args[0] ?? ''] ?? known) : known
  return {
    error: `${data.errorName}(${args.join(', ')})`,
    ...(remedy !== undefined && { remedy }),
  }
}

/** Bytes that are text are shown as text: attestation contracts give their reasons so. */
function argumentText(value: unknown): string {
  if (!isHex(value) || value.length === 2) return String(value)
  const text = String.fromCharCode(...fromHex(value))
  return /^[ -~]+$/.test(text) ? text : value
}

function uniqueErrors(items: readonly AbiItem[]): AbiItem[] {
  const errors = items.filter(({ type }) => type === 'error')
  return [...new Map(errors.map((item) => [keyOf(item), item])).values()]
}

function keyOf(item: AbiItem): string {
  if (item.type !== 'error') return ''
  return `${item.name}(${item.inputs.map(({ type }) => type).join()})`
}
