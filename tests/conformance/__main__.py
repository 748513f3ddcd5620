"""`make conformance` runs the test suites of others, and plants every fault of clients; `ARGS=autobahn` runs one part.

Exits with 1 at a finding.
"""

from __future__ import annotations

import argparse
import os
import sys

from tests.conformance import autobahn, faults, openapi

PARTS = {"autobahn": autobahn.main, "openapi": openapi.main, "faults": faults.main}
"""Each part prints its results, and returns its findings."""


def main() -> int:
    """Run the named parts, or all of them."""
    os.environ["FLASK_SKIP_DOTENV"] = "1"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all of them by default")
    parts = parser.parse_args().parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"There is no part {', '.join(sorted(unknown))}; there is {', '.join(PARTS)}.")
    findings = [finding for name in parts for finding in PARTS[name]()]
    print(*findings, sep="\n", end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
