// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title Knows which signers are valid now
interface ITEEProverRegistry {
    /// @notice Whether a prover is registered, may be trusted already, and still.
    function verifyAttestedProver(address prover) external view returns (bool);

    /// @notice The same, and attested as this workload.
    function verifyAttestedWorkload(address prover, bytes32 workloadId) external view returns (bool);
}
