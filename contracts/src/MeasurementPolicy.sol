// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {AttestationOutput} from "./AttestationOutput.sol";
import {IMeasurementPolicy, IPolicyEnforcer} from "./IMeasurementPolicy.sol";

/// @title The software that may hold a signer's key, by its measurements
/// @notice A workload is unknown, then next (it may register signers, none of which is valid yet) or
/// allowed, then revoked, for ever. What no setting can allow: debuggable, migratable or serviced TDs,
/// a TDX module that is not Intel's, and a TCB that is revoked or unrecognized.
/// @dev The registry is told of every change that takes trust away in the same transaction, so that it
/// need not ask at proof time.
contract MeasurementPolicy is Ownable2Step, IMeasurementPolicy {
    enum State {
        Unknown,
        Next,
        Allowed,
        Revoked
    }

    struct Workload {
        State state;
        uint32 index;
        uint40 changedAt;
        /// Where the workload was built from, for people and their scripts.
        string commit;
        string sourceUrl;
    }

    event RegistryBound(address registry);
    event WorkloadPreregistered(bytes32 indexed workloadId, uint32 index, string commit, string sourceUrl);
    event WorkloadAllowed(bytes32 indexed workloadId, uint32 index, string commit, string sourceUrl);
    event WorkloadRevoked(bytes32 indexed workloadId, address indexed by);
    event GuardianSet(address guardian);
    event RegistrarSet(address indexed registrar, bool isTrusted);
    event AcceptedTcbStatusesSet(uint16 statuses);
    event ValidityDelaySet(uint32 delaySeconds);

    error RegistryAlreadyBound(address registry);
    /// No workload is allowed before there is a registry that could be told of its revocation.
    error RegistryNotBound();
    error OnlyRegistry(address sender);
    error OnlyOwnerOrDeployer(address sender);
    error OnlyOwnerOrGuardian(address sender);
    error RegistryAddressZero();
    error WorkloadIdZero();
    /// It is allowed, or already the next one.
    error WorkloadKnown(bytes32 workloadId);
    error WorkloadNotAllowed(bytes32 workloadId);
    error WorkloadIsRevoked(bytes32 workloadId);
    /// These statuses can never be accepted.
    error TcbStatusesForbidden(uint256 statuses);
    error TcbStatusRefused(uint8 tcbStatus);
    error DelayTooLong(uint256 delaySeconds);
    /// A TD under debug or profiling shows its memory, keys included, to its host.
    error DebugTdRefused();
    /// A migratable TD can be moved to another platform, keys included.
    error MigratableTdRefused();
    /// The TDX module, which could read the TD, is not signed by Intel.
    error ForeignModuleRefused();
    /// A service TD is bound, or may be, and could act on the TD.
    error ServiceTdRefused();

    /// Bits of the first byte of TDATTRIBUTES put a TD under debug or profiling.
    bytes8 private constant UNDER_DEBUG = 0xff00000000000000;
    /// Bit 17.
    bytes8 private constant SERVTD_EXT = 0x0000020000000000;
    /// Bit 29.
    bytes8 private constant MIGRATABLE = 0x0000002000000000;
    /// Up to date, in need of something, out of date, relaunch advised: 0 to 5, 8 and 9.
    uint256 private constant ACCEPTABLE_STATUSES = 0x33f;
    uint16 private constant UP_TO_DATE = 1;
    uint256 private constant LONGEST_DELAY_SECONDS = 30 days;

    /// May bind the registry, and nothing else.
    address public immutable deployer;

    IPolicyEnforcer public registry;
    /// Grows with every change of what is accepted.
    uint32 public version = 1;
    /// Bit n is set if TCB status n is accepted; UpToDate alone at first.
    uint16 public acceptedTcbStatuses = UP_TO_DATE;
    /// How long a signer that no registrar sent waits until it is valid.
    uint32 public validityDelaySeconds;
    /// @inheritdoc IMeasurementPolicy
    address public override guardian;
    mapping(address sender => bool isTrusted) public isRegistrar;

    bytes32[] private _workloadIds;
    mapping(bytes32 workloadId => Workload) private _workloads;

    modifier onlyOwnerOrGuardian() {
        if (msg.sender != owner() && msg.sender != guardian) revert OnlyOwnerOrGuardian(msg.sender);
        _;
    }

    /// @param firstGuardian May be zero: then only the owner revokes.
    /// @param deployer_ Who may bind the registry, besides the owner.
    constructor(address owner_, address firstGuardian, address deployer_) Ownable(owner_) {
        deployer = deployer_;
        _setGuardian(firstGuardian);
    }

    /// @notice Name the one registry that enforces this policy; once.
    function bindRegistry(address registry_) external {
        if (msg.sender != owner() && msg.sender != deployer) revert OnlyOwnerOrDeployer(msg.sender);
        if (registry_ == address(0)) revert RegistryAddressZero();
        if (address(registry) != address(0)) revert RegistryAlreadyBound(address(registry));
        registry = IPolicyEnforcer(registry_);
        emit RegistryBound(registry_);
        registry.setAcceptedTcbStatuses(acceptedTcbStatuses);
    }

    /// @notice Let the next image register signers before it is trusted, so that a switch has no gap.
    function preregister(bytes32 workloadId, string calldata commit, string calldata sourceUrl) external onlyOwner {
        Workload storage workload = _introduce(workloadId, State.Next, commit, sourceUrl);
        emit WorkloadPreregistered(workloadId, workload.index, commit, sourceUrl);
    }

    /// @notice Trust a workload, and the signers it has already.
    function allow(bytes32 workloadId, string calldata commit, string calldata sourceUrl) external onlyOwner {
        Workload storage workload = _introduce(workloadId, State.Allowed, commit, sourceUrl);
        emit WorkloadAllowed(workloadId, workload.index, commit, sourceUrl);
        registry.activateWorkload(workload.index);
    }

    /// @notice Take trust from a workload and all its signers, for ever; also from one never allowed.
    function revoke(bytes32 workloadId) external onlyOwnerOrGuardian {
        Workload storage workload = _enter(workloadId);
        workload.state = State.Revoked;
        emit WorkloadRevoked(workloadId, msg.sender);
        registry.revokeWorkload(workload.index);
    }

    function setGuardian(address guardian_) external onlyOwner {
        _setGuardian(guardian_);
    }

    /// @notice Signers that a registrar sends need not wait.
    function setRegistrar(address registrar, bool isTrusted) external onlyOwner {
        isRegistrar[registrar] = isTrusted;
        ++version;
        emit RegistrarSet(registrar, isTrusted);
    }

    /// @notice Applies to signers that are registered, too.
    function setAcceptedTcbStatuses(uint256 statuses) external onlyOwner {
        if (statuses & ~ACCEPTABLE_STATUSES != 0) revert TcbStatusesForbidden(statuses);
        if (address(registry) == address(0)) revert RegistryNotBound();
        // Within the mask, so within 16 bits.
        acceptedTcbStatuses = uint16(statuses);
        ++version;
        emit AcceptedTcbStatusesSet(acceptedTcbStatuses);
        registry.setAcceptedTcbStatuses(acceptedTcbStatuses);
    }

    /// @notice Applies to registrations from now on.
    function setValidityDelay(uint256 delaySeconds) external onlyOwner {
        if (delaySeconds > LONGEST_DELAY_SECONDS) revert DelayTooLong(delaySeconds);
        validityDelaySeconds = uint32(delaySeconds);
        ++version;
        emit ValidityDelaySet(validityDelaySeconds);
    }

    /// @inheritdoc IMeasurementPolicy
    function admit(AttestationOutput.Attested calldata attested, address sender)
        external
        view
        override
        returns (Admission memory admission)
    {
        if (msg.sender != address(registry)) revert OnlyRegistry(msg.sender);
        _checkFloor(attested);
        if ((acceptedTcbStatuses >> attested.tcbStatus) & 1 == 0) revert TcbStatusRefused(attested.tcbStatus);
        Workload storage workload = _workloads[attested.workloadId];
        if (workload.state == State.Revoked) revert WorkloadIsRevoked(attested.workloadId);
        if (workload.state == State.Unknown) revert WorkloadNotAllowed(attested.workloadId);
        admission.workloadIndex = workload.index;
        admission.policyVersion = version;
        admission.delaySeconds = isRegistrar[sender] ? 0 : validityDelaySeconds;
    }

    function workloadOf(bytes32 workloadId) external view returns (Workload memory) {
        return _workloads[workloadId];
    }

    /// @notice How many workloads there are, revoked ones included.
    function workloadCount() external view returns (uint256) {
        return _workloadIds.length;
    }

    /// @param position From 0; the workload's index is one more.
    function workloadIdAt(uint256 position) external view returns (bytes32) {
        return _workloadIds[position];
    }

    /// What no owner can allow, whatever is in a workload id.
    function _checkFloor(AttestationOutput.Attested calldata attested) private pure {
        bytes8 attributes = attested.tdAttributes;
        if (attributes & UNDER_DEBUG != 0) revert DebugTdRefused();
        if (attributes & MIGRATABLE != 0) revert MigratableTdRefused();
        if (attributes & SERVTD_EXT != 0 || attested.hasServiceTd) revert ServiceTdRefused();
        if (!attested.isIntelModule) revert ForeignModuleRefused();
    }

    function _introduce(bytes32 workloadId, State state, string calldata commit, string calldata sourceUrl)
        private
        returns (Workload storage workload)
    {
        State before = _workloads[workloadId].state;
        if (before == State.Allowed || before == state) revert WorkloadKnown(workloadId);
        workload = _enter(workloadId);
        workload.state = state;
        workload.commit = commit;
        workload.sourceUrl = sourceUrl;
    }

    /// The workload, with an index of its own, about to change; reverts if it was revoked.
    function _enter(bytes32 workloadId) private returns (Workload storage workload) {
        if (workloadId == 0) revert WorkloadIdZero();
        if (address(registry) == address(0)) revert RegistryNotBound();
        workload = _workloads[workloadId];
        if (workload.state == State.Revoked) revert WorkloadIsRevoked(workloadId);
        if (workload.index == 0) {
            _workloadIds.push(workloadId);
            workload.index = uint32(_workloadIds.length);
        }
        workload.changedAt = uint40(block.timestamp);
        ++version;
    }

    function _setGuardian(address guardian_) private {
        guardian = guardian_;
        emit GuardianSet(guardian_);
    }
}
