"""confab.js passes every case, in the form in which it is served."""

from __future__ import annotations

import pytest

from backend.web.client_library import joined_library
from conformance.case import Result
from tests.clients.adapters import LIBRARY, confab, run_every_case


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Result], list[str]]:
    folder = tmp_path_factory.mktemp("library")
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "confab.js").write_bytes(joined_library())
    (folder / "confab-node.js").write_bytes((LIBRARY / "confab-node.js").read_bytes())
    return run_every_case(confab(folder / "confab.js"))


def test_every_case_passes(run: tuple[list[Result], list[str]]) -> None:
    results, _ = run
    assert {r.case.name: r.failure for r in results if r.failure} == {}


def test_only_the_cases_of_tabs_are_skipped(run: tuple[list[Result], list[str]]) -> None:
    """In Node each client has its own socket. test_confab_tabs.py runs these cases in a browser."""
    results, _ = run
    assert {name for r in results for name in r.skipped} == {"tabs"}


def test_every_frame_is_as_the_schema_says(run: tuple[list[Result], list[str]]) -> None:
    _, violations = run
    assert violations == []
