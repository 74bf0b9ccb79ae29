// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title Verifies SP1 proofs: SP1's own interface, which its gateway and verifiers have
interface ISP1Verifier {
    /// @notice Reverts unless the proof shows that the program gives these public values.
    /// @param programVKey The program's verifying key, as `bytes32`.
    function verifyProof(bytes32 programVKey, bytes calldata publicValues, bytes calldata proofBytes) external view;
}
