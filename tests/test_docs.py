"""The documentation is correct and complete: the routes, variables, commands and links that it names exist."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from flask import Flask

from tests import packages
from tests.client import Client
from tests.servers import ROOT
from tests.test_routes import rules

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
VALID = [page for page in PAGES if "\nSuperseded by " not in page.read_text()]
"""All pages except superseded decisions, which name what existed at their time."""
INSTALLED = {"tests/openapi/node_modules"}
"""Named, and made by `make test`."""
ADDRESS = re.compile(
    r"(?<![\w.])/(?:api|token|docs|(?:openapi|asyncapi|realtime\.schema)\.json|reference_client\.py|metrics|ws)(?:/[\w{}.:-]*)*"
)
VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b")
READ = re.compile(r'env\.\w+\(\s*"([A-Z_]+)"')


def each(pages: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("document", pages, ids=lambda document: str(document.relative_to(ROOT)))


def variables() -> set[str]:
    """The variables that config.py reads."""
    return set(READ.findall((ROOT / "config.py").read_text()))


def documented_variables() -> set[str]:
    table = (ROOT / "docs/configuration.md").read_text()
    return {
        name
        for line in table.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`([A-Z_]+)`", line.split("|")[1])
    }


def test_config_example_and_docs_agree() -> None:
    example = set(re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert len(variables()) > 20
    assert example == variables()
    assert documented_variables() == variables()


@each(PAGES)
def test_every_address_is_a_route(sqlite_app: Flask, document: Path) -> None:
    patterns = [re.sub("<[^>]+>", "[^/]+", rule.partition(" ")[2]) for rule in rules(sqlite_app)]
    for address in ADDRESS.findall(document.read_text()):
        path = re.sub(r"{\w+}", "1", address).rstrip("/.:")
        known = any(re.fullmatch(pattern, path) for pattern in patterns)
        prefix = any(pattern.startswith(f"{path}/") for pattern in patterns)
        assert known or prefix, f"{document.name} names {address}"


@each(PAGES)
def test_every_variable_is_read(document: Path) -> None:
    assert set(VARIABLE.findall(document.read_text())) - variables() == set()


@each(PAGES)
def test_every_verb_is_in_the_makefile(document: Path) -> None:
    verbs = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"run", "test"} <= verbs
    code = " ".join(re.findall(r"```.*?```|`[^`]+`", document.read_text(), re.DOTALL))
    assert set(re.findall(r"\bmake ([a-z]+)", code)) - verbs == set()


@each(PAGES)
def test_every_flask_command_exists(sqlite_app: Flask, document: Path) -> None:
    for command in re.findall(
        r"flask ([a-z]+)(?: ([a-z][a-z-]+))?",
        " ".join(re.findall(r"```.*?```|`[^`]+`", document.read_text(), re.DOTALL)),
    ):
        group = sqlite_app.cli.get_command(None, command[0])  # type: ignore[arg-type]
        assert group is not None, command
        assert not command[1] or command[1] in getattr(group, "commands", {}), command


@each(PAGES)
def test_every_link_has_a_target(document: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)", document.read_text()):
        if not link.startswith(("http://", "https://")):
            assert (document.parent / link).resolve().exists(), link


@each(VALID)
def test_every_named_file_exists(document: Path) -> None:
    named = re.findall(
        r"`((?:backend|tests|deploy|migrations|docs)/[\w./]+|config\.py|wsgi\.py|gunicorn\.conf\.py|CHANGELOG\.md)`",
        document.read_text(),
    )
    assert [name for name in named if not (ROOT / name).exists() and name not in INSTALLED] == []


@pytest.mark.parametrize("walk", ["add a field to rooms", "add an event"])
def test_a_walk_for_contributors_names_files_and_tests_that_exist(walk: str) -> None:
    section = re.split(r"\n##+ ", (ROOT / "CONTRIBUTING.md").read_text().partition(f"### Walk: {walk}\n")[2])[0]
    steps = re.findall(r"^(\d+)\. (.+)$", section, re.MULTILINE)
    assert [int(number) for number, _ in steps] == list(range(1, len(steps) + 1))
    assert len(steps) >= 10
    for _, step in steps:
        assert re.findall(r"`(?:[a-z]+/[\w./]+|CHANGELOG\.md)`", step), step
    [tests] = re.findall(r'make test ARGS="([^"]+)"', section)
    assert [name for name in tests.split() if not (ROOT / name).exists()] == []


def test_the_readme_names_every_package_that_tests_install(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()
    monkeypatch.setattr(packages, "_found", lambda find, what, names: asked.update(names))
    finders = [name for name in vars(packages) if name.endswith(("_binary", "_folder", "_library")) and name[0] != "_"]
    for name in finders:
        getattr(packages, name)()
    [named] = re.findall(r"what is missing of `([^`]+)`", (ROOT / "README.md").read_text())
    assert set(named.split()) == asked


def test_every_page_is_linked_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text() + "".join(p.read_text() for p in PAGES if p.parent.name == "docs")
    for document in PAGES:
        if document.parent.name != "decisions" and document.name != "README.md":
            assert document.name in text, document


def test_pictures_are_small_and_shown() -> None:
    shown = "".join(page.read_text() for page in PAGES)
    for picture in (ROOT / "docs/images").iterdir():
        assert 10_000 < picture.stat().st_size < 300_000, picture
        assert f"images/{picture.name}" in shown, picture


def test_the_calls_of_the_readme_work(app: Flask, client: Client) -> None:
    """Makes the call of each `curl` line unchanged, with the token that the line before stored in a variable."""
    calls = re.findall(
        r"^(?:TOKEN=\$\()?(curl .*?)(?: \| python3 .*)?$", (ROOT / "README.md").read_text(), re.MULTILINE
    )
    assert len(calls) == 6
    token = None
    for line, expected in zip(calls, [201, 200, 200, 200, 201, 201], strict=True):
        words = shlex.split(line, comments=True)
        headers = dict(words[i + 1].split(": ", 1) for i, word in enumerate(words) if word == "-H")
        url = next(word for word in words if word.startswith("http://127.0.0.1:8000/"))
        body = words[words.index("-d") + 1] if "-d" in words else None
        if token and "Authorization" in headers:
            headers["Authorization"] = headers["Authorization"].replace("$TOKEN", token)
        method = words[words.index("-X") + 1] if "-X" in words else "GET"
        response = client.request(method, url.removeprefix("http://127.0.0.1:8000"), data=body, headers=headers)
        assert response.status_code == expected, (line, response.get_data())
        token = token or response.json["access_token"]
        if "messages" in url:
            assert response.json == []


def test_the_document_has_the_version_of_the_server(sqlite_app: Flask) -> None:
    version = json.loads(Client(sqlite_app).get("/openapi.json").data)["info"]["version"]
    assert version == sqlite_app.config["VERSION"]


NAMED_TEST = re.compile(r"\b((?:[a-z_]+/)?test_[a-z0-9_]+\.py)(?:::(test_[a-z0-9_]+))?")


def test_the_table_of_findings_names_existing_tests() -> None:
    table = (ROOT / "docs/security.md").read_text().partition("## What an audit found")[2]
    named = NAMED_TEST.findall(table)
    assert len(named) > 60
    for path, test in named:
        source = (ROOT / "tests" / path).read_text()
        assert f"def {test}(" in source or not test, f"{path}::{test}"
    numbers = [int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)]
    assert numbers == list(range(1, 39))
