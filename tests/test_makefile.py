"""Targets of the Makefile that other tests do not use."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.servers import ROOT


def test_format_leaves_nothing_for_lint_to_find(tmp_path: Path) -> None:
    """It formats, sorts imports, and removes unused ones. What ruff cannot fix is left for `make lint`.

    The formatter of JavaScript is replaced by a program that records its arguments: it would change the files of the project.
    """
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").symlink_to((ROOT / ".venv").resolve())
    module = tmp_path / "module.py"
    module.write_text("import sys, os\ndef name( ) :\n  return os.path.join('a',  \"b\")\n")
    recorder = tmp_path / "tests/openapi/lint.py"
    recorder.parent.mkdir(parents=True)
    recorder.write_text('import sys\n\nprint("lint", *sys.argv[1:])\n')
    # The environment is installed already, so its stamp counts as newer than the requirements.
    made = ["make", "--no-print-directory", "--assume-old=.venv/.dev", "format", "PYTHON=false", "OPENAPI_TOOLS="]
    done = subprocess.run(made, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "lint --fix"
    assert module.read_text() == 'import os\n\n\ndef name():\n    return os.path.join("a", "b")\n'
    again = subprocess.run(
        [ROOT / ".venv/bin/ruff", "check", "."], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stdout
