"""`flask db revision` and `flask db migrate`: drafts of migrations in the project's style."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.schema import revisions
from backend.settings import MIGRATIONS
from tests.schema.conftest import Database
from tests.schema.rules import faults_of
from tests.servers import ROOT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the migrations, which the code of the test uses."""
    copy = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(revisions, "MIGRATIONS", str(copy))
    cached = (revisions.script, revisions.head_revision, revisions.known_revisions, revisions.known_tables)
    for function in cached:
        function.cache_clear()
    yield copy
    for function in cached:
        function.cache_clear()


def _ruff(*command: str) -> None:
    ruff = Path(sys.executable).with_name("ruff")
    done = subprocess.run([ruff, *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _check(draft: Path) -> None:
    assert faults_of(draft.read_text()) == []
    _ruff("check", "--config", "pyproject.toml", str(draft))
    _ruff("format", "--check", "--config", "pyproject.toml", str(draft))


def _draft(folder: Path, number: int) -> Path:
    [path] = folder.glob(f"versions/{number:04}_*.py")
    return path


def test_a_draft_has_the_next_number_and_the_projects_style(sqlite_database: Database, folder: Path) -> None:
    last = int(revisions.head_revision())
    options = ("-d", str(folder), "-m", "Add a topic to rooms")
    sqlite_database.flask("db", "upgrade", "-d", str(folder))
    sqlite_database.flask("db", "revision", *options)
    revisions.script.cache_clear()
    draft = _draft(folder, last + 1)
    assert draft.name == f"{last + 1:04}_add_a_topic_to_rooms.py"
    text = draft.read_text()
    assert text.startswith(
        f'"""Add a topic to rooms\n\nRevision ID: {last + 1:04}\nRevises: {last:04}\n"""\n\nrevision = "{last + 1:04}"\n'
    )
    _check(draft)
    module = revisions.script().get_revision(f"{last + 1:04}").module
    before = revisions.script().get_revision(f"{last:04}").module
    assert module.down_revision == before.revision
    assert module.compatible_with == (before.revision, *before.compatible_with)
    for cached in (revisions.head_revision, revisions.known_revisions):
        cached.cache_clear()
    assert f"Applied {last + 1:04}: Add a topic to rooms" in sqlite_database.flask("db", "upgrade", "-d", str(folder))


@pytest.mark.parametrize("command", [("migrate",), ("revision", "--autogenerate")], ids=" ".join)
def test_a_generated_draft_is_formatted_and_can_be_applied(
    database: Database, folder: Path, command: tuple[str, ...]
) -> None:
    """The database lacks a table and a column of the models: the draft adds both."""
    last = int(revisions.head_revision())
    database.flask("db", "upgrade", "-d", str(folder))
    database.run("DROP TABLE pins", "ALTER TABLE chat_rooms DROP COLUMN description")
    database.flask("db", *command, "-d", str(folder), "-m", "Add what is missing")
    draft = _draft(folder, last + 1)
    assert "import sqlalchemy as sa\nfrom alembic import op\n\nrevision" in draft.read_text()
    _check(draft)
    for cached in (revisions.script, revisions.head_revision, revisions.known_revisions):
        cached.cache_clear()
    database.flask("db", "upgrade", "-d", str(folder))
    database.flask("db", "check", "-d", str(folder))


def test_a_draft_needs_a_message(sqlite_database: Database, folder: Path) -> None:
    told = sqlite_database.flask("db", "revision", "-d", str(folder), code=2)
    assert "Say what the migration does" in told
    assert len(list(folder.glob("versions/*.py"))) == len(list(Path(MIGRATIONS, "versions").glob("*.py")))


def test_a_merge_can_be_served_by_what_both_branches_allow(sqlite_database: Database, folder: Path) -> None:
    last = revisions.head_revision()
    for name in ("a", "b"):
        sqlite_database.flask(
            "db", "revision", "-d", str(folder), "-m", name, "--head", last, "--splice", "--rev-id", name
        )
    sqlite_database.flask("db", "merge", "-d", str(folder), "-m", "both", "--rev-id", "both", "a", "b")
    revisions.script.cache_clear()
    compatible = revisions.script().get_revision("both").module.compatible_with
    assert compatible[:2] == ("a", "b")
    assert last in compatible
