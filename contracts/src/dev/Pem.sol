// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Base64} from "@openzeppelin/contracts/utils/Base64.sol";

/// @title Splits a chain of PEM certificates
/// @dev RFC 7468 in the form that quotes have: CERTIFICATE blocks with line feeds, one after the other,
/// and a zero byte at the end.
library Pem {
    error PemMalformed(uint256 offset);

    bytes private constant BEGIN = "-----BEGIN CERTIFICATE-----\n";
    bytes private constant END = "-----END CERTIFICATE-----\n";

    /// `count` certificates, and nothing else but one zero byte.
    function decode(bytes calldata pem, uint256 count) internal pure returns (bytes[] memory certificates) {
        certificates = new bytes[](count);
        uint256 cursor = 0;
        for (uint256 i = 0; i < count; ++i) {
            cursor = _skip(pem, cursor, BEGIN);
            uint256 start = cursor;
            while (cursor < pem.length && pem[cursor] != "-") ++cursor;
            certificates[i] = Base64.decode(string(_withoutLineFeeds(pem[start:cursor])));
            cursor = _skip(pem, cursor, END);
        }
        if (cursor + 1 != pem.length || pem[cursor] != 0) revert PemMalformed(cursor);
    }

    function _skip(bytes calldata pem, uint256 cursor, bytes memory text) private pure returns (uint256 end) {
        end = cursor + text.length;
        if (end > pem.length || keccak256(pem[cursor:end]) != keccak256(text)) revert PemMalformed(cursor);
    }

    function _withoutLineFeeds(bytes calldata lines) private pure returns (bytes memory text) {
        text = new bytes(lines.length);
        uint256 length = 0;
        for (uint256 i = 0; i < lines.length; ++i) {
            if (lines[i] != "\n") text[length++] = lines[i];
        }
        assembly ("memory-safe") {
            mstore(text, length)
        }
    }
}
