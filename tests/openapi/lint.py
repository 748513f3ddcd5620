"""Lint the served OpenAPI document and the JavaScript, and check its types: `make lint` runs this. Warnings fail like errors."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from backend import create_app
from backend.http.openapi import document
from config import Config
from tests.clients import declarations
from tests.openapi.node import run

PROGRAMS = Path("node_modules", ".bin")
ROOT = Path(__file__).resolve().parents[2]
BIOME = Path(__file__).parent / PROGRAMS / "biome"


def write_document(folder: Path) -> Path:
    """Write the document of an application with the default configuration into *folder*."""
    app = create_app(Config.from_env({"APP_ENV": "testing", "INSTANCE_DIR": str(folder)}))
    path = folder / "openapi.json"
    with app.app_context():
        path.write_text(json.dumps(document(app), indent=1))
    return path


def main() -> int:
    if "--fix" in sys.argv:
        return _fix()
    with tempfile.TemporaryDirectory(prefix="confab-openapi-") as folder:
        path = write_document(Path(folder))
        linters = [
            run(PROGRAMS / "redocly", "lint", path, "--max-problems", "1000", "--format", "stylish"),
            run(PROGRAMS / "spectral", "lint", path, "--fail-severity", "warn", "--quiet"),
        ]
    linters.append(run("node", BIOME, "ci", "--error-on-warnings", "--colors=off", folder=ROOT))
    for done in linters:
        if done.returncode or "warning" in done.stdout + done.stderr:
            print(done.stdout + done.stderr)
            return 1
    try:
        declarations.check()
    except ValueError as error:
        print(error)
        return 1
    print("OpenAPI document and JavaScript: redocly, spectral, biome and tsc find nothing")
    return 0


def _fix() -> int:
    done = run("node", BIOME, "check", "--write", folder=ROOT)
    print(done.stdout + done.stderr)
    try:
        declarations.write()
    except ValueError as error:
        print(error)
        return 1
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
