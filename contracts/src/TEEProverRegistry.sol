// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {AttestationOutput} from "./AttestationOutput.sol";
import {IAttestationVerifier, IZkAttestationVerifier} from "./IAttestationVerifier.sol";
import {ICollateralProbe} from "./ICollateralProbe.sol";
import {IMeasurementPolicy, IPolicyEnforcer} from "./IMeasurementPolicy.sol";
import {ITEEProverRegistry} from "./ITEEProverRegistry.sol";
import {RefusalGrounds} from "./RefusalGrounds.sol";

/// @title The signers whose key lives in an attested TDX virtual machine that the policy allows
/// @notice A signer is registered by a DCAP quote whose report data name it and a recent block. Anybody
/// may send the registration. It lasts `attestValiditySeconds`, counted from its block, and ends sooner
/// if the policy revokes its workload or its TCB status, if the attestation fails now, if the signer
/// says so, or if it is revoked.
contract TEEProverRegistry is Ownable2Step, ReentrancyGuard, EIP712, ITEEProverRegistry, IPolicyEnforcer {
    /// What a registration refers to, and for whom it is.
    struct ReportData {
        uint256 referenceBlockNumber;
        bytes32 referenceBlockHash;
        address proverAddress;
    }

    /// What is kept of a signer.
    struct ProverRecord {
        uint256 registeredAt;
        /// The signer is valid from here to `expiresAt`, the end excluded.
        uint256 validFrom;
        uint256 expiresAt;
        bytes32 workloadId;
        uint8 tcbStatus;
        uint32 policyVersion;
        bytes6 fmspc;
        /// keccak256 of the quote's bytes, for `invalidate` alone; 0 if none was sent.
        bytes32 quoteHash;
        bool isRevoked;
    }

    /// One slot: all of a signer that its validity depends on.
    struct Signer {
        uint40 registeredAt;
        uint40 validFrom;
        /// Of the first registration; a signer never changes its workload.
        uint32 workloadIndex;
        uint32 policyVersion;
        uint8 tcbStatus;
        bytes6 fmspc;
        bool isRevoked;
    }

    struct Registration {
        Signer signer;
        bytes32 workloadId;
        bytes32 quoteHash;
    }

    /// One slot: what the validity of all signers depends on.
    struct Settings {
        uint64 attestValiditySeconds;
        uint64 maxBlockNumberDiff;
        uint16 acceptedTcbStatuses;
    }

    enum WorkloadState {
        Inactive,
        Active,
        Revoked
    }

    event ProverRegistered(
        address indexed prover,
        bytes32 indexed workloadId,
        bytes32 bodyHash,
        uint256 validFrom,
        uint256 expiresAt,
        uint8 tcbStatus,
        uint32 policyVersion
    );
    event ProverDeregistered(address indexed prover);
    event ProverRevoked(address indexed prover, address indexed by);
    /// `ground` is the attestation contract's reason, or the one byte of the TCB status.
    event ProverInvalidated(address indexed prover, bytes ground);
    event WorkloadStateSet(uint32 indexed index, WorkloadState state);
    event AttestationImplSet(address verifier);
    event CollateralProbeSet(address probe);
    event AttestValiditySecondsSet(uint256 validitySeconds);
    event MaxBlockNumberDiffSet(uint256 blocks);
    event AcceptedTcbStatusesSet(uint16 statuses);

    error ProverAddressZero();
    /// The reference block is not among the last `maxBlockNumberDiff`, or not yet there.
    error ReferenceBlockStale(uint256 referenceBlockNumber);
    /// That block has another hash on this chain, or is too old for the chain to know it.
    error ReferenceBlockHashMismatch(uint256 referenceBlockNumber);
    /// The attestation contract does not accept the quote; `reason` is what it says.
    error QuoteRefused(bytes reason);
    /// The quote is about other data than those sent along.
    error ReportDataMismatch();
    /// What this quote attests was registered before.
    error QuoteReplayed(bytes32 bodyHash);
    error ProverIsRevoked(address prover);
    /// A key that was in another workload may have been taken from it.
    error ProverOfAnotherWorkload(address prover);
    /// By the policy's delay the signer would be valid only after it has expired.
    error DelayOutlastsValidity(uint256 delaySeconds);
    /// The proof was made too long ago, by the time it names, or in the future.
    error ZkTimeRefused(uint256 timestamp);
    error ZkOutputMalformed();
    error ProverNotRegistered(address prover);
    /// The prover itself did not sign this.
    error DeregistrationNotSigned();
    /// These are not the bytes that the prover was registered by.
    error QuoteUnknown(address prover);
    /// The verification used more than half of the gas: something in it may have run out.
    error GasTooLittle();
    /// The attestation is as good as it was.
    error AttestationHolds();
    /// The refusal says nothing of the platform's trust.
    error RefusalDoesNotCount(bytes reason);
    /// There is no way to tell a refusal from missing collateral.
    error NoCollateralProbe();
    error OnlyPolicy(address sender);
    error OnlyOwnerOrGuardian(address sender);
    error WorkloadStateFinal(uint32 index);
    error SettingTooLarge(uint256 value);
    /// Funds come from the attestation contract only, as change.
    error UnexpectedFunds();

    bytes32 private constant DEREGISTRATION_TYPEHASH =
        keccak256("Deregistration(address prover,uint256 registeredAt)");
    uint256 private constant ZK_WINDOW_SECONDS = 1 hours;
    uint256 private constant ZK_LENGTH_BYTES = 2;
    uint256 private constant ZK_TIME_BYTES = 8;
    uint256 private constant QUOTE_VERSION_BYTES = 2;

    /// The layout of the attestation contract's output.
    AttestationOutput.Layout public immutable outputLayout;
    IMeasurementPolicy public immutable policy;
    IAttestationVerifier public dcapAttestationVerifier;
    /// Zero: no refusal of a quote ends a registration.
    ICollateralProbe public collateralProbe;
    mapping(bytes32 bodyHash => bool isUsed) public usedBodies;
    mapping(uint32 workloadIndex => WorkloadState) public workloadStates;

    Settings private _settings = Settings(3600, 100, 0);
    mapping(address prover => Registration) private _registrations;

    modifier onlyPolicy() {
        if (msg.sender != address(policy)) revert OnlyPolicy(msg.sender);
        _;
    }

    constructor(
        address owner_,
        IAttestationVerifier verifier,
        AttestationOutput.Layout chosenLayout,
        IMeasurementPolicy policy_,
        ICollateralProbe probe
    ) Ownable(owner_) EIP712("SP1 TEE Prover Registry", "1") {
        outputLayout = chosenLayout;
        policy = policy_;
        _setAttestation(verifier);
        _setProbe(probe);
    }

    // Registration.

    /// @notice Register a prover by a quote. What the attestation contract does not keep of the value
    /// sent is returned to the sender.
    function register(ReportData calldata data, bytes calldata report) external payable nonReentrant {
        _checkReference(data);
        uint256 balanceBefore = address(this).balance - msg.value;
        (bool success, bytes memory output) =
            dcapAttestationVerifier.verifyAndAttestOnChain{value: msg.value}(report);
        if (!success) revert QuoteRefused(output);
        _register(data, output, keccak256(report));
        _returnChange(balanceBefore);
    }

    /// @notice Register a prover by a proof, made elsewhere, that its quote was verified.
    /// @dev No quote is known here, so `invalidate` cannot end such a registration; the rest can.
    /// @param output As the attestation contract takes it.
    function registerWithZkProof(
        ReportData calldata data,
        bytes calldata output,
        uint8 zkCoprocessor,
        bytes calldata proof
    ) external payable nonReentrant {
        _checkReference(data);
        _checkZkTime(output);
        uint256 balanceBefore = address(this).balance - msg.value;
        (bool success, bytes memory verified) = IZkAttestationVerifier(address(dcapAttestationVerifier))
            .verifyAndAttestWithZKProof{value: msg.value}(output, zkCoprocessor, proof);
        if (!success) revert QuoteRefused(verified);
        _register(data, verified, 0);
        _returnChange(balanceBefore);
    }

    /// @notice End a registration by the will of the prover.
    /// @param signature The prover's over `Deregistration(prover, registeredAt)`; empty if it sends this.
    function deregister(address prover, bytes calldata signature) external {
        uint256 registeredAt = _requireRegistered(prover).signer.registeredAt;
        if (msg.sender != prover) {
            bytes32 digest = _hashTypedDataV4(keccak256(abi.encode(DEREGISTRATION_TYPEHASH, prover, registeredAt)));
            (address by, ECDSA.RecoverError failure,) = ECDSA.tryRecoverCalldata(digest, signature);
            if (failure != ECDSA.RecoverError.NoError || by != prover) revert DeregistrationNotSigned();
        }
        _end(prover);
        emit ProverDeregistered(prover);
    }

    /// @notice End a registration, if there is one, and refuse all others of this prover for ever.
    function revokeProver(address prover) external {
        if (msg.sender != owner() && msg.sender != policy.guardian()) revert OnlyOwnerOrGuardian(msg.sender);
        _registrations[prover].signer.isRevoked = true;
        _end(prover);
        emit ProverRevoked(prover, msg.sender);
    }

    /// @notice End a registration whose attestation fails now. Anybody may; the value sent is the fee.
    /// @dev Reverts unless the attestation contract accepts the very quote with a status that the policy
    /// does not accept any more, or refuses it for the sake of the platform, and had all it needs.
    /// @param quote The bytes that the prover was registered by.
    function invalidate(address prover, bytes calldata quote) external payable nonReentrant {
        Registration storage registration = _requireRegistered(prover);
        if (registration.quoteHash != keccak256(quote)) revert QuoteUnknown(prover);

        uint256 balanceBefore = address(this).balance - msg.value;
        uint256 gasBefore = gasleft();
        (bool success, bytes memory output) =
            dcapAttestationVerifier.verifyAndAttestOnChain{value: msg.value}(quote);
        uint256 gasAfter = gasleft();
        // A call gets 63/64 of what is left, and burns all of it when it runs out. So if half is left,
        // nothing in there ran out, however deep, and the answer is not for want of gas.
        if (gasBefore - gasAfter > gasAfter) revert GasTooLittle();

        bytes memory ground = success ? _statusGround(output) : _refusalGround(output, registration, quote);
        _end(prover);
        emit ProverInvalidated(prover, ground);
        _returnChange(balanceBefore);
    }

    // Validity.

    /// @inheritdoc ITEEProverRegistry
    function verifyAttestedProver(address prover) external view override returns (bool) {
        return _isValid(_registrations[prover]);
    }

    /// @inheritdoc ITEEProverRegistry
    function verifyAttestedWorkload(address prover, bytes32 workloadId) external view override returns (bool) {
        Registration storage registration = _registrations[prover];
        return _isValid(registration) && registration.workloadId == workloadId;
    }

    /// @notice When a prover was registered; 0 if it is not.
    function attestedProvers(address prover) external view returns (uint256) {
        return _registrations[prover].signer.registeredAt;
    }

    /// @notice What is kept of a prover; the times are 0 if it is not registered.
    function proverRecord(address prover) external view returns (ProverRecord memory) {
        Registration storage registration = _registrations[prover];
        Signer memory signer = registration.signer;
        return ProverRecord({
            registeredAt: signer.registeredAt,
            validFrom: signer.validFrom,
            expiresAt: signer.registeredAt == 0 ? 0 : _expiryOf(signer.registeredAt),
            workloadId: registration.workloadId,
            tcbStatus: signer.tcbStatus,
            policyVersion: signer.policyVersion,
            fmspc: signer.fmspc,
            quoteHash: registration.quoteHash,
            isRevoked: signer.isRevoked
        });
    }

    // What the policy tells.

    /// @inheritdoc IPolicyEnforcer
    function activateWorkload(uint32 index) external override onlyPolicy {
        if (workloadStates[index] == WorkloadState.Revoked) revert WorkloadStateFinal(index);
        _setWorkloadState(index, WorkloadState.Active);
    }

    /// @inheritdoc IPolicyEnforcer
    function revokeWorkload(uint32 index) external override onlyPolicy {
        _setWorkloadState(index, WorkloadState.Revoked);
    }

    /// @inheritdoc IPolicyEnforcer
    function setAcceptedTcbStatuses(uint16 statuses) external override onlyPolicy {
        _settings.acceptedTcbStatuses = statuses;
        emit AcceptedTcbStatusesSet(statuses);
    }

    // Settings.

    function attestValiditySeconds() external view returns (uint256) {
        return _settings.attestValiditySeconds;
    }

    function maxBlockNumberDiff() external view returns (uint256) {
        return _settings.maxBlockNumberDiff;
    }

    function acceptedTcbStatuses() external view returns (uint16) {
        return _settings.acceptedTcbStatuses;
    }

    function setAttestationImpl(address verifier) external onlyOwner {
        _setAttestation(IAttestationVerifier(verifier));
    }

    function setCollateralProbe(ICollateralProbe probe) external onlyOwner {
        _setProbe(probe);
    }

    /// @notice Applies to all registrations, those made before included.
    function setAttestValiditySeconds(uint256 validitySeconds) external onlyOwner {
        _settings.attestValiditySeconds = _toUint64(validitySeconds);
        emit AttestValiditySecondsSet(validitySeconds);
    }

    function setMaxBlockNumberDiff(uint256 blocks) external onlyOwner {
        _settings.maxBlockNumberDiff = _toUint64(blocks);
        emit MaxBlockNumberDiffSet(blocks);
    }

    /// Change of the attestation fee.
    receive() external payable {
        if (msg.sender != address(dcapAttestationVerifier)) revert UnexpectedFunds();
    }

    function _checkReference(ReportData calldata data) private view {
        if (data.proverAddress == address(0)) revert ProverAddressZero();
        uint256 number = data.referenceBlockNumber;
        if (number >= block.number || block.number - number > _settings.maxBlockNumberDiff) {
            revert ReferenceBlockStale(number);
        }
        bytes32 actual = blockhash(number);
        if (actual == 0 || actual != data.referenceBlockHash) revert ReferenceBlockHashMismatch(number);
    }

    /// The prover of the proof chooses the time at which collateral is looked at: not long ago.
    function _checkZkTime(bytes calldata output) private view {
        if (output.length < ZK_LENGTH_BYTES) revert ZkOutputMalformed();
        uint256 start = ZK_LENGTH_BYTES + uint16(bytes2(output));
        if (output.length < start + ZK_TIME_BYTES) revert ZkOutputMalformed();
        uint256 timestamp = uint64(bytes8(output[start:]));
        if (timestamp > block.timestamp || block.timestamp - timestamp > ZK_WINDOW_SECONDS) {
            revert ZkTimeRefused(timestamp);
        }
    }

    function _register(ReportData calldata data, bytes memory output, bytes32 quoteHash) private {
        AttestationOutput.Attested memory attested = AttestationOutput.parse(output, outputLayout);
        _checkReportData(attested, data);
        // Only signed bytes identify an attestation, for others can be changed.
        if (usedBodies[attested.bodyHash]) revert QuoteReplayed(attested.bodyHash);
        usedBodies[attested.bodyHash] = true;
        IMeasurementPolicy.Admission memory admission = policy.admit(attested, msg.sender);

        Registration storage registration = _registrations[data.proverAddress];
        Signer memory before = registration.signer;
        if (before.isRevoked) revert ProverIsRevoked(data.proverAddress);
        if (before.workloadIndex != 0 && before.workloadIndex != admission.workloadIndex) {
            revert ProverOfAnotherWorkload(data.proverAddress);
        }
        uint256 validFrom = block.timestamp + admission.delaySeconds;
        if (validFrom >= _expiryOf(block.timestamp)) revert DelayOutlastsValidity(admission.delaySeconds);
        // Nobody can make a signer wait, or wait longer, by registering it again.
        bool isRenewal = before.registeredAt != 0 && block.timestamp < _expiryOf(before.registeredAt);
        if (isRenewal && before.validFrom < validFrom) validFrom = before.validFrom;

        registration.signer = Signer({
            registeredAt: uint40(block.timestamp),
            validFrom: uint40(validFrom),
            workloadIndex: admission.workloadIndex,
            policyVersion: admission.policyVersion,
            tcbStatus: attested.tcbStatus,
            fmspc: attested.fmspc,
            isRevoked: false
        });
        registration.workloadId = attested.workloadId;
        registration.quoteHash = quoteHash;
        emit ProverRegistered(
            data.proverAddress,
            attested.workloadId,
            attested.bodyHash,
            validFrom,
            _expiryOf(block.timestamp),
            attested.tcbStatus,
            admission.policyVersion
        );
    }

    function _checkReportData(AttestationOutput.Attested memory attested, ReportData calldata data) private pure {
        bytes32 head = bytes32(uint256(uint160(data.proverAddress)));
        bytes32 tail = keccak256(abi.encode(data.referenceBlockNumber, data.referenceBlockHash, data.proverAddress));
        if (attested.reportDataHead != head || attested.reportDataTail != tail) revert ReportDataMismatch();
    }

    function _isValid(Registration storage registration) private view returns (bool) {
        Signer memory signer = registration.signer;
        if (signer.registeredAt == 0 || block.timestamp < signer.validFrom) return false;
        Settings memory settings = _settings;
        if (block.timestamp >= uint256(signer.registeredAt) + settings.attestValiditySeconds) return false;
        if ((settings.acceptedTcbStatuses >> signer.tcbStatus) & 1 == 0) return false;
        return workloadStates[signer.workloadIndex] == WorkloadState.Active;
    }

    function _expiryOf(uint256 registeredAt) private view returns (uint256) {
        return registeredAt + _settings.attestValiditySeconds;
    }

    function _requireRegistered(address prover) private view returns (Registration storage registration) {
        registration = _registrations[prover];
        if (registration.signer.registeredAt == 0) revert ProverNotRegistered(prover);
    }

    /// Which workload the prover is of, and whether it is revoked, stays known.
    function _end(address prover) private {
        Signer storage signer = _registrations[prover].signer;
        signer.registeredAt = 0;
        signer.validFrom = 0;
    }

    function _statusGround(bytes memory output) private view returns (bytes memory) {
        uint8 tcbStatus = AttestationOutput.parse(output, outputLayout).tcbStatus;
        if ((_settings.acceptedTcbStatuses >> tcbStatus) & 1 == 1) revert AttestationHolds();
        return abi.encodePacked(tcbStatus);
    }

    function _refusalGround(bytes memory reason, Registration storage registration, bytes calldata quote)
        private
        view
        returns (bytes memory)
    {
        if (!RefusalGrounds.isGround(reason, outputLayout)) revert RefusalDoesNotCount(reason);
        if (address(collateralProbe) == address(0)) revert NoCollateralProbe();
        // Its bytes were accepted once, so the quote has a header; its version is little-endian.
        bytes2 version = bytes2(quote[:QUOTE_VERSION_BYTES]);
        uint16 quoteVersion = uint16(uint8(version[0])) | (uint16(uint8(version[1])) << 8);
        collateralProbe.requireCollateral(address(dcapAttestationVerifier), quoteVersion, registration.signer.fmspc);
        return reason;
    }

    function _setWorkloadState(uint32 index, WorkloadState state) private {
        workloadStates[index] = state;
        emit WorkloadStateSet(index, state);
    }

    function _setAttestation(IAttestationVerifier verifier) private {
        dcapAttestationVerifier = verifier;
        emit AttestationImplSet(address(verifier));
    }

    function _setProbe(ICollateralProbe probe) private {
        collateralProbe = probe;
        emit CollateralProbeSet(address(probe));
    }

    function _returnChange(uint256 balanceBefore) private {
        uint256 change = address(this).balance - balanceBefore;
        if (change > 0) Address.sendValue(payable(msg.sender), change);
    }

    function _toUint64(uint256 value) private pure returns (uint64) {
        if (value > type(uint64).max) revert SettingTooLarge(value);
        return uint64(value);
    }
}
