"""Recorded slips: patches that each break one promise, with the tests that must fail for it (tests/mutants/*.patch)."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
TESTS = "# tests:"


@dataclass(frozen=True)
class Slip:
    """One recorded slip."""

    name: str
    sentence: str
    tests: list[str]
    patch: str

    @classmethod
    def read(cls, path: Path) -> Slip:
        """Read a patch whose first lines are `# sentence` and `# tests: ids`."""
        lines = path.read_text().splitlines(keepends=True)
        head = [line.strip() for line in lines if line.startswith("# ")]
        tests = next((line.removeprefix(TESTS).split() for line in head if line.startswith(TESTS)), [])
        sentence = next((line.removeprefix("# ") for line in head if not line.startswith(TESTS)), "")
        if not tests or not sentence:
            raise ValueError(f"{path.name} needs a line with a sentence and a line with its tests")
        return cls(path.stem, sentence, tests, "".join(line for line in lines if not line.startswith("# ")))

    def edits(self, project: Path, scratch: Path) -> dict[str, str]:
        """The texts of the files that the patch changes, in the files of *project*. Raises ValueError if it does not apply."""
        names = re.findall(r"^\+\+\+ b/(\S+)", self.patch, re.MULTILINE)
        shutil.rmtree(scratch, ignore_errors=True)
        for name in names:
            (scratch / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project / name, scratch / name)
        done = subprocess.run(
            ["git", "apply", "-"], cwd=scratch, input=self.patch, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ValueError(f"the patch does not apply: {done.stderr.strip()}")
        return {name: (scratch / name).read_text() for name in names}

    def missed(self, answer: dict[str, Any]) -> list[str]:
        """The tests that passed although they must fail; a test with parameters fails if it does for one of them."""
        return [test for test in self.tests if not any(failed.startswith(test) for failed in answer["failed"])]


def read_slips() -> list[Slip]:
    """Every recorded slip, by name."""
    return [Slip.read(path) for path in sorted(FOLDER.glob("*.patch"))]
