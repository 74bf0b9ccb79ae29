// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Certificate} from "../src/dev/Certificate.sol";
import {Der} from "../src/dev/Der.sol";
import {Pem} from "../src/dev/Pem.sol";
import {Fixture} from "./Fixture.sol";

/// The parsers behind the attestation contract for simulated quotes, called from outside.
contract Parsers {
    function readDer(bytes calldata der, uint256 offset, uint256 limit) external pure returns (uint256, uint256) {
        Der.Node memory node = Der.read(der, offset, limit, Der.INTEGER);
        return (node.contentStart, node.end);
    }

    function readUint(bytes calldata der) external pure returns (uint256) {
        return Der.toUint(der, Der.read(der, 0, der.length, Der.INTEGER));
    }

    function requireLast(bytes calldata der) external pure {
        Der.Node memory parent = Der.read(der, 0, der.length, Der.SEQUENCE);
        Der.requireLast(parent, Der.child(der, parent, Der.INTEGER));
    }

    function decodePem(bytes calldata pem, uint256 count) external pure returns (bytes[] memory) {
        return Pem.decode(pem, count);
    }

    function parseCertificate(bytes calldata der) external pure returns (Certificate.Parsed memory) {
        return Certificate.parse(der);
    }
}

contract DerTest is Fixture {
    Parsers private parsers = new Parsers();

    function test_readsEachFormOfLength() public view {
        _reads(hex"020107", 2);
        _reads(bytes.concat(hex"028180", new bytes(128)), 3);
        _reads(bytes.concat(hex"02820100", new bytes(256)), 4);
    }

    function test_refusesWhatIsNotInItsShortestFormOrWhole() public {
        bytes[9] memory others = [
            bytes(hex"02"),
            hex"0481",
            hex"0281",
            bytes.concat(hex"02817f", new bytes(127)),
            hex"028201",
            bytes.concat(hex"028200ff", new bytes(255)),
            hex"0280",
            hex"0283000001",
            hex"020201"
        ];
        for (uint256 i = 0; i < others.length; ++i) {
            bytes memory call_ = abi.encodeCall(parsers.readDer, (others[i], 0, others[i].length));
            assertReverts(address(parsers), call_, abi.encodeWithSelector(Der.DerMalformed.selector, 0));
        }
        bytes memory tooFar = abi.encodeCall(parsers.readDer, (hex"020107", 0, 4));
        assertReverts(address(parsers), tooFar, abi.encodeWithSelector(Der.DerMalformed.selector, 0));
    }

    function test_readsNumbers() public view {
        assertEqual(parsers.readUint(hex"020100"), 0);
        assertEqual(parsers.readUint(hex"02020080"), 128);
        bytes memory most = bytes.concat(hex"022100", bytes32(type(uint256).max));
        assertEqual(parsers.readUint(most), type(uint256).max);
    }

    function test_refusesNumbersThatAreNegativePaddedOrLong() public {
        bytes[5] memory others = [
            bytes(hex"0200"),
            hex"020180",
            hex"0202007f",
            bytes.concat(hex"022101", bytes32(0)),
            bytes.concat(hex"02220080", bytes32(0))
        ];
        for (uint256 i = 0; i < others.length; ++i) {
            assertReverts(
                address(parsers),
                abi.encodeCall(parsers.readUint, (others[i])),
                abi.encodeWithSelector(Der.DerMalformed.selector, 0)
            );
        }
    }

    function test_demandsTheLastToBeLast() public {
        parsers.requireLast(hex"3003020107");
        assertReverts(
            address(parsers),
            abi.encodeCall(parsers.requireLast, (hex"3006020107020107")),
            abi.encodeWithSelector(Der.DerMalformed.selector, 5)
        );
    }

    function _reads(bytes memory der, uint256 contentStart) private view {
        (uint256 start, uint256 end) = parsers.readDer(der, 0, der.length);
        assertTrue(start == contentStart && end == der.length);
    }
}

contract CertificateTest is Fixture {
    Parsers private parsers = new Parsers();
    bytes private pem;
    bytes private der;
    uint256 private constant PEM_START = 1258;
    bytes private constant ALGORITHM = hex"06082a8648ce3d040302";

    function setUp() public override {
        super.setUp();
        pem = new bytes(quote.length - PEM_START);
        for (uint256 i = 0; i < pem.length; ++i) {
            pem[i] = quote[PEM_START + i];
        }
        der = parsers.decodePem(pem, 3)[0];
    }

    function test_readsTheCertificate() public view {
        Certificate.Parsed memory leaf = parsers.parseCertificate(der);
        assertTrue(leaf.notBefore < nowSeconds && nowSeconds < leaf.notAfter && leaf.x != 0);
    }

    function test_refusesAnotherNumberOfCertificates() public {
        assertReverts(
            address(parsers),
            abi.encodeCall(parsers.decodePem, (pem, 4)),
            abi.encodeWithSelector(Pem.PemMalformed.selector, pem.length - 1)
        );
        (bool success, bytes memory reason) = address(parsers).call(abi.encodeCall(parsers.decodePem, (pem, 2)));
        assertTrue(!success && bytes4(reason) == Pem.PemMalformed.selector);
    }

    function test_refusesBytesAfterIt() public {
        _refuses(bytes.concat(der, hex"00"));
    }

    function test_refusesAnotherSignatureAlgorithm() public {
        uint256 inner = _find(ALGORITHM, 0);
        _refuses(_with(inner + 9, 0x03));
        uint256 outer = _find(ALGORITHM, inner + 1);
        _refuses(_with(outer + 9, 0x03));
        // Bits of the signature's last byte that are not used.
        _refuses(_with(outer + 12, 0x01));
    }

    function test_refusesAnotherVersion() public {
        _refuses(_with(_find(hex"a003020102", 0) + 4, 0x01));
    }

    function test_refusesAnotherKind_orLengthOfKey() public {
        uint256 key = _find(hex"301306072a8648ce3d0201", 0);
        _refuses(_with(key + 20, 0x08));
        _refuses(_with(key - 1, bytes1(uint8(der[key - 1]) - 1)));
    }

    function test_refusesOtherForms_ofTime() public {
        uint256 time = _find(hex"170d", 0);
        _refuses(_with(time + 14, "X"));
        _refuses(_with(time + 2, "X"));
        _refuses(_with(time + 3, "/"));
        // Years from 2050 on, month 13, day 32, hour 24.
        _refuses(_with(time + 2, "5"));
        _refuses(_with(time + 4, "2"));
        _refuses(_with(time + 6, "4"));
        _refuses(_with(time + 8, "9"));
    }

    function _refuses(bytes memory other) private {
        assertReverts(
            address(parsers),
            abi.encodeCall(parsers.parseCertificate, (other)),
            abi.encodeWithSelector(Certificate.CertificateMalformed.selector)
        );
    }

    function _with(uint256 position, bytes1 value) private view returns (bytes memory other) {
        other = der;
        other[position] = value;
    }

    function _find(bytes memory what, uint256 from) private view returns (uint256) {
        bytes memory whole = der;
        for (uint256 at = from; at + what.length <= whole.length; ++at) {
            uint256 same = 0;
            while (same < what.length && whole[at + same] == what[same]) ++same;
            if (same == what.length) return at;
        }
        revert("not found");
    }
}
