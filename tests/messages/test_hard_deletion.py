"""After a hard deletion, or that of its room, nothing of a message is left.

Not in any table, nor in a file of the storage or of a SQLite database.
"""

from __future__ import annotations

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

from backend import traces
from backend.models.base import db
from backend.rooms import commands, purge
from tests.attachments.conftest import picture, upload
from tests.client import Client
from tests.conftest import PASSWORD, wipe
from tests.factories import Factory
from tests.http_client import HttpClient
from tests.messages.changing import delete, edit, fill_a_block, react, send, user_id
from tests.messages.test_deletion import words_in
from tests.processes import wait_until
from tests.servers import Server
from tests.stopwatch import Stopwatch
from tests.stored import empty_storage, files
from tests.users.test_traces import bytes_of, database

WORDS = ("xylophone", "glockenspiel", "marimba", "vibraphone")
SECONDS = 5


@pytest.fixture(autouse=True)
def rewritten_at_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is rewritten after a deletion, although earlier tests of the same run may have made its file large."""
    monkeypatch.setattr(traces, "MAX_REWRITE_BYTES", 2**40)


@pytest.fixture
def make_on_sqlite(sqlite_app: Flask) -> Iterator[Factory]:
    yield Factory(sqlite_app)
    with sqlite_app.app_context():
        wipe()


def rows_with_traces(app: Flask) -> list[str]:
    """The tables in which any of `WORDS` is found."""
    return [f"{word} in {table}" for word in WORDS for table in words_in(app, word)]


def files_with_traces(app: Flask) -> list[str]:
    """The words of `WORDS` that a file of the storage or of a SQLite database has. Takes no lock of the database."""
    content = bytes_of(app).lower()
    return [f"{word} in a file" for word in WORDS if word.encode() in content]


def traces_in(app: Flask) -> list[str]:
    """Where any of `WORDS` is found."""
    return rows_with_traces(app) + files_with_traces(app)


def check_that_nothing_is_left(app: Flask) -> None:
    """Raise AssertionError if a row or a file in the storage is left, or after `SECONDS` a trace in a file."""
    assert not indexed(app)
    assert rows_with_traces(app) == []
    assert files(app) == []
    wait_until(lambda: files_with_traces(app) == [], "the last trace to go", SECONDS)


def indexed(app: Flask) -> bool:
    """Whether the index of search holds the first of `WORDS`."""
    statement = {
        "sqlite": "SELECT count(*) FROM search_blocks WHERE term = 'xylophone'",
        "postgresql": "SELECT count(*) FROM message_search WHERE terms @@ 'xylophone'::tsquery",
    }
    with app.app_context():
        return bool(db.session.execute(text(statement[db.engine.dialect.name])).scalar())


def send_with_traces(ann: Client, ben: Client, **place: Any) -> dict[str, Any]:
    """A message with a file, former versions, a mention, a reaction and a pin."""
    file = upload(ann, picture((300, 200)) + b"marimba", "Glockenspiel.png").get_json()
    assert file["thumbnail_url"]
    content = f"xylophone @{ben.user.username}"  # type: ignore[attr-defined]
    message = send(ann, content, attachment_ids=[file["id"]], **place)
    for number in range(12):  # versions of different lengths, which split pages of the database
        assert edit(ann, message, f"xylophone {number} " + "vibraphone " * number * 25).status_code == 200
    react(ben, message, "👍")
    assert ann.put(f"/api/chat/messages/{message['id']}/pin").status_code == 200
    return message


@pytest.mark.parametrize("is_soft_first", [False, True])
def test_nothing_is_left(app: Flask, make: Factory, is_soft_first: bool) -> None:
    empty_storage(app)
    ann, ben = make.client(), make.client()
    message = send_with_traces(ann, ben, recipient_id=user_id(ben))
    fill_a_block(app, user_id(ann), message)
    assert indexed(app)
    assert {trace.split()[0] for trace in traces_in(app)} == set(WORDS)
    assert len(files(app)) == 2
    if is_soft_first:
        assert delete(ann, message).status_code == 204
    assert delete(ann, message, hard=True).status_code == 204
    check_that_nothing_is_left(app)


def delete_room(ann: Client, path: str) -> None:
    assert ann.delete(path).status_code == 204


def leave_as_the_last(ann: Client, path: str) -> None:
    for member in ann.get(f"{path}/members").json:
        if member["user"]["id"] != user_id(ann):
            assert ann.delete(f"{path}/members/{member['user']['id']}").status_code == 204
    assert ann.post(f"{path}/leave").status_code == 204


@pytest.mark.parametrize("end", [delete_room, leave_as_the_last])
def test_nothing_is_left_of_a_deleted_room(app: Flask, make: Factory, end: Callable[[Client, str], None]) -> None:
    empty_storage(app)
    ann, ben = make.client(), make.client()
    room = make.room(ann, "marimba players", ben, description="vibraphone players too")
    message = send_with_traces(ann, ben, room_id=room["id"])
    reply = send(ben, "glockenspiel!", parent_id=message["id"], room_id=room["id"])
    assert delete(ben, reply).status_code == 204, "a soft deletion keeps the content"
    reason = {"reason": "too much xylophone"}
    assert ben.post(f"/api/chat/messages/{message['id']}/report", reason).status_code == 201
    fill_a_block(app, user_id(ann), message)
    assert indexed(app)
    assert {trace.split()[0] for trace in traces_in(app)} == set(WORDS)
    assert len(files(app)) == 2
    end(ann, f"/api/rooms/{room['id']}")
    check_that_nothing_is_left(app)


def test_the_command_leaves_nothing_of_a_deleted_room(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request ran out of time, and its background does not wipe what the command deletes later."""
    wait_until_idle(monkeypatch)
    monkeypatch.setattr(purge, "BATCH", 1)
    monkeypatch.setattr(purge, "SECONDS_IN_REQUEST", 0.0)
    empty_storage(app)
    ann, ben = make.client(), make.client()
    room = make.room(ann, "room", ben)
    message = send_with_traces(ann, ben, room_id=room["id"])
    send(ann, "newer", room_id=room["id"])
    fill_a_block(app, user_id(ann), message)
    delete_room(ann, f"/api/rooms/{room['id']}")
    wait_until_idle(monkeypatch)
    assert {trace.split()[0] for trace in traces_in(app)} == set(WORDS)
    result = app.test_cli_runner().invoke(args=["rooms", "purge"])
    assert (result.exit_code, result.output) == (0, "purged 1 deleted rooms\n")
    assert traces_in(app) == []
    assert files(app) == []


def test_the_command_tells_if_a_reader_keeps_it_from_wiping(
    sqlite_app: Flask, make_on_sqlite: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_until_idle(monkeypatch)
    monkeypatch.setattr(purge, "SECONDS_IN_REQUEST", 0.0)
    monkeypatch.setattr(purge, "BATCH", 1)
    monkeypatch.setattr(commands, "COMMAND_PATIENCE", 0.2)
    ann = make_on_sqlite.client()
    room = make_on_sqlite.room(ann)
    for content in ("xylophone", "newer"):
        send(ann, content, room_id=room["id"])
    delete_room(ann, f"/api/rooms/{room['id']}")
    wait_until_idle(monkeypatch)
    with closing(sqlite3.connect(str(database(sqlite_app)), isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM messages").fetchone()[0] == 1
        result = sqlite_app.test_cli_runner().invoke(args=["rooms", "purge"])
    assert result.exit_code == 1
    assert "Try again later with: flask users purge" in result.output


def statements_of(app: Flask, request: pytest.FixtureRequest, before: Callable[[], object] = bool) -> list[str]:
    """The statements that wipe traces, from now on. Calls *before* before each is executed."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(("VACUUM", "PRAGMA wal_checkpoint")):
            found.append(statement)
            before()

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    request.addfinalizer(lambda: event.remove(engine, "before_cursor_execute", note))
    return found


def wait_until_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait until no thread wipes what an earlier test deleted."""
    monkeypatch.setattr(traces, "INTERVAL", 0.5)
    wait_until(lambda: not traces._waiting, "the background to end", 10)


def test_other_requests_are_served_while_a_reader_delays_the_wiping(
    sqlite_app: Flask, make_on_sqlite: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_until_idle(monkeypatch)
    ann = make_on_sqlite.client()
    message = send(ann, "xylophone")
    path = database(sqlite_app)
    assert path is not None
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM messages").fetchone()[0] > 0
        watch = Stopwatch()
        assert delete(ann, message, hard=True).status_code == 204
        for number in range(20):
            send(ann, f"number {number}")
        assert watch.seconds < 2
        assert b"xylophone" in bytes_of(sqlite_app)
        reader.execute("COMMIT")
        wait_until(lambda: b"xylophone" not in bytes_of(sqlite_app), "the last trace to go", SECONDS)


def test_the_wal_of_a_large_database_is_truncated_and_the_file_not_rewritten(
    sqlite_app: Flask, make_on_sqlite: Factory, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    wait_until_idle(monkeypatch)
    monkeypatch.setattr(traces, "MAX_REWRITE_BYTES", 0)
    ann = make_on_sqlite.client()
    message = send(ann, "xylophone")
    statements = statements_of(sqlite_app, request)
    assert delete(ann, message, hard=True).status_code == 204
    wait_until(lambda: Path(f"{database(sqlite_app)}-wal").stat().st_size == 0, "the WAL to be truncated", SECONDS)
    assert set(statements) == {"PRAGMA wal_checkpoint(TRUNCATE)"}
    assert b"xylophone" not in bytes_of(sqlite_app)


def test_deletions_in_a_row_are_wiped_together(
    sqlite_app: Flask, make_on_sqlite: Factory, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The deletions come while the first of them is wiped. Its wiping is stopped until all are answered."""
    wait_until_idle(monkeypatch)
    ann = make_on_sqlite.client()
    messages = [send(ann, "xylophone") for _ in range(30)]
    are_answered = threading.Event()
    statements = statements_of(sqlite_app, request, before=lambda: are_answered.wait(60))
    for message in messages:
        assert delete(ann, message, hard=True).status_code == 204
    are_answered.set()
    wait_until(lambda: not traces._waiting, "the background to end", 60)
    assert b"xylophone" not in bytes_of(sqlite_app)
    assert statements.count("VACUUM") == 2


def test_a_soft_deletion_wipes_nothing(
    sqlite_app: Flask, make_on_sqlite: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_until_idle(monkeypatch)
    ann = make_on_sqlite.client()
    assert delete(ann, send(ann, "xylophone")).status_code == 204
    assert traces._waiting == {}


def test_a_refused_hard_deletion_wipes_nothing(
    sqlite_app: Flask, make_on_sqlite: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wiping rewrites the database, during which nobody else can write."""
    wait_until_idle(monkeypatch)
    ann, ben = make_on_sqlite.client(), make_on_sqlite.client()
    assert delete(ben, send(ann, "xylophone"), hard=True).status_code == 403
    assert traces._waiting == {}


def test_a_server_wipes_traces_while_it_serves(tmp_path: Path, new_migrated_database: Callable[[str], str]) -> None:
    """In a worker the statements run in a thread beside the loop of greenlets."""
    settings = {"APP_ENV": "development", "INSTANCE_DIR": str(tmp_path), "RATE_LIMITS": "off"}
    shutil.copy(new_migrated_database("sqlite").removeprefix("sqlite:///"), tmp_path / "confab.db")
    with Server(settings) as server:
        account = {"email": "ann@example.com", "password": PASSWORD}
        token = HttpClient(server.url).call("POST", "/api/auth/register", account)[1]["access_token"]
        ann = HttpClient(server.url, token)
        message = ann.try_send(content="xylophone")
        assert message is not None
        found = [path for path in tmp_path.glob("confab.db*") if b"xylophone" in path.read_bytes()]
        assert found
        assert ann.call("DELETE", f"/api/chat/messages/{message['id']}?hard=true")[0] == 204
        assert ann.try_send(content="hello") is not None
        wait_until(
            lambda: not any(b"xylophone" in path.read_bytes() for path in tmp_path.glob("confab.db*")),
            "the last trace to go",
            SECONDS,
        )
        assert ann.try_send(content="hello again") is not None
