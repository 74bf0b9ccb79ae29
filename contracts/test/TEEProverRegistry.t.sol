// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {AttestationOutput} from "../src/AttestationOutput.sol";
import {IAttestationVerifier} from "../src/IAttestationVerifier.sol";
import {TEEProverRegistry} from "../src/TEEProverRegistry.sol";
import {SimulatedAttestation} from "../src/dev/SimulatedAttestation.sol";
import {Fixture} from "./Fixture.sol";

/// Says what it is told to, keeps a fee, and gives the rest back.
contract ScriptedAttestation is IAttestationVerifier {
    bool public success = true;
    bytes public output;
    uint256 public fee;

    function script(bool success_, bytes memory output_, uint256 fee_) external {
        (success, output, fee) = (success_, output_, fee_);
    }

    function verifyAndAttestOnChain(bytes calldata) external payable returns (bool, bytes memory) {
        require(msg.value >= fee, "fee");
        (bool isPaid,) = msg.sender.call{value: msg.value - fee}("");
        require(isPaid, "change");
        return (success, output);
    }
}

contract TEEProverRegistryTest is Fixture {
    TEEProverRegistry private registry;
    ScriptedAttestation private scripted = new ScriptedAttestation();
    TEEProverRegistry.ReportData private data;
    address private constant OWNER = address(0xA11CE);
    address private constant STRANGER = address(0xB0B);

    function setUp() public override {
        super.setUp();
        data = TEEProverRegistry.ReportData(blockNumber, blockHash, prover);
        IAttestationVerifier verifier = new SimulatedAttestation(rootX, rootY, AttestationOutput.Layout.V1_1);
        registry = new TEEProverRegistry(OWNER, verifier, AttestationOutput.Layout.V1_1);
    }

    // A real, simulated quote, verified on chain.

    function test_registersByAQuote_whoeverSends() public {
        vm.expectEmit(address(registry));
        emit TEEProverRegistry.ProverRegistered(prover, keccak256(_bodyOf(quote)), nowSeconds + 3600);
        vm.prank(STRANGER);
        registry.register(data, quote);
        assertTrue(registry.verifyAttestedProver(prover));
        assertTrue(registry.attestedProvers(prover) == nowSeconds);
    }

    function test_expiresToTheSecond() public {
        registry.register(data, quote);
        vm.warp(nowSeconds + 3599);
        assertTrue(registry.verifyAttestedProver(prover));
        vm.warp(nowSeconds + 3600);
        assertTrue(!registry.verifyAttestedProver(prover));
    }

    function test_aChangedValidityAppliesToAll() public {
        registry.register(data, quote);
        vm.prank(OWNER);
        registry.setAttestValiditySeconds(10);
        vm.warp(nowSeconds + 10);
        assertTrue(!registry.verifyAttestedProver(prover));
    }

    function test_refusesAReplay() public {
        registry.register(data, quote);
        _refuses(data, quote, abi.encodeWithSelector(TEEProverRegistry.QuoteReplayed.selector, keccak256(_bodyOf(quote))));
    }

    function test_refusesADebugTd() public {
        _refuses(data, debugQuote, abi.encodeWithSelector(TEEProverRegistry.DebugTdRefused.selector));
    }

    function test_refusesAQuoteOfAForeignRoot() public {
        _refuses(data, foreignQuote, abi.encodeWithSelector(TEEProverRegistry.QuoteRefused.selector, bytes("root")));
    }

    function test_refusesTheQuoteOfAnotherProver() public {
        data.proverAddress = STRANGER;
        _refuses(data, quote, abi.encodeWithSelector(TEEProverRegistry.ReportDataMismatch.selector));
    }

    function test_refusesTheZeroAddress() public {
        data.proverAddress = address(0);
        _refuses(data, quote, abi.encodeWithSelector(TEEProverRegistry.ProverAddressZero.selector));
    }

    function test_refusesAWrongBlockHash() public {
        data.referenceBlockHash = bytes32(uint256(1));
        _refuses(data, quote, abi.encodeWithSelector(TEEProverRegistry.ReferenceBlockHashMismatch.selector, blockNumber));
    }

    function test_refusesAStaleBlock() public {
        vm.roll(blockNumber + 100);
        vm.setBlockhash(blockNumber, blockHash);
        registry.register(data, quote);
        vm.roll(blockNumber + 101);
        _refuses(data, quote, abi.encodeWithSelector(TEEProverRegistry.ReferenceBlockStale.selector, blockNumber));
    }

    function test_refusesTheCurrentAndALaterBlock() public {
        vm.roll(blockNumber);
        _refuses(data, quote, abi.encodeWithSelector(TEEProverRegistry.ReferenceBlockStale.selector, blockNumber));
    }

    function test_refusesABlockTheChainHasForgotten() public {
        vm.prank(OWNER);
        registry.setMaxBlockNumberDiff(1000);
        vm.roll(blockNumber + 300);
        _refuses(data, quote, abi.encodeWithSelector(TEEProverRegistry.ReferenceBlockHashMismatch.selector, blockNumber));
    }

    // What the attestation contract may say.

    function test_refusesWhatTheAttestationRefuses() public {
        _script(false, "TCBR", 0);
        _refuses(data, quote, abi.encodeWithSelector(TEEProverRegistry.QuoteRefused.selector, bytes("TCBR")));
    }

    function test_refusesAReasonThatComesWithSuccess() public {
        _script(true, "TCBR", 0);
        _refuses(data, quote, abi.encodeWithSelector(AttestationOutput.OutputMalformed.selector));
    }

    function testFuzz_refusesEveryTcbStatusThatIsNotAccepted(uint8 status) public {
        vm.assume(status != 0);
        _script(true, _output(status, 2, 4, ""), 0);
        _refuses(data, quote, abi.encodeWithSelector(TEEProverRegistry.TcbStatusRefused.selector, status));
    }

    function test_acceptsAStatusTheOwnerAccepts() public {
        _script(true, _output(1, 2, 4, ""), 0);
        vm.prank(OWNER);
        registry.setAcceptedTcbStatuses(3);
        registry.register(data, quote);
        assertTrue(registry.verifyAttestedProver(prover));
    }

    function test_acceptsAdvisoriesInTheirOneEncoding() public {
        string[] memory advisories = new string[](2);
        (advisories[0], advisories[1]) = ("INTEL-SA-00001", "INTEL-SA-00002");
        bytes memory encoded = abi.encode(advisories);
        _script(true, _output(0, 2, 4, bytes.concat(encoded, hex"00")), 0);
        _refuses(data, quote, abi.encodeWithSelector(AttestationOutput.OutputMalformed.selector));
        _script(true, _output(0, 2, 4, encoded), 0);
        registry.register(data, quote);
        assertTrue(registry.verifyAttestedProver(prover));
    }

    function test_refusesSgxAndUnknownBodies() public {
        uint16[3] memory bodyTypes = [uint16(1), 3, 4];
        for (uint256 i = 0; i < bodyTypes.length; ++i) {
            _script(true, _output(0, bodyTypes[i], 4, ""), 0);
            _refuses(data, quote, abi.encodeWithSelector(AttestationOutput.NotTdx.selector));
        }
    }

    function testFuzz_neverRegistersByARandomOutput(bytes calldata output) public {
        _script(true, output, 0);
        try registry.register(data, quote) {
            assertTrue(false);
        } catch {}
        assertTrue(!registry.verifyAttestedProver(prover));
    }

    function test_layoutV1_0_readsItsOwnOffsets() public {
        registry = new TEEProverRegistry(OWNER, scripted, AttestationOutput.Layout.V1_0);
        bytes memory body = _bodyOf(quote);
        scripted.script(true, _output(0, 2, 4, ""), 0);
        _refuses(data, quote, abi.encodeWithSelector(AttestationOutput.NotTdx.selector));
        scripted.script(true, bytes.concat(hex"0004_00000000_00_000000000000", body), 0);
        _refuses(data, quote, abi.encodeWithSelector(AttestationOutput.NotTdx.selector));
        scripted.script(true, bytes.concat(hex"0004_00000081_00_000000000000", body), 0);
        registry.register(data, quote);
        assertTrue(registry.verifyAttestedProver(prover));
    }

    // Funds and ownership.

    function test_returnsToTheSenderWhatTheAttestationDoesNotKeep() public {
        _script(true, _output(0, 2, 4, ""), 3);
        vm.deal(STRANGER, 10);
        vm.prank(STRANGER);
        registry.register{value: 10}(data, quote);
        assertTrue(STRANGER.balance == 7 && address(scripted).balance == 3 && address(registry).balance == 0);
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
            abi.encodeCall(registry.setAcceptedTcbStatuses, (1))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(STRANGER);
            (bool success, bytes memory reason) = address(registry).call(calls[i]);
            assertTrue(!success && bytes4(reason) == Ownable.OwnableUnauthorizedAccount.selector);
            vm.prank(OWNER);
            (success,) = address(registry).call(calls[i]);
            assertTrue(success);
        }
    }

    function _script(bool success, bytes memory output, uint256 fee) private {
        scripted.script(success, output, fee);
        vm.prank(OWNER);
        registry.setAttestationImpl(address(scripted));
    }

    function _output(uint8 status, uint16 bodyType, uint16 version, bytes memory advisories)
        private
        view
        returns (bytes memory)
    {
        return bytes.concat(abi.encodePacked(version, bodyType, status, bytes6(0)), _bodyOf(quote), advisories);
    }

    function _refuses(TEEProverRegistry.ReportData memory report, bytes memory badQuote, bytes memory reason) private {
        vm.expectRevert(reason);
        registry.register(report, badQuote);
    }

    function _bodyOf(bytes memory whole) private pure returns (bytes memory body) {
        body = new bytes(584);
        for (uint256 i = 0; i < 584; ++i) {
            body[i] = whole[48 + i];
        }
    }
}
