"""What the server sends for the page: the HTML, its policy, the manifest of the application, the service worker."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from backend.web.bundle import Bundle, bundle, made
from tests.client import Client

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' blob: data:",
    "media-src": "'self' blob:",
    "font-src": "'self'",
    "connect-src": "'self' wss://chat.example:8443",
    "manifest-src": "'self'",
    "worker-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "confab-worker",
}
FACTS = re.compile(r"self\.CONFAB=(\{.*?\});\n")


@pytest.fixture
def current(sqlite_app: Flask, small_page: Path) -> Bundle:
    with sqlite_app.app_context():
        return bundle()


def worker_facts(client: Client) -> dict[str, Any]:
    found = FACTS.match(client.get("/sw.js").text)
    assert found is not None
    facts: dict[str, Any] = json.loads(found[1])
    return facts


@pytest.mark.usefixtures("small_page")
def test_the_policy_allows_what_the_page_needs(make_app: Callable[..., Flask]) -> None:
    response = Client(make_app({"PUBLIC_URL": "https://chat.example:8443/"})).get("/")
    policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
    assert policy == POLICY
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_the_page_names_its_first_modules(sqlite_app: Flask, current: Bundle) -> None:
    text = Client(sqlite_app).get("/").text
    assert re.findall(r'<link rel="modulepreload" href="([^"]+)"', text) == [
        current.address(name) for name in ("vendor/preact.js", "confab.js")
    ]
    assert re.findall(r'<script type="module" src="([^"]+)"', text) == [current.address("app/main.js")]
    assert re.findall(r'<link rel="stylesheet" href="([^"]+)"', text) == [current.address("style.css")]


def test_the_page_is_revalidated_and_compressed(sqlite_app: Flask, small_page: Path) -> None:
    client = Client(sqlite_app)
    response = client.get("/", headers={"Accept-Encoding": "gzip"})
    assert (response.headers["Cache-Control"], response.headers["Content-Encoding"]) == ("no-cache", "gzip")
    known = {"Accept-Encoding": "gzip", "If-None-Match": response.headers["ETag"]}
    assert client.get("/", headers=known).status_code == 304
    (small_page / "app/part/later.js").write_text("export default 2;\n")
    made.cache_clear()
    assert client.get("/", headers=known).status_code == 200


@pytest.mark.parametrize("docs", ["on", "off"])
@pytest.mark.usefixtures("small_page")
def test_the_page_without_script_names_the_documentation(make_app: Callable[..., Flask], docs: str) -> None:
    text = Client(make_app({"DOCS": docs})).get("/").text
    assert ('href="/docs"' in text) is (docs == "on")


def test_the_worker_keeps_the_page_and_all_files(sqlite_app: Flask, current: Bundle) -> None:
    client = Client(sqlite_app)
    response = client.get("/sw.js")
    assert (response.mimetype, response.headers["Cache-Control"]) == ("text/javascript", "no-cache")
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; connect-src 'self'"
    facts = worker_facts(client)
    assert (facts["page"], facts["prefix"], facts["isDevelopment"]) == ("/", current.prefix, False)
    assert facts["files"] == ["/static/logo.svg", *(current.address(name) for name in sorted(current.files))]
    for path in facts["files"]:
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("name", ["app/part/later.js", "app/styles/second.css", "vendor/preact.js"])
def test_the_worker_changes_with_each_file(sqlite_app: Flask, small_page: Path, name: str) -> None:
    client = Client(sqlite_app)
    before = worker_facts(client)
    path = small_page / name
    path.write_text(path.read_text().replace("1", "11").replace("2", "22"))
    made.cache_clear()
    after = worker_facts(client)
    assert before["version"] != after["version"]
    assert before["prefix"] != after["prefix"]


@pytest.mark.usefixtures("small_page")
def test_the_worker_changes_with_the_page_and_its_policy(make_app: Callable[..., Flask]) -> None:
    settings = ({}, {"DOCS": "off"}, {"PUBLIC_URL": "https://chat.example"})
    assert len({worker_facts(Client(make_app(environ)))["version"] for environ in settings}) == 3


def test_the_manifest_describes_an_application(sqlite_app: Flask) -> None:
    client = Client(sqlite_app)
    response = client.get("/manifest.webmanifest")
    assert (response.mimetype, response.headers["Cache-Control"]) == ("application/manifest+json", "no-cache")
    manifest = json.loads(response.data)
    assert (manifest["name"], manifest["start_url"], manifest["scope"], manifest["display"]) == (
        "Confab",
        "/",
        "/",
        "standalone",
    )
    assert [(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]] == [
        ("192x192", "any"),
        ("512x512", "any"),
        ("512x512", "maskable"),
    ]
    for icon in manifest["icons"]:
        picture = client.get(icon["src"])
        assert (picture.status_code, picture.mimetype) == (200, "image/png")
        assert "Content-Encoding" not in picture.headers
        width, height = struct.unpack(">II", picture.data[16:24])
        assert f"{width}x{height}" == icon["sizes"]


@pytest.mark.usefixtures("small_page")
@pytest.mark.parametrize(
    ("env", "registration", "sms", "docs"),
    [
        ({}, "open", "on", "on"),
        ({"REGISTRATION": "invite", "SMS_GATEWAY": "off", "DOCS": "off"}, "invite", "off", "off"),
        (
            {"REGISTRATION": "closed", "SMS_GATEWAY": "webhook", "SMS_WEBHOOK_URL": "https://a.example/"},
            "closed",
            "on",
            "on",
        ),
    ],
)
def test_the_page_knows_what_the_settings_allow(
    make_app: Callable[..., Flask], env: dict[str, str], registration: str, sms: str, docs: str
) -> None:
    text = Client(make_app(env)).get("/").text
    assert f'data-registration="{registration}" data-sms="{sms}" data-docs="{docs}"' in text


@pytest.mark.usefixtures("small_page")
@pytest.mark.parametrize(
    ("env", "directory", "rooms"),
    [({}, "everyone", "everyone"), ({"DIRECTORY": "off", "ROOM_CREATION": "superusers"}, "off", "superusers")],
)
def test_the_page_knows_who_finds_people_and_creates_rooms(
    make_app: Callable[..., Flask], env: dict[str, str], directory: str, rooms: str
) -> None:
    text = Client(make_app(env)).get("/").text
    assert f'data-directory="{directory}" data-rooms="{rooms}"' in text
