// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AttestationOutput} from "../src/AttestationOutput.sol";
import {MeasurementPolicy} from "../src/MeasurementPolicy.sol";
import {ICollateralProbe} from "../src/ICollateralProbe.sol";
import {SimulatedAttestation} from "../src/dev/SimulatedAttestation.sol";
import {TEEProverRegistry} from "../src/TEEProverRegistry.sol";
import {Deployed} from "./Deployed.sol";

contract TEEProverRegistryTest is Deployed {
    // A whole, simulated quote, verified on chain.

    function test_registersByAQuote_whoeverSends() public {
        vm.expectEmit(address(registry));
        emit TEEProverRegistry.ProverRegistered(
            prover, workloadId, keccak256(bodyOf(quote)), nowSeconds, nowSeconds + 3600, 0, policy.version()
        );
        vm.prank(STRANGER);
        registry.register(data, quote);
        assertTrue(isValid());
        assertEqual(registry.attestedProvers(prover), nowSeconds);
    }

    function test_keepsWhatWasAttested() public {
        register();
        TEEProverRegistry.ProverRecord memory record = registry.proverRecord(prover);
        assertEqual(record.registeredAt, nowSeconds);
        assertEqual(record.validFrom, nowSeconds);
        assertEqual(record.expiresAt, nowSeconds + 3600);
        assertTrue(record.workloadId == workloadId && record.tcbStatus == 0 && record.fmspc == FMSPC);
        assertTrue(record.quoteHash == keccak256(quote) && !record.isRevoked);
        assertEqual(record.policyVersion, policy.version());
    }

    function test_knowsNothingOfOthers() public view {
        assertEqual(registry.attestedProvers(prover), 0);
        assertEqual(registry.proverRecord(prover).expiresAt, 0);
        assertTrue(!isValid() && !registry.verifyAttestedProver(address(0)));
    }

    function test_layoutV1_0_takesTheSameQuote() public {
        deploy(
            new SimulatedAttestation(rootX, rootY, AttestationOutput.Layout.V1_0), AttestationOutput.Layout.V1_0
        );
        register();
        assertTrue(isValid() && registry.proverRecord(prover).workloadId == workloadId);
    }

    function test_verifiesTheWorkloadToo() public {
        register();
        assertTrue(registry.verifyAttestedWorkload(prover, workloadId));
        assertTrue(!registry.verifyAttestedWorkload(prover, otherWorkloadId));
        vm.warp(nowSeconds + 3600);
        assertTrue(!registry.verifyAttestedWorkload(prover, workloadId));
    }

    function test_expiresToTheSecond() public {
        register();
        vm.warp(nowSeconds + 3599);
        assertTrue(isValid());
        vm.warp(nowSeconds + 3600);
        assertTrue(!isValid());
    }

    function test_aChangedValidityAppliesToAll() public {
        register();
        vm.prank(OWNER);
        registry.setAttestValiditySeconds(10);
        vm.warp(nowSeconds + 10);
        assertTrue(!isValid());
    }

    function test_renewsByALaterQuote() public {
        register();
        vm.warp(nowSeconds + 60);
        registry.register(
            TEEProverRegistry.ReportData(laterBlockNumber, laterBlockHash, prover), vector("laterQuote")
        );
        assertEqual(registry.attestedProvers(prover), nowSeconds + 60);
    }

    function test_refusesAReplay() public {
        register();
        refuses(quote, abi.encodeWithSelector(TEEProverRegistry.QuoteReplayed.selector, keccak256(bodyOf(quote))));
    }

    /// (r, n - s) signs the same: other bytes of a quote, but no other attestation.
    function test_refusesAReplayInOtherBytes() public {
        uint256 order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551;
        register();
        bytes memory twin = quote;
        uint256 offset = 32 + 636 + 32;
        assembly {
            let at := add(twin, offset)
            mstore(at, sub(order, mload(at)))
        }
        assertTrue(keccak256(twin) != keccak256(quote));
        refuses(twin, abi.encodeWithSelector(TEEProverRegistry.QuoteReplayed.selector, keccak256(bodyOf(quote))));
    }

    function test_refusesADebugTd() public {
        refuses(vector("debugQuote"), abi.encodeWithSelector(MeasurementPolicy.DebugTdRefused.selector));
    }

    function test_refusesAnotherWorkload() public {
        refuses(
            vector("otherQuote"),
            abi.encodeWithSelector(MeasurementPolicy.WorkloadNotAllowed.selector, otherWorkloadId)
        );
    }

    function test_refusesAQuoteOfAForeignRoot() public {
        refuses(
            vector("foreignQuote"), abi.encodeWithSelector(TEEProverRegistry.QuoteRefused.selector, bytes("root"))
        );
    }

    function test_refusesTheQuoteOfAnotherProver() public {
        data.proverAddress = STRANGER;
        refuses(quote, abi.encodeWithSelector(TEEProverRegistry.ReportDataMismatch.selector));
    }

    function test_refusesAnotherReference() public {
        data.referenceBlockNumber = laterBlockNumber;
        data.referenceBlockHash = laterBlockHash;
        refuses(quote, abi.encodeWithSelector(TEEProverRegistry.ReportDataMismatch.selector));
    }

    function test_refusesTheZeroAddress() public {
        data.proverAddress = address(0);
        refuses(quote, abi.encodeWithSelector(TEEProverRegistry.ProverAddressZero.selector));
    }

    function test_refusesAWrongBlockHash() public {
        data.referenceBlockHash = bytes32(uint256(1));
        refuses(quote, abi.encodeWithSelector(TEEProverRegistry.ReferenceBlockHashMismatch.selector, blockNumber));
    }

    function test_refusesAStaleBlock() public {
        bytes memory stale = abi.encodeWithSelector(TEEProverRegistry.ReferenceBlockStale.selector, blockNumber);
        vm.roll(blockNumber + 101);
        refuses(quote, stale);
        vm.roll(blockNumber + 100);
        vm.setBlockhash(blockNumber, blockHash);
        register();
    }

    function test_refusesTheCurrentBlock() public {
        vm.roll(blockNumber);
        refuses(quote, abi.encodeWithSelector(TEEProverRegistry.ReferenceBlockStale.selector, blockNumber));
    }

    function test_refusesABlockTheChainHasForgotten() public {
        vm.prank(OWNER);
        registry.setMaxBlockNumberDiff(1000);
        vm.roll(blockNumber + 300);
        refuses(quote, abi.encodeWithSelector(TEEProverRegistry.ReferenceBlockHashMismatch.selector, blockNumber));
    }

    // What the attestation contract may say.

    function test_refusesWhatTheAttestationRefuses() public {
        script(false, "TCBR", 0);
        refuses(quote, abi.encodeWithSelector(TEEProverRegistry.QuoteRefused.selector, bytes("TCBR")));
    }

    function test_refusesAReasonThatComesWithSuccess() public {
        script(true, "TCBR", 0);
        refuses(quote, abi.encodeWithSelector(AttestationOutput.OutputMalformed.selector));
    }

    function testFuzz_refusesEveryTcbStatusThatIsNotAccepted(uint8 status) public {
        vm.assume(status != 0);
        script(true, outputOf(status, 2, 4, ""), 0);
        refuses(quote, abi.encodeWithSelector(MeasurementPolicy.TcbStatusRefused.selector, status));
    }

    function test_acceptsAStatusThePolicyAccepts_untilItDoesNot() public {
        script(true, outputOf(4, 2, 4, ""), 0);
        accept(0x11);
        register();
        assertTrue(isValid() && registry.proverRecord(prover).tcbStatus == 4);
        accept(0x01);
        assertTrue(!isValid());
        assertTrue(registry.acceptedTcbStatuses() == 1);
    }

    function test_acceptsAdvisoriesInTheirOneEncoding() public {
        string[] memory advisories = new string[](2);
        (advisories[0], advisories[1]) = ("INTEL-SA-00001", "INTEL-SA-00002");
        bytes memory encoded = abi.encode(advisories);
        script(true, outputOf(0, 2, 4, bytes.concat(encoded, hex"00")), 0);
        refuses(quote, abi.encodeWithSelector(AttestationOutput.OutputMalformed.selector));
        script(true, outputOf(0, 2, 4, "no list"), 0);
        refuses(quote, "");
        script(true, outputOf(0, 2, 4, encoded), 0);
        register();
        assertTrue(isValid());
    }

    function test_acceptsTheBodyOfVersion5() public {
        script(true, outputOf(0, 2, 5, ""), 0);
        register();
        assertTrue(isValid());
    }

    function test_acceptsTd15_andNoServiceTd() public {
        bytes memory more = new bytes(64);
        more[63] = 0x01;
        script(true, outputOf(0, 3, 5, more), 0);
        refuses(quote, abi.encodeWithSelector(MeasurementPolicy.ServiceTdRefused.selector));
        more[63] = 0x00;
        script(true, outputOf(0, 3, 5, more), 0);
        register();
        assertTrue(registry.proverRecord(prover).workloadId == workloadId);
        assertTrue(registry.usedBodies(keccak256(bytes.concat(bodyOf(quote), more))));
    }

    function test_refusesAShortBody() public {
        bytes memory short = outputOf(0, 2, 4, "");
        assembly {
            mstore(short, sub(mload(short), 1))
        }
        script(true, short, 0);
        refuses(quote, abi.encodeWithSelector(AttestationOutput.OutputMalformed.selector));
    }

    function test_refusesSgxAndUnknownBodies() public {
        uint16[2][6] memory others = [[uint16(1), 4], [uint16(3), 4], [uint16(4), 4], [uint16(2), 3], [uint16(4), 5], [uint16(0), 5]];
        for (uint256 i = 0; i < others.length; ++i) {
            script(true, outputOf(0, others[i][0], others[i][1], ""), 0);
            refuses(quote, abi.encodeWithSelector(AttestationOutput.NotTdx.selector));
        }
    }

    function testFuzz_neverRegistersByARandomOutput(bytes calldata output) public {
        script(true, output, 0);
        try registry.register(data, quote) {
            assertTrue(false);
        } catch {}
        assertTrue(!isValid());
    }

    function test_layoutV1_0_readsItsOwnOffsets() public {
        deploy(scripted, AttestationOutput.Layout.V1_0);
        bytes memory body = bodyOf(quote);
        bytes memory notTdx = abi.encodeWithSelector(AttestationOutput.NotTdx.selector);
        bytes[3] memory others = [
            outputOf(0, 2, 4, ""),
            bytes.concat(hex"0004_00000000_00_000000000000", body),
            bytes.concat(hex"0005_81000000_00_000000000000", body)
        ];
        for (uint256 i = 0; i < others.length; ++i) {
            scripted.script(true, others[i], 0);
            refuses(quote, notTdx);
        }
        scripted.script(true, bytes.concat(hex"0004_81000000_03_000000000000", body), 0);
        refuses(quote, abi.encodeWithSelector(MeasurementPolicy.TcbStatusRefused.selector, 3));
        // As 1.0.0-alpha writes TDX, with the list that it always adds.
        scripted.script(
            true, bytes.concat(hex"0004_00000081_00_53494d000000", body, abi.encode(new string[](0))), 0
        );
        register();
        assertTrue(isValid() && registry.proverRecord(prover).fmspc == FMSPC);
    }

    // The floor, which no workload lowers.

    function test_floor_underDebug() public {
        bytes memory refused = abi.encodeWithSelector(MeasurementPolicy.DebugTdRefused.selector);
        for (uint256 bit = 0; bit < 8; ++bit) {
            _refusesBody(120, abi.encodePacked(uint8(1 << bit)), refused);
        }
    }

    function test_floor_migratable() public {
        _refusesBody(123, hex"30", abi.encodeWithSelector(MeasurementPolicy.MigratableTdRefused.selector));
    }

    function test_floor_serviceTdMayBeBound() public {
        _refusesBody(122, hex"02", abi.encodeWithSelector(MeasurementPolicy.ServiceTdRefused.selector));
    }

    function test_floor_foreignModule() public {
        bytes memory refused = abi.encodeWithSelector(MeasurementPolicy.ForeignModuleRefused.selector);
        _refusesBody(64, hex"01", refused);
        _refusesBody(111, hex"01", refused);
        _refusesBody(112, hex"01", refused);
        _refusesBody(119, hex"80", refused);
    }

    /// Even if its workload is allowed.
    function _refusesBody(uint256 offset, bytes memory replacement, bytes memory reason) private {
        bytes memory output = outputWith(offset, replacement);
        script(true, output, 0);
        refuses(quote, reason);
    }

    /// Each part of the workload id, and nothing else, changes it.
    function test_pinsEveryPartOfTheWorkload() public {
        uint16[8] memory pinned = [uint16(131), 135, 136, 183, 184, 231, 328, 519];
        for (uint256 i = 0; i < pinned.length; ++i) {
            script(true, outputWith(pinned[i], hex"40"), 0);
            (bool success, bytes memory reason) =
                address(registry).call(abi.encodeCall(registry.register, (data, quote)));
            assertTrue(!success && bytes4(reason) == MeasurementPolicy.WorkloadNotAllowed.selector);
        }
        uint16[5] memory free = [uint16(0), 16, 232, 280, 327];
        for (uint256 i = 0; i < free.length; ++i) {
            script(true, outputWith(free[i], hex"40"), 0);
            register();
        }
    }

    // The policy at proof time.

    function test_theNextImageRegistersAndIsNotValidYet() public {
        deploy(scripted, AttestationOutput.Layout.V1_1);
        _scriptOther();
        vm.prank(OWNER);
        policy.preregister(otherWorkloadId, "beef", "");
        registry.register(data, quote);
        assertTrue(!isValid() && registry.attestedProvers(prover) == nowSeconds);
        allow(otherWorkloadId);
        assertTrue(isValid());
    }

    function test_revokingAWorkloadEndsAllItsSigners() public {
        register();
        registry.register(
            TEEProverRegistry.ReportData(blockNumber, blockHash, secondProver), vector("secondQuote")
        );
        assertTrue(isValid() && registry.verifyAttestedProver(secondProver));
        revokeWorkload(workloadId);
        assertTrue(!isValid() && !registry.verifyAttestedProver(secondProver));
        data = TEEProverRegistry.ReportData(laterBlockNumber, laterBlockHash, prover);
        refuses(
            vector("laterQuote"), abi.encodeWithSelector(MeasurementPolicy.WorkloadIsRevoked.selector, workloadId)
        );
    }

    function test_aKeyNeverMovesToAnotherWorkload() public {
        register();
        allow(otherWorkloadId);
        bytes memory refused =
            abi.encodeWithSelector(TEEProverRegistry.ProverOfAnotherWorkload.selector, prover);
        refuses(vector("otherQuote"), refused);
        vm.prank(prover);
        registry.deregister(prover, "");
        revokeWorkload(workloadId);
        refuses(vector("otherQuote"), refused);
    }

    function test_waitsForTheDelay_unlessARegistrarSends() public {
        vm.prank(OWNER);
        policy.setValidityDelay(600);
        register();
        assertTrue(!isValid());
        vm.warp(nowSeconds + 599);
        assertTrue(!isValid());
        vm.warp(nowSeconds + 600);
        assertTrue(isValid());
        vm.prank(OWNER);
        policy.setRegistrar(STRANGER, true);
        vm.prank(STRANGER);
        registry.register(
            TEEProverRegistry.ReportData(blockNumber, blockHash, secondProver), vector("secondQuote")
        );
        assertTrue(registry.verifyAttestedProver(secondProver));
    }

    function test_whoIsValidNeedNotWaitAgain() public {
        register();
        vm.prank(OWNER);
        policy.setValidityDelay(600);
        vm.warp(nowSeconds + 60);
        registry.register(
            TEEProverRegistry.ReportData(laterBlockNumber, laterBlockHash, prover), vector("laterQuote")
        );
        assertTrue(isValid());
        assertEqual(registry.proverRecord(prover).validFrom, nowSeconds);
    }

    function test_whoWaitsNeedNotWaitLonger_unlessTheRegistrationHasExpired() public {
        vm.prank(OWNER);
        policy.setValidityDelay(600);
        register();
        vm.warp(nowSeconds + 300);
        data = TEEProverRegistry.ReportData(laterBlockNumber, laterBlockHash, prover);
        registry.register(data, vector("laterQuote"));
        assertEqual(registry.proverRecord(prover).validFrom, nowSeconds + 600);
        vm.warp(nowSeconds + 300 + 3600);
        script(true, outputWith(0, hex"40"), 0);
        data = TEEProverRegistry.ReportData(blockNumber, blockHash, prover);
        register();
        assertEqual(registry.proverRecord(prover).validFrom, nowSeconds + 300 + 3600 + 600);
    }

    function test_aSettingThatShortensTheWaitHelpsWhoWaits() public {
        vm.prank(OWNER);
        policy.setValidityDelay(600);
        register();
        vm.prank(OWNER);
        policy.setValidityDelay(0);
        data = TEEProverRegistry.ReportData(laterBlockNumber, laterBlockHash, prover);
        registry.register(data, vector("laterQuote"));
        assertTrue(isValid());
    }

    function test_refusesADelayThatOutlastsTheValidity() public {
        vm.prank(OWNER);
        policy.setValidityDelay(3600);
        refuses(quote, abi.encodeWithSelector(TEEProverRegistry.DelayOutlastsValidity.selector, 3600));
    }

    function test_takesOrdersFromItsPolicyAlone() public {
        bytes memory refused = abi.encodeWithSelector(TEEProverRegistry.OnlyPolicy.selector, OWNER);
        assertReverts(OWNER, address(registry), abi.encodeCall(registry.activateWorkload, (1)), refused);
        assertReverts(OWNER, address(registry), abi.encodeCall(registry.revokeWorkload, (1)), refused);
        assertReverts(OWNER, address(registry), abi.encodeCall(registry.setAcceptedTcbStatuses, (1)), refused);
    }

    function test_doesNotActivateARevokedWorkloadWhateverThePolicySays() public {
        revokeWorkload(workloadId);
        assertReverts(
            address(policy),
            address(registry),
            abi.encodeCall(registry.activateWorkload, (1)),
            abi.encodeWithSelector(TEEProverRegistry.WorkloadStateFinal.selector, 1)
        );
    }

    // The end of a registration.

    function test_theProverEndsItsRegistration() public {
        register();
        vm.expectEmit(address(registry));
        emit TEEProverRegistry.ProverDeregistered(prover);
        vm.prank(prover);
        registry.deregister(prover, "");
        assertTrue(!isValid() && registry.attestedProvers(prover) == 0);
        // And may come back with a new quote, not with the old one.
        refuses(quote, abi.encodeWithSelector(TEEProverRegistry.QuoteReplayed.selector, keccak256(bodyOf(quote))));
        data = TEEProverRegistry.ReportData(laterBlockNumber, laterBlockHash, prover);
        registry.register(data, vector("laterQuote"));
        assertTrue(isValid());
    }

    function test_theProverEndsItsRegistrationBySigning() public {
        register();
        bytes memory signed = _signDeregistration(proverKey, nowSeconds);
        vm.prank(STRANGER);
        registry.deregister(prover, signed);
        assertTrue(!isValid());
    }

    function test_nobodyElseEndsARegistration() public {
        register();
        bytes memory refused = abi.encodeWithSelector(TEEProverRegistry.DeregistrationNotSigned.selector);
        bytes[3] memory others =
            [bytes(""), _signDeregistration(0xBAD, nowSeconds), _signDeregistration(proverKey, nowSeconds - 1)];
        for (uint256 i = 0; i < others.length; ++i) {
            assertReverts(address(registry), abi.encodeCall(registry.deregister, (prover, others[i])), refused);
        }
        // Nor does a signature over a proof, or over anything else.
        assertReverts(
            address(registry), abi.encodeCall(registry.deregister, (prover, vector("eip712Signature"))), refused
        );
        assertTrue(isValid());
        assertReverts(
            address(registry),
            abi.encodeCall(registry.deregister, (STRANGER, "")),
            abi.encodeWithSelector(TEEProverRegistry.ProverNotRegistered.selector, STRANGER)
        );
    }

    function test_revocationOfAProverIsForEver() public {
        register();
        vm.expectEmit(address(registry));
        emit TEEProverRegistry.ProverRevoked(prover, GUARDIAN);
        vm.prank(GUARDIAN);
        registry.revokeProver(prover);
        assertTrue(!isValid() && registry.proverRecord(prover).isRevoked);
        data = TEEProverRegistry.ReportData(laterBlockNumber, laterBlockHash, prover);
        refuses(vector("laterQuote"), abi.encodeWithSelector(TEEProverRegistry.ProverIsRevoked.selector, prover));
    }

    function test_revokesAProverThatNeverCame() public {
        vm.prank(OWNER);
        registry.revokeProver(prover);
        refuses(quote, abi.encodeWithSelector(TEEProverRegistry.ProverIsRevoked.selector, prover));
    }

    function test_onlyOwnerAndGuardianRevokeProvers() public {
        assertReverts(
            address(registry),
            abi.encodeCall(registry.revokeProver, (prover)),
            abi.encodeWithSelector(TEEProverRegistry.OnlyOwnerOrGuardian.selector, STRANGER)
        );
    }

    // The route by a proof.

    function test_registersByAZkProof() public {
        script(true, outputOf(0, 2, 4, ""), 0);
        registry.registerWithZkProof(data, _zkOutput(nowSeconds - 3600), 2, "proof");
        assertTrue(isValid() && registry.proverRecord(prover).quoteHash == 0);
        refuses(quote, abi.encodeWithSelector(TEEProverRegistry.QuoteReplayed.selector, keccak256(bodyOf(quote))));
    }

    function test_refusesAZkProofOfAnotherTime() public {
        script(true, outputOf(0, 2, 4, ""), 0);
        uint256[2] memory times = [nowSeconds - 3601, nowSeconds + 1];
        for (uint256 i = 0; i < times.length; ++i) {
            _refusesZk(
                _zkOutput(times[i]), abi.encodeWithSelector(TEEProverRegistry.ZkTimeRefused.selector, times[i])
            );
        }
    }

    function test_refusesAZkOutputThatIsTooShort() public {
        script(true, outputOf(0, 2, 4, ""), 0);
        bytes memory refused = abi.encodeWithSelector(TEEProverRegistry.ZkOutputMalformed.selector);
        _refusesZk(hex"00", refused);
        _refusesZk(hex"0001_00_00000000000000", refused);
    }

    function test_refusesAZkProofThatTheAttestationRefuses() public {
        script(false, "TCBCH", 0);
        _refusesZk(
            _zkOutput(nowSeconds), abi.encodeWithSelector(TEEProverRegistry.QuoteRefused.selector, bytes("TCBCH"))
        );
    }

    // Funds and ownership.

    function test_returnsToTheSenderWhatTheAttestationDoesNotKeep() public {
        script(true, outputOf(0, 2, 4, ""), 3);
        vm.deal(STRANGER, 20);
        vm.prank(STRANGER);
        registry.register{value: 10}(data, quote);
        assertTrue(STRANGER.balance == 17 && address(scripted).balance == 3 && address(registry).balance == 0);
        script(true, outputWith(0, hex"40"), 3);
        vm.prank(STRANGER);
        registry.registerWithZkProof{value: 10}(data, _zkOutput(nowSeconds), 2, "proof");
        assertTrue(STRANGER.balance == 14 && address(scripted).balance == 6 && address(registry).balance == 0);
    }

    function test_keepsNoFundsOfOthersForASender() public {
        script(true, outputOf(0, 2, 4, ""), 0);
        vm.deal(address(registry), 5);
        vm.prank(STRANGER);
        registry.register(data, quote);
        assertTrue(STRANGER.balance == 0 && address(registry).balance == 5);
    }

    function test_aSenderThatTakesNoChangeDoesNotRegister() public {
        script(true, outputOf(0, 2, 4, ""), 0);
        vm.deal(address(this), 1);
        vm.expectRevert(abi.encodeWithSignature("FailedCall()"));
        registry.register{value: 1}(data, quote);
    }

    function test_takesNoOtherFunds() public {
        vm.deal(STRANGER, 1);
        vm.prank(STRANGER);
        (bool success, bytes memory reason) = address(registry).call{value: 1}("");
        assertTrue(!success && bytes4(reason) == TEEProverRegistry.UnexpectedFunds.selector);
    }

    function test_onlyTheOwnerChangesSettings() public {
        bytes[4] memory calls = [
            abi.encodeCall(registry.setAttestationImpl, (STRANGER)),
            abi.encodeCall(registry.setAttestValiditySeconds, (1)),
            abi.encodeCall(registry.setMaxBlockNumberDiff, (1)),
            abi.encodeCall(registry.setCollateralProbe, (ICollateralProbe(STRANGER)))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            assertReverts(address(registry), calls[i], onlyOwnerError());
            callAs(OWNER, address(registry), calls[i]);
        }
        assertTrue(address(registry.dcapAttestationVerifier()) == STRANGER);
        assertTrue(address(registry.collateralProbe()) == STRANGER);
        assertTrue(registry.attestValiditySeconds() == 1 && registry.maxBlockNumberDiff() == 1);
    }

    function test_refusesSettingsThatDoNotFit() public {
        bytes memory refused =
            abi.encodeWithSelector(TEEProverRegistry.SettingTooLarge.selector, uint256(1) << 64);
        assertReverts(
            OWNER, address(registry), abi.encodeCall(registry.setAttestValiditySeconds, (1 << 64)), refused
        );
        assertReverts(OWNER, address(registry), abi.encodeCall(registry.setMaxBlockNumberDiff, (1 << 64)), refused);
    }

    function test_ownershipChangesInTwoSteps() public {
        vm.prank(OWNER);
        registry.transferOwnership(STRANGER);
        assertTrue(registry.owner() == OWNER);
        vm.prank(STRANGER);
        registry.acceptOwnership();
        assertTrue(registry.owner() == STRANGER);
    }

    function _scriptOther() private {
        bytes memory output = outputOf(0, 2, 4, "");
        bytes memory other = bodyOf(vector("otherQuote"));
        for (uint256 i = 0; i < other.length; ++i) {
            output[11 + i] = other[i];
        }
        scripted.script(true, output, 0);
    }

    function _zkOutput(uint256 timestamp) private view returns (bytes memory) {
        bytes memory output = outputOf(0, 2, 4, "");
        return bytes.concat(bytes2(uint16(output.length)), output, bytes8(uint64(timestamp)), new bytes(192));
    }

    function _refusesZk(bytes memory output, bytes memory reason) private {
        assertReverts(
            address(registry), abi.encodeCall(registry.registerWithZkProof, (data, output, 2, "proof")), reason
        );
    }

    function _signDeregistration(uint256 key, uint256 registeredAt) private view returns (bytes memory) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("SP1 TEE Prover Registry"),
                keccak256("1"),
                31337,
                address(registry)
            )
        );
        bytes32 struct_ = keccak256(
            abi.encode(keccak256("Deregistration(address prover,uint256 registeredAt)"), prover, registeredAt)
        );
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", domain, struct_)));
        return abi.encodePacked(r, s, v);
    }
}
