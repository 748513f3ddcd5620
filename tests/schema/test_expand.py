"""Upgrades without downtime: the rules for migrations, and an upgrade under load."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from backend.models.base import db
from backend.schema import revisions
from backend.schema.drift import find_drift
from backend.schema.gate import find_fault
from backend.settings import MIGRATIONS
from tests.factories import Factory
from tests.processes import wait_until
from tests.schema.conftest import Database
from tests.schema.rules import faults_of

VERSIONS = sorted(Path(MIGRATIONS, "versions").glob("*.py"))
HEAD = """
import sqlalchemy as sa
from alembic import op
from backend.schema.operations import add_index, update_in_batches
revision = "{revision}"
down_revision = "{before}"
{more}
def upgrade() -> None:
    {body}
def downgrade() -> None:
    pass
"""
SOUND = [
    'op.add_column("users", sa.Column("x", sa.Text(), nullable=True))',
    'op.add_column("users", sa.Column("x", sa.Text(), nullable=False, server_default=""))',
    'op.create_table("x", sa.Column("id", sa.Integer())); op.create_index("ix_x_id", "x", ["id"])',
    'op.create_table("x")\n    with op.batch_alter_table("x") as batch_op:\n        batch_op.create_index("i", ["id"])',
    'add_index("ix_users_bio", "users", ["bio"])',
    'update_in_batches("users", "bio = \'\'", "bio IS NULL")',
]
BROKEN = {
    'op.drop_column("users", "bio")': "takes away",
    'op.drop_table("pins")': "takes away",
    'op.rename_table("pins", "needles")': "takes away",
    'op.alter_column("users", "bio", new_column_name="about")': "under the previous release",
    'op.alter_column("users", "bio", nullable=False)': "under the previous release",
    'op.add_column("users", sa.Column("x", sa.Text(), nullable=False))': "does not fill it",
    'op.create_index("ix_users_bio", "users", ["bio"])': "use add_index",
    'with op.batch_alter_table("users") as batch_op:\n        batch_op.create_index("ix", ["bio"])': "use add_index",
    'op.create_unique_constraint("uq_x", "users", ["bio"])': "stops writers",
    "op.execute(\"UPDATE users SET bio = ''\")": "use update_in_batches",
    'op.execute(sa.text("delete from users"))': "use update_in_batches",
    'with op.batch_alter_table("users") as batch_op:\n        batch_op.drop_column("bio")': "takes away",
    'op.add_column("users", sa.Column("x", sa.Text(), nullable=True)); add_index("i", "users", ["x"])': "of their own",
}


def migration(
    body: str, more: str = 'compatible_with = ("0001",)', revision: str = "0002", before: str = "0001"
) -> str:
    return HEAD.format(body=body, more=more, revision=revision, before=before)


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: path.stem)
def test_every_migration_obeys_the_rules(path: Path) -> None:
    assert faults_of(path.read_text()) == []


@pytest.mark.parametrize("body", SOUND)
def test_migrations_that_the_rules_allow(body: str) -> None:
    assert faults_of(migration(body)) == []


@pytest.mark.parametrize("body", BROKEN)
def test_migrations_that_the_rules_forbid(body: str) -> None:
    assert any(BROKEN[body] in fault for fault in faults_of(migration(body)))


def test_a_contraction_states_its_reason() -> None:
    body = 'op.drop_column("users", "bio")'
    assert faults_of(migration(body, 'contracts = "nothing since 0.2 reads it"')) == []
    assert any("compatible_with" in fault for fault in faults_of(migration("pass", "")))


def test_models_are_not_imported() -> None:
    assert any(
        "backend.models" in fault for fault in faults_of("from backend.models import User\n" + migration("pass"))
    )


class Release:
    """The migrations of a future release: the present ones and some more."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        self.folder = folder / "migrations"
        shutil.copytree(MIGRATIONS, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        self.monkeypatch = monkeypatch
        self.last = revisions.head_revision()

    def add(self, revision: str, body: str) -> None:
        text = migration(body, f'compatible_with = ("{revisions.head_revision()}", "{self.last}")', revision, self.last)
        (self.folder / "versions" / f"{revision}_next.py").write_text(text)
        self.last = revision

    def upgrade(self, database: Database) -> str:
        """Run `flask db upgrade` of that release."""
        with self.running():
            return database.flask("db", "upgrade", "-d", str(self.folder))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let the code of the block have the migrations of that release."""
        with self.monkeypatch.context() as patch:
            patch.setattr(revisions, "MIGRATIONS", str(self.folder))
            self.forget()
            try:
                yield
            finally:
                patch.undo()
                self.forget()

    @staticmethod
    def forget() -> None:
        for cached in (revisions.script, revisions.head_revision, revisions.known_revisions, revisions.known_tables):
            cached.cache_clear()


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Release]:
    """A future release with the three kinds of migrations that expand."""
    found = Release(tmp_path, monkeypatch)
    found.add("next1", 'op.add_column("messages", sa.Column("mood", sa.Text(), nullable=True))')
    found.add("next2", 'update_in_batches("messages", "mood = \'calm\'", "mood IS NULL")')
    found.add("next3", 'add_index("ix_messages_mood", "messages", ["mood"])')
    yield found
    found.forget()


def test_the_previous_release_can_use_the_upgraded_database(migrated: Database, release: Release) -> None:
    assert "Applied next3" in release.upgrade(migrated)
    assert release.upgrade(migrated) == ""
    assert find_fault(migrated.app) is None
    user = Factory(migrated.app).user()
    assert Factory(migrated.app).client(user).post("/api/chat/send", {"content": "hello"}).status_code == 201
    migrated.run("DELETE FROM schema_compat WHERE served_by <> revision")
    assert "upgrade the code" in str(find_fault(migrated.app))


def test_a_table_that_only_an_earlier_revision_names_is_reported(
    migrated: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is left over from an upgrade that did not drop it. A table that no revision names belongs to another program."""
    release = Release(tmp_path, monkeypatch)
    release.add("next1", 'op.create_table("retired", sa.Column("id", sa.Integer(), primary_key=True))')
    release.upgrade(migrated)
    migrated.run("CREATE TABLE of_another_program (x INTEGER)")
    with release.running(), migrated.engine.connect() as connection:
        assert find_drift(connection) == ["table retired is unknown"]


def test_an_upgrade_killed_at_any_statement_completes_when_repeated(
    migrated_postgresql: Database, release: Release
) -> None:
    database = migrated_postgresql
    with database.app.app_context():
        engine = db.engine
    for last in range(1, 200):
        count = 0

        def kill(connection: sa.Connection, *_: object, last: int = last) -> None:
            nonlocal count
            count += 1
            if count == last:
                connection.connection.dbapi_connection.close()  # type: ignore[union-attr]
                raise KeyboardInterrupt

        event.listen(engine, "before_cursor_execute", kill)
        try:
            release.upgrade(database)
        except BaseException:  # may fail in any way after the kill
            if count < last:
                raise
        finally:
            event.remove(engine, "before_cursor_execute", kill)
            database.dispose()
        if count < last:
            break
    assert database.one("SELECT version_num FROM alembic_version") == "next3"
    assert database.one("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_messages_mood'::regclass") is True


def test_an_upgrade_waits_for_a_table_in_use(migrated_postgresql: Database, release: Release) -> None:
    database = migrated_postgresql
    told: list[str] = []
    with database.engine.connect() as holder:
        holder.exec_driver_sql("LOCK TABLE messages IN ACCESS SHARE MODE")
        thread = threading.Thread(target=lambda: told.append(release.upgrade(database)))
        thread.start()
        with database.engine.connect() as observer:
            # pg_locks shows all databases of the server, also those of tests that run at the same time.
            waiting = sa.text(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
            is_waiting = lambda: (observer.rollback(), observer.scalar(waiting))[1]  # noqa: E731
            wait_until(is_waiting, "the upgrade to wait for the table")
            wait_until(lambda: not is_waiting(), "it to give up the lock, so that statements queued behind it continue")
        holder.rollback()
    thread.join(30)
    assert "A table is in use. Trying again." in told[0]
    assert "Applied next3" in told[0]


def test_no_request_fails_during_an_upgrade(migrated_postgresql: Database, release: Release) -> None:
    """The running release answers every request while the next one's migrations run, and the next one already writes."""
    database = migrated_postgresql
    make = Factory(database.app)
    client = make.client()
    with database.engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO messages (conversation_id, seq, modseq, sender_id, content) "
                "SELECT 'lobby', i, i, :user, 'm' FROM generate_series(1, 20000) i"
            ),
            {"user": client.user.id},  # type: ignore[attr-defined]
        )
        connection.execute(sa.text("UPDATE conversations SET last_seq = 20000, last_modseq = 20000 WHERE id = 'lobby'"))
    statuses: list[int] = []
    stop = threading.Event()

    def talk() -> None:
        mine = make.client()
        while not stop.is_set():
            statuses.append(mine.post("/api/chat/send", {"content": "during the upgrade"}).status_code)
            statuses.append(mine.get("/api/chat/messages?limit=5").status_code)

    threads = [threading.Thread(target=talk) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        with release.monkeypatch.context():
            told = release.upgrade(database)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert "Applied next3" in told
    assert len(statuses) > 10
    assert set(statuses) <= {200, 201}
    assert database.one("SELECT count(*) FROM messages WHERE mood IS NULL AND id <= 20000") == 0
    assert find_fault(database.app) is None


def test_a_generated_migration_obeys_the_rules(migrated_sqlite: Database, release: Release) -> None:
    release.upgrade(migrated_sqlite)
    migrated_sqlite.flask("db", "revision", "-d", str(release.folder), "-m", "a draft", "--head", "next3")
    [draft] = release.folder.glob("versions/*a_draft.py")
    assert faults_of(draft.read_text()) == []
