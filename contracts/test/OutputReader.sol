// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AttestationOutput} from "../src/AttestationOutput.sol";

/// Shows what AttestationOutput reads, to tests that compare it with what others read.
contract OutputReader {
    function parse(bytes calldata output, AttestationOutput.Layout chosenLayout)
        external
        pure
        returns (AttestationOutput.Attested memory)
    {
        return AttestationOutput.parse(output, chosenLayout);
    }
}
