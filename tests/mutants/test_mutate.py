"""`make mutants` itself: which mutants it makes, and how it reads a recorded slip."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.config import read_modules
from tests.mutants.mutate import mutants_of, sample
from tests.mutants.score import stale_entries
from tests.mutants.slips import Slip, read_slips
from tests.servers import ROOT


def changes(source: str) -> set[str]:
    """What the changed lines of each mutant became."""
    return {mutant.after for mutant in mutants_of(source)}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = x < y", {"a = (x <= y)"}),
        ("a = x == y", {"a = (x != y)"}),
        ("a = p and q", {"a = (p or q)", "a = p", "a = q"}),
        ("a = not p", {"a = p"}),
        ("a = 7", {"a = 8"}),
        ("a = True", {"a = False"}),
        ("a = b[1:]", {"a = b[:]", "a = b[2:]"}),
        ("a = f(x, lock=y)", {"a = f(x)"}),
        ("a = q.where(p, r)", {"a = q.where(p)", "a = q.where(r)"}),
        ("a = q.with_for_update()", {"a = q"}),
        ("a = [x for x in y if x]", {"a = [x for x in y]", "a = [x for x in y if (not x)]"}),
        ("f(x)", {"pass"}),
        ("a += b", {"a -= b", "pass"}),
        ("if f(x):\n    y", {"if (not f(x)):"}),
        ("with lock:\n    y", {'with __import__("contextlib").nullcontext():'}),
        ("def f():\n    return x", {"return None"}),
        ("def f():\n    raise x", {"pass"}),
    ],
)
def test_a_mutant_differs_in_one_place(source: str, expected: set[str]) -> None:
    assert changes(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "log.info(1)",
        "a: tuple[0, 1]",
        "@cache(1)\ndef f(): ...",
        "if TYPE_CHECKING:\n    f(1)",
        '"""A text."""',
        "def f(): return None",
    ],
)
def test_what_is_not_mutated(source: str) -> None:
    assert changes(source) == set()


def test_a_mutant_names_the_lines_of_its_statement_alone() -> None:
    lines = {mutant.after: list(mutant.lines) for mutant in mutants_of("if a < b:\n    f(\n        1,\n    )\n")}
    assert lines == {"if (a <= b):": [1], "pass": [2, 3, 4], "2,": [2, 3, 4]}


def test_a_sample_is_always_the_same() -> None:
    mutants = mutants_of("\n".join(f"a = {number}" for number in range(30)))
    assert sample(mutants, 5, "seed") == sample(mutants, 5, "seed")
    assert len(sample(mutants, 5, "seed")) == 5
    assert sample(mutants, None, "seed") == mutants


PATCH = """# The lock is not taken.
# tests: tests/test_a.py::test_one tests/test_a.py::test_two
diff --git a/backend/a.py b/backend/a.py
--- a/backend/a.py
+++ b/backend/a.py
@@ -1,2 +1,2 @@
 first
-second
+other
"""


@pytest.fixture
def slip(tmp_path: Path) -> Slip:
    (tmp_path / "unlocked.patch").write_text(PATCH)
    return Slip.read(tmp_path / "unlocked.patch")


def test_a_slip_becomes_the_text_of_the_files_that_it_changes(slip: Slip, tmp_path: Path) -> None:
    (tmp_path / "backend").mkdir()
    (tmp_path / "backend/a.py").write_text("first\nsecond\n")
    assert slip.edits(tmp_path, tmp_path / "scratch") == {"backend/a.py": "first\nother\n"}
    (tmp_path / "backend/a.py").write_text("first\nthird\n")
    with pytest.raises(ValueError, match="does not apply"):
        slip.edits(tmp_path, tmp_path / "scratch")


def test_a_slip_is_missed_by_each_of_its_tests_that_passed(slip: Slip) -> None:
    answer = {"outcome": "failed", "status": 1, "failed": ["tests/test_a.py::test_two[sqlite]"]}
    assert slip.missed(answer) == ["tests/test_a.py::test_one"]
    assert slip.missed({"outcome": "passed", "status": 0, "failed": []}) == slip.tests


def test_every_recorded_slip_applies_to_the_code_and_names_existing_tests(tmp_path: Path) -> None:
    """So that `make mutants` can plant all of them."""
    problems = []
    for slip in read_slips():
        try:
            slip.edits(ROOT, tmp_path / "scratch")
        except ValueError as error:
            problems.append(f"{slip.name}: {error}")
        for test in slip.tests:
            path, _, name = test.partition("::")
            function = name.partition("[")[0].rpartition("::")[2]
            if f"def {function}(" not in (ROOT / path).read_text():
                problems.append(f"{slip.name}: there is no {test}")
    assert problems == []


def test_every_entry_of_equivalent_mutants_is_a_mutant_of_the_code() -> None:
    """So that `make mutants` does not fail for an entry after hours."""
    stale = {
        module.path: stale_entries(module.path, mutants_of((ROOT / module.path).read_text()))
        for module in read_modules([])
    }
    assert {path: entries for path, entries in stale.items() if entries} == {}


MUTATED = ["backend/messages/deletion.py", "backend/models/base.py", "config.py"]
PRELOAD = """
import json, os, sys
import flask, marshmallow, sqlalchemy.orm  # the processes share what takes long
from tests.mutants.preload import finish, preload
count = int(sys.argv[1])
names = [path.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for path in sys.argv[2 + count:]]
for mutated in sys.argv[2:2 + count]:
    if child := os.fork():
        assert os.waitpid(child, 0)[1] == 0
        continue
    preload(names, [mutated])
    early = [name for name in names if name in sys.modules]
    finish()
    import backend
    backend.create_app
    print(json.dumps([early, [name for name in names if name in sys.modules]]), flush=True)
    break
"""


def test_what_does_not_depend_on_the_mutated_module_is_imported_before_it() -> None:
    """And the rest afterwards, so that every module is imported once."""
    paths = ["config.py", *(path.relative_to(ROOT).as_posix() for path in sorted(ROOT.glob("backend/**/*.py")))]
    command = [sys.executable, "-c", PRELOAD, str(len(MUTATED)), *MUTATED, *paths]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for mutated, line in zip(MUTATED, output.splitlines(), strict=True):
        early, late = json.loads(line)
        name = mutated.removesuffix(".py").replace("/", ".")
        assert name in late, mutated
        assert not {name, "backend", "backend.messages.routes_changes"} & set(early), mutated
        assert "backend.errors" in early, mutated
        assert ("backend.messages.edits" in early) is (mutated == "backend/messages/deletion.py"), mutated
