// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ISP1Verifier} from "./ISP1Verifier.sol";
import {ITEEProverRegistry} from "./ITEEProverRegistry.sol";

/// @title Accepts a proof because attested signers vouch for it, because SP1's verifier does, or both
/// @notice Two ways in. `verifyProof` is SP1's own call: whoever uses an SP1 verifier uses this instead,
/// by its address alone. `verifyTEEProof` is the call of the first contracts, where the caller computes
/// the message from what it wants proved; rules of programs do not apply to it.
contract MultiProof is Ownable2Step, EIP712, ISP1Verifier {
    enum Mode {
        /// The default rule applies; no rule itself.
        Unset,
        /// Signatures alone.
        Tee,
        /// An SP1 proof alone.
        Zk,
        /// Signatures and an SP1 proof.
        Both
    }

    /// What a program's proofs need.
    struct Rule {
        Mode mode;
        /// Signatures of so many distinct signers; 0 with mode Zk.
        uint8 threshold;
    }

    event TEEProverRegistrySet(address registry);
    event GatewaySet(address gateway);
    event DefaultRuleSet(Mode mode, uint8 threshold);
    event ProgramRuleSet(bytes32 indexed programVKey, Mode mode, uint8 threshold);

    /// The signature is by no signer that is registered now; zero if it is no signature at all.
    error Invalid_TEE_Signer(address signer);
    /// The message is a SHA-256 and nothing else, so that no other signature of the key passes.
    error MessageLength(uint256 length);
    /// The proof does not begin with this contract's selector.
    error WrongSelector(bytes4 selector);
    /// The proof is shorter than it says.
    error ProofTruncated(uint256 length);
    error TooFewSignatures(uint256 count, uint256 threshold);
    /// Signatures are where the program's rule wants none.
    error UnexpectedSignatures(uint256 count);
    /// Signers are in strictly ascending order of their addresses, so that none counts twice.
    error SignersNotAscending(address signer);
    /// There is no SP1 proof where the program's rule wants one, or one where it wants none.
    error InnerProofLength(uint256 length);
    error GatewayMissing();
    error RuleInvalid();

    /// The first four bytes of keccak256("sp1-tee/eip712/1").
    bytes4 public constant SELECTOR = bytes4(keccak256("sp1-tee/eip712/1"));
    bytes32 private constant TEE_PROOF_TYPEHASH =
        keccak256("TeeProof(bytes32 programVKey,bytes32 publicValuesHash,uint32 exitCode,bytes32 workloadId)");
    uint256 private constant MESSAGE_BYTES = 32;
    uint256 private constant HEAD_BYTES = 5;
    /// Workload id, r, s, v.
    uint256 private constant ENTRY_BYTES = 97;
    uint256 private constant WORKLOAD_ID_BYTES = 32;
    /// Nothing else is ever signed or accepted.
    uint32 private constant EXIT_CODE = 0;

    ITEEProverRegistry public teeProverRegistry;
    Rule private _defaultRule;
    /// SP1's verifier gateway; needed by modes Zk and Both.
    ISP1Verifier public gateway;
    mapping(bytes32 programVKey => Rule) private _programRules;

    constructor(address owner_, address registry, ISP1Verifier gateway_)
        Ownable(owner_)
        EIP712("SP1 TEE Prover", "1")
    {
        _setRegistry(registry);
        _setGateway(gateway_);
        _setDefaultRule(Rule(Mode.Tee, 1));
    }

    /// @notice Reverts unless an attested signer signed keccak256(encodedMessageBytes).
    /// @param encodedMessageBytes 32 bytes: sha256(verifying key as hash_bytes ‖ public values).
    /// @param signature r ‖ s ‖ v, 65 bytes, low s.
    function verifyTEEProof(bytes calldata encodedMessageBytes, bytes calldata signature) external view {
        if (encodedMessageBytes.length != MESSAGE_BYTES) revert MessageLength(encodedMessageBytes.length);
        address signer = _recover(keccak256(encodedMessageBytes), signature);
        if (!teeProverRegistry.verifyAttestedProver(signer)) revert Invalid_TEE_Signer(signer);
    }

    /// @notice Reverts unless the proof is what the program's rule demands.
    /// @param proofBytes selector ‖ count u8 ‖ count × (workload id ‖ r ‖ s ‖ v) ‖ inner SP1 proof or
    /// nothing. With mode Zk also the SP1 proof as it is.
    function verifyProof(bytes32 programVKey, bytes calldata publicValues, bytes calldata proofBytes)
        external
        view
        override
    {
        Rule memory rule = ruleOf(programVKey);
        bytes4 selector = proofBytes.length < 4 ? bytes4(0) : bytes4(proofBytes);
        bytes calldata inner = proofBytes;
        if (selector == SELECTOR) {
            inner = _verifySignatures(rule, programVKey, publicValues, proofBytes);
        } else if (rule.mode != Mode.Zk) {
            revert WrongSelector(selector);
        }
        if (rule.mode == Mode.Tee) {
            if (inner.length != 0) revert InnerProofLength(inner.length);
            return;
        }
        if (inner.length == 0) revert InnerProofLength(0);
        if (address(gateway) == address(0)) revert GatewayMissing();
        gateway.verifyProof(programVKey, publicValues, inner);
    }

    /// @notice The rule that applies to a program: its own, or the default.
    function ruleOf(bytes32 programVKey) public view returns (Rule memory rule) {
        rule = _programRules[programVKey];
        if (rule.mode == Mode.Unset) rule = _defaultRule;
    }

    function defaultRule() external view returns (Rule memory) {
        return _defaultRule;
    }

    /// @notice What a signer signs for `verifyProof`.
    function digestOf(bytes32 programVKey, bytes32 publicValuesHash, bytes32 workloadId)
        public
        view
        returns (bytes32)
    {
        return _hashTypedDataV4(
            keccak256(abi.encode(TEE_PROOF_TYPEHASH, programVKey, publicValuesHash, EXIT_CODE, workloadId))
        );
    }

    function setTEEProverRegistry(address registry) external onlyOwner {
        _setRegistry(registry);
    }

    function setGateway(ISP1Verifier gateway_) external onlyOwner {
        _setGateway(gateway_);
    }

    function setDefaultRule(Rule calldata rule) external onlyOwner {
        if (rule.mode == Mode.Unset) revert RuleInvalid();
        _checkRule(rule);
        _setDefaultRule(rule);
    }

    /// @notice Mode Unset, threshold 0, gives a program the default rule again.
    function setProgramRule(bytes32 programVKey, Rule calldata rule) external onlyOwner {
        _checkRule(rule);
        _programRules[programVKey] = rule;
        emit ProgramRuleSet(programVKey, rule.mode, rule.threshold);
    }

    /// @return inner What follows the signatures.
    function _verifySignatures(
        Rule memory rule,
        bytes32 programVKey,
        bytes calldata publicValues,
        bytes calldata proofBytes
    ) private view returns (bytes calldata inner) {
        uint256 end = _endOfSignatures(rule, proofBytes);
        bytes32 publicValuesHash = keccak256(publicValues);
        address previous = address(0);
        for (uint256 start = HEAD_BYTES; start < end; start += ENTRY_BYTES) {
            address signer = _verifySignature(programVKey, publicValuesHash, proofBytes[start:start + ENTRY_BYTES]);
            if (signer <= previous) revert SignersNotAscending(signer);
            previous = signer;
        }
        return proofBytes[end:];
    }

    function _endOfSignatures(Rule memory rule, bytes calldata proofBytes) private pure returns (uint256 end) {
        if (proofBytes.length < HEAD_BYTES) revert ProofTruncated(proofBytes.length);
        uint256 count = uint8(proofBytes[HEAD_BYTES - 1]);
        end = HEAD_BYTES + count * ENTRY_BYTES;
        if (proofBytes.length < end) revert ProofTruncated(proofBytes.length);
        if (rule.mode == Mode.Zk && count != 0) revert UnexpectedSignatures(count);
        if (count < rule.threshold) revert TooFewSignatures(count, rule.threshold);
    }

    function _verifySignature(bytes32 programVKey, bytes32 publicValuesHash, bytes calldata entry)
        private
        view
        returns (address signer)
    {
        bytes32 workloadId = bytes32(entry);
        signer = _recover(digestOf(programVKey, publicValuesHash, workloadId), entry[WORKLOAD_ID_BYTES:]);
        if (!teeProverRegistry.verifyAttestedWorkload(signer, workloadId)) revert Invalid_TEE_Signer(signer);
    }

    /// Zero, which is never registered, if it is no signature.
    function _recover(bytes32 digest, bytes calldata signature) private pure returns (address signer) {
        (signer,,) = ECDSA.tryRecoverCalldata(digest, signature);
    }

    function _checkRule(Rule calldata rule) private pure {
        bool needsSignatures = rule.mode == Mode.Tee || rule.mode == Mode.Both;
        if (needsSignatures != (rule.threshold > 0)) revert RuleInvalid();
    }

    function _setRegistry(address registry) private {
        teeProverRegistry = ITEEProverRegistry(registry);
        emit TEEProverRegistrySet(registry);
    }

    function _setGateway(ISP1Verifier gateway_) private {
        gateway = gateway_;
        emit GatewaySet(address(gateway_));
    }

    function _setDefaultRule(Rule memory rule) private {
        _defaultRule = rule;
        emit DefaultRuleSet(rule.mode, rule.threshold);
    }
}
