// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";
import {AttestationOutput} from "./AttestationOutput.sol";
import {IAttestationVerifier} from "./IAttestationVerifier.sol";

/// @title The signers whose key lives in an attested TDX virtual machine
/// @notice A signer is registered by a DCAP quote whose report data name it and a recent block. Anybody
/// may send the registration. It lasts `attestValiditySeconds`, counted from its block.
/// @dev Which software runs in the machine is not looked at here: whoever pins measurements adds a
/// policy in front.
contract TEEProverRegistry is Ownable2Step, ReentrancyGuard {
    /// What a registration refers to, and for whom it is.
    struct ReportData {
        uint256 referenceBlockNumber;
        bytes32 referenceBlockHash;
        address proverAddress;
    }

    /// A signer may be trusted until `validUntil`, unless the validity is changed.
    event ProverRegistered(address indexed prover, bytes32 indexed bodyHash, uint256 validUntil);
    event AttestationImplSet(address verifier);
    event AttestValiditySecondsSet(uint256 validitySeconds);
    event MaxBlockNumberDiffSet(uint256 blocks);
    event AcceptedTcbStatusesSet(uint256 statuses);

    error ProverAddressZero();
    /// The reference block is not among the last `maxBlockNumberDiff`, or not yet there.
    error ReferenceBlockStale(uint256 referenceBlockNumber);
    /// That block has another hash on this chain, or is too old for the chain to know it.
    error ReferenceBlockHashMismatch(uint256 referenceBlockNumber);
    /// The attestation contract does not accept the quote; `reason` is what it says.
    error QuoteRefused(bytes reason);
    error TcbStatusRefused(uint8 tcbStatus);
    /// A debug TD shows its memory, keys included, to its host.
    error DebugTdRefused();
    /// The quote is about other data than those sent along.
    error ReportDataMismatch();
    /// What this quote attests was registered before.
    error QuoteReplayed(bytes32 bodyHash);
    /// Funds come from the attestation contract only, as change.
    error UnexpectedFunds();

    uint64 private constant TD_ATTRIBUTES_DEBUG = 1 << 56;
    uint256 private constant TCB_UP_TO_DATE = 1 << 0;

    /// The layout of the attestation contract's output.
    AttestationOutput.Layout public immutable outputLayout;
    IAttestationVerifier public dcapAttestationVerifier;
    uint256 public attestValiditySeconds = 3600;
    uint256 public maxBlockNumberDiff = 100;
    /// Bit n is set if TCB status n is accepted; UpToDate alone at first.
    uint256 public acceptedTcbStatuses = TCB_UP_TO_DATE;
    /// When a prover was registered; 0 if it never was.
    mapping(address prover => uint256 registeredAt) public attestedProvers;
    mapping(bytes32 bodyHash => bool isUsed) public usedBodies;

    constructor(address owner, IAttestationVerifier verifier, AttestationOutput.Layout chosenLayout) Ownable(owner) {
        outputLayout = chosenLayout;
        dcapAttestationVerifier = verifier;
        emit AttestationImplSet(address(verifier));
    }

    /// @notice Register a prover by a quote. What the attestation contract does not keep of the value
    /// sent is returned to the sender.
    function register(ReportData calldata data, bytes calldata report) external payable nonReentrant {
        if (data.proverAddress == address(0)) revert ProverAddressZero();
        _checkReferenceBlock(data.referenceBlockNumber, data.referenceBlockHash);

        uint256 balanceBefore = address(this).balance - msg.value;
        (bool success, bytes memory output) =
            dcapAttestationVerifier.verifyAndAttestOnChain{value: msg.value}(report);
        if (!success) revert QuoteRefused(output);
        bytes32 bodyHash = _checkAttested(AttestationOutput.parse(output, outputLayout), data);

        usedBodies[bodyHash] = true;
        attestedProvers[data.proverAddress] = block.timestamp;
        emit ProverRegistered(data.proverAddress, bodyHash, block.timestamp + attestValiditySeconds);

        uint256 change = address(this).balance - balanceBefore;
        if (change > 0) Address.sendValue(payable(msg.sender), change);
    }

    /// @notice Whether a prover is registered and its registration has not expired.
    function verifyAttestedProver(address prover) external view returns (bool) {
        uint256 registeredAt = attestedProvers[prover];
        return registeredAt != 0 && block.timestamp < registeredAt + attestValiditySeconds;
    }

    function setAttestationImpl(address verifier) external onlyOwner {
        dcapAttestationVerifier = IAttestationVerifier(verifier);
        emit AttestationImplSet(verifier);
    }

    /// @notice Applies to all registrations, those made before included.
    function setAttestValiditySeconds(uint256 validitySeconds) external onlyOwner {
        attestValiditySeconds = validitySeconds;
        emit AttestValiditySecondsSet(validitySeconds);
    }

    function setMaxBlockNumberDiff(uint256 blocks) external onlyOwner {
        maxBlockNumberDiff = blocks;
        emit MaxBlockNumberDiffSet(blocks);
    }

    function setAcceptedTcbStatuses(uint256 statuses) external onlyOwner {
        acceptedTcbStatuses = statuses;
        emit AcceptedTcbStatusesSet(statuses);
    }

    /// Change of the attestation fee.
    receive() external payable {
        if (msg.sender != address(dcapAttestationVerifier)) revert UnexpectedFunds();
    }

    function _checkReferenceBlock(uint256 number, bytes32 hash) private view {
        if (number >= block.number || block.number - number > maxBlockNumberDiff) {
            revert ReferenceBlockStale(number);
        }
        bytes32 actual = blockhash(number);
        if (actual == 0 || actual != hash) revert ReferenceBlockHashMismatch(number);
    }

    /// @return bodyHash What identifies the attestation: only signed bytes, for others can be changed.
    function _checkAttested(AttestationOutput.Attested memory attested, ReportData calldata data)
        private
        view
        returns (bytes32 bodyHash)
    {
        bodyHash = attested.bodyHash;
        uint8 tcbStatus = attested.tcbStatus;
        if ((acceptedTcbStatuses >> tcbStatus) & 1 == 0) revert TcbStatusRefused(tcbStatus);
        if (attested.tdAttributes & TD_ATTRIBUTES_DEBUG != 0) revert DebugTdRefused();
        bytes32 head = bytes32(uint256(uint160(data.proverAddress)));
        bytes32 tail = keccak256(abi.encode(data.referenceBlockNumber, data.referenceBlockHash, data.proverAddress));
        if (attested.reportDataHead != head || attested.reportDataTail != tail) revert ReportDataMismatch();
        if (usedBodies[bodyHash]) revert QuoteReplayed(bodyHash);
    }
}
