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

/// @title Verifies proofs that a DCAP quote was verified
/// @notice The second entry point of the same contracts.
interface IZkAttestationVerifier {
    /// @param output u16 length ‖ what was attested ‖ u64 time of verification ‖ hashes of the collateral.
    /// @param zkCoprocessor Which proof system: 1 RISC Zero, 2 SP1, 3 Pico.
    /// @return success False if the proof, or the collateral it used, is not the contract's.
    /// @return verifiedOutput What was attested, or an ASCII reason.
    function verifyAndAttestWithZKProof(bytes calldata output, uint8 zkCoprocessor, bytes calldata proof)
        external
        payable
        returns (bool success, bytes memory verifiedOutput);
}
