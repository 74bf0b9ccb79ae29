// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AttestationOutput} from "../src/AttestationOutput.sol";
import {SimulatedAttestation} from "../src/dev/SimulatedAttestation.sol";
import {Fixture} from "./Fixture.sol";

contract SimulatedAttestationTest is Fixture {
    SimulatedAttestation private attestation;
    /// Header and body, signature and key, QE report with its signature, authentication data.
    uint256 private constant FIRST_UNSIGNED = 632;
    uint256 private constant PEM_START = 1258;

    function setUp() public override {
        super.setUp();
        attestation = new SimulatedAttestation(rootX, rootY, AttestationOutput.Layout.V1_1);
    }

    function test_acceptsTheQuote_layoutV1_1() public {
        (bool success, bytes memory output) = attestation.verifyAndAttestOnChain(quote);
        assertTrue(success);
        assertEqual(output, bytes.concat(hex"0004_0002_00_53494d000000", bodyOf(quote)));
    }

    function test_acceptsTheQuote_layoutV1_0() public {
        attestation = new SimulatedAttestation(rootX, rootY, AttestationOutput.Layout.V1_0);
        (bool success, bytes memory output) = attestation.verifyAndAttestOnChain(quote);
        assertTrue(success);
        assertEqual(output, bytes.concat(hex"0004_81000000_00_53494d000000", bodyOf(quote)));
    }

    function test_refusesAnyOtherChainThanTheDevelopmentOne() public {
        vm.chainId(1);
        vm.expectRevert(abi.encodeWithSelector(SimulatedAttestation.DevelopmentChainOnly.selector, 1));
        new SimulatedAttestation(rootX, rootY, AttestationOutput.Layout.V1_1);
    }

    function test_refusesAQuoteUnderAnotherRoot() public {
        _refuses(vector("foreignQuote"), "root");
    }

    function test_refusesOutsideTheValidityOfTheCertificates() public {
        vm.warp(nowSeconds - 2 days);
        _refuses(quote, "root certificate");
        vm.warp(nowSeconds + 8 * 365 days);
        _refuses(quote, "leaf certificate");
    }

    function test_refusesBytesAfterTheQuote() public {
        _refuses(bytes.concat(quote, hex"00"), "section length");
    }

    function test_refusesEveryOtherFrame() public {
        _refusesByte(0, "header");
        _refusesByte(764, "certification type");
        _refusesByte(766, "certification length");
        _refusesByte(1218, "authentication length");
        _refusesByte(1252, "chain type");
        _refusesByte(1254, "chain length");
        _refusesByte(770, "QE report signature");
        _refusesByte(1220, "QE report data");
        _refusesByte(PEM_START, "malformed");
    }

    function _refusesByte(uint256 position, bytes memory reason) private {
        bytes memory flipped = quote;
        flipped[position] ^= 0x01;
        _refuses(flipped, reason);
    }

    function test_refusesTheEmptyQuote() public {
        _refuses("", "length");
    }

    function testFuzz_refusesEveryTruncation(uint256 length) public {
        bytes memory cut = quote;
        length = length % cut.length;
        assembly {
            mstore(cut, length)
        }
        (bool success,) = attestation.verifyAndAttestOnChain(cut);
        assertTrue(!success);
    }

    /// Everything before the certificates: signed, or of one possible value.
    function testFuzz_refusesAnyFlippedBit(uint256 position, uint8 bit) public {
        _refusesFlip(position % PEM_START, bit);
    }

    function testFuzz_refusesAnyFlippedBitOfHeaderAndBody(uint256 position, uint8 bit) public {
        _refusesFlip(position % FIRST_UNSIGNED, bit);
    }

    /// A flip inside base64 is refused, unless it touches only bits that no certificate has.
    function testFuzz_refusesAnyFlippedBitOfTheCertificates(uint256 position, uint8 bit) public {
        position = PEM_START + position % (quote.length - PEM_START);
        bool isPadding = quote[position] == "=";
        bool isBeforePadding = position + 1 < quote.length && quote[position + 1] == "=";
        vm.assume(!isPadding && !isBeforePadding);
        _refusesFlip(position, bit);
    }

    function test_gas_verify() public {
        attestation.verifyAndAttestOnChain(quote);
    }

    function _refusesFlip(uint256 position, uint8 bit) private {
        bytes memory flipped = quote;
        flipped[position] = bytes1(uint8(flipped[position]) ^ uint8(1 << (bit % 8)));
        (bool success,) = attestation.verifyAndAttestOnChain(flipped);
        assertTrue(!success);
    }

    function _refuses(bytes memory bad, bytes memory reason) private {
        (bool success, bytes memory output) = attestation.verifyAndAttestOnChain(bad);
        assertTrue(!success);
        assertEqual(output, reason);
    }
}
