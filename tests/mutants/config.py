"""Which modules are mutated, with which tests (modules.toml); and which mutants change nothing (equivalent.toml)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Module:
    """A module to mutate."""

    path: str
    target: int
    """The least score, in percent."""
    tests: list[str]
    server_tests: list[str]
    """Tests that drive a running server. They run last."""
    sample: int | None
    """At most so many of its mutants are tried."""


def read_modules(paths: list[str]) -> list[Module]:
    """The modules with these *paths*, or all if it is empty. Raises SystemExit for one that is not configured."""
    modules = [
        Module(f"backend/{path}", group["target"], group["tests"], group.get("server_tests", []), group.get("sample"))
        for group in tomllib.loads((FOLDER / "modules.toml").read_text())["group"]
        for path in group["modules"]
    ]
    wanted = {path for path in paths if not path.startswith("slips")}
    if unknown := wanted - {module.path for module in modules}:
        raise SystemExit(f"tests/mutants/modules.toml has no {', '.join(sorted(unknown))}")
    return [module for module in modules if module.path in wanted] if paths else modules


def read_equivalents(module: str) -> dict[tuple[str, str], str]:
    """The reason why a change of *module*, from a line's text to another, cannot be noticed."""
    entries = tomllib.loads((FOLDER / "equivalent.toml").read_text()).get("mutant", [])
    return {(entry["line"], entry["change"]): entry["reason"] for entry in entries if entry["module"] == module}
