/**
 * The public API of whoever asks a service for proofs and checks what it gives: what of the library
 * runs in browsers, too. `sp1-tee/client` is this file; the build makes a bundle of it for browsers.
 */
export { fromHex, type Hex, isHex, toHex } from './bytes.js'
export {
  type Client,
  type ClientOptions,
  createClient,
  type RemoteProveOptions,
  type WaitProofOptions,
} from './client/client.js'
export { type JudgeSignerOptions, judgeSigner, type TrustOptions } from './client/signer-trust.js'
export type { QuoteCheck } from './dcap/check-list.js'
export {
  type Collateral,
  type CollateralDocuments,
  openCollateral,
  parseCollateral,
} from './dcap/collateral.js'
export type { TcbStatus } from './dcap/tcb-status.js'
export { INTEL_ROOT, parseTrustedRoot, type TrustedRoot } from './dcap/trusted-root.js'
export {
  GuestError,
  InputError,
  InterruptedError,
  RejectedError,
  Sp1TeeError,
  UnavailableError,
} from './errors.js'
export type { ExecuteLimits } from './executor/limits.js'
export { detectStdin, encodeStdin, parseStdin, type Stdin } from './executor/stdin.js'
export { type JudgeAttestationOptions, judgeAttestation } from './policy/judge-attestation.js'
export {
  type JudgeQuoteOptions,
  judgeQuote,
  type QuoteVerdict,
  requireValidQuote,
} from './policy/judge-quote.js'
export { DEFAULT_POLICY, type Policy, parsePolicy, type Workload } from './policy/policy.js'
export { findRepeatedField } from './policy/repeated-field.js'
export { computeWorkloadId, workloadOf } from './policy/workload.js'
export {
  type AttestationAnchor,
  type Check,
  type CheckProofOptions as VerifyOptions,
  type ContractAnchor,
  checkProof as verifyProof,
  requireValid,
  type Verdict,
} from './prover/check-proof.js'
export { type Attestation, parseAttestation } from './signer/attestation.js'
export { encodeProof, type Proof, type ProofDomain, parseProof } from './signer/proof.js'
export type { SchemeName } from './signer/schemes.js'
export { parseQuote, parseTdQuote, type Quote, type TdQuote } from './tdx/quote.js'
export { parseReportData, type Reference, type ReportData } from './tdx/report-data.js'
