// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// The cheatcodes of forge that these tests use.
interface Vm {
    function warp(uint256 timestamp) external;
    function roll(uint256 blockNumber) external;
    function setBlockhash(uint256 blockNumber, bytes32 blockHash) external;
    function chainId(uint256 id) external;
    function prank(address sender) external;
    function deal(address account, uint256 balance) external;
    function etch(address target, bytes calldata code) external;
    function sign(uint256 secretKey, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function addr(uint256 secretKey) external pure returns (address);
    function cool(address target) external;
    function snapshotGasLastCall(string calldata group, string calldata name) external returns (uint256);
    function expectRevert(bytes calldata reason) external;
    function expectEmit(address emitter) external;
    function assume(bool condition) external;
    function readFile(string calldata path) external view returns (string memory);
    function parseJsonBytes(string calldata json, string calldata key) external pure returns (bytes memory);
    function parseJsonBytes32(string calldata json, string calldata key) external pure returns (bytes32);
    function parseJsonAddress(string calldata json, string calldata key) external pure returns (address);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
}

/// What the TypeScript side made: scripts/fixtures.mjs.
abstract contract Fixture {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    address internal constant OWNER = address(0xA11CE);
    address internal constant GUARDIAN = address(0x6A4D);
    address internal constant STRANGER = address(0xB0B);

    string private json = vm.readFile("./test/fixtures/vectors.json");
    uint256 internal nowSeconds = vm.parseJsonUint(json, ".now");
    uint256 internal blockNumber = vm.parseJsonUint(json, ".blockNumber");
    bytes32 internal blockHash = vector32("blockHash");
    uint256 internal laterBlockNumber = vm.parseJsonUint(json, ".laterBlockNumber");
    bytes32 internal laterBlockHash = vector32("laterBlockHash");
    address internal prover = vm.parseJsonAddress(json, ".prover");
    address internal secondProver = vm.parseJsonAddress(json, ".secondProver");
    uint256 internal proverKey = uint256(vector32("proverKey"));
    uint256 internal rootX = uint256(vector32("rootX"));
    uint256 internal rootY = uint256(vector32("rootY"));
    bytes32 internal workloadId = vector32("workloadId");
    bytes32 internal otherWorkloadId = vector32("otherWorkloadId");
    bytes internal quote = vector("quote");
    bytes internal message = vector("message");
    bytes internal signature = vector("signature");
    bytes32 internal programVKey = vector32("programVKey");
    bytes internal publicValues = vector("publicValues");

    error Unequal(bytes left, bytes right);
    error WrongRevert(bytes reason);
    error NoRevert();

    function setUp() public virtual {
        vm.chainId(31337);
        vm.warp(nowSeconds);
        vm.roll(laterBlockNumber + 1);
        vm.setBlockhash(blockNumber, blockHash);
        vm.setBlockhash(laterBlockNumber, laterBlockHash);
    }

    function vector(string memory name) internal view returns (bytes memory) {
        return vm.parseJsonBytes(json, string.concat(".", name));
    }

    function vector32(string memory name) internal view returns (bytes32) {
        return vm.parseJsonBytes32(json, string.concat(".", name));
    }

    function vectorAddress(string memory name) internal view returns (address) {
        return vm.parseJsonAddress(json, string.concat(".", name));
    }

    function assertEqual(bytes memory left, bytes memory right) internal pure {
        if (keccak256(left) != keccak256(right)) revert Unequal(left, right);
    }

    function assertEqual(uint256 left, uint256 right) internal pure {
        assertEqual(abi.encode(left), abi.encode(right));
    }

    function assertTrue(bool condition) internal pure {
        assert(condition);
    }

    /// The call, sent by `sender`, must revert with exactly this error.
    function assertReverts(address sender, address target, bytes memory data, bytes memory reason) internal {
        vm.prank(sender);
        (bool success, bytes memory actual) = target.call(data);
        if (success) revert NoRevert();
        if (keccak256(actual) != keccak256(reason)) revert WrongRevert(actual);
    }

    function assertReverts(address target, bytes memory data, bytes memory reason) internal {
        assertReverts(STRANGER, target, data, reason);
    }

    function callAs(address sender, address target, bytes memory data) internal {
        vm.prank(sender);
        (bool success, bytes memory reason) = target.call(data);
        if (!success) revert WrongRevert(reason);
    }

    /// 584 bytes: the TD report body of a quote of version 4.
    function bodyOf(bytes memory whole) internal pure returns (bytes memory body) {
        body = new bytes(584);
        for (uint256 i = 0; i < 584; ++i) {
            body[i] = whole[48 + i];
        }
    }

    function onlyOwnerError() internal pure returns (bytes memory) {
        return abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", STRANGER);
    }
}
