// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AttestationOutput} from "../src/AttestationOutput.sol";
import {IAttestationVerifier} from "../src/IAttestationVerifier.sol";
import {ICollateralProbe} from "../src/ICollateralProbe.sol";
import {MeasurementPolicy} from "../src/MeasurementPolicy.sol";
import {TEEProverRegistry} from "../src/TEEProverRegistry.sol";
import {SimulatedAttestation} from "../src/dev/SimulatedAttestation.sol";
import {Fixture} from "./Fixture.sol";
import {ScriptedAttestation} from "./ScriptedAttestation.sol";

/// Policy and registry over the attestation contract for simulated quotes, with the workload of the
/// vectors allowed.
abstract contract Deployed is Fixture {
    MeasurementPolicy internal policy;
    TEEProverRegistry internal registry;
    ScriptedAttestation internal scripted;
    TEEProverRegistry.ReportData internal data;

    bytes6 internal constant FMSPC = 0x53494d000000;

    function setUp() public virtual override {
        super.setUp();
        scripted = new ScriptedAttestation();
        data = TEEProverRegistry.ReportData(blockNumber, blockHash, prover);
        deploy(
            new SimulatedAttestation(rootX, rootY, AttestationOutput.Layout.V1_1), AttestationOutput.Layout.V1_1
        );
    }

    function deploy(IAttestationVerifier verifier, AttestationOutput.Layout chosenLayout) internal {
        policy = new MeasurementPolicy(OWNER, GUARDIAN, address(this));
        registry = new TEEProverRegistry(OWNER, verifier, chosenLayout, policy, ICollateralProbe(address(0)));
        policy.bindRegistry(address(registry));
        allow(workloadId);
    }

    function allow(bytes32 id) internal {
        vm.prank(OWNER);
        policy.allow(id, "c0ffee", "https://example.org/image");
    }

    function revokeWorkload(bytes32 id) internal {
        vm.prank(GUARDIAN);
        policy.revoke(id);
    }

    function accept(uint256 statuses) internal {
        vm.prank(OWNER);
        policy.setAcceptedTcbStatuses(statuses);
    }

    /// From now on the registry asks the scripted contract, which answers so.
    function script(bool success, bytes memory output, uint256 fee) internal {
        scripted.script(success, output, fee);
        vm.prank(OWNER);
        registry.setAttestationImpl(address(scripted));
    }

    function register() internal {
        registry.register(data, quote);
    }

    function refuses(bytes memory badQuote, bytes memory reason) internal {
        assertReverts(address(registry), abi.encodeCall(registry.register, (data, badQuote)), reason);
    }

    function isValid() internal view returns (bool) {
        return registry.verifyAttestedProver(prover);
    }

    /// Output of layout v1.1 over the body of the quote.
    function outputOf(uint8 status, uint16 bodyType, uint16 version, bytes memory more)
        internal
        view
        returns (bytes memory)
    {
        return bytes.concat(abi.encodePacked(version, bodyType, status, FMSPC), bodyOf(quote), more);
    }

    /// The same, with bytes of the body replaced.
    function outputWith(uint256 offset, bytes memory replacement) internal view returns (bytes memory output) {
        output = outputOf(0, 2, 4, "");
        for (uint256 i = 0; i < replacement.length; ++i) {
            output[11 + offset + i] = replacement[i];
        }
    }
}
