// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";

/// @title Reads what a DCAP attestation contract says of a TDX quote
/// @notice Two layouts are deployed. Which one a contract has is configuration, never a guess from
/// the bytes: a wrong guess shifts every field by two.
///
/// |      | quote version | then                         | TCB status | FMSPC | body at |
/// |------|---------------|------------------------------|------------|-------|---------|
/// | V1_0 | u16           | tee type, 4 bytes            | u8         | 6     | 13      |
/// | V1_1 | u16           | body type u16                | u8         | 6     | 11      |
///
/// Then nothing, or the advisories as `abi.encode(string[])`. SGX is refused.
library AttestationOutput {
    enum Layout {
        V1_0,
        V1_1
    }

    struct Attested {
        uint8 tcbStatus;
        bytes6 fmspc;
        /// keccak256 of the signed TD report body.
        bytes32 bodyHash;
        /// keccak256(MRTD ‖ RTMR0..3 ‖ MRCONFIGID ‖ XFAM ‖ TDATTRIBUTES), as flashtestations has it.
        bytes32 workloadId;
        /// The 8 bytes as they are in the quote: bit 0 of the first is DEBUG.
        bytes8 tdAttributes;
        /// The module's signer and attributes are all zero, which is what Intel's own has.
        bool isIntelModule;
        /// A service TD, which could act on this one, is bound to it.
        bool hasServiceTd;
        /// The two halves of the report data.
        bytes32 reportDataHead;
        bytes32 reportDataTail;
    }

    /// The output has another length or form than its layout says.
    error OutputMalformed();
    /// The quote is not of a TDX version and body this contract knows.
    error NotTdx();

    uint256 private constant V1_0_HEADER_BYTES = 13;
    uint256 private constant V1_1_HEADER_BYTES = 11;
    /// The status and the FMSPC are the last seven bytes of either header.
    uint256 private constant STATUS_FROM_HEADER_END = 7;
    uint256 private constant FMSPC_FROM_HEADER_END = 6;
    uint256 private constant TD10_BODY_BYTES = 584;
    uint256 private constant TD15_BODY_BYTES = 648;
    uint16 private constant TD10_BODY_TYPE = 2;
    uint16 private constant TD15_BODY_TYPE = 3;
    /// TDX as 1.0.0-alpha writes it, and as 1.0.x does.
    bytes4 private constant TEE_TDX_ALPHA = 0x00000081;
    bytes4 private constant TEE_TDX = 0x81000000;

    // Offsets in the body: docs/contracts.md has the table.
    uint256 private constant MR_SIGNER_SEAM_OFFSET = 64;
    uint256 private constant SEAM_SIGNER_AND_ATTRIBUTES_BYTES = 56;
    uint256 private constant TD_ATTRIBUTES_OFFSET = 120;
    uint256 private constant XFAM_OFFSET = 128;
    uint256 private constant MRTD_OFFSET = 136;
    uint256 private constant MR_CONFIG_ID_OFFSET = 184;
    uint256 private constant RTMR_OFFSET = 328;
    uint256 private constant REPORT_DATA_OFFSET = 520;
    uint256 private constant MR_SERVICE_TD_OFFSET = 600;
    uint256 private constant MEASUREMENT_BYTES = 48;

    function parse(bytes memory output, Layout chosenLayout) internal pure returns (Attested memory attested) {
        uint256 body = chosenLayout == Layout.V1_0 ? V1_0_HEADER_BYTES : V1_1_HEADER_BYTES;
        if (output.length < body) revert OutputMalformed();
        uint256 bodyBytes = chosenLayout == Layout.V1_0 ? _bodyBytesV1_0(output) : _bodyBytesV1_1(output);
        _checkAdvisories(output, body + bodyBytes);

        attested.tcbStatus = uint8(output[body - STATUS_FROM_HEADER_END]);
        attested.fmspc = bytes6(_word(output, body - FMSPC_FROM_HEADER_END));
        attested.bodyHash = _hash(output, body, bodyBytes);
        attested.workloadId = _workloadId(output, body);
        attested.tdAttributes = bytes8(_word(output, body + TD_ATTRIBUTES_OFFSET));
        attested.isIntelModule = _isZero(output, body + MR_SIGNER_SEAM_OFFSET, SEAM_SIGNER_AND_ATTRIBUTES_BYTES);
        attested.hasServiceTd =
            bodyBytes == TD15_BODY_BYTES && !_isZero(output, body + MR_SERVICE_TD_OFFSET, MEASUREMENT_BYTES);
        attested.reportDataHead = _word(output, body + REPORT_DATA_OFFSET);
        attested.reportDataTail = _word(output, body + REPORT_DATA_OFFSET + 32);
    }

    function _bodyBytesV1_0(bytes memory output) private pure returns (uint256) {
        bytes32 head = _word(output, 0);
        bytes4 tee = bytes4(head << 16);
        if (uint16(bytes2(head)) != 4 || (tee != TEE_TDX && tee != TEE_TDX_ALPHA)) revert NotTdx();
        return TD10_BODY_BYTES;
    }

    function _bodyBytesV1_1(bytes memory output) private pure returns (uint256) {
        bytes32 head = _word(output, 0);
        uint16 version = uint16(bytes2(head));
        uint16 bodyType = uint16(bytes2(head << 16));
        if (bodyType == TD10_BODY_TYPE && (version == 4 || version == 5)) return TD10_BODY_BYTES;
        if (bodyType == TD15_BODY_TYPE && version == 5) return TD15_BODY_BYTES;
        revert NotTdx();
    }

    /// What follows the body is nothing, or exactly the canonical encoding of a list of strings.
    function _checkAdvisories(bytes memory output, uint256 end) private pure {
        if (output.length == end) return;
        if (output.length < end) revert OutputMalformed();
        bytes memory rest = Bytes.slice(output, end);
        string[] memory advisories = abi.decode(rest, (string[]));
        if (keccak256(abi.encode(advisories)) != keccak256(rest)) revert OutputMalformed();
    }

    function _workloadId(bytes memory output, uint256 body) private pure returns (bytes32) {
        return keccak256(
            bytes.concat(
                Bytes.slice(output, body + MRTD_OFFSET, body + MRTD_OFFSET + MEASUREMENT_BYTES),
                Bytes.slice(output, body + RTMR_OFFSET, body + RTMR_OFFSET + 4 * MEASUREMENT_BYTES),
                Bytes.slice(output, body + MR_CONFIG_ID_OFFSET, body + MR_CONFIG_ID_OFFSET + MEASUREMENT_BYTES),
                bytes8(_word(output, body + XFAM_OFFSET)),
                bytes8(_word(output, body + TD_ATTRIBUTES_OFFSET))
            )
        );
    }

    function _isZero(bytes memory data, uint256 offset, uint256 length) private pure returns (bool) {
        return _hash(data, offset, length) == keccak256(new bytes(length));
    }

    /// 32 bytes from `offset` on; bytes past the end of `data` are not to be looked at.
    function _word(bytes memory data, uint256 offset) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 32), offset))
        }
    }

    function _hash(bytes memory data, uint256 offset, uint256 length) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(add(add(data, 32), offset), length)
        }
    }
}
