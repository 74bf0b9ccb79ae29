// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AttestationOutput} from "../src/AttestationOutput.sol";
import {TEEProverRegistry} from "../src/TEEProverRegistry.sol";
import {Deployed} from "./Deployed.sol";
import {ScriptedProbe} from "./ScriptedAttestation.sol";

/// What ends a registration whose attestation fails, and what must not: each way to harm a signer that
/// is honest.
contract InvalidationTest is Deployed {
    ScriptedProbe private probe;

    function setUp() public override {
        super.setUp();
        register();
        probe = new ScriptedProbe();
        probe.script(false, address(scripted), 4, FMSPC);
        vm.prank(OWNER);
        registry.setCollateralProbe(probe);
    }

    // What counts.

    function test_everyReasonThatSpeaksOfThePlatform() public {
        string[5] memory reasons = ["TCBR", "TDMF", "TDRF", "QEIDVE", "X509VE"];
        for (uint256 i = 0; i < reasons.length; ++i) {
            setUp();
            script(false, bytes(reasons[i]), 0);
            vm.expectEmit(address(registry));
            emit TEEProverRegistry.ProverInvalidated(prover, bytes(reasons[i]));
            vm.prank(STRANGER);
            registry.invalidate(prover, quote);
            assertTrue(!isValid() && registry.attestedProvers(prover) == 0);
        }
    }

    function test_everyReasonOfLayoutV1_0() public {
        string[5] memory reasons = [
            "Failed to locate a valid FMSPC TCB Status",
            "Failed to locate a valid TDXModule TCB Status",
            "TDXModule check failed",
            "Verification failed by QEIdentity check",
            "Failed to verify X509 Chain"
        ];
        for (uint256 i = 0; i < reasons.length; ++i) {
            _deployV1_0();
            scripted.script(false, "TCBR", 0);
            _invalidateFails(
                quote, abi.encodeWithSelector(TEEProverRegistry.RefusalDoesNotCount.selector, bytes("TCBR"))
            );
            scripted.script(false, bytes(reasons[i]), 0);
            registry.invalidate(prover, quote);
            assertTrue(!isValid());
        }
    }

    function test_aStatusThatThePolicyDoesNotAccept() public {
        script(true, outputOf(4, 2, 4, ""), 0);
        vm.expectEmit(address(registry));
        emit TEEProverRegistry.ProverInvalidated(prover, hex"04");
        registry.invalidate(prover, quote);
        assertTrue(!isValid());
    }

    function test_theSignerMayComeBackWithAnotherQuote() public {
        script(false, "TCBR", 0);
        registry.invalidate(prover, quote);
        bytes memory later = outputOf(0, 2, 4, "");
        bytes memory body = bodyOf(vector("laterQuote"));
        for (uint256 i = 0; i < body.length; ++i) {
            later[11 + i] = body[i];
        }
        script(true, later, 0);
        data = TEEProverRegistry.ReportData(laterBlockNumber, laterBlockHash, prover);
        register();
        assertTrue(isValid());
    }

    function test_paysTheFeeAndGetsTheRestBack() public {
        script(false, "TCBR", 3);
        vm.deal(STRANGER, 10);
        vm.prank(STRANGER);
        registry.invalidate{value: 10}(prover, quote);
        assertTrue(STRANGER.balance == 7 && address(registry).balance == 0);
    }

    // What must not.

    function test_anAttestationThatHolds() public {
        _invalidateFails(quote, abi.encodeWithSelector(TEEProverRegistry.AttestationHolds.selector));
    }

    function test_otherBytesOfTheSameAttestation() public {
        bytes memory refused = abi.encodeWithSelector(TEEProverRegistry.QuoteUnknown.selector, prover);
        script(false, "TCBR", 0);
        _invalidateFails(bytes.concat(quote, hex"00"), refused);
        bytes memory flipped = quote;
        flipped[700] ^= 0x01;
        _invalidateFails(flipped, refused);
    }

    function test_theQuoteOfAnEarlierRegistration() public {
        registry.register(
            TEEProverRegistry.ReportData(laterBlockNumber, laterBlockHash, prover), vector("laterQuote")
        );
        script(false, "TCBR", 0);
        _invalidateFails(quote, abi.encodeWithSelector(TEEProverRegistry.QuoteUnknown.selector, prover));
    }

    function test_aRegistrationThatCameByAProof() public {
        script(true, outputWith(0, hex"40"), 0);
        bytes memory output = bytes.concat(hex"0000", bytes8(uint64(nowSeconds)));
        registry.registerWithZkProof(data, output, 2, "");
        script(false, "TCBR", 0);
        _invalidateFails(quote, abi.encodeWithSelector(TEEProverRegistry.QuoteUnknown.selector, prover));
    }

    function test_aProverThatIsNotRegistered() public {
        assertReverts(
            address(registry),
            abi.encodeCall(registry.invalidate, (STRANGER, quote)),
            abi.encodeWithSelector(TEEProverRegistry.ProverNotRegistered.selector, STRANGER)
        );
    }

    function test_aReasonThatSpeaksOfTheBytes() public {
        string[16] memory reasons = [
            "", "QHS", "QHV", "QHATTF", "TEE", "QEVEN", "QBS", "QBF", "ADS", "ADF", "TD10F", "QEF", "QEVE", "ATTVE",
            "Unsupported quote version", "Failed to verify X509 Chain"
        ];
        for (uint256 i = 0; i < reasons.length; ++i) {
            script(false, bytes(reasons[i]), 0);
            _invalidateFails(
                quote,
                abi.encodeWithSelector(TEEProverRegistry.RefusalDoesNotCount.selector, bytes(reasons[i]))
            );
        }
    }

    function testFuzz_anyOtherReason(bytes calldata reason) public {
        vm.assume(
            keccak256(reason) != keccak256("TCBR") && keccak256(reason) != keccak256("TDMF")
                && keccak256(reason) != keccak256("TDRF") && keccak256(reason) != keccak256("QEIDVE")
                && keccak256(reason) != keccak256("X509VE")
        );
        script(false, reason, 0);
        _invalidateFails(quote, abi.encodeWithSelector(TEEProverRegistry.RefusalDoesNotCount.selector, reason));
    }

    function test_missingCollateral() public {
        script(false, "TCBR", 0);
        probe.script(true, address(scripted), 4, FMSPC);
        _invalidateFails(quote, abi.encodeWithSelector(ScriptedProbe.Missing.selector));
    }

    function test_noWayToSeeCollateral() public {
        script(false, "TCBR", 0);
        vm.prank(OWNER);
        registry.setCollateralProbe(ScriptedProbe(address(0)));
        _invalidateFails(quote, abi.encodeWithSelector(TEEProverRegistry.NoCollateralProbe.selector));
    }

    function test_aRevertOfTheAttestationContract() public {
        bytes[3] memory reasons =
            [abi.encodeWithSignature("CrlExpiredOrNotFound(uint8)", 0), abi.encodeWithSignature("Error(string)", "x"), abi.encodeWithSignature("Insufficient_Funds()")];
        script(false, "TCBR", 0);
        for (uint256 i = 0; i < reasons.length; ++i) {
            scripted.scriptRevert(reasons[i]);
            _invalidateFails(quote, reasons[i]);
        }
    }

    function test_noAttestationContract() public {
        vm.prank(OWNER);
        registry.setAttestationImpl(STRANGER);
        _invalidateFails(quote, "");
    }

    function test_aReasonThatComesWithSuccess() public {
        script(true, "TCBR", 0);
        _invalidateFails(quote, abi.encodeWithSelector(AttestationOutput.OutputMalformed.selector));
    }

    /// An inner call that runs out of gas makes the attestation contract say no. Whatever gas is sent,
    /// the registration stays.
    function test_tooLittleGas() public {
        script(true, outputOf(0, 2, 4, ""), 0);
        scripted.scriptInnerGas(3_000_000);
        for (uint256 gasAmount = 150_000; gasAmount < 8_000_000; gasAmount += 50_000) {
            (bool success,) = address(registry).call{gas: gasAmount}(
                abi.encodeCall(registry.invalidate, (prover, quote))
            );
            assertTrue(!success && isValid());
        }
        (, bytes memory reason) =
            address(registry).call{gas: 2_000_000}(abi.encodeCall(registry.invalidate, (prover, quote)));
        assertEqual(reason, abi.encodeWithSelector(TEEProverRegistry.GasTooLittle.selector));
    }

    function testFuzz_tooLittleGas(uint256 gasAmount) public {
        script(true, outputOf(0, 2, 4, ""), 0);
        scripted.scriptInnerGas(3_000_000);
        (bool success,) = address(registry).call{gas: gasAmount % 30_000_000}(
            abi.encodeCall(registry.invalidate, (prover, quote))
        );
        assertTrue(!success && isValid());
    }

    /// The same with the whole verification of a quote, P-256 in the precompile included.
    function test_tooLittleGasForARealVerification() public {
        for (uint256 gasAmount = 100_000; gasAmount < 6_000_000; gasAmount += 100_000) {
            (bool success,) = address(registry).call{gas: gasAmount}(
                abi.encodeCall(registry.invalidate, (prover, quote))
            );
            assertTrue(!success && isValid());
        }
    }

    function _deployV1_0() private {
        deploy(scripted, AttestationOutput.Layout.V1_0);
        vm.prank(OWNER);
        registry.setCollateralProbe(probe);
        probe.script(false, address(scripted), 4, FMSPC);
        scripted.script(true, bytes.concat(hex"0004_81000000_00_53494d000000", bodyOf(quote)), 0);
        register();
    }

    function _invalidateFails(bytes memory otherQuote, bytes memory reason) private {
        assertReverts(address(registry), abi.encodeCall(registry.invalidate, (prover, otherQuote)), reason);
        assertTrue(isValid());
    }
}
