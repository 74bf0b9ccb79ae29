// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// What the first registry asks of an attestation contract.
interface ILegacyAttestation {
    function verifyAndAttestOnChain(bytes calldata report) external returns (bool, bytes memory);
}

/// @title A registry with the calls of the first one and no other
/// @dev For tests of what speaks to such a registry. It takes the v1.0 layout of attestation output.
contract LegacyRegistry {
    struct ReportData {
        uint256 referenceBlockNumber;
        bytes32 referenceBlockHash;
        address proverAddress;
    }

    /// Header of 13 bytes, then the quote's body, whose last 64 bytes are the report data.
    uint256 private constant REPORT_DATA_OFFSET = 13 + 520;

    ILegacyAttestation public dcapAttestationVerifier;
    uint256 public attestValiditySeconds = 3600;
    uint256 public maxBlockNumberDiff = 100;
    mapping(address prover => uint256 registeredAt) public attestedProvers;

    constructor(ILegacyAttestation verifier) {
        dcapAttestationVerifier = verifier;
    }

    function register(ReportData calldata data, bytes calldata report) external {
        require(block.number - data.referenceBlockNumber <= maxBlockNumberDiff, "old block");
        require(blockhash(data.referenceBlockNumber) == data.referenceBlockHash, "other block");
        (bool success, bytes memory output) = dcapAttestationVerifier.verifyAndAttestOnChain(report);
        require(success, "bad quote");
        address attested;
        assembly {
            attested := mload(add(add(output, 32), REPORT_DATA_OFFSET))
        }
        require(attested == data.proverAddress, "other prover");
        attestedProvers[data.proverAddress] = block.timestamp;
    }

    function verifyAttestedProver(address prover) external view returns (bool) {
        return block.timestamp < attestedProvers[prover] + attestValiditySeconds;
    }
}

/// @title A multi-proof contract with the calls of the first one and no other
contract LegacyMultiProof {
    error Invalid_TEE_Signer(address signer);

    LegacyRegistry public teeProverRegistry;

    constructor(LegacyRegistry registry) {
        teeProverRegistry = registry;
    }

    function verifyTEEProof(bytes calldata encodedMessageBytes, bytes calldata signature) external view {
        bytes32 r = bytes32(signature[0:32]);
        bytes32 s = bytes32(signature[32:64]);
        address signer = ecrecover(keccak256(encodedMessageBytes), uint8(signature[64]), r, s);
        if (!teeProverRegistry.verifyAttestedProver(signer)) revert Invalid_TEE_Signer(signer);
    }
}
