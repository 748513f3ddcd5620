"""Every fault of a client is planted, and must be caught by the conformance kit. The suite plants a part of them."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.servers import ROOT


def main() -> list[str]:
    """Plant all faults. Returns the findings."""
    command = [sys.executable, "-m", "pytest", "-q", "tests/clients/test_faults.py"]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "CLIENT_FAULTS": "all"}, check=False)
    return ["faults: see the output of pytest above"] if done.returncode else []
