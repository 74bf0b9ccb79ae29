// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AttestationOutput} from "./AttestationOutput.sol";

/// @title Which reasons of an attestation contract speak of the platform's trust
/// @notice TCB, quoting enclave, revocation. All others speak of the bytes of the quote, which were
/// accepted before, and can only come from a fault on the way.
library RefusalGrounds {
    /// @param reason What the attestation contract says, ASCII.
    function isGround(bytes memory reason, AttestationOutput.Layout chosenLayout) internal pure returns (bool) {
        bytes32 hash = keccak256(reason);
        if (chosenLayout == AttestationOutput.Layout.V1_0) {
            return hash == keccak256("Failed to locate a valid FMSPC TCB Status")
                || hash == keccak256("Failed to locate a valid TDXModule TCB Status")
                || hash == keccak256("TDXModule check failed")
                || hash == keccak256("Verification failed by QEIdentity check")
                || hash == keccak256("Failed to verify X509 Chain");
        }
        return hash == keccak256("TCBR") || hash == keccak256("TDMF") || hash == keccak256("TDRF")
            || hash == keccak256("QEIDVE") || hash == keccak256("X509VE");
    }
}
