// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ILegacyAttestation, LegacyMultiProof, LegacyRegistry} from "./legacy/Legacy.sol";
import {AttestationOutput} from "../src/AttestationOutput.sol";
import {SimulatedAttestation} from "../src/dev/SimulatedAttestation.sol";
import {MultiProofDeployed} from "./MultiProofDeployed.sol";

/// What each call costs with nothing warm, without the 21,000 and the calldata of a transaction. The
/// figures are in contracts/snapshots/gas.json; forge test fails if they change.
contract GasTest is MultiProofDeployed {
    string private constant GROUP = "gas";
    /// What verification may cost above the first contracts, and above that with a typed message.
    uint256 private constant TEE_PROOF_MARGIN = 5_000;
    uint256 private constant PROOF_MARGIN = 25_000;

    LegacyRegistry private legacyRegistry;
    LegacyMultiProof private legacyMultiProof;

    /// The first contracts, too, with the same signer registered by the same quote.
    function setUp() public override {
        super.setUp();
        registerBoth();
        SimulatedAttestation attestation =
            new SimulatedAttestation(rootX, rootY, AttestationOutput.Layout.V1_0);
        legacyRegistry = new LegacyRegistry(ILegacyAttestation(address(attestation)));
        legacyMultiProof = new LegacyMultiProof(legacyRegistry);
        legacyRegistry.register(LegacyRegistry.ReportData(blockNumber, blockHash, prover), quote);
    }

    function test_gas_verification() public {
        _cool();
        legacyMultiProof.verifyTEEProof(message, signature);
        uint256 first = vm.snapshotGasLastCall(GROUP, "verifyTEEProof of the first contracts");
        _cool();
        multiProof.verifyTEEProof(message, signature);
        uint256 ours = vm.snapshotGasLastCall(GROUP, "verifyTEEProof");
        assertTrue(ours <= first + TEE_PROOF_MARGIN);
        bytes memory proofBytes = vector("eip712ProofBytes");
        _cool();
        multiProof.verifyProof(programVKey, publicValues, proofBytes);
        assertTrue(vm.snapshotGasLastCall(GROUP, "verifyProof, 1 signature") <= ours + PROOF_MARGIN);
        proofBytes = vector("eip712ProofBytesOfTwo");
        _cool();
        multiProof.verifyProof(programVKey, publicValues, proofBytes);
        vm.snapshotGasLastCall(GROUP, "verifyProof, 2 signatures");
    }

    function test_gas_register() public {
        data.referenceBlockNumber = laterBlockNumber;
        data.referenceBlockHash = laterBlockHash;
        bytes memory later = vector("laterQuote");
        _cool();
        registry.register(data, later);
        vm.snapshotGasLastCall(GROUP, "register, simulated quote");
    }

    function test_gas_registerBesidesVerification() public {
        script(true, outputWith(0, hex"40"), 0);
        _cool();
        registry.register(data, quote);
        vm.snapshotGasLastCall(GROUP, "register, without the attestation contract");
    }

    function test_gas_endings() public {
        _cool();
        vm.prank(GUARDIAN);
        policy.revoke(workloadId);
        vm.snapshotGasLastCall(GROUP, "policy.revoke");
        _cool();
        vm.prank(GUARDIAN);
        registry.revokeProver(secondProver);
        vm.snapshotGasLastCall(GROUP, "revokeProver");
        _cool();
        vm.prank(prover);
        registry.deregister(prover, "");
        vm.snapshotGasLastCall(GROUP, "deregister");
    }

    function test_gas_policy() public {
        _cool();
        vm.prank(OWNER);
        policy.allow(otherWorkloadId, "c0ffee", "https://example.org/image");
        vm.snapshotGasLastCall(GROUP, "policy.allow");
    }

    function _cool() private {
        vm.cool(address(multiProof));
        vm.cool(address(registry));
        vm.cool(address(policy));
        vm.cool(address(legacyRegistry));
        vm.cool(address(legacyMultiProof));
    }
}
