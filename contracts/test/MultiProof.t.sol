// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {MultiProof} from "../src/MultiProof.sol";
import {Fixture} from "./Fixture.sol";

contract ScriptedRegistry {
    mapping(address prover => bool isAttested) public verifyAttestedProver;

    function attest(address prover, bool isAttested) external {
        verifyAttestedProver[prover] = isAttested;
    }
}

contract MultiProofTest is Fixture {
    ScriptedRegistry private registry = new ScriptedRegistry();
    MultiProof private multiProof = new MultiProof(OWNER, address(registry));
    address private constant OWNER = address(0xA11CE);
    address private constant STRANGER = address(0xB0B);
    uint256 private constant GROUP_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    function setUp() public override {
        super.setUp();
        registry.attest(prover, true);
    }

    function test_acceptsTheSignatureOfAnAttestedSigner() public view {
        multiProof.verifyTEEProof(message, signature);
    }

    function test_refusesASignerThatIsNotAttested() public {
        registry.attest(prover, false);
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

    function testFuzz_refusesAnyMessageThatIsNo32Bytes(bytes calldata other) public {
        vm.assume(other.length != 32);
        vm.expectRevert(abi.encodeWithSelector(MultiProof.MessageLength.selector, other.length));
        multiProof.verifyTEEProof(other, signature);
    }

    function testFuzz_refusesAnotherMessage(bytes32 other) public {
        vm.assume(other != bytes32(message));
        try multiProof.verifyTEEProof(abi.encode(other), signature) {
            assertTrue(false);
        } catch (bytes memory reason) {
            assertTrue(bytes4(reason) == MultiProof.Invalid_TEE_Signer.selector);
        }
    }

    function testFuzz_refusesRandomSignatures(bytes32 r, bytes32 s, uint8 v) public {
        vm.assume(r != bytes32(signature));
        try multiProof.verifyTEEProof(message, abi.encodePacked(r, s, v)) {
            assertTrue(false);
        } catch (bytes memory reason) {
            assertTrue(bytes4(reason) == MultiProof.Invalid_TEE_Signer.selector);
        }
    }

    function test_onlyTheOwnerSetsTheRegistry() public {
        vm.expectRevert(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        vm.prank(STRANGER);
        multiProof.setTEEProverRegistry(STRANGER);
        vm.expectEmit(address(multiProof));
        emit MultiProof.TEEProverRegistrySet(STRANGER);
        vm.prank(OWNER);
        multiProof.setTEEProverRegistry(STRANGER);
        assertTrue(address(multiProof.teeProverRegistry()) == STRANGER);
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
