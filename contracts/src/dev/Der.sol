// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title Reads DER, strictly: definite lengths in their shortest form, and nothing past an end
/// @dev X.690, chapters 8 and 10. A node is a half-open range of the bytes it was read from.
library Der {
    struct Node {
        uint8 tag;
        /// Where the tag is.
        uint256 start;
        uint256 contentStart;
        uint256 end;
    }

    error DerMalformed(uint256 offset);

    uint8 internal constant INTEGER = 0x02;
    uint8 internal constant BIT_STRING = 0x03;
    uint8 internal constant UTC_TIME = 0x17;
    uint8 internal constant SEQUENCE = 0x30;
    uint8 internal constant CONTEXT_0 = 0xa0;
    uint8 internal constant CONTEXT_3 = 0xa3;

    /// The node at `offset`, which has this tag and ends at or before `limit`.
    function read(bytes memory der, uint256 offset, uint256 limit, uint8 tag)
        internal
        pure
        returns (Node memory node)
    {
        if (limit > der.length || offset + 2 > limit || uint8(der[offset]) != tag) revert DerMalformed(offset);
        uint256 length = uint8(der[offset + 1]);
        uint256 contentStart = offset + 2;
        if (length == 0x81) {
            if (contentStart + 1 > limit) revert DerMalformed(offset);
            length = uint8(der[contentStart++]);
            if (length < 0x80) revert DerMalformed(offset);
        } else if (length == 0x82) {
            if (contentStart + 2 > limit) revert DerMalformed(offset);
            length = (uint256(uint8(der[contentStart])) << 8) | uint8(der[contentStart + 1]);
            contentStart += 2;
            if (length < 0x100) revert DerMalformed(offset);
        } else if (length >= 0x80) {
            revert DerMalformed(offset);
        }
        node = Node({tag: tag, start: offset, contentStart: contentStart, end: contentStart + length});
        if (node.end > limit) revert DerMalformed(offset);
    }

    /// The first node inside `parent`.
    function child(bytes memory der, Node memory parent, uint8 tag) internal pure returns (Node memory) {
        return read(der, parent.contentStart, parent.end, tag);
    }

    /// The node after `previous`, both inside `parent`.
    function next(bytes memory der, Node memory parent, Node memory previous, uint8 tag)
        internal
        pure
        returns (Node memory)
    {
        return read(der, previous.end, parent.end, tag);
    }

    /// Reverts unless `last` ends where `parent` does.
    function requireLast(Node memory parent, Node memory last) internal pure {
        if (last.end != parent.end) revert DerMalformed(last.end);
    }

    /// A non-negative INTEGER of at most 256 bits.
    function toUint(bytes memory der, Node memory integer) internal pure returns (uint256 value) {
        uint256 start = integer.contentStart;
        uint256 length = integer.end - start;
        if (length == 0 || uint8(der[start]) >= 0x80) revert DerMalformed(integer.start);
        bool isPadded = der[start] == 0;
        if (isPadded && length > 1 && uint8(der[start + 1]) < 0x80) revert DerMalformed(integer.start);
        if (length > (isPadded ? 33 : 32)) revert DerMalformed(integer.start);
        for (uint256 i = start; i < integer.end; ++i) {
            value = (value << 8) | uint8(der[i]);
        }
    }
}
