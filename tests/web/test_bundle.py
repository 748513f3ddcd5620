"""The files of the page: their addresses, how long browsers keep them, and how they refer to each other."""

from __future__ import annotations

import gzip
import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_hex
from threading import Barrier

import pytest
from flask import Flask

from backend.web import bundle as bundle_module
from backend.web.bundle import MAIN, STATIC, STYLES, Bundle, bundle, imports
from backend.web.modules import dynamic_imports, static_imports
from tests.client import Client

FOR_EVER = "public, max-age=31536000, immutable"


@pytest.fixture
def current(sqlite_app: Flask) -> Bundle:
    with sqlite_app.app_context():
        return bundle()


@pytest.mark.parametrize("name", ["vendor/preact.js", "vendor/marked.js", "confab.js"])
def test_a_file_is_kept_for_ever_and_compressed(sqlite_app: Flask, current: Bundle, name: str) -> None:
    client = Client(sqlite_app)
    plain = client.get(current.address(name))
    assert (plain.status_code, plain.mimetype, plain.data) == (200, "text/javascript", current.files[name].content)
    packed = client.get(current.address(name), headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data) / 1.5
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["ETag"] != plain.headers["ETag"]
    for response in (plain, packed):
        assert response.headers["Cache-Control"] == FOR_EVER
        assert response.headers["Vary"] == "Accept-Encoding"
        assert re.fullmatch(r'"[0-9a-f]{32}(-gzip)?"', response.headers["ETag"]), "it is strong"
        assert "Access-Control-Allow-Origin" not in response.headers


def test_a_copy_that_is_current_is_not_sent_again(sqlite_app: Flask, current: Bundle) -> None:
    client, path = Client(sqlite_app), current.address("vendor/preact.js")
    for accepted in ({}, {"Accept-Encoding": "gzip"}):
        tag = client.get(path, headers=accepted).headers["ETag"]
        again = client.get(path, headers=accepted | {"If-None-Match": tag})
        assert (again.status_code, again.data, again.headers["Cache-Control"]) == (304, b"", FOR_EVER)


def test_another_version_gets_the_present_file_and_does_not_keep_it(sqlite_app: Flask) -> None:
    response = Client(sqlite_app).get("/app/0123456789abcdef/vendor/preact.js")
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    "name",
    ["", "nothing.js", "app/../../routes.py", "../routes.py", "..%2froutes.py", "%2e%2e/routes.py", "vendor", "vendor/",
     "vendor/../vendor/preact.js", "/etc/passwd", "app/sw.js", "VENDOR/preact.js", "vendor/preact.js/"],
)  # fmt: skip
def test_only_the_files_are_served(sqlite_app: Flask, current: Bundle, name: str) -> None:
    response = Client(sqlite_app).get(current.address(name))
    assert (response.status_code, response.json["code"]) == (404, "not_found")


def test_the_library_is_the_one_for_other_pages(sqlite_app: Flask, current: Bundle) -> None:
    client = Client(sqlite_app)
    assert client.get(current.address("confab.js")).data == client.get("/confab.js").data


def test_every_import_is_a_file(current: Bundle) -> None:
    for name, asset in current.files.items():
        if name.endswith(".js"):
            assert [path for path in imports(name, asset.content.decode()) if path not in current.files] == [], name


def test_requests_that_come_together_make_it_once(
    sqlite_app: Flask, small_page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    together = Barrier(8)

    def unchanged(files: Iterable[tuple[str, str]]) -> list[str]:
        texts = [text for _, text in files]
        calls.append(len(texts))
        return texts

    def ask(_: int) -> bytes:
        client = Client(sqlite_app)
        together.wait(30)
        return client.get("/app/current/app/main.js").data

    monkeypatch.setattr(bundle_module, "minified", unchanged)
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(ask, range(8)))) == 1
    assert calls == [7]


def test_a_script_with_a_fault_is_served(sqlite_app: Flask, small_page: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The browser tells its author where the fault is."""
    (small_page / "app/part/later.js").write_text("export default (;\n")
    with sqlite_app.app_context():
        assert bundle().files["app/part/later.js"].content == b"export default (;\n"
    assert "are served as they are" in caplog.text


def test_the_copies_are_served_as_they_are(sqlite_app: Flask, small_page: Path) -> None:
    with sqlite_app.app_context():
        assert bundle().files["vendor/preact.js"].content == (small_page / "vendor/preact.js").read_bytes()


def test_comments_and_hidden_files_are_not_served(sqlite_app: Flask, small_page: Path) -> None:
    with sqlite_app.app_context():
        files = bundle().files
    assert sorted(files) == ["app/main.js", "app/part/far.js", "app/part/later.js", "app/part/near.js", "app/theme.js",
                             "confab.js", "style.css", "vendor/preact.js"]  # fmt: skip
    assert files["app/part/later.js"].content == b"export default 1"
    assert b"why" not in files["app/main.js"].content


def test_the_styles_are_joined_in_the_order_of_their_list(sqlite_app: Flask, small_page: Path) -> None:
    with sqlite_app.app_context():
        style = bundle().files["style.css"]
    assert (style.mimetype, style.content) == ("text/css", b"b{top:2px}i{top:3px}a{top:1px}")


def test_the_first_modules_are_those_that_the_main_one_imports(sqlite_app: Flask, small_page: Path) -> None:
    with sqlite_app.app_context():
        assert bundle().first_modules == ["app/main.js", "vendor/preact.js", "confab.js"]


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("import a from'./a.js';import*as b from\"./b.js\";", ["app/a.js", "app/b.js"]),
        ("import c,{d}from'../c.js';import'./e.js';", ["c.js", "app/e.js"]),
        ("export*from'./f.js';\nexport{g as h}from'./f/g.js';", ["app/f.js", "app/f/g.js"]),
        ("const later=()=>import('./later.js');export const from='./no.js';", []),
    ],
)
def test_imports_are_found(script: str, found: list[str]) -> None:
    assert imports("app/main.js", script) == found


@pytest.mark.parametrize(("app_env", "is_served"), [("development", True), ("testing", False), ("production", False)])
def test_an_edited_file_is_served_at_once_in_development(
    make_app: Callable[..., Flask], small_page: Path, app_env: str, is_served: bool
) -> None:
    secrets = {name: token_hex(32) for name in ("SECRET_KEY", "JWT_SECRET_KEY")}
    app = make_app({"APP_ENV": app_env, **secrets})
    client = Client(app)
    with app.app_context():
        before = bundle().digest
    edited = small_page / "app/part/later.js"
    edited.write_text("export default 2;\n")
    os.utime(edited, ns=(1, 1))
    response = client.get(f"/app/{before}/app/part/later.js")
    assert (response.data == b"export default 2") is is_served
    assert response.headers["Cache-Control"] == ("no-cache" if is_served else FOR_EVER)


def test_every_module_is_used(current: Bundle) -> None:
    """From the main module on, through imports at the start and those when needed, whose modules exist."""
    found: set[str] = set()
    waiting = [MAIN]
    while waiting:
        name = waiting.pop()
        if name.startswith("app/") and name not in found:
            found.add(name)
            source = (STATIC / name).read_text()
            waiting += [*static_imports(name, source), *dynamic_imports(name, source)]
    assert found == {name for name in current.files if name.startswith("app/") and name.endswith(".js")}


def test_every_style_sheet_is_listed() -> None:
    index = (STATIC / STYLES).read_text()
    listed = {(STATIC / STYLES).parent / path for path in re.findall(r"""@import ["']([^"']+)["'];""", index)}
    assert {path.resolve() for path in listed} | {STATIC / STYLES} == set((STATIC / "app").rglob("*.css"))


def test_no_file_of_the_page_names_another_host(current: Bundle) -> None:
    for name, asset in current.files.items():
        if (name.startswith("app/") and name.endswith((".js", ".json"))) or name == "style.css":
            found = set(re.findall(r"https?://[\w.-]+", asset.content.decode()))
            assert found <= {"http://www.w3.org"}, name
