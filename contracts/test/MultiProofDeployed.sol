// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ISP1Verifier} from "../src/ISP1Verifier.sol";
import {MultiProof} from "../src/MultiProof.sol";
import {TEEProverRegistry} from "../src/TEEProverRegistry.sol";
import {Deployed} from "./Deployed.sol";

/// Accepts one proof for one program and its public values.
contract ScriptedGateway is ISP1Verifier {
    bytes32 public expected;

    error InvalidProof();

    function script(bytes32 programVKey, bytes calldata publicValues, bytes calldata proofBytes) external {
        expected = keccak256(abi.encode(programVKey, publicValues, proofBytes));
    }

    function verifyProof(bytes32 programVKey, bytes calldata publicValues, bytes calldata proofBytes)
        external
        view
        override
    {
        if (keccak256(abi.encode(programVKey, publicValues, proofBytes)) != expected) revert InvalidProof();
    }
}

/// MultiProof over a registry that knows the two signers of the vectors, at the address that is in what
/// they signed.
abstract contract MultiProofDeployed is Deployed {
    MultiProof internal multiProof;
    ScriptedGateway internal gateway;
    bytes internal constant SP1_PROOF = hex"11b6a09d_0102030405";

    function setUp() public virtual override {
        super.setUp();
        gateway = new ScriptedGateway();
        gateway.script(programVKey, publicValues, SP1_PROOF);
        address place = vectorAddress("verifyingContract");
        bytes memory arguments = abi.encode(OWNER, address(registry), gateway);
        vm.etch(place, bytes.concat(type(MultiProof).creationCode, arguments));
        (, bytes memory code) = place.call("");
        vm.etch(place, code);
        multiProof = MultiProof(place);
    }

    function registerBoth() internal {
        register();
        registry.register(
            TEEProverRegistry.ReportData(blockNumber, blockHash, secondProver), vector("secondQuote")
        );
    }

    function setRule(MultiProof.Mode mode, uint8 threshold) internal {
        vm.prank(OWNER);
        multiProof.setProgramRule(programVKey, MultiProof.Rule(mode, threshold));
    }

    function refusesProof(bytes memory proofBytes, bytes memory reason) internal {
        assertReverts(
            address(multiProof),
            abi.encodeCall(multiProof.verifyProof, (programVKey, publicValues, proofBytes)),
            reason
        );
    }
}
