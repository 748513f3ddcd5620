"""The types of the client library, derived from its sources: `make format` writes confab.d.ts anew, `make lint` compares it."""

from __future__ import annotations

from pathlib import Path

from backend.web.client_library import SOURCES, TYPES
from tests.openapi.node import installed, run

COMMITTED = SOURCES / TYPES
HEAD = "// The types of /confab.js. Generated from its sources: `make format` writes this file anew.\n\n"


def declarations(sources: Path = SOURCES) -> str:
    """Check the sources with the TypeScript compiler, and return the text of confab.d.ts. Raises ValueError for what it finds."""
    installed("typescript")
    done = run("node", Path(__file__).with_suffix(".mjs"), sources)
    if done.returncode:
        raise ValueError(done.stderr)
    return HEAD + done.stdout


def write() -> None:
    """Write confab.d.ts anew. Raises ValueError if the sources have an error of types."""
    COMMITTED.write_text(declarations())


def check() -> None:
    """Raises ValueError if the sources have an error of types, or if confab.d.ts is not what they say."""
    if COMMITTED.read_text() != declarations():
        raise ValueError(f"{COMMITTED} is older than the sources of the client library. Run `make format`.")
