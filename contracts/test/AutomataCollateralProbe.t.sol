// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AutomataCollateralProbe} from "../src/AutomataCollateralProbe.sol";
import {Fixture} from "./Fixture.sol";

/// An attestation contract, its verifier and its router in one, with the calls the probe uses.
contract ScriptedPccs {
    uint16 public version;
    bytes32 public qeIdentity = keccak256("QE identity");
    bytes32 public tcbInfo = keccak256("TCB info");
    bool public isExpired;
    bytes6 public constant FMSPC = 0x00806f050000;

    error TcbEvalExpiredOrNotFound(uint8 tcbId);

    constructor(uint16 version_) {
        version = version_;
    }

    function script(bytes32 qeIdentity_, bytes32 tcbInfo_, bool isExpired_) external {
        (qeIdentity, tcbInfo, isExpired) = (qeIdentity_, tcbInfo_, isExpired_);
    }

    function quoteVerifiers(uint16 quoteVersion) external view returns (address) {
        return quoteVersion == version ? address(this) : address(0);
    }

    function pccsRouter() external view returns (address) {
        return address(this);
    }

    function getStandardTcbEvaluationDataNumber(uint8 tcbId) external view returns (uint32) {
        if (isExpired) revert TcbEvalExpiredOrNotFound(tcbId);
        return 17;
    }

    function getQeIdentityContentHash(uint8 id, uint256 pcsApiVersion, uint32 eval) external view returns (bytes32) {
        require(id == 2 && pcsApiVersion == 4 && eval == 17, "QE identity");
        return qeIdentity;
    }

    function getFmspcTcbContentHash(uint8 id, bytes6 fmspc, uint32 v, uint32 eval) external view returns (bytes32) {
        require(id == 1 && fmspc == FMSPC && v == 3 && eval == 17, "TCB info");
        return tcbInfo;
    }
}

contract AutomataCollateralProbeTest is Fixture {
    ScriptedPccs private pccs = new ScriptedPccs(4);
    AutomataCollateralProbe private probe = new AutomataCollateralProbe();

    function test_passesIfAllIsThere() public view {
        probe.requireCollateral(address(pccs), 4, pccs.FMSPC());
    }

    function test_refusesAnUnknownQuoteVersion() public {
        _fails(5, abi.encodeWithSelector(AutomataCollateralProbe.NoQuoteVerifier.selector, 5));
    }

    function test_passesReverts() public {
        pccs.script(0, 0, true);
        _fails(4, abi.encodeWithSelector(ScriptedPccs.TcbEvalExpiredOrNotFound.selector, 1));
    }

    function test_refusesEmptyAnswers() public {
        bytes memory missing = abi.encodeWithSelector(AutomataCollateralProbe.CollateralMissing.selector);
        pccs.script(0, "TCB info", false);
        _fails(4, missing);
        pccs.script("QE identity", 0, false);
        _fails(4, missing);
    }

    function _fails(uint16 quoteVersion, bytes memory reason) private {
        bytes memory call_ = abi.encodeCall(probe.requireCollateral, (address(pccs), quoteVersion, pccs.FMSPC()));
        assertReverts(address(probe), call_, reason);
    }
}
