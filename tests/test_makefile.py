"""Targets of the Makefile that other tests do not use."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.servers import ROOT


def test_format_leaves_nothing_for_lint_to_find(tmp_path: Path) -> None:
    """It formats, sorts imports, and removes unused ones. What ruff cannot fix is left for `make lint`."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").symlink_to((ROOT / ".venv").resolve())
    module = tmp_path / "module.py"
    module.write_text("import sys, os\ndef name( ) :\n  return os.path.join('a',  \"b\")\n")
    # The environment is installed already, so its stamp counts as newer than the requirements.
    made = ["make", "--assume-old=.venv/.dev", "format", "PYTHON=false"]
    done = subprocess.run(made, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert module.read_text() == 'import os\n\n\ndef name():\n    return os.path.join("a", "b")\n'
    again = subprocess.run(
        [ROOT / ".venv/bin/ruff", "check", "."], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stdout
