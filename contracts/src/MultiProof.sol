// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

interface ITEEProverRegistry {
    function verifyAttestedProver(address prover) external view returns (bool);
}

/// @title Accepts a proof because an attested signer vouches for it
/// @notice The message is sha256(verifying key as hash_bytes ‖ public values), computed by the caller
/// from what it wants proved.
contract MultiProof is Ownable2Step {
    event TEEProverRegistrySet(address registry);

    /// The signature is by no signer that is registered now; zero if it is no signature at all.
    error Invalid_TEE_Signer(address signer);
    /// The message is a SHA-256 and nothing else, so that no other signature of the key passes.
    error MessageLength(uint256 length);

    uint256 private constant MESSAGE_BYTES = 32;

    ITEEProverRegistry public teeProverRegistry;

    constructor(address owner, address registry) Ownable(owner) {
        _setRegistry(registry);
    }

    /// @notice Reverts unless an attested signer signed keccak256(encodedMessageBytes).
    /// @param encodedMessageBytes 32 bytes.
    /// @param signature r ‖ s ‖ v, 65 bytes, low s.
    function verifyTEEProof(bytes calldata encodedMessageBytes, bytes calldata signature) external view {
        if (encodedMessageBytes.length != MESSAGE_BYTES) revert MessageLength(encodedMessageBytes.length);
        (address signer, ECDSA.RecoverError failure,) =
            ECDSA.tryRecover(keccak256(encodedMessageBytes), signature);
        bool isSigned = failure == ECDSA.RecoverError.NoError;
        if (!isSigned || !teeProverRegistry.verifyAttestedProver(signer)) revert Invalid_TEE_Signer(signer);
    }

    function setTEEProverRegistry(address registry) external onlyOwner {
        _setRegistry(registry);
    }

    function _setRegistry(address registry) private {
        teeProverRegistry = ITEEProverRegistry(registry);
        emit TEEProverRegistrySet(registry);
    }
}
