// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IAttestationVerifier, IZkAttestationVerifier} from "../src/IAttestationVerifier.sol";
import {ICollateralProbe} from "../src/ICollateralProbe.sol";

/// Burns all the gas it is given.
contract GasBurner {
    function burn() external pure {
        while (true) {}
    }
}

/// Says what it is told to, keeps a fee, and gives the rest back.
contract ScriptedAttestation is IAttestationVerifier, IZkAttestationVerifier {
    bool public success = true;
    bytes public output;
    uint256 public fee;
    /// Not zero: a revert with this reason.
    bytes public revertReason;
    /// Verification needs so much gas in a call of its own, whose failure is swallowed: as contracts do
    /// that ask a precompile.
    uint256 public innerGas;

    GasBurner private burner = new GasBurner();

    function script(bool success_, bytes memory output_, uint256 fee_) external {
        (success, output, fee) = (success_, output_, fee_);
    }

    function scriptRevert(bytes calldata reason) external {
        revertReason = reason;
    }

    function scriptInnerGas(uint256 gasAmount) external {
        innerGas = gasAmount;
    }

    function verifyAndAttestOnChain(bytes calldata) external payable override returns (bool, bytes memory) {
        return _answer();
    }

    function verifyAndAttestWithZKProof(bytes calldata, uint8, bytes calldata)
        external
        payable
        override
        returns (bool, bytes memory)
    {
        return _answer();
    }

    function _answer() private returns (bool, bytes memory) {
        bytes memory reason = revertReason;
        if (reason.length > 0) {
            assembly {
                revert(add(reason, 32), mload(reason))
            }
        }
        require(msg.value >= fee, "fee");
        if (msg.value > 0) {
            (bool isPaid,) = msg.sender.call{value: msg.value - fee}("");
            require(isPaid, "change");
        }
        if (innerGas > 0 && !_hasGas()) return (false, "TCBR");
        return (success, output);
    }

    /// Like a check that costs `innerGas`: with less, the inner call runs out and the answer is no.
    function _hasGas() private view returns (bool) {
        if ((gasleft() * 63) / 64 >= innerGas) return true;
        try burner.burn() {
            return true;
        } catch {
            return false;
        }
    }
}

/// Has collateral or not.
contract ScriptedProbe is ICollateralProbe {
    bool public isMissing;
    bytes32 public expected;

    error Missing();
    error OtherQuestion();

    function script(bool isMissing_, address attestation, uint16 quoteVersion, bytes6 fmspc) external {
        isMissing = isMissing_;
        expected = keccak256(abi.encode(attestation, quoteVersion, fmspc));
    }

    function requireCollateral(address attestation, uint16 quoteVersion, bytes6 fmspc) external view override {
        if (isMissing) revert Missing();
        if (keccak256(abi.encode(attestation, quoteVersion, fmspc)) != expected) revert OtherQuestion();
    }
}
