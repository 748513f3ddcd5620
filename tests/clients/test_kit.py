"""The command of the conformance kit, and its documentation."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path

import pytest

from conformance.adapters.reference import CAPABILITIES
from conformance.case import all_cases
from conformance.expectations import EXPECTATIONS
from conformance.runner import main
from conformance.server.cues import CUES
from tests.clients.adapters import REFERENCE, apart
from tests.servers import ROOT


def adapter(folder: Path, text: str) -> str:
    """The command of an adapter with this program."""
    path = folder / "adapter.py"
    path.write_text(text)
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(path))}"


def test_a_case_that_passes_is_a_line_with_its_promise(capsys: pytest.CaptureFixture[str]) -> None:
    assert apart(lambda: main(["--adapter", REFERENCE, "start"])) == 0
    line, total = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"ok +\d+\.\d s  start: The inbox has all conversations.*", line)
    assert total == "1 passed, 0 failed, 0 skipped"


def test_an_adapter_that_ends_fails_the_case_with_what_it_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hello = json.dumps({"event": "hello", "capabilities": []})
    program = f"import sys\nprint({hello!r}, flush=True)\ninput()\nsys.exit('the disk is on fire')"
    assert apart(lambda: main(["--adapter", adapter(tmp_path, program), "start"])) == 1
    text = capsys.readouterr().out
    assert text.startswith("FAIL")
    assert "the process has ended. the disk is on fire" in text
    assert re.search(r"do +\{\"device\": \"a\", \"do\": \"start\"", text), "the trace is printed"
    assert text.endswith("0 passed, 1 failed, 0 skipped: start\n")


def test_a_case_is_skipped_where_the_adapter_lacks_a_capability(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = f"print({json.dumps({'event': 'hello', 'capabilities': []})!r}, flush=True)\ninput()"
    assert apart(lambda: main(["--adapter", adapter(tmp_path, program), "forget"])) == 0
    text = capsys.readouterr().out
    assert "the adapter lacks: storage" in text
    assert text.endswith("0 passed, 0 failed, 1 skipped\n")


def test_all_cases_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert apart(lambda: main(["--list"])) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == [case.name for case in all_cases()]


def test_an_unknown_case_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--adapter", REFERENCE, "no-such-case"])
    assert refused.value.code == 2
    assert "there is no case no-such-case" in capsys.readouterr().err


def test_everything_that_cases_and_adapters_use_is_documented() -> None:
    page = (ROOT / "docs/clients.md").read_text()
    commands = {step["do"] for case in all_cases() for step in case.steps if "do" in step} - {"kill"}
    needs = {need for case in all_cases() for need in case.needs}
    assert needs <= set(CAPABILITIES)
    named = set(re.findall(r"`(\w+)`", page))
    assert commands | needs | CUES.keys() | EXPECTATIONS.keys() <= named


def test_every_case_names_its_source() -> None:
    """Each promise stands in the contract or in the documentation."""
    assert [c.name for c in all_cases() if not re.search(r"\((sections? \d|docs/\w+\.md)", c.promise)] == []
