"""Verdicts of Phala's dcap-qvl (PyPI), one JSON line for each case that comes as one."""
import json
import sys

import dcap_qvl

for line in sys.stdin:
    case = json.loads(line)
    quote = bytes.fromhex(case["quote"])
    try:
        collateral = dcap_qvl.QuoteCollateralV3.from_json(case["collateral"])
        if case["root"] is None:
            report = dcap_qvl.verify(quote, collateral, case["now"])
        else:
            root = bytes.fromhex(case["root"])
            report = dcap_qvl.verify_with_root_ca(quote, collateral, root, case["now"])
        verdict = {"status": report.status, "advisories": report.advisory_ids}
    except ValueError as error:
        verdict = {"refused": str(error)}
    print(json.dumps(verdict), flush=True)
