"""The types of the client library: they are those of its sources and of the server's documents, and TypeScript can use them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from flask import Flask

from backend.http.openapi import document
from backend.web.client_library import SOURCES
from tests.clients import declarations
from tests.openapi.node import PACKAGES, installed, run
from tests.servers import ROOT

PROGRAMS = Path(__file__).parent / "typescript"
PROGRAMS_OF_APPLICATIONS = ("usage.ts", "mistakes.ts")
OPTIONS = ("--strict", "--noEmit", "--target", "es2024", "--lib", "es2024,dom", "--module", "esnext")


def compiled(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Check files in *folder* with the TypeScript compiler."""
    tsc = installed("typescript") / "bin" / "tsc"
    return run("node", tsc, *OPTIONS, "--moduleResolution", "bundler", *arguments, folder=folder)


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """A folder with the types of the library, as an application has it."""
    shutil.copy(declarations.COMMITTED, tmp_path)
    return tmp_path


def test_the_types_are_those_of_the_sources() -> None:
    declarations.check()


def test_an_error_of_types_in_the_sources_is_told(tmp_path: Path) -> None:
    shutil.copytree(SOURCES, tmp_path / "confab")
    source = tmp_path / "confab" / "timeline.js"
    source.write_text(f"{source.read_text()}\n/** @type {{number}} */\nexport const wrong = 'text';\n")
    with pytest.raises(ValueError, match=r"timeline\.js.*Type 'string' is not assignable to type 'number'"):
        declarations.declarations(tmp_path / "confab")


def test_the_types_tell_of_nothing_internal() -> None:
    text = declarations.COMMITTED.read_text()
    names = (
        "Store",
        "Outbox",
        "Connection",
        "Timeline",
        "Session",
        "Tabs",
        "memberMap",
        "keptFrom",
        "pushMark",
        "@internal",
    )
    assert [name for name in names if name in text] == []


def test_the_types_and_programs_that_use_them_compile(application: Path) -> None:
    """Also without `skipLibCheck`, which applications need not set."""
    for program in PROGRAMS_OF_APPLICATIONS:
        shutil.copy(PROGRAMS / program, application)
    done = compiled(application, "confab.d.ts", *PROGRAMS_OF_APPLICATIONS)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_types_agree_with_the_documents_of_the_server(sqlite_app: Flask, tmp_path: Path) -> None:
    shutil.copytree(SOURCES, tmp_path / "confab", ignore=shutil.ignore_patterns("*.d.ts"))
    shutil.copy(PROGRAMS / "agreement.ts", tmp_path)
    generate(document(sqlite_app), tmp_path / "openapi.ts")
    generate(frames(), tmp_path / "realtime.ts")
    done = compiled(tmp_path, "--allowJs", "--checkJs", "agreement.ts")
    assert (done.returncode, done.stdout) == (0, "")


def frames() -> dict[str, object]:
    """The schema of the socket's frames as a document that the generator of types reads."""
    text = (ROOT / "docs" / "realtime.schema.json").read_text().replace("#/$defs/", "#/components/schemas/")
    schemas = json.loads(text)["$defs"]
    info = {"title": "Frames", "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": {}, "components": {"schemas": schemas}}


def generate(described: dict[str, object], path: Path) -> None:
    """Generate TypeScript types from an OpenAPI document."""
    installed("openapi-typescript")
    source = path.with_suffix(".json")
    source.write_text(json.dumps(described))
    done = run("node", PACKAGES / ".bin" / "openapi-typescript", source, "--output", path, folder=path.parent)
    assert done.returncode == 0, done.stdout + done.stderr
