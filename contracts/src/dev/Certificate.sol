// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";
import {Der} from "./Der.sol";

/// @title Reads an X.509 certificate of a P-256 key, signed by ecdsa-with-SHA256
/// @dev RFC 5280, 4.1. Extensions are hashed with the rest and not looked at.
library Certificate {
    using Der for bytes;

    struct Parsed {
        /// sha256 of the signed part.
        bytes32 signedHash;
        uint256 r;
        uint256 s;
        /// The key of the subject.
        uint256 x;
        uint256 y;
        bytes32 issuerHash;
        bytes32 subjectHash;
        uint256 notBefore;
        uint256 notAfter;
    }

    error CertificateMalformed();

    /// ecdsa-with-SHA256 (1.2.840.10045.4.3.2), without parameters.
    bytes32 private constant SIGNATURE_ALGORITHM_HASH = keccak256(hex"300a06082a8648ce3d040302");
    /// id-ecPublicKey on prime256v1, and the head of a BIT STRING with an uncompressed point.
    bytes private constant KEY_HEAD = hex"301306072a8648ce3d020106082a8648ce3d03010703420004";
    bytes private constant VERSION_3 = hex"a003020102";
    uint256 private constant POINT_BYTES = 64;

    function parse(bytes memory der) internal pure returns (Parsed memory certificate) {
        Der.Node memory whole = der.read(0, der.length, Der.SEQUENCE);
        if (whole.end != der.length) revert CertificateMalformed();
        Der.Node memory signed = der.child(whole, Der.SEQUENCE);
        Der.Node memory algorithm = der.next(whole, signed, Der.SEQUENCE);
        Der.Node memory signature = der.next(whole, algorithm, Der.BIT_STRING);
        Der.requireLast(whole, signature);
        if (_hash(der, algorithm) != SIGNATURE_ALGORITHM_HASH) revert CertificateMalformed();

        certificate.signedHash = sha256(Bytes.slice(der, signed.start, signed.end));
        (certificate.r, certificate.s) = _readSignature(der, signature);
        _readSigned(der, signed, certificate);
    }

    function _readSigned(bytes memory der, Der.Node memory signed, Parsed memory certificate) private pure {
        Der.Node memory node = der.child(signed, Der.CONTEXT_0);
        if (_hash(der, node) != keccak256(VERSION_3)) revert CertificateMalformed();
        node = der.next(signed, node, Der.INTEGER);
        node = der.next(signed, node, Der.SEQUENCE);
        if (_hash(der, node) != SIGNATURE_ALGORITHM_HASH) revert CertificateMalformed();
        node = der.next(signed, node, Der.SEQUENCE);
        certificate.issuerHash = _hash(der, node);
        node = der.next(signed, node, Der.SEQUENCE);
        (certificate.notBefore, certificate.notAfter) = _readValidity(der, node);
        node = der.next(signed, node, Der.SEQUENCE);
        certificate.subjectHash = _hash(der, node);
        node = der.next(signed, node, Der.SEQUENCE);
        (certificate.x, certificate.y) = _readKey(der, node);
        Der.requireLast(signed, der.next(signed, node, Der.CONTEXT_3));
    }

    function _readSignature(bytes memory der, Der.Node memory bits) private pure returns (uint256 r, uint256 s) {
        if (bits.end == bits.contentStart || der[bits.contentStart] != 0) revert CertificateMalformed();
        Der.Node memory pair = der.read(bits.contentStart + 1, bits.end, Der.SEQUENCE);
        Der.requireLast(bits, pair);
        Der.Node memory first = der.child(pair, Der.INTEGER);
        Der.Node memory second = der.next(pair, first, Der.INTEGER);
        Der.requireLast(pair, second);
        return (der.toUint(first), der.toUint(second));
    }

    function _readKey(bytes memory der, Der.Node memory key) private pure returns (uint256 x, uint256 y) {
        uint256 pointStart = key.contentStart + KEY_HEAD.length;
        if (key.end != pointStart + POINT_BYTES) revert CertificateMalformed();
        if (keccak256(Bytes.slice(der, key.contentStart, pointStart)) != keccak256(KEY_HEAD)) {
            revert CertificateMalformed();
        }
        assembly ("memory-safe") {
            x := mload(add(add(der, 32), pointStart))
            y := mload(add(add(der, 64), pointStart))
        }
    }

    function _readValidity(bytes memory der, Der.Node memory validity)
        private
        pure
        returns (uint256 notBefore, uint256 notAfter)
    {
        Der.Node memory first = der.child(validity, Der.UTC_TIME);
        Der.Node memory second = der.next(validity, first, Der.UTC_TIME);
        Der.requireLast(validity, second);
        return (_readTime(der, first), _readTime(der, second));
    }

    /// YYMMDDhhmmssZ as seconds since 1970, for the years 2000 to 2049.
    function _readTime(bytes memory der, Der.Node memory time) private pure returns (uint256) {
        uint256 start = time.contentStart;
        if (time.end - start != 13 || der[start + 12] != "Z") revert CertificateMalformed();
        uint256 year = 2000 + _twoDigits(der, start);
        uint256 month = _twoDigits(der, start + 2);
        uint256 day = _twoDigits(der, start + 4);
        uint256 second = _twoDigits(der, start + 6) * 3600 + _twoDigits(der, start + 8) * 60 + _twoDigits(der, start + 10);
        if (year >= 2050 || month == 0 || month > 12 || day == 0 || day > 31 || second >= 86400) {
            revert CertificateMalformed();
        }
        // Days of the Gregorian calendar, with years that begin in March.
        uint256 shiftedYear = month > 2 ? year : year - 1;
        uint256 shiftedMonth = month > 2 ? month - 3 : month + 9;
        uint256 dayNumber = 365 * shiftedYear + shiftedYear / 4 - shiftedYear / 100 + shiftedYear / 400
            + (153 * shiftedMonth + 2) / 5 + day;
        return (dayNumber - 719469) * 86400 + second;
    }

    function _twoDigits(bytes memory der, uint256 offset) private pure returns (uint256) {
        uint256 tens = uint8(der[offset]);
        uint256 ones = uint8(der[offset + 1]);
        if (tens < 0x30 || tens > 0x39 || ones < 0x30 || ones > 0x39) revert CertificateMalformed();
        return 10 * (tens - 0x30) + ones - 0x30;
    }

    function _hash(bytes memory der, Der.Node memory node) private pure returns (bytes32) {
        return keccak256(Bytes.slice(der, node.start, node.end));
    }
}
