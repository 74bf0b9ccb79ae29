// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Bytes} from "@openzeppelin/contracts/utils/Bytes.sol";
import {P256} from "@openzeppelin/contracts/utils/cryptography/P256.sol";
import {AttestationOutput} from "../AttestationOutput.sol";
import {IAttestationVerifier} from "../IAttestationVerifier.sol";
import {Certificate} from "./Certificate.sol";
import {Pem} from "./Pem.sol";

/// @title Verifies simulated TDX quotes, for development
/// @notice Every signature from a pinned development root down to the quote is checked here, on chain.
/// Such a quote proves nothing about a machine, so this contract cannot be deployed but on chain 31337.
/// @dev Quote version 4 with a TD 1.0 body; docs/simulated-quotes.md has the layout.
contract SimulatedAttestation is IAttestationVerifier {
    /// The quote, or a part of it, is not what the pinned root vouches for.
    error Refused(string reason);
    error DevelopmentChainOnly(uint256 chainId);

    uint256 private constant DEVELOPMENT_CHAIN_ID = 31337;

    uint256 private constant SIGNED_BYTES = 632;
    uint256 private constant SECTION_START = 636;
    uint256 private constant ATTESTATION_KEY_START = 700;
    uint256 private constant CERTIFICATION_START = 764;
    uint256 private constant QE_REPORT_START = 770;
    uint256 private constant QE_REPORT_DATA_START = 1090;
    uint256 private constant QE_SIGNATURE_START = 1154;
    uint256 private constant AUTH_LENGTH_START = 1218;
    uint256 private constant AUTH_START = 1220;
    uint256 private constant AUTH_END = 1252;
    uint256 private constant PEM_START = 1258;
    uint256 private constant HEADER_BYTES = 48;

    /// Version 4, ECDSA-P256 key, TDX; two reserved words; Intel's QE vendor id.
    bytes private constant HEADER_HEAD = hex"040002008100000000000000939a7233f79c4ca9940a0db3957f0607";
    /// FMSPC of the simulated platform ("SIM").
    bytes6 private constant FMSPC = 0x53494d000000;
    uint256 private constant CHAIN_LENGTH = 3;

    uint256 public immutable rootX;
    uint256 public immutable rootY;
    AttestationOutput.Layout public immutable outputLayout;

    constructor(uint256 x, uint256 y, AttestationOutput.Layout chosenLayout) {
        if (block.chainid != DEVELOPMENT_CHAIN_ID) revert DevelopmentChainOnly(block.chainid);
        rootX = x;
        rootY = y;
        outputLayout = chosenLayout;
    }

    /// @inheritdoc IAttestationVerifier
    function verifyAndAttestOnChain(bytes calldata rawQuote)
        external
        payable
        returns (bool success, bytes memory output)
    {
        try this.checkQuote(rawQuote) {
            return (true, _output(rawQuote));
        } catch (bytes memory failure) {
            return (false, _reasonOf(failure));
        }
    }

    /// @notice Reverts unless the pinned root vouches for the quote now.
    function checkQuote(bytes calldata quote) external view {
        _checkFrame(quote);
        Certificate.Parsed memory leaf = _checkChain(quote[PEM_START:]);
        _checkQe(quote, leaf);
        uint256 x = _uint(quote, ATTESTATION_KEY_START);
        uint256 y = _uint(quote, ATTESTATION_KEY_START + 32);
        bytes32 hash = sha256(quote[:SIGNED_BYTES]);
        _requireSigned(hash, _uint(quote, SECTION_START), _uint(quote, SECTION_START + 32), x, y, "quote signature");
    }

    /// Everything whose place and value is fixed and that no signature covers.
    function _checkFrame(bytes calldata quote) private pure {
        if (quote.length <= PEM_START) revert Refused("length");
        if (keccak256(quote[:HEADER_HEAD.length]) != keccak256(HEADER_HEAD)) revert Refused("header");
        if (_uintLE(quote, SIGNED_BYTES, 4) != quote.length - SECTION_START) revert Refused("section length");
        if (_uintLE(quote, CERTIFICATION_START, 2) != 6) revert Refused("certification type");
        if (_uintLE(quote, CERTIFICATION_START + 2, 4) != quote.length - QE_REPORT_START) {
            revert Refused("certification length");
        }
        if (_uintLE(quote, AUTH_LENGTH_START, 2) != AUTH_END - AUTH_START) revert Refused("authentication length");
        if (_uintLE(quote, AUTH_END, 2) != 5) revert Refused("chain type");
        if (_uintLE(quote, AUTH_END + 2, 4) != quote.length - PEM_START) revert Refused("chain length");
    }

    /// @return leaf The certificate whose key signs for the QE.
    function _checkChain(bytes calldata pem) private view returns (Certificate.Parsed memory leaf) {
        bytes[] memory chain = Pem.decode(pem, CHAIN_LENGTH);
        leaf = Certificate.parse(chain[0]);
        Certificate.Parsed memory ca = Certificate.parse(chain[1]);
        Certificate.Parsed memory root = Certificate.parse(chain[2]);
        if (root.x != rootX || root.y != rootY) revert Refused("root");
        _requireIssued(root, root, "root certificate");
        _requireIssued(ca, root, "CA certificate");
        _requireIssued(leaf, ca, "leaf certificate");
    }

    function _requireIssued(Certificate.Parsed memory subject, Certificate.Parsed memory issuer, string memory what)
        private
        view
    {
        bool isValidNow = subject.notBefore <= block.timestamp && block.timestamp <= subject.notAfter;
        if (!isValidNow || subject.issuerHash != issuer.subjectHash) revert Refused(what);
        _requireSigned(subject.signedHash, subject.r, subject.s, issuer.x, issuer.y, what);
    }

    /// The QE vouches for the attestation key, and the platform for the QE.
    function _checkQe(bytes calldata quote, Certificate.Parsed memory leaf) private view {
        uint256 r = _uint(quote, QE_SIGNATURE_START);
        uint256 s = _uint(quote, QE_SIGNATURE_START + 32);
        bytes32 hash = sha256(quote[QE_REPORT_START:QE_SIGNATURE_START]);
        _requireSigned(hash, r, s, leaf.x, leaf.y, "QE report signature");
        bytes32 bound = sha256(
            bytes.concat(quote[ATTESTATION_KEY_START:CERTIFICATION_START], quote[AUTH_START:AUTH_END])
        );
        bool isBound = bytes32(_uint(quote, QE_REPORT_DATA_START)) == bound
            && _uint(quote, QE_REPORT_DATA_START + 32) == 0;
        if (!isBound) revert Refused("QE report data");
    }

    /// @dev The library takes low s only, the quotes of real machines do not care: (r, n - s) signs the
    /// same, and nothing here is identified by a signature.
    function _requireSigned(bytes32 hash, uint256 r, uint256 s, uint256 x, uint256 y, string memory what)
        private
        view
    {
        uint256 lowS = s > P256.N / 2 && s < P256.N ? P256.N - s : s;
        if (!P256.verify(hash, bytes32(r), bytes32(lowS), bytes32(x), bytes32(y))) revert Refused(what);
    }

    function _output(bytes calldata quote) private view returns (bytes memory) {
        bytes calldata body = quote[HEADER_BYTES:SIGNED_BYTES];
        uint8 upToDate = 0;
        if (outputLayout == AttestationOutput.Layout.V1_0) {
            return abi.encodePacked(uint16(4), bytes4(0x81000000), upToDate, FMSPC, body);
        }
        return abi.encodePacked(uint16(4), uint16(2), upToDate, FMSPC, body);
    }

    /// The reason as ASCII, as Automata's contracts give it.
    function _reasonOf(bytes memory failure) private pure returns (bytes memory) {
        if (failure.length < 4 || bytes4(failure) != Refused.selector) return "malformed";
        return bytes(abi.decode(Bytes.slice(failure, 4), (string)));
    }

    function _uint(bytes calldata data, uint256 offset) private pure returns (uint256) {
        return uint256(bytes32(data[offset:offset + 32]));
    }

    function _uintLE(bytes calldata data, uint256 offset, uint256 length) private pure returns (uint256 value) {
        for (uint256 i = length; i > 0; --i) {
            value = (value << 8) | uint8(data[offset + i - 1]);
        }
    }
}
