// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title Verifies DCAP quotes
/// @notice The entry point of Automata's DCAP attestation contracts.
interface IAttestationVerifier {
    /// @notice Verify a quote, completely, against collateral.
    /// @dev Success alone means little: the caller checks what was attested, and the TCB status.
    /// @param rawQuote The quote as the platform gave it.
    /// @return success False if the quote is not genuine.
    /// @return output What was attested (see AttestationOutput), or an ASCII reason.
    function verifyAndAttestOnChain(bytes calldata rawQuote)
        external
        payable
        returns (bool success, bytes memory output);
}
