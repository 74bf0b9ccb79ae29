// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title Says whether an attestation contract has what it needs to judge a quote
/// @notice Attestation contracts give the same answer for a platform that is revoked and for one whose
/// collateral they lack. Only the first may end a registration.
interface ICollateralProbe {
    /// @notice Reverts unless TCB info and QE identity are there and have not expired.
    /// @param attestation The attestation contract.
    /// @param quoteVersion 4 or 5.
    /// @param fmspc Of the quote's platform.
    function requireCollateral(address attestation, uint16 quoteVersion, bytes6 fmspc) external view;
}
