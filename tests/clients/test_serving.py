"""The client library as the server sends it: one module, for every origin."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from flask import Flask

from backend.web.client_library import ENTRY, SOURCES, joined_library, modules
from tests.openapi.node import run


@pytest.mark.parametrize("path", ["/confab.js", "/confab-node.js", "/confab.d.ts"])
def test_the_library_is_served_to_every_origin_and_revalidated(sqlite_app: Flask, path: str) -> None:
    client = sqlite_app.test_client()
    answer = client.get(path, headers={"Origin": "https://another.example"})
    mimetype = "application/typescript" if path.endswith(".ts") else "text/javascript"
    assert (answer.status_code, answer.mimetype) == (200, mimetype)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Accept-Encoding" in answer.headers["Vary"]
    again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    compressed = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(compressed.data) == answer.data
    assert compressed.headers["ETag"] != answer.headers["ETag"]


def test_the_modules_share_one_scope(tmp_path: Path) -> None:
    """They are served in one module: names at the top level are different in all of them, and it parses."""
    found = modules(ENTRY, {})
    assert set(found) == {path.name for path in SOURCES.glob("*.js")} - {"types.js", "confab-node.js"}
    names = [
        name
        for text in found.values()
        for name in re.findall(r"^(?:export )?(?:async )?(?:class|const|function) (\w+)", text, re.MULTILINE)
    ]
    assert len(names) > 30
    assert sorted({name for name in names if names.count(name) > 1}) == []
    joined = tmp_path / "confab.mjs"
    joined.write_bytes(joined_library())
    done = run("node", "--check", joined)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_library_is_small() -> None:
    assert len(gzip.compress(joined_library(), 9)) <= 14_336
