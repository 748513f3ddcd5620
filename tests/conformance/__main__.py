"""`make conformance`: what other people's tools say. `make conformance ARGS=autobahn` runs one part; exit 1 at a finding."""

from __future__ import annotations

import argparse
import os
import sys

from tests.conformance import autobahn, openapi

PARTS = {"autobahn": autobahn.main, "openapi": openapi.main}
"""Each prints what it did, and returns what is wrong."""


def main() -> int:
    """Run the parts that are asked for, or all of them."""
    os.environ["FLASK_SKIP_DOTENV"] = "1"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all of them unless told")
    parts = parser.parse_args().parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"There is no part {', '.join(sorted(unknown))}; there is {', '.join(PARTS)}.")
    found = [wrong for name in parts for wrong in PARTS[name]()]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
