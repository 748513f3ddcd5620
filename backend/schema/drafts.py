"""Drafts of migrations in the project's style: the next number, the releases that may still serve, and ruff's format."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from alembic.config import Config
from alembic.script import Script, ScriptDirectory

from backend.settings import MIGRATIONS

LINE_LENGTH = 120
PROJECT = Path(MIGRATIONS).parent


def next_revision(config: Config) -> str:
    """The number after the highest one, with four digits. Revisions that are no numbers do not count."""
    revisions = ScriptDirectory.from_config(config).walk_revisions()
    return f"{max((int(each.revision) for each in revisions if each.revision.isdecimal()), default=0) + 1:04}"


def compatible_with(config: Config, down_revision: str | tuple[str, ...] | None) -> str:
    """The value of `compatible_with`, as Python code, for a migration that only adds: all that may serve before it."""
    scripts = ScriptDirectory.from_config(config).get_revisions(down_revision or ())
    names = dict.fromkeys(each.revision for each in scripts)
    for each in scripts:
        names |= dict.fromkeys(getattr(each.module, "compatible_with", ()))
    items = [f'"{name}"' for name in names]
    line = f"({', '.join(items)}{',' if len(items) == 1 else ''})"
    if len(f"compatible_with = {line}") <= LINE_LENGTH:
        return line
    return "\n".join(["(", *_wrap(items), ")  # fmt: skip"])


def _wrap(items: list[str]) -> list[str]:
    lines = ["   "]
    for item in items:
        if len(f"{lines[-1]} {item},") > LINE_LENGTH:
            lines.append("   ")
        lines[-1] += f" {item},"
    return lines


def format_draft(config: Config, revision: str) -> None:
    """Format the file of *revision* with ruff, and remove what ruff calls superfluous. Without ruff the file stays as it is."""
    script: Script = ScriptDirectory.from_config(config).get_revision(revision)
    ruff = Path(sys.executable).with_name("ruff")
    if ruff.exists():
        options = ["--quiet", "--config", str(PROJECT / "pyproject.toml"), script.path]
        for command in (["check", "--fix-only"], ["format"]):
            subprocess.run([ruff, *command, *options], check=False)
