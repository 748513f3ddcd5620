"""Difficult imports: odd values, many rows, a kill, two at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from backend.models.base import db
from backend.schema.drift import find_drift
from backend.schema.revisions import head_revision
from tests.processes import wait_until
from tests.schema import legacy
from tests.schema.conftest import Database
from tests.servers import ROOT, environment

MESSAGES = 6_000
"""Several batches of the adoption (1000 rows). More take longer in proportion, and show nothing else."""


def test_values_that_sqlite_accepts_anywhere(sqlite_database: Database) -> None:
    sqlite_database.run(
        "CREATE TABLE users (id, email, password_hash, is_active, created_at, bio)",
        "INSERT INTO users VALUES (1, 'ann@example.com', 5, 'true', 1714564800, CAST(x'6100ff62' AS TEXT)), "
        "(2.0, x'626f', NULL, 'no', '2024-05-01T14:00:00+02:00', NULL), (NULL, 'of nobody', '', 1, NULL, NULL), "
        "('x', 'neither', '', 1, NULL, NULL), ('1', 'again@example.com', '', 1, NULL, NULL)",
        "CREATE TABLE messages (id INTEGER PRIMARY KEY, content, timestamp, sender_id, room_id)",
        "INSERT INTO messages VALUES (1, x'ff00', 1714564800123, '1', NULL), (2, 7, 'yesterday', 1.0, NULL), "
        "(3, 'text', NULL, 'nobody', NULL)",
    )
    told = sqlite_database.flask("db", "upgrade")
    rows = sqlite_database.rows("SELECT id, email, hashed_password, is_active, bio FROM users ORDER BY id")
    assert rows == [(1, "ann@example.com", None, 1, "a\ufffd\ufffdb"), (2, "bo", None, 0, None)]
    assert sqlite_database.rows("SELECT id, content, created_at FROM messages ORDER BY id") == [
        (1, "\ufffd\ufffd", "2024-05-01 12:00:00.123000"),
        (2, "7", "2024-05-01 12:00:00.123000"),
    ]
    assert "users: 5 rows before, 2 after" in told
    assert "3 not adopted: id missing or used twice" in told


def test_values_that_postgresql_accepts(postgresql_database: Database) -> None:
    postgresql_database.run(
        "CREATE TYPE kind AS ENUM ('guest', 'staff')",
        "CREATE TABLE users (id numeric PRIMARY KEY, email text, role kind, created_at timestamptz, name bytea)",
        "INSERT INTO users VALUES (1, 'ann@example.com', 'staff', '2024-05-01 14:00:00+02', '\\x41'), "
        "(2, 'bo@example.com', 'guest', 'infinity', NULL), (2.5, 'half', 'guest', '4713-01-01 00:00:00 BC', NULL), "
        "('NaN', 'none', NULL, '-infinity', NULL)",
    )
    told = postgresql_database.flask("db", "upgrade")
    assert postgresql_database.rows("SELECT id, email, full_name FROM users ORDER BY id") == [
        (1, "ann@example.com", "A"),
        (2, "bo@example.com", None),
    ]
    created = postgresql_database.one("SELECT created_at FROM users WHERE id = 1")
    assert created == datetime(2024, 5, 1, 12, tzinfo=UTC)
    assert "users: 4 rows before, 2 after" in told


def test_colliding_names(database: Database) -> None:
    database.build(legacy.AI_MESSAGE)
    database.run("CREATE TABLE legacy_users (x INTEGER)", "CREATE INDEX legacy_ix_users_email ON legacy_users (x)")
    database.flask("db", "upgrade")
    assert database.one("SELECT count(*) FROM legacy_users_2") == 3
    with database.engine.connect() as connection:
        assert find_drift(connection) == []
        kept = {index["name"] for index in sa.inspect(connection).get_indexes("legacy_users_2")}
    assert kept >= {"legacy_ix_users_username", "legacy_ix_users_email_2"}


@pytest.mark.no_cover  # many times the duration of the smaller ones
def test_many_messages(database: Database) -> None:
    database.build(legacy.ROOMS + legacy.ROOMS_TABLES.split("INSERT INTO messages")[0])
    with database.engine.begin() as connection:
        statement = sa.text(
            "INSERT INTO messages (id, content, timestamp, sender_id, room_id) WITH RECURSIVE n(i) AS "
            f"(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MESSAGES}) SELECT i, 'message ' || i, "
            "'2024-03-01 00:00:00', 1 + i % 3, CASE WHEN i % 4 = 0 THEN NULL ELSE i % 4 END FROM n"
        )
        if connection.dialect.name == "postgresql":
            statement = sa.text(str(statement).replace("'2024-03-01 00:00:00'", "timestamp '2024-03-01 00:00:00'"))
        connection.execute(statement)
    told = database.flask("db", "upgrade")
    assert f"messages: {MESSAGES} rows before, {MESSAGES} after" in told
    heads = database.rows("SELECT id, last_seq FROM conversations WHERE last_seq > 0 ORDER BY id")
    assert heads == [(name, MESSAGES // 4) for name in ("lobby", "room:1", "room:2", "room:3")]
    assert database.one("SELECT count(*) FROM messages WHERE id > 3 AND seq <> (id + 3) / 4 AND id % 4 <> 0") == 0


class _Killed(BaseException):
    """Raised in place of a kill of the process."""


def _upgrade_until(database: Database, last: int) -> bool:
    """Upgrade, and fail at statement number *last*: the connection is lost, and nothing is rolled back properly."""
    with database.app.app_context():
        engine, count = db.engine, 0

    def kill(connection: sa.Connection, *_: object) -> None:
        nonlocal count
        count += 1
        if count == last:
            connection.connection.dbapi_connection.close()  # type: ignore[union-attr]
            raise _Killed

    event.listen(engine, "before_cursor_execute", kill)
    try:
        database.flask("db", "upgrade")
    except BaseException:  # may fail in any way after the kill
        if count < last:
            raise
        return True
    finally:
        event.remove(engine, "before_cursor_execute", kill)
        database.dispose()
    return False


@pytest.mark.no_cover  # many times the duration of an upgrade
@pytest.mark.parametrize("script", ["", legacy.AI_MESSAGE], ids=["new", "legacy"])
def test_an_upgrade_killed_at_any_statement_can_be_repeated(database: Database, script: str) -> None:
    database.build(script)
    before = database.tables()
    # Only an upgrade of PostgreSQL without an adoption commits before its end, so that its kills are not all undone alike.
    stride = 52 if script or database.engine.dialect.name == "sqlite" else 20
    statement = 1
    while _upgrade_until(database, statement):
        left = database.tables()
        assert left == before or left == before | {"alembic_version"} or "schema_compat" in left
        statement += stride if statement > 20 else 4
    assert statement > 50
    with database.engine.connect() as connection:
        assert find_drift(connection) == []
    if script:
        assert database.one("SELECT count(*) FROM messages") == 10
        assert database.one("SELECT count(*) FROM legacy_messages") == 12


def _flask(database: Database, *command: str, measured: bool = False) -> subprocess.Popen[str]:
    url = database.app.config["CONFAB"].database_url
    env = environment({"APP_ENV": "testing", "DATABASE_URL": url}, measured=measured)
    env["INSTANCE_DIR"] = str(database.app.config["CONFAB"].instance_dir)
    return subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", *command],
        cwd=ROOT,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_two_upgrades_at_once(database: Database) -> None:
    database.build(legacy.AI_MESSAGE)
    both = [_flask(database, "db", "upgrade", measured=True) for _ in range(2)]
    told = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert sorted("messages: 12 rows before, 10 after" in text for text in told) == [False, True]
    assert database.one("SELECT count(*) FROM messages") == 10


def test_an_upgrade_releases_its_lock_before_its_connection_ends(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL notices the end of a connection a little later. An upgrade that follows at once would wait for this one."""
    held: list[int] = []
    invalidate = sa.Connection.invalidate
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"

    def look(connection: sa.Connection) -> None:
        held.append(connection.scalar(sa.text(query)) or 0)
        invalidate(connection)

    monkeypatch.setattr(sa.Connection, "invalidate", look)
    postgresql_database.flask("db", "upgrade")
    assert held == [0]


def test_an_import_that_is_killed_as_a_process(database: Database) -> None:
    database.build(legacy.AI_MESSAGE)
    database.run(
        "INSERT INTO messages (sender_id, content) WITH RECURSIVE n(i) AS "
        "(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 15000) SELECT 1, 'many' FROM n"
    )
    before = database.tables()
    process = _flask(database, "db", "upgrade")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Applied"):  # the rows are being copied now
            break
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    wait_until(lambda: database.tables() == before, "PostgreSQL to notice the end of the process")
    assert "messages: 15012 rows before, 15010 after" in database.flask("db", "upgrade")


def test_an_embedded_database_is_backed_up_first(sqlite_database: Database) -> None:
    sqlite_database.flask("db", "upgrade")
    folder = Path(str(sqlite_database.engine.url.database)).parent
    assert not list(folder.glob("*.before-*"))  # a new database needs no backup
    sqlite_database.flask("db", "downgrade", "base")
    sqlite_database.run("DROP TABLE alembic_version", "DROP TABLE schema_compat")
    sqlite_database.build(legacy.MOBILE)
    for number in range(4):
        (folder / f"confab.db.before-{number}").touch()
        os.utime(folder / f"confab.db.before-{number}", (number, number))
    sqlite_database.flask("db", "upgrade")
    kept = sorted(path.name for path in folder.glob("*.before-*"))
    assert kept == [f"confab.db.before-{head_revision()}", "confab.db.before-2", "confab.db.before-3"]
    copy = sa.create_engine(f"sqlite:///{folder}/confab.db.before-{head_revision()}")
    with copy.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM users")) == 5
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == "b2e4d81095fe"
    copy.dispose()
