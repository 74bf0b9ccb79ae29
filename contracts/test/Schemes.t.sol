// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {MultiProofDeployed} from "./MultiProofDeployed.sol";

/// What the TypeScript side signs, computed again here.
contract SchemesTest is MultiProofDeployed {
    function test_automata() public view {
        bytes32 hashBytes = bytes32(0x0101010101010101010101010101010101010101010101010101010101010101);
        assertEqual(message, abi.encodePacked(sha256(bytes.concat(hashBytes, publicValues))));
        assertTrue(_recover(keccak256(message), signature) == prover);
    }

    function test_succinct() public view {
        bytes32 version = keccak256(hex"02000000");
        bytes32 digest = keccak256(bytes.concat(version, programVKey, keccak256(publicValues)));
        assertTrue(digest == vector32("succinctDigest"));
        bytes memory signed = vector("succinctSignature");
        assertTrue(_recover(digest, signed) == prover);
        bytes memory proof = vector("succinctProofBytes");
        assertTrue(bytes4(proof) == bytes4(keccak256("SP1TeeVerifier")));
        bytes memory head = bytes.concat(bytes4(proof), signed[64], _first64(signed), hex"04_02000000");
        assertEqual(proof, head);
    }

    function test_eip712() public view {
        bytes32 digest = multiProof.digestOf(programVKey, keccak256(publicValues), workloadId);
        assertTrue(digest == vector32("eip712Digest"));
        bytes memory signed = vector("eip712Signature");
        assertTrue(_recover(digest, signed) == prover);
        bytes memory expected = bytes.concat(multiProof.SELECTOR(), hex"01", workloadId, signed);
        assertEqual(vector("eip712ProofBytes"), expected);
    }

    function test_eip712_theDomainIsWrittenOut() public view {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
                keccak256("SP1 TEE Prover"),
                keccak256("1"),
                31337,
                address(multiProof)
            )
        );
        bytes32 struct_ = keccak256(
            abi.encode(
                keccak256("TeeProof(bytes32 programVKey,bytes32 publicValuesHash,uint32 exitCode,bytes32 workloadId)"),
                programVKey,
                keccak256(publicValues),
                uint32(0),
                workloadId
            )
        );
        assertTrue(keccak256(abi.encodePacked(hex"1901", domain, struct_)) == vector32("eip712Digest"));
    }

    function _recover(bytes32 digest, bytes memory signed) private pure returns (address) {
        (bytes32 r, bytes32 s) = abi.decode(_first64(signed), (bytes32, bytes32));
        return ecrecover(digest, uint8(signed[64]), r, s);
    }

    function _first64(bytes memory signed) private pure returns (bytes memory first) {
        first = new bytes(64);
        for (uint256 i = 0; i < 64; ++i) {
            first[i] = signed[i];
        }
    }
}
