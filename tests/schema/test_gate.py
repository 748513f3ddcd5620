"""Which release may serve on which database."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import text

from backend.models.base import db
from backend.schema.drift import find_drift
from backend.schema.gate import check_schema, describe_fault, find_fault
from backend.schema.revisions import head_revision, head_revisions, script
from tests.processes import free_port
from tests.schema.conftest import Database
from tests.servers import ROOT, Server, environment


def test_a_database_at_head_is_served(app: Flask) -> None:
    assert find_fault(app) is None
    check_schema(app)


EARLIER = str(script().get_revision(head_revision()).down_revision)


@pytest.mark.parametrize("current", [None, "ffffffffffff", EARLIER])
def test_each_fault_is_one_line_with_its_remedy(current: str | None) -> None:
    fault = describe_fault(current)
    assert fault is not None
    assert "\n" not in fault
    assert head_revision() in fault
    assert "flask db upgrade" in fault
    assert ("upgrade the code" in fault) == (current == "ffffffffffff")


def test_two_revisions_at_once(migrated: Database) -> None:
    migrated.run("INSERT INTO alembic_version VALUES ('0000')")
    fault = find_fault(migrated.app)
    assert fault is not None
    assert "2 revisions at once: 0000, 0" in fault
    assert "flask db stamp --purge" in fault


def test_a_newer_database_is_served_if_it_permits_it(migrated: Database) -> None:
    migrated.run("UPDATE alembic_version SET version_num = 'next'")
    assert "upgrade the code" in str(find_fault(migrated.app))
    migrated.run(f"INSERT INTO schema_compat VALUES ('next', '{head_revision()}')")
    assert find_fault(migrated.app) is None
    migrated.run("DELETE FROM schema_compat", "INSERT INTO schema_compat VALUES ('next', 'next')")
    assert "upgrade the code" in str(find_fault(migrated.app))


def test_a_database_without_a_revision_is_refused(migrated: Database) -> None:
    migrated.flask("db", "downgrade", "base")
    assert "has no revision" in str(find_fault(migrated.app))


def test_a_database_at_an_earlier_revision_is_refused(migrated: Database) -> None:
    """Also if it permits this code: a permission is for code that is older than the database."""
    head = script().get_revision(head_revision())
    earlier = str(head.down_revision)
    migrated.flask("db", "downgrade", earlier)
    migrated.run("DELETE FROM schema_compat", f"INSERT INTO schema_compat VALUES ('{earlier}', '{head.revision}')")
    fault = f"The database is at revision {earlier}, and this code needs {head.revision}. Run: flask db upgrade"
    assert find_fault(migrated.app) == fault
    migrated.flask("db", "upgrade")
    assert find_fault(migrated.app) is None


def test_a_stamp_alone_is_not_enough(database: Database) -> None:
    database.flask("db", "stamp", "head")
    fault = find_fault(database.app)
    assert fault is not None
    assert fault.endswith(" is missing. Run: flask doctor --repair-plan")


def test_a_missing_column(migrated: Database) -> None:
    migrated.run("ALTER TABLE users DROP COLUMN bio")
    fault = f"The database is at {head_revision()}, but column users.bio is missing. Run: flask doctor --repair-plan"
    assert find_fault(migrated.app) == fault


def test_two_heads_of_the_code(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backend.schema.gate.head_revisions", lambda: ("a", "b"))
    assert str(find_fault(app)).startswith("The code has 2 heads of migrations: a, b. Run: flask db merge heads")


def test_the_code_has_one_head() -> None:
    assert len(head_revisions()) == 1


def test_a_relationship_to_an_unknown_class(tmp_path: Path) -> None:
    """In a process of its own, because the broken class would stay registered."""
    code = (
        "from sqlalchemy.orm import Mapped, mapped_column, relationship\n"
        "from backend.models.base import Base\n"
        "class Broken(Base):\n"
        "    __tablename__ = 'broken'\n"
        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
        "    gone = relationship('Session')\n"
        "import wsgi\n"
    )
    env = environment({"APP_ENV": "testing", "INSTANCE_DIR": str(tmp_path)})
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("confab: A relationship of the models leads nowhere:")
    assert "'Session'" in line


def test_a_second_instance_is_found(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    stray = ModuleType("backend.stray")
    stray.database = SQLAlchemy()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "backend.stray", stray)
    assert str(find_fault(app)).startswith("backend.stray.database is a second SQLAlchemy().")


def test_the_source_makes_one_instance() -> None:
    makes = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "backend").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "SQLAlchemy"
    ]
    assert [place.partition(":")[0] for place in makes] == ["backend/extensions.py"]


def test_an_empty_database_stops_the_worker(make_app: Callable[..., Flask]) -> None:
    with pytest.raises(SystemExit) as refused:
        check_schema(make_app())
    assert str(refused.value).startswith("confab: The database has no revision")


def test_an_unreachable_database_does_not_stop_the_worker(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    check_schema(make_app({"DATABASE_URL": f"postgresql://confab@127.0.0.1:{free_port()}/confab"}))
    assert "its schema was not checked" in caplog.text


def test_gunicorn_ends_with_the_message_and_the_command_repairs_it() -> None:
    with Server(wait=False) as server:
        assert server.wait() != 0
        [line] = [line for line in server.output().splitlines() if line.startswith("confab:")]
        assert line.endswith("Run: flask db upgrade")
        assert "Traceback" not in server.output()
        command = [sys.executable, "-m", "flask", "db", "upgrade"]
        mended = subprocess.run(command, cwd=ROOT, env=server.env, capture_output=True, text=True, check=False)
        assert mended.returncode == 0, mended.stderr
        server.start()


def test_the_flask_command_is_not_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "routes"]
    away = f"postgresql://confab@127.0.0.1:{free_port()}/confab"
    env = environment({"DATABASE_URL": away, "INSTANCE_DIR": str(tmp_path)})
    listed = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert listed.returncode == 0, listed.stderr


MENDS = [
    (
        "ALTER TABLE room_memberships ADD COLUMN surplus TEXT",
        "ALTER TABLE room_memberships DROP COLUMN surplus",
        "column room_memberships.surplus is unknown",
    ),
    ("CREATE TABLE of_another_program (x INTEGER)", "DROP TABLE of_another_program", None),
]


@contextmanager
def harmed(app: Flask, harm: str, mend: str) -> Iterator[list[str]]:
    """Return what the check finds while a statement has changed the schema."""
    _execute(app, harm)
    try:
        with app.app_context(), db.engine.connect() as connection:
            yield find_drift(connection)
    finally:
        _execute(app, mend)


def _execute(app: Flask, statement: str) -> None:
    """Run it on a new connection: SQLite checks ALTER TABLE against an old connection's cached schema."""
    with app.app_context():
        db.engine.dispose()
        db.session.execute(text(statement))
        db.session.commit()


@pytest.mark.parametrize(("harm", "mend", "sentence"), MENDS, ids=[m[0] for m in MENDS])
def test_drift_is_reported(app: Flask, harm: str, mend: str, sentence: str | None) -> None:
    with harmed(app, harm, mend) as found:
        pass
    assert sentence in found if sentence else found == []
