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

    string private json = vm.readFile("./test/fixtures/vectors.json");
    uint256 internal nowSeconds = vm.parseJsonUint(json, ".now");
    uint256 internal blockNumber = vm.parseJsonUint(json, ".blockNumber");
    bytes32 internal blockHash = vm.parseJsonBytes32(json, ".blockHash");
    address internal prover = vm.parseJsonAddress(json, ".prover");
    uint256 internal rootX = uint256(vm.parseJsonBytes32(json, ".rootX"));
    uint256 internal rootY = uint256(vm.parseJsonBytes32(json, ".rootY"));
    bytes internal quote = vm.parseJsonBytes(json, ".quote");
    bytes internal debugQuote = vm.parseJsonBytes(json, ".debugQuote");
    bytes internal foreignQuote = vm.parseJsonBytes(json, ".foreignQuote");
    bytes internal message = vm.parseJsonBytes(json, ".message");
    bytes internal signature = vm.parseJsonBytes(json, ".signature");

    error Unequal(bytes left, bytes right);

    function setUp() public virtual {
        vm.chainId(31337);
        vm.warp(nowSeconds);
        vm.roll(blockNumber + 1);
        vm.setBlockhash(blockNumber, blockHash);
    }

    function assertEqual(bytes memory left, bytes memory right) internal pure {
        if (keccak256(left) != keccak256(right)) revert Unequal(left, right);
    }

    function assertTrue(bool condition) internal pure {
        assert(condition);
    }
}
