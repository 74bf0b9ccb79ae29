/**
 * Everything that can go wrong, by who must act: the caller (input), the guest's author (guest,
 * limit), the party whose claim was refused (rejected), a device, chain or server that did not
 * answer (unavailable), or us (anything that is none of these classes: `INTERNAL`).
 *
 * A throw gives a code and facts; the sentence is written once, in the code's row below. A row's
 * sentence says what is wrong and what to do. Facts never hold keys, stdin or credentials.
 */

type Row = (facts: never) => string

/** The caller's bytes or flags are wrong. Exit code 2. */
const INPUT = {
  FILE_UNREADABLE: (f: { path: string; reason: string }) =>
    `Cannot read ${f.path}: ${f.reason}. Check the path and its permissions.`,
  FILE_UNWRITABLE: (f: { path: string; reason: string }) =>
    `Cannot write ${f.path}: ${f.reason}. Choose another place.`,
  FLAG_INVALID: (f: { flag: string; reason: string }) => `${f.flag} ${f.reason}.`,
  CONFIG_INVALID: (f: { path: string; reason: string }) =>
    `The config file ${f.path} ${f.reason}. Mend it or name another with --config.`,
  ELF_NOT_ELF: (f: { bytes: number; head: string }) =>
    f.bytes === 0
      ? 'The program file is empty. Pass the ELF that `cargo prove build` wrote.'
      : `The program is not an ELF file (it begins with ${f.head}). Pass the ELF that \`cargo prove build\` wrote.`,
  ELF_TRUNCATED: (f: { part: string; offset: number; need: number; have: number }) =>
    `The ELF ends inside its ${f.part} (${f.need} bytes needed at offset ${f.offset}, ${f.have} there). Build or copy it again.`,
  ELF_MALFORMED: (f: { reason: string }) => `The ELF is malformed: ${f.reason}. Build it again.`,
  ELF_NOT_RV32: (f: { class: string; machine: string }) =>
    `The ELF is for ${f.machine} (${f.class}), not for 32-bit RISC-V. Pass the ELF that \`cargo prove build\` wrote.`,
  ELF_NOT_EXECUTABLE: (f: { type: number }) =>
    `The ELF has type ${f.type}, not ET_EXEC (2). Pass the linked program, not an object or a shared library.`,
  ELF_SEGMENT: (f: { segment: number; reason: string }) =>
    `Program header ${f.segment} of the ELF cannot be loaded: ${f.reason}. Link the guest with SP1's linker settings.`,
  ELF_TOO_LARGE: (f: { what: string; words: number; max: number }) =>
    `The program's ${f.what} has ${f.words} words; at most ${f.max} are taken. Make the program smaller.`,
  ELF_INSTRUCTION_UNKNOWN: (f: { pc: number; word: string }) =>
    `The word ${f.word} at pc 0x${f.pc.toString(16)} is no RV32IM instruction. SP1 refuses such a program; build it for riscv32im.`,
  STDIN_AMBIGUOUS: (f: { bytes: number }) =>
    `The stdin file (${f.bytes} bytes) is valid in more than one format. Say which with --stdin-format.`,
  STDIN_MALFORMED: (f: { format: string; reason: string }) =>
    `The stdin file is not valid ${f.format} input: ${f.reason}. Mend it or choose another --stdin-format.`,
  STDIN_DEFERRED_PROOFS: (f: { count: string }) =>
    `The stdin holds ${f.count} deferred proof(s), which sp1-tee does not verify, so nothing signs such a run. To see it, run \`execute --unverified-deferred-proofs\`.`,
  VKEY_MALFORMED: (f: { what: string; reason: string }) =>
    `${f.what} ${f.reason}, so it is no verifying key. Take it from \`sp1-tee vkey\` or \`cargo prove vkey\`.`,
  PROOF_MALFORMED: (f: { field: string; reason: string }) =>
    `The proof file's field ${f.field} ${f.reason}. Pass a file that \`sp1-tee prove\` wrote.`,
  KEY_PERMISSIONS: (f: { path: string; mode: string }) =>
    `The key file ${f.path} has mode ${f.mode}, so others may read it. Treat the key as leaked: remove the file and let a new key be made.`,
  KEY_MALFORMED: (f: { path: string }) =>
    `The key file ${f.path} does not hold a secp256k1 key. Remove it and let a new key be made.`,
  KEY_ON_DISK: (f: { path: string }) =>
    `${f.path} is not on tmpfs, so the signer's key would reach a disk. Set --state-dir to a folder on tmpfs, or pass --insecure-key-on-disk for development.`,
  KEYSTORE_MALFORMED: (f: { path: string; reason: string }) =>
    `The keystore ${f.path} ${f.reason}. Pass a web3 keystore (version 3), as \`cast wallet import\` writes it.`,
  KEYSTORE_PASSWORD: (f: { path: string }) =>
    `The password does not open the keystore ${f.path}. Check --password-file.`,
  ZK_CALLDATA_MALFORMED: (f: { path: string; reason: string }) =>
    `The file ${f.path} ${f.reason}. Pass the output of a DCAP prover as docs/contracts.md says.`,
  DEPLOYMENT_MALFORMED: (f: { path: string; reason: string }) =>
    `The deployment file ${f.path} ${f.reason}. Pass a file that \`sp1-tee deploy\` wrote.`,
  DEPLOYMENT_UNKNOWN: (f: { chainId: number; layout: string }) =>
    `No attestation contract of layout ${f.layout} is known on chain ${f.chainId}. Name one with --attestation 0xADDRESS.`,
  SIMULATED_CHAIN: (f: { chainId: number }) =>
    `Simulated quotes prove nothing, so no contract that takes them is deployed on chain ${f.chainId}. Use a development chain (31337), or name a real attestation contract.`,
  HOOK_INVALID: (f: { fd: string }) =>
    `A hook cannot be on file descriptor ${f.fd}, which this SP1 release uses itself or has not. Choose another, above 100 to be safe.`,
  HOOKS_IN_THREAD: () =>
    'Hooks are functions, and cannot reach the process that a pool runs this guest in. Call `execute` or `prove` without the pool.',
  RELEASE_MISMATCH: (f: { asked: string; likely: string; sign: string }) =>
    `The program was built for another release of SP1 than ${f.asked} (${f.sign}). Most likely it is ${f.likely}: pass --sp1 ${f.likely}.`,
  RELEASE_UNSUPPORTED: (f: { likely: string; sign: string; known: string }) =>
    `The program was built for another release of SP1 (${f.sign}), most likely ${f.likely}, which is not supported yet. Build it for one of: ${f.known}.`,
  RELEASE_UNKNOWN: (f: { release: string; known: string }) =>
    `SP1 ${f.release} is not supported. Choose one of: ${f.known}.`,
  QUOTE_TRUNCATED: (f: { field: string; offset: number; need: number; have: number }) =>
    `The quote ends inside its ${f.field} (${f.need} bytes needed at offset ${f.offset}, ${f.have} there). Fetch or copy it again.`,
  QUOTE_UNSUPPORTED: (f: { field: string; offset: number; value: number; supported: string }) =>
    `The quote's ${f.field} at offset ${f.offset} is ${f.value}; supported: ${f.supported}. Fetch or copy it again, or ask for another kind of quote.`,
  QUOTE_LENGTH: (f: { field: string; offset: number; stated: number; actual: number }) =>
    `The quote's ${f.field} at offset ${f.offset} should have ${f.stated} bytes and has ${f.actual}. Fetch or copy it again.`,
  QUOTE_MALFORMED: (f: { field: string; offset: number; reason: string }) =>
    `The quote's ${f.field} at offset ${f.offset} ${f.reason}. Fetch or copy it again.`,
  QUOTE_TRAILING: (f: { field: string; offset: number }) =>
    `The quote is followed by bytes that are not zero (the first at offset ${f.offset}). Pass the quote alone.`,
  TD_REPORT_MALFORMED: (f: { field: string; offset: number; reason: string }) =>
    `The TDREPORT's ${f.field} at offset ${f.offset} ${f.reason}. Pass the 1,024 bytes that the kernel gave.`,
  HCL_REPORT_MALFORMED: (f: { field: string; offset: number; reason: string }) =>
    `The HCL report's ${f.field} at offset ${f.offset} ${f.reason}. Read the vTPM's NV index again.`,
  EVENT_LOG_MALFORMED: (f: { field: string; offset: number; reason: string }) =>
    `The event log's ${f.field} at offset ${f.offset} ${f.reason}. Pass the data of the CCEL table, as the kernel gives them.`,
  ATTESTATION_MALFORMED: (f: { reason: string }) =>
    `The attestation ${f.reason}. Pass what \`attest --json\` printed.`,
  REPORT_DATA_MALFORMED: (f: { field: string; offset: number; reason: string }) =>
    `The report data's ${f.field} at offset ${f.offset} ${f.reason}. Report data are 64 bytes: 12 zero bytes, an address and a hash.`,
  REPORT_DATA_LENGTH: (f: { have: number }) =>
    `Report data must have 64 bytes, not ${f.have}. Correct it.`,
  PEM_MALFORMED: (f: { offset: number; reason: string }) =>
    `The certificate chain is not PEM: ${f.reason} (character ${f.offset}). Pass CERTIFICATE blocks and nothing else.`,
  ROOT_MALFORMED: (f: { reason: string }) =>
    `The root certificate ${f.reason}. Pass one certificate, PEM or DER.`,
  DER_MALFORMED: (f: { what: string; offset: number; reason: string }) =>
    `The ${f.what} is no strict DER at byte ${f.offset}: ${f.reason}. Fetch it again.`,
  COLLATERAL_MALFORMED: (f: { document: string; path: string; reason: string }) =>
    `The collateral's ${f.path === '' ? f.document : `${f.document}, field ${f.path},`} ${f.reason}. Fetch it again.`,
  POLICY_MALFORMED: (f: { path: string; reason: string }) =>
    `The policy${f.path === '' ? '' : `'s ${f.path}`} ${f.reason}. Mend it; schemas/policy.schema.json says what a policy may hold.`,
  REQUEST_MALFORMED: (f: { reason: string }) =>
    `The request is malformed: ${f.reason}. Correct it.`,
  PRIVATE_KEY_MALFORMED: (f: { reason: string }) =>
    `The key that the server announces for private inputs ${f.reason}. Do not send it any.`,
  PRIVATE_INPUTS_UNREADABLE: (f: { reason: string }) =>
    `The private inputs cannot be opened: ${f.reason}. Encrypt and send them again.`,
  PRIVATE_NEEDS_POLICY: () =>
    'Private inputs are sent only to a server whose attestation was checked. Pass a policy with --policy.',
  TEE_REQUEST_MALFORMED: (f: { reason: string }) =>
    `The request is no bincode TEERequest: ${f.reason}. Send what sp1-sdk sends.`,
  KEYS_MALFORMED: (f: { reason: string }) =>
    `The file of API keys is malformed: ${f.reason}. docs/operations.md shows one.`,
  PROOF_MODE: (f: { mode: string; supported: string }) =>
    `The proof mode ${f.mode} is not offered here. Ask for ${f.supported}.`,
  SCHEME_REFUSED: (f: { scheme: string; signs: string }) =>
    `This server does not sign with scheme ${f.scheme}. Ask for ${f.signs}.`,
  PROVIDER_UNKNOWN: (f: { provider: string; known: string }) =>
    `There is no quote provider ${f.provider}. Choose one of: ${f.known}.`,
  SIMULATED_STATE: (f: { path: string; reason: string }) =>
    `The simulated authority's file ${f.path} ${f.reason}. Remove its folder and let a new authority be made.`,
} satisfies Record<string, Row>

/** The guest program faulted, or what it did could not be proved. Exit code 3. */
const GUEST = {
  GUEST_EXIT: (f: { exitCode: number }) =>
    `The guest exited with code ${f.exitCode}. Its output says why; mend the guest or its input.`,
  GUEST_TRAP: (f: { reason: string }) =>
    `The guest trapped: ${f.reason}. SP1 refuses this run too; mend the guest.`,
  PC_OUTSIDE_PROGRAM: (f: { target: string }) =>
    `The program's entry ${f.target} is outside its instructions. Link the guest again.`,
  MEMORY_MISALIGNED: (f: { mnemonic: string; address: string }) =>
    `The guest's ${f.mnemonic} at address ${f.address} is misaligned. SP1 refuses it too; mend the guest.`,
  MEMORY_OUT_OF_RANGE: (f: { address: string }) =>
    `The guest accessed address ${f.address}, beyond SP1's memory (0x78000000). Its stack or heap overflowed, or a pointer is wrong.`,
  SYSCALL_UNKNOWN: (f: { code: string }) =>
    `The guest called syscall ${f.code}, which this SP1 release does not have. Build the guest for the release given by --sp1.`,
  SYSCALL_UNSUPPORTED: (f: { name: string }) =>
    `The guest called ${f.name}, which sp1-tee does not run yet. Nothing was signed.`,
  SYSCALL_INVALID: (f: { syscall: string; reason: string }) =>
    `The guest's ${f.syscall} call is invalid: ${f.reason}. SP1 refuses it too; mend the guest.`,
  HINT_MISSING: (f: { buffersRead: number }) =>
    `The guest asked for more input than there is (${f.buffersRead} buffers read). Give it all its buffers with --stdin or --input.`,
  HINT_LENGTH: (f: { expected: number; actual: number }) =>
    `The guest read ${f.expected} bytes of an input buffer that has ${f.actual}. Check the input's format.`,
  HOOK_FAILED: (f: { hook: string; reason: string }) =>
    `The guest's call of the hook ${f.hook} failed: ${f.reason}. SP1 refuses it too; mend the guest or its input.`,
  UNPROVABLE: (f: { reason: string }) =>
    `SP1 could not prove this run: ${f.reason}. Nothing was signed; mend the guest.`,
} satisfies Record<string, Row>

/** A limit was hit. Exit code 4. */
const LIMIT = {
  CYCLE_LIMIT: (f: { limit: number }) =>
    `The guest did not end within ${f.limit} cycles. Raise --cycle-limit if it should run longer.`,
  MEMORY_LIMIT: (f: { limitMib: number; address: string }) =>
    `The guest needs memory at ${f.address}, beyond its limit of ${f.limitMib} MiB. Raise --memory-limit if it should have more.`,
  PROCESS_MEMORY_LIMIT: (f: { limitMib: number; residentMib: number; maxMib: number }) =>
    `The guest's process took ${f.residentMib} MiB of the machine's memory, and may take ${f.maxMib} for a guest with ${f.limitMib} MiB. Make the guest or its input smaller, or raise --memory-limit.`,
  TIMEOUT: (f: { timeoutSeconds: number }) =>
    `The guest did not end within ${f.timeoutSeconds} s. Raise --timeout if it should run longer.`,
  OUTPUT_LIMIT: (f: { stream: string; limitBytes: number }) =>
    `The guest wrote more than ${f.limitBytes} bytes to ${f.stream}. Make it write less.`,
} satisfies Record<string, Row>

/** Well-formed, but verification says no. Exit code 5. */
const REJECTED = {
  VERIFICATION_FAILED: (f: { failed: readonly string[] }) =>
    `The proof is not accepted: ${f.failed.join(', ')} failed. The checks say why.`,
  VKEY_DIFFERS: (f: { expected: string; bytes32: string; hashBytes: string }) =>
    `The program's verifying key is ${f.bytes32} (hash_bytes ${f.hashBytes}), not ${f.expected}. Check that the ELF and its SP1 release are those that were deployed.`,
  QE_VENDOR_UNKNOWN: (f: { vendorId: string }) =>
    `The quote was made by a quoting enclave of vendor ${f.vendorId}, which is not Intel. Do not trust it.`,
  PCK_CHAIN_ABSENT: (f: { type: number }) =>
    `The quote names its PCK certificate (certification data type ${f.type}) and does not hold the chain, so nothing of it can be believed. Let the platform's quoting library fetch the chain (type 5).`,
  CHAIN_INCOMPLETE: (f: { chain: string; have: number; expected: string }) =>
    `The ${f.chain} has ${f.have} certificates; it should be ${f.expected}. Get the quote again, with its whole chain.`,
  ROOT_UNTRUSTED: (f: { chain: string; fingerprint: string; trusted: string }) =>
    `The root of the ${f.chain} (SHA-256 ${f.fingerprint}) is not ${f.trusted}. Do not trust it; a simulated quote verifies only under its own root, given explicitly (--root).`,
  CERTIFICATE_PROFILE: (f: { certificate: string; reason: string }) =>
    `The ${f.certificate} ${f.reason}. Do not trust it.`,
  CERTIFICATE_EXPIRED: (f: { certificate: string; from: string; until: string; now: string }) =>
    `The ${f.certificate} is valid from ${f.from} to ${f.until}, not at ${f.now}. Fetch it again, or check the clock.`,
  CERTIFICATE_SIGNATURE: (f: { certificate: string; issuer: string }) =>
    `The ${f.certificate} is not signed by ${f.issuer}. Do not trust it.`,
  CERTIFICATE_REVOKED: (f: { certificate: string; serialNumber: string; crl: string }) =>
    `The ${f.certificate} with serial number ${f.serialNumber} was revoked by ${f.crl}. Do not trust this platform.`,
  CRL_ISSUER: (f: { crl: string; issuer: string; expected: string }) =>
    `The ${f.crl} is by ${f.issuer}, not by ${f.expected}. Fetch the right one.`,
  CRL_SIGNATURE: (f: { crl: string }) =>
    `The ${f.crl} is not signed by its issuer. Fetch it again.`,
  CRL_EXPIRED: (f: { crl: string; from: string; until: string; now: string }) =>
    `The ${f.crl} is valid from ${f.from} to ${f.until}, not at ${f.now}. Fetch it again, or check the clock.`,
  COLLATERAL_SIGNATURE: (f: { document: string }) =>
    `The ${f.document} is not signed by its issuer. Fetch it again.`,
  COLLATERAL_EXPIRED: (f: { document: string; from: string; until: string; now: string }) =>
    `The ${f.document} is valid from ${f.from} to ${f.until}, not at ${f.now}. Fetch it again, or check the clock.`,
  COLLATERAL_MISMATCH: (f: { document: string; field: string; actual: string; expected: string }) =>
    `The ${f.document} is for ${f.field} ${f.actual}, and the quote is of ${f.expected}. Fetch that of this platform.`,
  QE_REPORT_SIGNATURE: () =>
    "The quoting enclave's report is not signed by the platform's PCK key. Do not trust the quote.",
  ATTESTATION_KEY_UNBOUND: () =>
    'The quoting enclave does not vouch for the key that signs the quote. Do not trust it.',
  QE_MISMATCH: (f: { field: string; actual: string; expected: string }) =>
    `The quoting enclave's ${f.field} is ${f.actual}, not ${f.expected} as Intel says. Do not trust the quote.`,
  QUOTE_SIGNATURE: () =>
    'The quote is not signed by its attestation key: a byte of it was changed. Do not trust it.',
  TDX_MODULE_MISMATCH: (f: { reason: string }) =>
    `The TDX module is not one of Intel's: ${f.reason}. Do not trust the quote.`,
  TCB_LEVEL_MISSING: (f: { what: string; short: readonly string[] }) =>
    `The ${f.what} is below the lowest level that Intel lists: ${f.short.join('; ')}. Update firmware and TDX module of the host.`,
  TCB_REVOKED: (f: { when: string }) =>
    `Intel has revoked what the platform ran ${f.when}. Do not trust it.`,
  EVENT_LOG_MISMATCH: (f: { registers: readonly string[] }) =>
    `The event log does not give ${f.registers.join(', ')} of the quote. It is of another boot, or was changed.`,
  RUNTIME_DATA_UNBOUND: (f: { actual: string; expected: string }) =>
    `The quote is not about these runtime data: its report data are ${f.actual}, and the data's hash is ${f.expected}. Pass the file that was written with the quote.`,
  POLICY_PINS_NOTHING: () =>
    'The policy pins no workload: any software in a TD could have made the signer. Add the measurements of yours (`quote measure`).',
  SIGNER_UNBOUND: (f: { signer: string; reason: string }) =>
    `The quote does not vouch for the signer ${f.signer}: ${f.reason}. Do not trust the signer.`,
  SIGNER_REFUSED: (f: { signer: string; reason: string }) =>
    `The signer ${f.signer} is not accepted: ${f.reason}. Do not trust its proofs, and send it nothing private.`,
  PRIVATE_KEY_REFUSED: (f: { reason: string }) =>
    `The key that the server announces for private inputs is not to be trusted: ${f.reason}. Nothing was sent.`,
  QUOTE_REFUSED: (f: { failed: readonly string[] }) =>
    `The quote is not accepted: ${f.failed.join(', ')} failed. The checks say why.`,
  TEE_REFUSED: (f: { actual: string; accepted: string }) =>
    `The quote is of ${f.actual}, and the policy accepts ${f.accepted}. Use another policy if that is meant.`,
  TCB_OUT_OF_DATE: (f: {
    status: string
    tcbDate: string
    accepted: readonly string[]
    behind: readonly string[]
  }) =>
    `The platform is ${f.status}: it has what was good as of ${f.tcbDate}, and is behind by: ${f.behind.join('; ')}. Update its firmware and TDX module, then make a new quote; the policy accepts ${f.accepted.join(', ')}.`,
  TCB_STATUS_REFUSED: (f: { status: string; tcbDate: string; accepted: readonly string[] }) =>
    `The platform is ${f.status}. Do what its advisories say, or accept that status in the policy, which accepts ${f.accepted.join(', ')}.`,
  ADVISORY_OPEN: (f: { advisoryIds: readonly string[] }) =>
    `Intel's advisories ${f.advisoryIds.join(', ')} apply to the platform. Update it, or ignore them in the policy until a date.`,
  TCB_EVALUATION_OLD: (f: { actual: number; minimum: number }) =>
    `The collateral is of TCB evaluation ${f.actual}, and the policy demands ${f.minimum}. Fetch newer collateral.`,
  TD_DEBUG: () => 'The TD can be debugged by its host. Do not trust it.',
  TD_MIGRATABLE: () => 'The TD can be moved to other platforms. Do not trust it.',
  TD_ATTRIBUTES: (f: { attributes: string; reason: string }) =>
    `The TD's attributes ${f.attributes} are refused: ${f.reason}. Launch it with others.`,
  SERVICE_TD_REFUSED: (f: { actual: string }) =>
    `A service TD is bound to the TD (MRSERVICETD ${f.actual}) that the policy does not list. Do not trust it.`,
  TDX_MODULE_REFUSED: (f: { actual: string }) =>
    `The TDX module (MRSEAM ${f.actual}) is none that the policy lists. Add it, or update the host.`,
  WORKLOAD_REFUSED: (f: {
    workloadId: string
    nearest: string | undefined
    differs: readonly string[]
  }) =>
    `The TD (workload ${f.workloadId}) is none that the policy lists; ${f.nearest ?? 'the nearest'} differs in ${f.differs.join(', ')}. \`sp1-tee quote measure\` prints its entry.`,
} satisfies Record<string, Row>

/** A quote could not be had from the device that makes them. Exit code 6. */
const DEVICE = {
  TDX_DEVICE_MISSING: (f: { reason: string }) =>
    `No quote can be had here: ${f.reason}. Run inside a TDX virtual machine with Linux 6.7 or newer and the tdx_guest module loaded; for development only, choose --provider simulated.`,
  TDX_PERMISSION_DENIED: (f: { step: string; errno: string }) =>
    `The kernel's quote interface refused access (${f.errno} at ${f.step}). Run as root, in a container with /sys/kernel/config mounted for writing.`,
  QUOTE_TIMEOUT: (f: { provider: string; seconds: number }) =>
    `The provider ${f.provider} gave no quote within ${f.seconds} s. Look at the host's quote service; if it stays, restart the virtual machine.`,
  TDX_PROVIDER_OTHER: (f: { found: string }) =>
    `The kernel's quote interface is served by ${f.found}, not by tdx_guest. Run inside an Intel TDX virtual machine.`,
  TDX_BUSY: (f: { step: string }) =>
    `The host is still busy with an earlier quote request (EBUSY at ${f.step}). Try again in a minute; if it stays, restart the virtual machine.`,
  TDX_TIMEOUT: (f: { step: string }) =>
    `The host did not answer the quote request in time (ETIMEDOUT at ${f.step}). Check that its quote generation service runs and reaches its provisioning service.`,
  TDX_INTERRUPTED: (f: { step: string }) =>
    `A signal interrupted the quote request again and again (EINTR at ${f.step}). Run the command again.`,
  TDX_HOST_FAILED: (f: { step: string; errno: string }) =>
    `The host failed to make the quote (${f.errno} at ${f.step}). Check its quote generation service and that the platform is registered with Intel.`,
  TDX_REQUEST_REFUSED: (f: { step: string }) =>
    `The kernel refused the quote request (EINVAL at ${f.step}). Update the guest's kernel to 6.7 or newer.`,
  TDX_REQUEST_LOST: (f: { expected: number; actual: number }) =>
    `The kernel did not take exactly our quote request (generation ${f.actual}, not ${f.expected}). Run it again; leave the folders below /sys/kernel/config/tsm/report alone.`,
  TDX_DEVICE_FAILED: (f: { step: string; reason: string }) =>
    `The kernel's quote interface failed (${f.reason} at ${f.step}). Look into the kernel's log (dmesg).`,
  QUOTE_SERVICE_UNREACHABLE: (f: { provider: string; address: string; reason: string }) =>
    `The quote service of provider ${f.provider} at ${f.address} does not answer: ${f.reason}. Check that it runs, and that this user may use it.`,
  QUOTE_SERVICE_ANSWER: (f: { provider: string; address: string; reason: string }) =>
    `The quote service of provider ${f.provider} at ${f.address} gave no quote: ${f.reason}. Look into its log.`,
  QUOTE_UNUSABLE: (f: { provider: string; bytes: number; reason: string }) =>
    `The provider ${f.provider} gave ${f.bytes} bytes that are no usable quote: ${f.reason}. Check the host's quote generation service and try again.`,
  QUOTE_FOREIGN: (f: { provider: string; offset: number; asked: string; got: string }) =>
    `The provider ${f.provider} gave a quote over other report data than asked for (${f.got}, not ${f.asked}, at offset ${f.offset}). It was discarded; try again.`,
  REPORT_DATA_INDIRECT: (f: { provider: string }) =>
    `Quotes of provider ${f.provider} carry a hash of runtime data in place of the report data, which a registry cannot read. Register on a machine whose quotes come from configfs, dstack or http; \`attest\` and \`quote verify --runtime-data\` work here.`,
  VTPM_FAILED: (f: { tool: string; reason: string }) =>
    `The virtual TPM could not be used (${f.tool}: ${f.reason}). Install tpm2-tools, and run as root or as a member of group tss.`,
  HCL_REPORT_STALE: (f: { waitedSeconds: number }) =>
    `Azure's paravisor did not answer for our report data within ${f.waitedSeconds} s. Try again, and let nobody else write NV index 0x01400002 meanwhile.`,
  QUOTE_SIMULATION: (f: { provider: string; simulated: boolean }) =>
    f.simulated
      ? `The provider ${f.provider} should give real quotes and gave a simulated one. Do not trust this machine's host.`
      : `The provider ${f.provider} should give simulated quotes and gave one that is not marked as such. Remove its state folder.`,
} satisfies Record<string, Row>

/** A chain or its RPC did not do what was asked. Exit code 7. */
const CHAIN = {
  RPC_UNREACHABLE: (f: { url: string; reason: string }) =>
    `The RPC at ${f.url} does not answer: ${f.reason}. Check --rpc-url and that the node runs.`,
  RPC_FAILED: (f: { method: string; reason: string }) =>
    `The RPC refused ${f.method}: ${f.reason}. Try again, or choose another node.`,
  CHAIN_MISMATCH: (f: { expected: number; actual: number }) =>
    `The RPC serves chain ${f.actual}, not ${f.expected}. Check --rpc-url and --chain.`,
  CONTRACT_MISSING: (f: { what: string; address: string }) =>
    `There is no contract at ${f.address}, where ${f.what} should be. Check the address and the chain.`,
  CONTRACT_OTHER: (f: { what: string; address: string }) =>
    `The contract at ${f.address} does not answer as ${f.what}. Check the address.`,
  CHAIN_REVERTED: (f: { call: string; error: string; remedy?: string }) =>
    `${f.call} was reverted: ${f.error}. ${f.remedy ?? 'docs/contracts.md says what each error means.'}`,
  PCCS_COLLATERAL_MISSING: (f: { source: string; what: string }) =>
    `The on-chain ${f.source} has no ${f.what}. Choose another --tcb-evaluation, let somebody put it there, or use --pccs-url.`,
  RECEIPT_MISSING: (f: { txHash: string; timeoutSeconds: number }) =>
    `Transaction ${f.txHash} was not confirmed within ${f.timeoutSeconds} s. Look it up before sending another.`,
  TRANSACTION_DISPLACED: (f: { address: string; nonce: number; txHash: string }) =>
    `Another transaction of ${f.address} took nonce ${f.nonce}, so ${f.txHash} can never be mined. Use a gas payer that nobody else uses, or try again.`,
  DEPLOYER_MISSING: (f: { address: string; chainId: number }) =>
    `Chain ${f.chainId} has no deterministic deployer at ${f.address}, by which contracts get the same addresses everywhere. Have it deployed: https://github.com/Arachnid/deterministic-deployment-proxy.`,
  POLICY_MISSING: (f: { registry: string }) =>
    `The registry ${f.registry} has no measurement policy. It is of an older kind: it takes any workload.`,
  DEPLOYMENT_INCOMPLETE: (f: { contract: string; address: string }) =>
    `The transaction was mined, but ${f.contract} is not at ${f.address}. Run the command again.`,
  GAS_PAYER_POOR: (f: { address: string }) =>
    `The gas payer ${f.address} cannot pay for the transaction. Send it funds.`,
  GAS_PAYER_IS_SIGNER: (f: { address: string }) =>
    `The gas payer and the signer are the same key (${f.address}). Pay with another key; a signer sends no transactions.`,
  REGISTRATION_UNREADABLE: (f: { address: string; registry: string }) =>
    `The registration was mined, but the registry ${f.registry} does not list ${f.address}. Do not use this signer; ask the registry's owner.`,
  ANVIL_MISSING: (f: { package: string }) =>
    `There is no anvil on this machine, which the development chain needs. Install Foundry, or \`npm install ${f.package}\` beside sp1-tee, or name one with --anvil.`,
  ANVIL_FAILED: (f: { reason: string }) =>
    `The development chain did not start: ${f.reason}. Run anvil by hand to see why.`,
} satisfies Record<string, Row>

/** A server did not do what was asked. Exit code 8. */
const SERVER = {
  SERVER_UNREACHABLE: (f: { url: string; reason: string }) =>
    `The server at ${f.url} does not answer: ${f.reason}. Check --url and that \`sp1-tee serve\` runs.`,
  SERVER_ANSWER: (f: { url: string; reason: string }) =>
    `The server at ${f.url} gave no usable answer: ${f.reason}. Check that it is an sp1-tee of this version.`,
  PCS_UNREACHABLE: (f: { url: string; reason: string }) =>
    `The collateral service at ${f.url} does not answer: ${f.reason}. Check the network and --pccs-url, or pass a bundle with --collateral.`,
  PCS_ANSWER: (f: { url: string; reason: string }) =>
    `The collateral service at ${f.url} gave no usable answer: ${f.reason}. Check --pccs-url, or try again later.`,
  PCS_ROLLED_BACK: (f: { what: string; kept: string; fetched: string; path: string }) =>
    `The collateral service went back from ${f.what} ${f.kept} to ${f.fetched}, which may hide a revocation. Ask another one (--pccs-url), or remove ${f.path} if that is meant.`,
  COLLATERAL_TIMEOUT: (f: { seconds: number }) =>
    `The collateral could not be had within ${f.seconds} s. Check the network and --pccs-url.`,
  PCS_PLATFORM_UNKNOWN: (f: { url: string; fmspc: string }) =>
    `The collateral service at ${f.url} knows no platform with FMSPC ${f.fmspc}. Intel has no TCB info for this kind of machine, or the cache lacks it.`,
  SERVER_DRAINING: () => 'The server is shutting down. Send the request to another one, or later.',
  LISTEN_FAILED: (f: { address: string; reason: string }) =>
    `Cannot listen on ${f.address}: ${f.reason}. Choose another address with --listen.`,
  SIGNER_NOT_READY: (f: { reason: string }) =>
    `No signer is ready: ${f.reason}. Try again when /readyz says so.`,
  OPERATOR_ONLY: () =>
    'Only the operator may do this. Send it with a key that is marked `operator`; where there are none and no --insecure, from the machine of the server, by its loopback address and through no proxy.',
  QUEUE_FULL: (f: { queued: number; retryAfterSeconds: number }) =>
    `The server's queue is full (${f.queued} jobs). Try again in ${f.retryAfterSeconds} s.`,
  MEMORY_UNAVAILABLE: (f: { mib: number }) =>
    `This machine has no ${f.mib} MiB to spare for it. Run less at once, or on a larger machine.`,
  EXECUTION_LOST: (f: { reason: string }) =>
    `The execution ended without a result: ${f.reason}. Send the request again.`,
  JOB_UNKNOWN: (f: { id: string }) =>
    `There is no job ${f.id}. It was never accepted here, or its result was removed.`,
  PROGRAM_UNKNOWN: (f: { programId: string }) =>
    `The program ${f.programId} is not here. Upload it with PUT /v1/programs.`,
  COLLATERAL_ABSENT: (f: { signer: string }) =>
    `The server has no collateral for the quote of its signer ${f.signer}. Pass it with --collateral, or let it be fetched.`,
  PRIVATE_INPUTS_OFF: () =>
    'The server takes no private inputs. Ask its operator for --private-inputs, or another server.',
  PRIVATE_KEY_UNKNOWN: () =>
    'The server does not have the key that these inputs are encrypted to (any more). Take the one it announces now.',
  PRIVATE_KEY_LOST: () =>
    'The key of these private inputs was in the memory of a server that is gone. Encrypt and send them again.',
  ATTESTATION_UNKNOWN: (f: { signer: string; kept: number }) =>
    `The server has no attestation of signer ${f.signer}: it keeps those of signers that have signed a proof, the newest ${f.kept}.`,
  ROUTE_UNKNOWN: (f: { method: string; path: string }) =>
    `There is no ${f.method} ${f.path}. README.md lists what the server offers.`,
  JOB_CANCELLED: (f: { id: string }) => `The job ${f.id} was cancelled. Send the request again.`,
  JOB_STATE: (f: { id: string; state: string }) =>
    `The job ${f.id} is ${f.state}, so this cannot be done to it.`,
  IDEMPOTENCY_CONFLICT: () =>
    'The Idempotency-Key was used for another request. Take a new key for each new request.',
  STORE_UNAVAILABLE: (f: { reason: string }) =>
    `The store of jobs cannot do it: ${f.reason}. Nothing was lost; try again when it works.`,
  STORE_DAMAGED: () =>
    'What the store has of this job is not what was written there. Send the request again.',
  INPUT_UNKNOWN: (f: { hash: string }) =>
    `The input ${f.hash} of the job is not here any more. Send the request again.`,
  STORE_FULL: (f: { limitBytes: number }) =>
    `The server keeps no more than ${f.limitBytes} bytes of programs and inputs. Try again when jobs have ended.`,
  KEY_REQUIRED: () =>
    'The server takes work only with a valid API key. Send it as "Authorization: Bearer KEY".',
  RATE_LIMITED: (f: { retryAfterSeconds: number }) =>
    `The API key has used up its requests. Try again in ${f.retryAfterSeconds} s.`,
  BODIES_FULL: (f: { retryAfterSeconds: number }) =>
    `The server has as many large requests at a time as it can bear. Try again in ${f.retryAfterSeconds} s.`,
  BODY_TOO_LARGE: (f: { limitBytes: number }) =>
    `The request has more than ${f.limitBytes} bytes. Send less.`,
  MEDIA_TYPE: (f: { expected: string }) =>
    `The request's Content-Type is not ${f.expected}. Correct it.`,
} satisfies Record<string, Row>
/** Where a server's answer is not 503. */
const SERVER_HTTP_STATUS: Partial<Record<keyof typeof SERVER, number>> = {
  OPERATOR_ONLY: 403,
  KEY_REQUIRED: 401,
  JOB_UNKNOWN: 404,
  ATTESTATION_UNKNOWN: 404,
  PROGRAM_UNKNOWN: 404,
  INPUT_UNKNOWN: 404,
  ROUTE_UNKNOWN: 404,
  PRIVATE_INPUTS_OFF: 404,
  PRIVATE_KEY_UNKNOWN: 409,
  JOB_CANCELLED: 409,
  JOB_STATE: 409,
  IDEMPOTENCY_CONFLICT: 409,
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE: 415,
  BODIES_FULL: 429,
  QUEUE_FULL: 429,
  RATE_LIMITED: 429,
}

/** Interrupted by its caller. Exit code 130. */
const INTERRUPTED = {
  INTERRUPTED: (f: { during: string; outcome?: string }) =>
    `Interrupted during ${f.during}. ${f.outcome ?? 'Nothing was signed; run the command again.'}`,
} satisfies Record<string, Row>

/** All rows with their class, exit code and HTTP status; docs/errors.md lists the same codes. */
export const ERROR_TABLES = {
  input: { rows: INPUT, exitCode: 2, httpStatus: 400 },
  guest: { rows: GUEST, exitCode: 3, httpStatus: 422 },
  limit: { rows: LIMIT, exitCode: 4, httpStatus: 422 },
  rejected: { rows: REJECTED, exitCode: 5, httpStatus: 409 },
  device: { rows: DEVICE, exitCode: 6, httpStatus: 503 },
  chain: { rows: CHAIN, exitCode: 7, httpStatus: 503 },
  server: { rows: SERVER, exitCode: 8, httpStatus: 503, httpStatusOf: SERVER_HTTP_STATUS },
  interrupted: { rows: INTERRUPTED, exitCode: 130, httpStatus: 503 },
} as const

type Tables = typeof ERROR_TABLES
type RowsOf<Class extends keyof Tables> = Tables[Class]['rows']
type FactsOf<F> = F extends (facts: infer Facts) => string ? Facts : never

export type ErrorDetails = Readonly<Record<string, unknown>>

const MAX_NAME_LENGTH = 40

/** What somebody else has written, fit for a sentence: bounded, and without what would steer a terminal. */
export function printable(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replace(/\p{Cc}/gu, ' ')
}

/** Of a field, for example. */
export function shortName(name: string): string {
  return printable(name, MAX_NAME_LENGTH)
}

/** Base of all errors with a stable code. Shaped as oclif prints errors, without importing oclif. */
export class Sp1TeeError extends Error {
  readonly details: ErrorDetails
  readonly exitCode: number
  readonly httpStatus: number
  /** Where oclif looks for the exit code when it prints text; with --json it reads `exitCode`. */
  readonly oclif: { readonly exit: number }

  constructor(
    readonly code: string,
    message: string,
    details: ErrorDetails,
    { exitCode, httpStatus }: { exitCode: number; httpStatus: number },
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = new.target.name
    this.details = details
    this.exitCode = exitCode
    this.httpStatus = httpStatus
    this.oclif = { exit: exitCode }
  }
}

interface Table {
  readonly rows: Record<string, Row>
  readonly exitCode: number
  readonly httpStatus: number
  readonly httpStatusOf?: Readonly<Record<string, number>>
}

function tableOf(code: string): Table | undefined {
  const tables: readonly Table[] = Object.values(ERROR_TABLES)
  return tables.find(({ rows }) => Object.hasOwn(rows, code))
}

function kindOf({ exitCode, httpStatus, httpStatusOf = {} }: Table, code: string) {
  return { exitCode, httpStatus: httpStatusOf[code] ?? httpStatus }
}

/** Of an error, what crosses a border: a thread's, a process's or a server's. */
export interface ErrorFacts {
  readonly code: string
  readonly message: string
  readonly details: ErrorDetails
}

/** What `restoreError` takes; its code is INTERNAL for what is no error of ours. */
export function factsOf(error: unknown): ErrorFacts {
  if (!(error instanceof Sp1TeeError)) {
    return { code: 'INTERNAL', message: (error as Error).message, details: {} }
  }
  const { code, message, details } = error
  return { code, message, details }
}

/**
 * An error that has crossed a border, as an error again: of the class of its code, with the words of the
 * other side.
 *
 * @returns undefined for a code that no table has
 */
export function restoreError({ code, message, details }: ErrorFacts): Sp1TeeError | undefined {
  const table = tableOf(code)
  if (table === undefined) return undefined
  const error = new Sp1TeeError(code, message, details, kindOf(table, code))
  const { prototype } = classOf(table)
  // Its constructor would say it in our words.
  Object.setPrototypeOf(error, prototype)
  error.name = prototype.constructor.name
  return error
}

function sentence(rows: Record<string, Row>, code: string, facts: unknown): string {
  return (rows[code] as (facts: unknown) => string)(facts)
}

export class InputError<
  C extends keyof RowsOf<'input'> = keyof RowsOf<'input'>,
> extends Sp1TeeError {
  constructor(code: C, facts: FactsOf<RowsOf<'input'>[C]>, cause?: unknown) {
    super(code, sentence(INPUT, code, facts), facts as ErrorDetails, ERROR_TABLES.input, cause)
  }
}

type GuestRows = RowsOf<'guest'> & RowsOf<'limit'>

/** What a guest did. `context` is added by the executor: pc, cycles and the guest's output so far. */
export class GuestError<C extends keyof GuestRows = keyof GuestRows> extends Sp1TeeError {
  constructor(code: C, facts: FactsOf<GuestRows[C]>, context: ErrorDetails = {}) {
    const table = code in LIMIT ? ERROR_TABLES.limit : ERROR_TABLES.guest
    const details = { ...(facts as ErrorDetails), ...context }
    super(code, sentence(table.rows, code, facts), details, table)
  }

  withContext(context: ErrorDetails): GuestError {
    return new GuestError(
      this.code as C,
      this.details as FactsOf<GuestRows[C]>,
      context,
    ) as GuestError
  }
}

export class RejectedError<
  C extends keyof RowsOf<'rejected'> = keyof RowsOf<'rejected'>,
> extends Sp1TeeError {
  constructor(code: C, facts: FactsOf<RowsOf<'rejected'>[C]>, cause?: unknown) {
    super(
      code,
      sentence(REJECTED, code, facts),
      facts as ErrorDetails,
      ERROR_TABLES.rejected,
      cause,
    )
  }
}

type UnavailableRows = RowsOf<'device'> & RowsOf<'chain'> & RowsOf<'server'>

/** What is needed from outside did not come: a quote, an answer of a chain, or one of a server. */
export class UnavailableError<
  C extends keyof UnavailableRows = keyof UnavailableRows,
> extends Sp1TeeError {
  constructor(code: C, facts: FactsOf<UnavailableRows[C]>, cause?: unknown) {
    const table = tableOf(code) as Table
    super(
      code,
      sentence(table.rows, code, facts),
      facts as ErrorDetails,
      kindOf(table, code),
      cause,
    )
  }
}

export class InterruptedError extends Sp1TeeError {
  constructor(facts: FactsOf<RowsOf<'interrupted'>['INTERRUPTED']>) {
    const text = sentence(INTERRUPTED, 'INTERRUPTED', facts)
    super('INTERRUPTED', text, facts, ERROR_TABLES.interrupted)
  }
}

function classOf(table: Table): { readonly prototype: Sp1TeeError } {
  switch (table) {
    case ERROR_TABLES.input:
      return InputError
    case ERROR_TABLES.guest:
    case ERROR_TABLES.limit:
      return GuestError
    case ERROR_TABLES.rejected:
      return RejectedError
    case ERROR_TABLES.interrupted:
      return InterruptedError
    default:
      return UnavailableError
  }
}

/** A bug of ours that a check found. Never caused by input, a guest or the network. */
export class InternalError extends Sp1TeeError {
  constructor(message: string, cause?: unknown) {
    super('INTERNAL', message, {}, { exitCode: 1, httpStatus: 500 }, cause)
  }
}
