// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AttestationOutput} from "../src/AttestationOutput.sol";
import {ICollateralProbe} from "../src/ICollateralProbe.sol";
import {MeasurementPolicy} from "../src/MeasurementPolicy.sol";
import {TEEProverRegistry} from "../src/TEEProverRegistry.sol";
import {Deployed} from "./Deployed.sol";

contract MeasurementPolicyTest is Deployed {
    bytes32 private constant NEXT = bytes32(uint256(1));

    function test_listsWorkloadsWithTheirMetadata() public {
        vm.warp(nowSeconds + 5);
        vm.expectEmit(address(policy));
        emit MeasurementPolicy.WorkloadPreregistered(NEXT, 2, "beef", "https://example.org/next");
        vm.prank(OWNER);
        policy.preregister(NEXT, "beef", "https://example.org/next");
        assertEqual(policy.workloadCount(), 2);
        assertTrue(policy.workloadIdAt(0) == workloadId && policy.workloadIdAt(1) == NEXT);
        MeasurementPolicy.Workload memory next = policy.workloadOf(NEXT);
        assertTrue(next.state == MeasurementPolicy.State.Next && next.index == 2);
        assertEqual(next.changedAt, nowSeconds + 5);
        assertEqual(bytes(next.commit), "beef");
        assertEqual(bytes(next.sourceUrl), "https://example.org/next");
    }

    function test_allowsTheNextImage_keepingItsIndex() public {
        vm.prank(OWNER);
        policy.preregister(NEXT, "", "");
        uint32 before = policy.version();
        vm.expectEmit(address(policy));
        emit MeasurementPolicy.WorkloadAllowed(NEXT, 2, "c0ffee", "https://example.org/image");
        allow(NEXT);
        assertTrue(policy.workloadOf(NEXT).state == MeasurementPolicy.State.Allowed);
        assertTrue(policy.version() == before + 1 && policy.workloadCount() == 2);
        assertTrue(registry.workloadStates(2) == TEEProverRegistry.WorkloadState.Active);
    }

    function test_knowsAWorkloadOnce() public {
        bytes memory known = abi.encodeWithSelector(MeasurementPolicy.WorkloadKnown.selector, workloadId);
        _ownerFails(abi.encodeCall(policy.allow, (workloadId, "", "")), known);
        _ownerFails(abi.encodeCall(policy.preregister, (workloadId, "", "")), known);
        vm.prank(OWNER);
        policy.preregister(NEXT, "", "");
        _ownerFails(
            abi.encodeCall(policy.preregister, (NEXT, "", "")),
            abi.encodeWithSelector(MeasurementPolicy.WorkloadKnown.selector, NEXT)
        );
        bytes memory zero = abi.encodeWithSelector(MeasurementPolicy.WorkloadIdZero.selector);
        _ownerFails(abi.encodeCall(policy.allow, (0, "", "")), zero);
    }

    function test_revocationIsForEver() public {
        vm.expectEmit(address(policy));
        emit MeasurementPolicy.WorkloadRevoked(workloadId, GUARDIAN);
        revokeWorkload(workloadId);
        bytes memory revoked = abi.encodeWithSelector(MeasurementPolicy.WorkloadIsRevoked.selector, workloadId);
        _ownerFails(abi.encodeCall(policy.allow, (workloadId, "", "")), revoked);
        _ownerFails(abi.encodeCall(policy.preregister, (workloadId, "", "")), revoked);
        _ownerFails(abi.encodeCall(policy.revoke, (workloadId)), revoked);
        assertTrue(policy.workloadOf(workloadId).state == MeasurementPolicy.State.Revoked);
        assertTrue(registry.workloadStates(1) == TEEProverRegistry.WorkloadState.Revoked);
    }

    function test_revokesAWorkloadThatWasNeverAllowed() public {
        vm.prank(OWNER);
        policy.revoke(NEXT);
        _ownerFails(
            abi.encodeCall(policy.allow, (NEXT, "", "")),
            abi.encodeWithSelector(MeasurementPolicy.WorkloadIsRevoked.selector, NEXT)
        );
    }

    function test_theGuardianCanOnlyRevoke() public {
        bytes[7] memory calls = [
            abi.encodeCall(policy.allow, (NEXT, "", "")),
            abi.encodeCall(policy.preregister, (NEXT, "", "")),
            abi.encodeCall(policy.setGuardian, (STRANGER)),
            abi.encodeCall(policy.setRegistrar, (STRANGER, true)),
            abi.encodeCall(policy.setAcceptedTcbStatuses, (3)),
            abi.encodeCall(policy.setValidityDelay, (1)),
            abi.encodeCall(policy.transferOwnership, (STRANGER))
        ];
        bytes memory refused = abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", GUARDIAN);
        for (uint256 i = 0; i < calls.length; ++i) {
            assertReverts(GUARDIAN, address(policy), calls[i], refused);
            assertReverts(address(policy), calls[i], onlyOwnerError());
        }
        assertReverts(
            address(policy),
            abi.encodeCall(policy.revoke, (workloadId)),
            abi.encodeWithSelector(MeasurementPolicy.OnlyOwnerOrGuardian.selector, STRANGER)
        );
        vm.prank(OWNER);
        policy.setGuardian(STRANGER);
        assertTrue(policy.guardian() == STRANGER);
        vm.prank(STRANGER);
        policy.revoke(workloadId);
    }

    function test_acceptsNoStatusThatIsRevokedOrUnknown() public {
        for (uint256 status = 0; status < 256; ++status) {
            bytes memory call_ = abi.encodeCall(policy.setAcceptedTcbStatuses, (uint256(1) << status));
            if (status <= 5 || status == 8 || status == 9) {
                callAs(OWNER, address(policy), call_);
                assertEqual(policy.acceptedTcbStatuses(), 1 << status);
                assertEqual(registry.acceptedTcbStatuses(), 1 << status);
            } else {
                _ownerFails(
                    call_,
                    abi.encodeWithSelector(
                        MeasurementPolicy.TcbStatusesForbidden.selector, uint256(1) << status
                    )
                );
            }
        }
    }

    function test_boundsTheDelay() public {
        _ownerFails(
            abi.encodeCall(policy.setValidityDelay, (30 days + 1)),
            abi.encodeWithSelector(MeasurementPolicy.DelayTooLong.selector, 30 days + 1)
        );
        vm.prank(OWNER);
        policy.setValidityDelay(30 days);
        assertEqual(policy.validityDelaySeconds(), 30 days);
    }

    function test_answersItsRegistryAlone() public {
        AttestationOutput.Attested memory attested;
        assertReverts(
            address(policy),
            abi.encodeCall(policy.admit, (attested, STRANGER)),
            abi.encodeWithSelector(MeasurementPolicy.OnlyRegistry.selector, STRANGER)
        );
    }

    function test_isBoundOnce() public {
        bytes memory again =
            abi.encodeWithSelector(MeasurementPolicy.RegistryAlreadyBound.selector, address(registry));
        _ownerFails(abi.encodeCall(policy.bindRegistry, (STRANGER)), again);
        policy = new MeasurementPolicy(OWNER, address(0), address(this));
        bytes memory unbound = abi.encodeWithSelector(MeasurementPolicy.RegistryNotBound.selector);
        _ownerFails(abi.encodeCall(policy.allow, (workloadId, "", "")), unbound);
        _ownerFails(abi.encodeCall(policy.revoke, (workloadId)), unbound);
        _ownerFails(abi.encodeCall(policy.setAcceptedTcbStatuses, (1)), unbound);
        assertReverts(
            address(policy),
            abi.encodeCall(policy.bindRegistry, (address(registry))),
            abi.encodeWithSelector(MeasurementPolicy.OnlyOwnerOrDeployer.selector, STRANGER)
        );
        _ownerFails(
            abi.encodeCall(policy.bindRegistry, (address(0))),
            abi.encodeWithSelector(MeasurementPolicy.RegistryAddressZero.selector)
        );
        TEEProverRegistry mine = new TEEProverRegistry(
            OWNER, scripted, AttestationOutput.Layout.V1_1, policy, ICollateralProbe(address(0))
        );
        vm.prank(OWNER);
        policy.bindRegistry(address(mine));
        assertTrue(address(policy.registry()) == address(mine) && policy.deployer() == address(this));
    }

    function test_ownershipChangesInTwoSteps() public {
        vm.prank(OWNER);
        policy.transferOwnership(STRANGER);
        assertTrue(policy.owner() == OWNER);
        vm.prank(STRANGER);
        policy.acceptOwnership();
        assertTrue(policy.owner() == STRANGER);
    }

    function _ownerFails(bytes memory call_, bytes memory reason) private {
        assertReverts(OWNER, address(policy), call_, reason);
    }
}
