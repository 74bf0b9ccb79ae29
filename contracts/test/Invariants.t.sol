// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AttestationOutput} from "../src/AttestationOutput.sol";
import {MeasurementPolicy} from "../src/MeasurementPolicy.sol";
import {TEEProverRegistry} from "../src/TEEProverRegistry.sol";
import {Fixture} from "./Fixture.sol";
import {ScriptedAttestation, ScriptedProbe} from "./ScriptedAttestation.sol";

/// Everybody who can touch registry and policy, doing so at random, and a plain model of what should
/// come of it.
contract Actors is Fixture {
    uint256 public constant PROVERS = 3;
    uint256 public constant WORKLOADS = 4;
    uint256 public constant NONCES = 3;

    MeasurementPolicy public policy;
    TEEProverRegistry public registry;
    ScriptedAttestation public attestation = new ScriptedAttestation();
    ScriptedProbe private probe = new ScriptedProbe();
    bytes private template = bodyOf(quote);

    // The model.
    mapping(uint256 workload => MeasurementPolicy.State) public stateOf;
    mapping(bytes32 body => uint256 count) public registrationsOf;
    bytes32[] public bodies;
    mapping(uint256 prover => bool) public isRegistered;
    mapping(uint256 prover => bool) public isRevoked;
    mapping(uint256 prover => uint256) public workloadOfProver;
    mapping(uint256 prover => uint8) public statusOf;
    mapping(uint256 prover => uint256) public registeredAt;
    uint256 public acceptedStatuses = 1;

    constructor() {
        policy = new MeasurementPolicy(OWNER, GUARDIAN, address(this));
        registry = new TEEProverRegistry(OWNER, attestation, AttestationOutput.Layout.V1_1, policy, probe);
        policy.bindRegistry(address(registry));
        probe.script(false, address(attestation), 4, 0);
    }

    /// Not for the fuzzer: it would turn back time.
    function setUp() public override {}

    function proverAt(uint256 i) public pure returns (address) {
        return address(uint160(0x1000 + i));
    }

    /// MRTD names the workload.
    function workloadIdAt(uint256 workload) public view returns (bytes32) {
        bytes memory body = _body(0, workload, 0);
        bytes memory parts = new bytes(0);
        parts = bytes.concat(_slice(body, 136, 184), _slice(body, 328, 520), _slice(body, 184, 232));
        return keccak256(bytes.concat(parts, _slice(body, 128, 136), _slice(body, 120, 128)));
    }

    function register(uint256 who, uint256 workload, uint256 nonce, uint8 status, bool isDebug) external {
        (who, workload, nonce, status) = (who % PROVERS, workload % WORKLOADS, nonce % NONCES, status % 5);
        bytes memory body = _body(who, workload, nonce);
        if (isDebug) body[120] = 0x01;
        attestation.script(true, bytes.concat(abi.encodePacked(uint16(4), uint16(2), status, bytes6(0)), body), 0);
        TEEProverRegistry.ReportData memory data =
            TEEProverRegistry.ReportData(blockNumber, blockHash, proverAt(who));
        vm.roll(blockNumber + 1);
        vm.setBlockhash(blockNumber, blockHash);
        try registry.register(data, body) {
            assert(!isDebug);
            _note(who, workload, status, keccak256(body));
        } catch {}
    }

    /// A registration that went through, and what must have held.
    function _note(uint256 who, uint256 workload, uint8 status, bytes32 body) private {
        MeasurementPolicy.State state = stateOf[workload];
        assert(state == MeasurementPolicy.State.Next || state == MeasurementPolicy.State.Allowed);
        assert(!isRevoked[who] && (acceptedStatuses >> status) & 1 == 1);
        if (registrationsOf[body]++ == 0) bodies.push(body);
        isRegistered[who] = true;
        workloadOfProver[who] = workload;
        statusOf[who] = status;
        registeredAt[who] = block.timestamp;
    }

    function allow(uint256 workload) external {
        workload %= WORKLOADS;
        vm.prank(OWNER);
        try policy.allow(workloadIdAt(workload), "", "") {
            assert(stateOf[workload] != MeasurementPolicy.State.Revoked);
            stateOf[workload] = MeasurementPolicy.State.Allowed;
        } catch {}
    }

    function preregister(uint256 workload) external {
        workload %= WORKLOADS;
        vm.prank(OWNER);
        try policy.preregister(workloadIdAt(workload), "", "") {
            assert(stateOf[workload] == MeasurementPolicy.State.Unknown);
            stateOf[workload] = MeasurementPolicy.State.Next;
        } catch {}
    }

    function revoke(uint256 workload, bool byGuardian) external {
        // Not too often, or nothing is left.
        if (workload % 8 >= WORKLOADS) return;
        workload %= WORKLOADS;
        vm.prank(byGuardian ? GUARDIAN : OWNER);
        try policy.revoke(workloadIdAt(workload)) {
            stateOf[workload] = MeasurementPolicy.State.Revoked;
        } catch {}
    }

    function accept(uint16 statuses) external {
        statuses &= 0x3f;
        vm.prank(OWNER);
        policy.setAcceptedTcbStatuses(statuses);
        acceptedStatuses = statuses;
    }

    function deregister(uint256 who) external {
        who %= PROVERS;
        vm.prank(proverAt(who));
        try registry.deregister(proverAt(who), "") {
            isRegistered[who] = false;
        } catch {}
    }

    function revokeProver(uint256 who) external {
        if (who % 16 >= PROVERS) return;
        who %= PROVERS;
        vm.prank(GUARDIAN);
        registry.revokeProver(proverAt(who));
        (isRegistered[who], isRevoked[who]) = (false, true);
    }

    function invalidate(uint256 who, uint256 nonce, bool isMissing) external {
        who %= PROVERS;
        attestation.script(false, "TCBR", 0);
        probe.script(isMissing, address(attestation), 4, 0);
        bytes memory body = _body(who, workloadOfProver[who], nonce % NONCES);
        try registry.invalidate(proverAt(who), body) {
            assert(!isMissing && isRegistered[who]);
            isRegistered[who] = false;
        } catch {}
    }

    function pass(uint16 seconds_) external {
        vm.warp(block.timestamp + seconds_ % 2000);
    }

    function bodyCount() external view returns (uint256) {
        return bodies.length;
    }

    function _body(uint256 who, uint256 workload, uint256 nonce) private view returns (bytes memory body) {
        body = bytes.concat(template);
        // The quote version that the probe is asked for is the first two bytes of what was sent.
        body[0] = 0x04;
        body[1] = 0x00;
        body[2] = bytes1(uint8(nonce));
        body[136] = bytes1(uint8(workload));
        bytes32 head = bytes32(uint256(uint160(proverAt(who))));
        bytes32 tail = keccak256(abi.encode(blockNumber, blockHash, proverAt(who)));
        assembly {
            mstore(add(body, 552), head)
            mstore(add(body, 584), tail)
        }
    }

    function _slice(bytes memory from, uint256 start, uint256 end) private pure returns (bytes memory part) {
        part = new bytes(end - start);
        for (uint256 i = start; i < end; ++i) {
            part[i - start] = from[i];
        }
    }
}

contract InvariantsTest is Fixture {
    Actors private actors;

    function setUp() public override {
        super.setUp();
        actors = new Actors();
        // Something to begin with, so that runs reach valid signers.
        actors.allow(0);
        actors.preregister(1);
        actors.register(0, 0, 0, 0, false);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(actors);
    }

    /// Valid means: attested, under a policy that still allows it, and not ended by anybody.
    function invariant_validExactlyIfTheModelSaysSo() public view {
        TEEProverRegistry registry = actors.registry();
        for (uint256 i = 0; i < actors.PROVERS(); ++i) {
            bool isExpected = actors.isRegistered(i) && !actors.isRevoked(i)
                && actors.stateOf(actors.workloadOfProver(i)) == MeasurementPolicy.State.Allowed
                && (actors.acceptedStatuses() >> actors.statusOf(i)) & 1 == 1
                && block.timestamp < actors.registeredAt(i) + 3600;
            assert(registry.verifyAttestedProver(actors.proverAt(i)) == isExpected);
            bytes32 id = actors.workloadIdAt(actors.workloadOfProver(i));
            assert(registry.verifyAttestedWorkload(actors.proverAt(i), id) == isExpected);
        }
    }

    function invariant_aRevokedWorkloadNeverVerifiesAgain() public view {
        for (uint256 i = 0; i < actors.PROVERS(); ++i) {
            uint256 workload = actors.workloadOfProver(i);
            if (actors.stateOf(workload) != MeasurementPolicy.State.Revoked) continue;
            assert(!actors.registry().verifyAttestedProver(actors.proverAt(i)));
        }
    }

    function invariant_replaysNeverRegister() public view {
        for (uint256 i = 0; i < actors.bodyCount(); ++i) {
            assert(actors.registrationsOf(actors.bodies(i)) == 1);
        }
    }

    function invariant_theRegistryKeepsNoFunds() public view {
        assert(address(actors.registry()).balance == 0);
    }
}
