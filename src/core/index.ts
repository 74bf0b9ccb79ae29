/**
 * The public API: everything the commands use, and nothing they could not. What is named here takes the
 * place of what the client has under the same name.
 */

export {
  automataCollateralProbeAbi,
  measurementPolicyAbi,
  multiProofAbi,
  simulatedAttestationAbi,
  teeProverRegistryAbi,
} from './chain/abi.js'
export { attestationWarnings, findAttestation } from './chain/attestation-deployments.js'
export { bindContracts, type ContractAddresses, type Contracts } from './chain/bindings.js'
export {
  type Chain,
  type ChainOptions,
  connectChain,
  DEFAULT_RPC_TIMEOUT_MS,
  DEFAULT_TX_TIMEOUT_MS,
} from './chain/client.js'
export {
  type AttestationChoice,
  type Deployment,
  type DeployOptions,
  deployContracts,
  OUTPUT_LAYOUTS,
  type OutputLayout,
  type PlannedStep,
  planDeployment,
} from './chain/deploy.js'
export { encodeDeployment, parseDeployment } from './chain/deployment-file.js'
export { createGasPayer, fetchBalance, type GasPayer } from './chain/gas-payer.js'
export { openKeystore } from './chain/keystore.js'
export {
  allowWorkload,
  findPolicy,
  listWorkloads,
  type PolicyChange,
  type PolicyChangeResult,
  type PolicySettings,
  type PolicyWorkload,
  readPolicySettings,
  readWorkload,
  revokeWorkload,
  type WorkloadState,
} from './chain/measurement-policy.js'
export { askMultiProof, registryOf } from './chain/multi-proof.js'
export { fetchOnChainCollateral, type OnChainPccs, type TcbEvaluation } from './chain/pccs.js'
export { PRESET_NAMES, PRESETS, type Preset, type PresetName } from './chain/presets.js'
export {
  type AttestedRegistration,
  attestationOf,
  findRegistration,
  latestReference,
  previewRegistration,
  type RegisterOptions,
  type Registration,
  type RegistrationPreview,
  registerSigner,
  rotateSigner,
} from './chain/registration.js'
export { type RegistryEvent, type WatchOptions, watchRegistry } from './chain/registry-events.js'
export type { Fees } from './chain/transactions.js'
export type { WriteOptions } from './chain/write.js'
export { parseZkCalldata, ZK_COPROCESSORS, type ZkCalldata } from './chain/zk-calldata.js'
export { createCheckingClient as createClient } from './client/node-client.js'
export * from './client.js'
export { encodeCollateral } from './dcap/collateral.js'
export { type CollateralCacheOptions, loadCollateral } from './dcap/collateral-cache.js'
export {
  type CollateralFetchOptions,
  fetchCollateral,
  INTEL_PCS_URL,
} from './dcap/collateral-fetch.js'
export { type CollateralKey, collateralKeyOf } from './dcap/collateral-key.js'
export {
  checkQuote,
  type QuoteEvaluation,
  type VerifiedQuote,
  type VerifyQuoteOptions,
  verifyQuote,
} from './dcap/verify-quote.js'
export { ERROR_TABLES } from './errors.js'
export { ENGINES, type EngineName } from './executor/engines.js'
export {
  DEFAULT_LIMITS,
  type ExecuteOptions,
  type ExecutionResult,
  execute,
} from './executor/execute.js'
export type { OutputListener } from './executor/guest-io.js'
export type { Profile } from './executor/profile.js'
export { DEFAULT_SP1_VERSION, type ReleaseChoice, SP1_VERSIONS } from './executor/release.js'
export { encodeSpeedscope } from './executor/speedscope.js'
export type { DetectedStdin, StdinFormat } from './executor/stdin.js'
export { checkEventLog, type ReplayedRegister, replayRegisters } from './policy/check-event-log.js'
export { checkRuntimeData } from './policy/check-runtime-data.js'
export { inspectQuote, type QuoteInspection } from './policy/inspect-quote.js'
export { POLICY_SCHEMA } from './policy/policy-schema.js'
export { type AcceptedQuote, checkPolicy, verifyPolicy } from './policy/rules.js'
export {
  computeElfVkey as computeVkey,
  type ElfVkey,
  type ElfVkeyOptions,
  identifyElf,
} from './prover/elf-vkey.js'
export { createProver, type ProveOptions, type Prover, type ProverOptions } from './prover/prove.js'
export { type VerifyOptions, verifyProof } from './prover/verify.js'
export { VkeyCache, type VkeyCacheOptions } from './prover/vkey-cache.js'
export { parseElf } from './riscv/elf.js'
export type { Program } from './riscv/program.js'
export { type Binding, encodeTeeProofBytes, type SignatureEntry } from './signer/eip712.js'
export { findKey, type KeyStoreOptions, loadOrCreateKey, replaceKey } from './signer/key-store.js'
export { encodedMessageBytes, SCHEME_NAMES, type Statement } from './signer/schemes.js'
export { createSigner, generateSecretKey, recoverAddress, type Signer } from './signer/signer.js'
export { type EventLog, parseEventLog, replayEventLog } from './tdx/event-log.js'
export { describeEvent, type InspectedEvent } from './tdx/event-names.js'
export { encodeHclReport, type HclReport, parseHclReport } from './tdx/hcl-report.js'
export { createMachineSources, type MachineSourcesOptions } from './tdx/machine-sources.js'
export {
  AUTO_PROVIDER,
  type Evidence,
  type ProviderSource,
  type QuoteProvider,
  selectProvider,
} from './tdx/provider.js'
export { encodeQuote, isTdQuote } from './tdx/quote.js'
export { computeReportData, encodeReportData } from './tdx/report-data.js'
export { isSimulatedQuote } from './tdx/simulated-mark.js'
export {
  SIMULATED_SWITCH_NAMES,
  SIMULATED_SWITCHES,
  type SimulatedSwitch,
} from './tdx/simulated-switches.js'
export { encodeTdReport, parseTdReport, type TdReport } from './tdx/td-report.js'
export {
  bytes32ToHashBytes,
  encodeBytes32,
  encodeHashBytes,
  hashBytesToBytes32,
  parseBytes32,
  parseHashBytes,
} from './vkey/encodings.js'
