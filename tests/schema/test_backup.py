"""Backup and restore, on both databases, and the move between them."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from backend.models.base import Base
from backend.schema import move as schema_move
from backend.schema.gate import find_fault
from backend.schema.move import fingerprint
from backend.search.version import CURRENT
from tests.factories import Factory
from tests.plugin_services import Services
from tests.schema.conftest import Database


def fill(database: Database) -> None:
    """Add some messages to a database at the newest revision."""
    make = Factory(database.app)
    ann, bo = make.client(make.user("ann", bio="Å\\\tñ\n\r\\N 🙂")), make.client()
    room = make.room(ann, "room", bo)
    for client in (ann, bo):
        assert client.post("/api/chat/send", {"content": "to all\\n"}).status_code == 201
        assert client.post("/api/chat/send", {"content": "in the room", "room_id": room["id"]}).status_code == 201
    assert ann.post("/api/chat/send", {"content": "@ann hello", "recipient_id": bo.user.id}).status_code == 201  # type: ignore[attr-defined]
    database.run(
        'INSERT INTO audit_events (actor_id, action, data) VALUES (1, \'test\', \'{"b": [1, "é"], "a": null}\')',
        "INSERT INTO audit_events (action) VALUES ('gone')",
        "DELETE FROM audit_events WHERE action = 'gone'",
    )


def hashes(engine: sa.Engine) -> dict[str, tuple[int, str]]:
    with engine.connect() as connection:
        return {
            table.name: fingerprint(connection, table)
            for table in Base.metadata.sorted_tables
            if not table.info.get("is_derived")
        }


def test_backup_and_restore(migrated: Database, tmp_path: Path) -> None:
    fill(migrated)
    before = hashes(migrated.engine)
    assert before["messages"][0] == 5
    file = tmp_path / "backup"
    assert "Wrote" in migrated.flask("db", "backup", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    migrated.run("DELETE FROM messages", "UPDATE users SET username = 'x' || id", "DROP TABLE pins")
    if migrated.engine.dialect.name == "postgresql":
        migrated.run("CREATE TABLE surplus (x int)")
    migrated.dispose()
    assert "Restored" in migrated.flask("db", "restore", str(file), "--yes")
    assert hashes(migrated.engine) == before
    assert find_fault(migrated.app) is None
    assert migrated.flask("doctor") == "Nothing is wrong.\n"
    assert "already exists" in migrated.flask("db", "backup", str(file), code=1)


def test_restore_requires_a_confirmation_and_checks_the_file(migrated: Database, tmp_path: Path) -> None:
    fill(migrated)
    before = hashes(migrated.engine)
    file = tmp_path / "no-backup"
    file.write_bytes(b"junk")
    migrated.flask("db", "restore", str(file), code=1, input="n\n")
    migrated.flask("db", "restore", str(file), "--yes", code=1)
    file.write_bytes(b"SQLite format 3\0junk")
    migrated.flask("db", "restore", str(file), "--yes", code=1)
    assert hashes(migrated.engine) == before


@pytest.fixture
def target(services: Services, worker: str) -> Iterator[tuple[str, sa.Engine]]:
    """An empty PostgreSQL database as the target of a move."""
    url = services.new_database(f"{worker}_target")
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg2://"))
    yield url, engine
    engine.dispose()


def test_a_move_to_postgresql(migrated_sqlite: Database, target: tuple[str, sa.Engine]) -> None:
    url, engine = target
    fill(migrated_sqlite)
    told = migrated_sqlite.flask("db", "move", "--to", url)
    assert "messages: 5 rows moved and verified" in told
    assert hashes(engine) == hashes(migrated_sqlite.engine)
    with engine.begin() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM message_search")) == 5, "the index is built anew"
        added = connection.scalar(sa.text("INSERT INTO audit_events (action) VALUES ('new') RETURNING id"))
    assert added == 3  # above the deleted one, too
    assert "not empty" in migrated_sqlite.flask("db", "move", "--to", url, code=1)


def test_a_move_records_which_tokenizer_built_the_index(
    migrated_sqlite: Database, target: tuple[str, sa.Engine], make_app: Callable[..., Flask]
) -> None:
    url, engine = target
    fill(migrated_sqlite)
    assert make_app({"DATABASE_URL": url}).test_cli_runner().invoke(args=["db", "upgrade"]).exit_code == 0
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE search_version SET tokenizer = 'earlier'"))
    migrated_sqlite.flask("db", "move", "--to", url)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT tokenizer FROM search_version")) == CURRENT


def test_a_move_into_a_database_with_other_tables_is_refused(
    migrated_sqlite: Database, target: tuple[str, sa.Engine]
) -> None:
    url, engine = target
    fill(migrated_sqlite)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE users (id integer)")
    assert "not empty" in migrated_sqlite.flask("db", "move", "--to", url, code=1)
    assert sa.inspect(engine).get_table_names() == ["users"]
    assert "must name a PostgreSQL" in migrated_sqlite.flask("db", "move", "--to", "sqlite:////tmp/x.db", code=1)


def test_a_move_that_loses_a_row_is_rolled_back(
    migrated_sqlite: Database, target: tuple[str, sa.Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, engine = target
    fill(migrated_sqlite)
    insert = schema_move.insert

    def lose(connection: sa.Connection, table: sa.Table, rows: Iterator[dict[str, object]]) -> None:
        if table.name == "messages":
            next(rows)
        insert(connection, table, rows)

    monkeypatch.setattr(schema_move, "insert", lose)
    assert "The copy of messages differs from the original" in migrated_sqlite.flask("db", "move", "--to", url, code=1)
    assert hashes(engine)["users"][0] == 0
