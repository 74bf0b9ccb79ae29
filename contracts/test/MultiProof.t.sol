// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ISP1Verifier} from "../src/ISP1Verifier.sol";
import {MultiProof} from "../src/MultiProof.sol";
import {MultiProofDeployed, ScriptedGateway} from "./MultiProofDeployed.sol";

/// The call of the first contracts.
contract VerifyTEEProofTest is MultiProofDeployed {
    uint256 private constant GROUP_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    function setUp() public override {
        super.setUp();
        register();
    }

    function test_acceptsTheSignatureOfAnAttestedSigner() public view {
        multiProof.verifyTEEProof(message, signature);
    }

    function test_refusesASignerThatIsNotAttested() public {
        vm.warp(nowSeconds + 3600);
        _refuses(message, signature, prover);
    }

    function test_refusesASignerOfARevokedWorkload() public {
        revokeWorkload(workloadId);
        _refuses(message, signature, prover);
    }

    function test_refusesTheTwinSignature() public {
        (bytes32 r, uint256 s, uint8 v) = _split();
        _refuses(message, abi.encodePacked(r, GROUP_ORDER - s, v == 27 ? 28 : 27), address(0));
    }

    function test_refusesCompactAndOtherLengths() public {
        bytes memory compact = signature;
        assembly {
            mstore(compact, 64)
        }
        _refuses(message, compact, address(0));
        _refuses(message, "", address(0));
        _refuses(message, bytes.concat(signature, hex"00"), address(0));
    }

    /// Nothing else that the key signs, or might, has a preimage of 32 bytes.
    function test_refusesWhatOtherSchemesAndTransactionsSign() public {
        bytes32 structHash = keccak256("of any typed data");
        bytes[4] memory preimages = [
            vector("succinctPreimage"),
            bytes.concat(hex"1901", keccak256("domain"), structHash),
            vector("transactionPreimage"),
            bytes.concat("\x19Ethereum Signed Message:\n32", structHash)
        ];
        assertTrue(keccak256(preimages[0]) == vector32("succinctDigest"));
        for (uint256 i = 0; i < preimages.length; ++i) {
            assertReverts(
                address(multiProof),
                abi.encodeCall(multiProof.verifyTEEProof, (preimages[i], signature)),
                abi.encodeWithSelector(MultiProof.MessageLength.selector, preimages[i].length)
            );
        }
    }

    function testFuzz_refusesAnyMessageThatIsNo32Bytes(bytes calldata other) public {
        vm.assume(other.length != 32);
        vm.expectRevert(abi.encodeWithSelector(MultiProof.MessageLength.selector, other.length));
        multiProof.verifyTEEProof(other, signature);
    }

    function testFuzz_refusesAnotherMessage(bytes32 other) public {
        vm.assume(other != bytes32(message));
        _refusesSomehow(abi.encode(other), signature);
    }

    function testFuzz_refusesRandomSignatures(bytes32 r, bytes32 s, uint8 v) public {
        vm.assume(r != bytes32(signature));
        _refusesSomehow(message, abi.encodePacked(r, s, v));
    }

    function _refusesSomehow(bytes memory otherMessage, bytes memory otherSignature) private view {
        try multiProof.verifyTEEProof(otherMessage, otherSignature) {
            assertTrue(false);
        } catch (bytes memory reason) {
            assertTrue(bytes4(reason) == MultiProof.Invalid_TEE_Signer.selector);
        }
    }

    function _refuses(bytes memory otherMessage, bytes memory otherSignature, address signer) private {
        vm.expectRevert(abi.encodeWithSelector(MultiProof.Invalid_TEE_Signer.selector, signer));
        multiProof.verifyTEEProof(otherMessage, otherSignature);
    }

    function _split() private view returns (bytes32 r, uint256 s, uint8 v) {
        bytes memory whole = signature;
        assembly {
            r := mload(add(whole, 32))
            s := mload(add(whole, 64))
            v := byte(0, mload(add(whole, 96)))
        }
    }
}

/// SP1's call.
contract VerifyProofTest is MultiProofDeployed {
    bytes private proofBytes = vector("eip712ProofBytes");
    bytes private proofBytesOfTwo = vector("eip712ProofBytesOfTwo");

    function setUp() public override {
        super.setUp();
        registerBoth();
    }

    function test_acceptsOneSignatureByDefault() public view {
        multiProof.verifyProof(programVKey, publicValues, proofBytes);
    }

    function test_acceptsMoreSignaturesThanItNeeds() public view {
        multiProof.verifyProof(programVKey, publicValues, proofBytesOfTwo);
    }

    // The signatures.

    function test_refusesAnotherProgramAndOtherPublicValues() public {
        _refusesSomehow(bytes32(uint256(3)), publicValues);
        _refusesSomehow(programVKey, bytes.concat(publicValues, hex"00"));
        _refusesSomehow(programVKey, "");
    }

    function testFuzz_refusesOtherPublicValues(bytes calldata other) public {
        vm.assume(keccak256(other) != keccak256(publicValues));
        _refusesSomehow(programVKey, other);
    }

    function test_refusesASignatureForAnotherContractOrChain() public {
        MultiProof elsewhere = new MultiProof(OWNER, address(registry), gateway);
        (bool success, bytes memory reason) = address(elsewhere).call(
            abi.encodeCall(multiProof.verifyProof, (programVKey, publicValues, proofBytes))
        );
        assertTrue(!success && bytes4(reason) == MultiProof.Invalid_TEE_Signer.selector);
        vm.chainId(1);
        _refusesSomehow(programVKey, publicValues);
    }

    function test_refusesARevokedWorkload() public {
        revokeWorkload(workloadId);
        refusesProof(proofBytes, abi.encodeWithSelector(MultiProof.Invalid_TEE_Signer.selector, prover));
    }

    /// The signer is registered, but says that it is something else.
    function test_refusesAWorkloadThatWasNotAttested() public {
        bytes32 digest = multiProof.digestOf(programVKey, keccak256(publicValues), otherWorkloadId);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(proverKey, digest);
        bytes memory entry = abi.encodePacked(otherWorkloadId, r, s, v);
        bytes memory lie = bytes.concat(multiProof.SELECTOR(), hex"01", entry);
        refusesProof(lie, abi.encodeWithSelector(MultiProof.Invalid_TEE_Signer.selector, prover));
    }

    /// A digest of another scheme does not pass here either: what is hashed has 66 bytes.
    function test_refusesSignaturesOfOtherSchemes() public {
        string[3] memory others = ["signature", "succinctSignature", "transactionSignature"];
        for (uint256 i = 0; i < others.length; ++i) {
            bytes memory entry = abi.encodePacked(workloadId, vector(others[i]));
            bytes memory foreign = bytes.concat(multiProof.SELECTOR(), hex"01", entry);
            (bool success, bytes memory reason) = address(multiProof).call(
                abi.encodeCall(multiProof.verifyProof, (programVKey, publicValues, foreign))
            );
            assertTrue(!success && bytes4(reason) == MultiProof.Invalid_TEE_Signer.selector);
        }
    }

    function testFuzz_refusesAnyFlippedBit(uint256 position, uint8 bit) public {
        bytes memory flipped = proofBytes;
        position %= flipped.length;
        flipped[position] = bytes1(uint8(flipped[position]) ^ uint8(1 << (bit % 8)));
        (bool success,) = address(multiProof).call(
            abi.encodeCall(multiProof.verifyProof, (programVKey, publicValues, flipped))
        );
        assertTrue(!success);
    }

    function testFuzz_refusesEveryTruncation(uint256 length) public {
        bytes memory cut = proofBytesOfTwo;
        length %= cut.length;
        assembly {
            mstore(cut, length)
        }
        bytes memory reason = length < 4
            ? abi.encodeWithSelector(MultiProof.WrongSelector.selector, bytes4(0))
            : abi.encodeWithSelector(MultiProof.ProofTruncated.selector, length);
        refusesProof(cut, reason);
    }

    function test_refusesASelectorAlone() public {
        bytes memory alone = abi.encodePacked(multiProof.SELECTOR());
        refusesProof(alone, abi.encodeWithSelector(MultiProof.ProofTruncated.selector, 4));
    }

    function test_refusesAnotherSelector() public {
        refusesProof(
            SP1_PROOF, abi.encodeWithSelector(MultiProof.WrongSelector.selector, bytes4(0x11b6a09d))
        );
    }

    // m of n.

    function test_demandsAsManySignersAsTheRuleSays() public {
        setRule(MultiProof.Mode.Tee, 2);
        refusesProof(proofBytes, abi.encodeWithSelector(MultiProof.TooFewSignatures.selector, 1, 2));
        multiProof.verifyProof(programVKey, publicValues, proofBytesOfTwo);
        setRule(MultiProof.Mode.Tee, 3);
        refusesProof(proofBytesOfTwo, abi.encodeWithSelector(MultiProof.TooFewSignatures.selector, 2, 3));
    }

    function test_countsNoSignerTwice() public {
        setRule(MultiProof.Mode.Tee, 2);
        bytes memory entry = _entry(0);
        bytes memory twice = bytes.concat(multiProof.SELECTOR(), hex"02", entry, entry);
        refusesProof(twice, abi.encodeWithSelector(MultiProof.SignersNotAscending.selector, prover));
    }

    function test_takesSignersInOneOrderOnly() public {
        bytes memory turned = bytes.concat(multiProof.SELECTOR(), hex"02", _entry(1), _entry(0));
        refusesProof(turned, abi.encodeWithSelector(MultiProof.SignersNotAscending.selector, prover));
    }

    function test_demandsThatEverySignerIsRegistered() public {
        vm.prank(OWNER);
        registry.revokeProver(secondProver);
        refusesProof(
            proofBytesOfTwo, abi.encodeWithSelector(MultiProof.Invalid_TEE_Signer.selector, secondProver)
        );
    }

    // Modes.

    function test_teeOnly_takesNoInnerProof() public {
        refusesProof(
            bytes.concat(proofBytes, SP1_PROOF),
            abi.encodeWithSelector(MultiProof.InnerProofLength.selector, SP1_PROOF.length)
        );
    }

    function test_zkOnly_takesTheSp1ProofAsItIsOrWrapped() public {
        setRule(MultiProof.Mode.Zk, 0);
        multiProof.verifyProof(programVKey, publicValues, SP1_PROOF);
        multiProof.verifyProof(
            programVKey, publicValues, bytes.concat(multiProof.SELECTOR(), hex"00", SP1_PROOF)
        );
        bytes memory invalid = abi.encodeWithSelector(ScriptedGateway.InvalidProof.selector);
        refusesProof(hex"11b6a09d_00", invalid);
        refusesProof(hex"11b6a0", invalid);
        refusesProof("", abi.encodeWithSelector(MultiProof.InnerProofLength.selector, 0));
        refusesProof(
            bytes.concat(multiProof.SELECTOR(), hex"00"),
            abi.encodeWithSelector(MultiProof.InnerProofLength.selector, 0)
        );
        refusesProof(
            bytes.concat(proofBytes, SP1_PROOF),
            abi.encodeWithSelector(MultiProof.UnexpectedSignatures.selector, 1)
        );
    }

    function test_both_demandsBoth() public {
        setRule(MultiProof.Mode.Both, 2);
        multiProof.verifyProof(programVKey, publicValues, bytes.concat(proofBytesOfTwo, SP1_PROOF));
        refusesProof(proofBytesOfTwo, abi.encodeWithSelector(MultiProof.InnerProofLength.selector, 0));
        refusesProof(
            SP1_PROOF, abi.encodeWithSelector(MultiProof.WrongSelector.selector, bytes4(0x11b6a09d))
        );
        refusesProof(
            bytes.concat(proofBytes, SP1_PROOF),
            abi.encodeWithSelector(MultiProof.TooFewSignatures.selector, 1, 2)
        );
        refusesProof(
            bytes.concat(proofBytesOfTwo, SP1_PROOF, hex"00"),
            abi.encodeWithSelector(ScriptedGateway.InvalidProof.selector)
        );
    }

    function test_demandsAGatewayWhereARuleDoes() public {
        setRule(MultiProof.Mode.Zk, 0);
        vm.prank(OWNER);
        multiProof.setGateway(ISP1Verifier(address(0)));
        refusesProof(SP1_PROOF, abi.encodeWithSelector(MultiProof.GatewayMissing.selector));
    }

    // Rules and ownership.

    function test_aProgramHasItsOwnRuleOrTheDefault() public {
        assertTrue(multiProof.ruleOf(programVKey).mode == MultiProof.Mode.Tee);
        vm.prank(OWNER);
        multiProof.setDefaultRule(MultiProof.Rule(MultiProof.Mode.Both, 1));
        assertTrue(multiProof.defaultRule().mode == MultiProof.Mode.Both);
        assertTrue(multiProof.ruleOf(programVKey).mode == MultiProof.Mode.Both);
        setRule(MultiProof.Mode.Zk, 0);
        assertTrue(multiProof.ruleOf(programVKey).mode == MultiProof.Mode.Zk);
        assertTrue(multiProof.ruleOf(bytes32(uint256(5))).mode == MultiProof.Mode.Both);
        setRule(MultiProof.Mode.Unset, 0);
        assertTrue(multiProof.ruleOf(programVKey).mode == MultiProof.Mode.Both);
    }

    function test_refusesRulesThatMeanNothing() public {
        bytes memory invalid = abi.encodeWithSelector(MultiProof.RuleInvalid.selector);
        MultiProof.Rule[4] memory rules = [
            MultiProof.Rule(MultiProof.Mode.Tee, 0),
            MultiProof.Rule(MultiProof.Mode.Both, 0),
            MultiProof.Rule(MultiProof.Mode.Zk, 1),
            MultiProof.Rule(MultiProof.Mode.Unset, 1)
        ];
        for (uint256 i = 0; i < rules.length; ++i) {
            bytes memory call_ = abi.encodeCall(multiProof.setProgramRule, (programVKey, rules[i]));
            assertReverts(OWNER, address(multiProof), call_, invalid);
            call_ = abi.encodeCall(multiProof.setDefaultRule, (rules[i]));
            assertReverts(OWNER, address(multiProof), call_, invalid);
        }
        MultiProof.Rule memory none = MultiProof.Rule(MultiProof.Mode.Unset, 0);
        assertReverts(OWNER, address(multiProof), abi.encodeCall(multiProof.setDefaultRule, (none)), invalid);
    }

    function test_onlyTheOwnerChangesAnything() public {
        MultiProof.Rule memory rule = MultiProof.Rule(MultiProof.Mode.Tee, 1);
        bytes[4] memory calls = [
            abi.encodeCall(multiProof.setTEEProverRegistry, (STRANGER)),
            abi.encodeCall(multiProof.setGateway, (ISP1Verifier(STRANGER))),
            abi.encodeCall(multiProof.setDefaultRule, (rule)),
            abi.encodeCall(multiProof.setProgramRule, (programVKey, rule))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            assertReverts(address(multiProof), calls[i], onlyOwnerError());
            callAs(OWNER, address(multiProof), calls[i]);
        }
        assertTrue(address(multiProof.teeProverRegistry()) == STRANGER);
        assertTrue(address(multiProof.gateway()) == STRANGER);
    }

    function _entry(uint256 i) private view returns (bytes memory entry) {
        entry = new bytes(97);
        for (uint256 j = 0; j < 97; ++j) {
            entry[j] = proofBytesOfTwo[5 + 97 * i + j];
        }
    }

    function _refusesSomehow(bytes32 key, bytes memory values) private {
        (bool success, bytes memory reason) =
            address(multiProof).call(abi.encodeCall(multiProof.verifyProof, (key, values, proofBytes)));
        assertTrue(!success && bytes4(reason) == MultiProof.Invalid_TEE_Signer.selector);
    }
}
