"""confab.js passes every case, in the form in which it is served."""

from __future__ import annotations

from pathlib import Path

from backend.web.client_library import joined_library
from tests.clients.adapters import LIBRARY, confab, run_every_case


def test_every_case_passes_with_frames_as_documented(tmp_path: Path) -> None:
    """A single test, because a run of all cases takes half a minute, and each worker would make its own.

    In Node each client has its own socket, so the cases of tabs are skipped. test_confab_tabs.py runs these in a browser.
    """
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "confab.js").write_bytes(joined_library())
    (tmp_path / "confab-node.js").write_bytes((LIBRARY / "confab-node.js").read_bytes())
    results, violations = run_every_case(confab(tmp_path / "confab.js"))
    assert {r.case.name: r.failure for r in results if r.failure} == {}
    assert {name for r in results for name in r.skipped} == {"tabs"}
    assert violations == []
