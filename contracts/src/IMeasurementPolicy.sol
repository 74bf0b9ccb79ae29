// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AttestationOutput} from "./AttestationOutput.sol";

/// @title Says which TDs may hold a signer's key
interface IMeasurementPolicy {
    struct Admission {
        /// Names the workload in what the policy tells its registry.
        uint32 workloadIndex;
        /// Of the policy when it admitted.
        uint32 policyVersion;
        /// From the registration until the signer may be trusted.
        uint32 delaySeconds;
    }

    /// @notice Reverts unless a TD may register a signer now. Only the policy's registry may ask.
    /// @param sender Who sent the registration.
    function admit(AttestationOutput.Attested calldata attested, address sender)
        external
        view
        returns (Admission memory admission);

    /// @notice Who may revoke, besides the owner.
    function guardian() external view returns (address);
}

/// @title What a policy tells the registry that enforces it at proof time
interface IPolicyEnforcer {
    /// @notice Signers of this workload may be valid from now on.
    function activateWorkload(uint32 index) external;

    /// @notice No signer of this workload is valid any more, for ever.
    function revokeWorkload(uint32 index) external;

    /// @notice Signers with any other TCB status are not valid any more.
    /// @param statuses Bit n is set if status n is accepted.
    function setAcceptedTcbStatuses(uint16 statuses) external;
}
