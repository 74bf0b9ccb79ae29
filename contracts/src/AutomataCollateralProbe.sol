// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ICollateralProbe} from "./ICollateralProbe.sol";

interface IAutomataEntrypoint {
    function quoteVerifiers(uint16 quoteVersion) external view returns (IAutomataQuoteVerifier);
}

interface IAutomataQuoteVerifier {
    function pccsRouter() external view returns (IAutomataRouter);
}

/// The calls that revert where a datum is missing or has expired; others give it empty.
interface IAutomataRouter {
    function getStandardTcbEvaluationDataNumber(uint8 tcbId) external view returns (uint32);
    function getQeIdentityContentHash(uint8 enclaveId, uint256 pcsApiVersion, uint32 tcbEval)
        external
        view
        returns (bytes32);
    function getFmspcTcbContentHash(uint8 tcbId, bytes6 fmspc, uint32 version, uint32 tcbEval)
        external
        view
        returns (bytes32);
}

/// @title Asks the PCCS router behind Automata's attestation contracts, version 1.1 and later
/// @dev A router that restricts its callers reverts here, too, unless it lists this contract: then no
/// refusal of a quote counts, which harms nobody who is honest.
contract AutomataCollateralProbe is ICollateralProbe {
    error NoQuoteVerifier(uint16 quoteVersion);
    error CollateralMissing();

    uint8 private constant TCB_ID_TDX = 1;
    uint8 private constant ENCLAVE_ID_TD_QE = 2;
    uint256 private constant PCS_API_VERSION = 4;
    uint32 private constant TCB_INFO_VERSION = 3;

    /// @inheritdoc ICollateralProbe
    function requireCollateral(address attestation, uint16 quoteVersion, bytes6 fmspc) external view override {
        IAutomataQuoteVerifier verifier = IAutomataEntrypoint(attestation).quoteVerifiers(quoteVersion);
        if (address(verifier) == address(0)) revert NoQuoteVerifier(quoteVersion);
        IAutomataRouter router = verifier.pccsRouter();
        uint32 tcbEval = router.getStandardTcbEvaluationDataNumber(TCB_ID_TDX);
        bytes32 qeIdentity = router.getQeIdentityContentHash(ENCLAVE_ID_TD_QE, PCS_API_VERSION, tcbEval);
        bytes32 tcbInfo = router.getFmspcTcbContentHash(TCB_ID_TDX, fmspc, TCB_INFO_VERSION, tcbEval);
        if (qeIdentity == 0 || tcbInfo == 0) revert CollateralMissing();
    }
}
