"""After an erasure no personal data is left in any table, in the storage, or in the file of a SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, select, text

from backend import traces
from backend.auth.otp import store_code
from backend.models import AuditEvent, Report
from backend.models.base import Base, db
from tests.attachments.conftest import uploaded
from tests.client import Client
from tests.conftest import wipe
from tests.factories import Factory
from tests.processes import wait_until
from tests.stored import empty_storage, files
from tests.users.conftest import MOBILE, PASSWORD, sign_up
from tests.users.test_erasure import MARKS, dump, erase, picture

FROM = {"REMOTE_ADDR": "203.0.113.78"}
TEXTS = ("Velocipede", "Hippocras", "Sackbut", "203.0.113.78", "Netscape-9")


@pytest.fixture
def zeph_on_sqlite(sqlite_app: Flask) -> Iterator[Client]:
    yield sign_up(sqlite_app)
    with sqlite_app.app_context():
        wipe()


def database(app: Flask) -> Path | None:
    found: Path | None = app.config["CONFAB"].database_file
    return found


def bytes_of(app: Flask) -> bytes:
    """The storage, and the file of a SQLite database with its WAL."""
    path = database(app)
    found = [*files(app), *(Path(f"{path}{end}") for end in ("", "-wal"))] if path else files(app)
    return b"".join(each.read_bytes() for each in found if each.exists())


def marks_in(app: Flask) -> list[str]:
    """The personal data of the erased user that is found anywhere."""
    everything = dump(app).encode() + bytes_of(app)
    return [mark for mark in (*MARKS, *TEXTS) if mark.lower().encode() in everything.lower()]


def fail_to_sign_in(app: Flask) -> None:
    """Fail to sign in by every method, as the owner might with a typing error."""
    stranger = Client(app)
    for name in ({"email": "zq@example.com"}, {"username": "zephyrine"}):
        assert stranger.post("/api/auth/login", {**name, "password": "slip"}, environ_base=FROM).status_code == 401
    form = {"username": "zephyrine", "password": "slip"}
    assert stranger.post("/token", data=form, environ_base=FROM).status_code == 400
    wrong = {"mobile": MOBILE, "code": "000000"}
    assert stranger.post("/api/auth/verify-otp", wrong, environ_base=FROM).status_code == 401


def leave_marks(app: Flask, make: Factory, zeph: Client) -> int:
    """Fail to sign in, report a message and be reported. Returns the id of the report about zeph."""
    ann, root = make.client(), make.client(make.user(is_superuser=True))
    fail_to_sign_in(app)
    other = zeph.post("/api/auth/verify-otp", {"mobile": "+46701740606", "code": "000000"}, environ_base=FROM)
    assert other.status_code == 401
    said = zeph.post("/api/chat/send", {"content": "hello"}).json
    rude = ann.post("/api/chat/send", {"content": "hm"}).json
    zeph.post(f"/api/chat/messages/{rude['id']}/report", {"reason": "He stole my Velocipede"})
    about = ann.post(f"/api/chat/messages/{said['id']}/report", {"reason": "That drinker of Hippocras"}).json
    body = {"status": "resolved", "note": "Player of the Sackbut"}
    assert root.patch(f"/api/reports/{about['id']}", body).status_code == 200
    zeph.put("/api/users/me/avatar", data={"file": (picture(), "x.png")}, content_type="multipart/form-data")
    report_id: int = about["id"]
    return report_id


def test_nothing_is_left_anywhere(app: Flask, make: Factory, zeph: Client) -> None:
    empty_storage(app)
    about = leave_marks(app, make, zeph)
    assert len(marks_in(app)) == len(MARKS + TEXTS)
    assert erase(zeph).status_code == 204
    wait_until(lambda: marks_in(app) == [], "the last trace to go", 5)
    with app.app_context():
        left = db.session.execute(select(Report.reason, Report.note, Report.status).where(Report.id == about)).one()
        assert tuple(left) == ("", None, "resolved")
        assert db.session.scalars(select(AuditEvent.action).where(AuditEvent.action == "login.failed")).first()


def test_nothing_of_messages_is_left_but_what_others_read(app: Flask, make: Factory, zeph: Client) -> None:
    """The last versions of messages stay. Former versions, and the content that a soft deletion kept, are shown to nobody."""
    empty_storage(app)
    ann = make.client()
    zid = zeph.user.id  # type: ignore[attr-defined]
    to_ann = {"recipient_id": ann.user.id}  # type: ignore[attr-defined]
    edited = zeph.post("/api/chat/send", {"content": "my Velocipede", **to_ann}).json
    assert zeph.patch(f"/api/chat/messages/{edited['id']}", {"content": "my bicycle"}).status_code == 200
    deleted = zeph.post("/api/chat/send", {"content": "more Hippocras", **to_ann}).json
    assert zeph.delete(f"/api/chat/messages/{deleted['id']}").status_code == 204
    file = uploaded(zeph, picture().read(), "Sackbut.png")
    assert zeph.post("/api/chat/send", {"content": "look", "attachment_ids": [file["id"]], **to_ann}).status_code == 201
    answer = ann.post("/api/chat/send", {"content": "@zephyrine", "recipient_id": zid}).json
    assert zeph.put(f"/api/chat/messages/{answer['id']}/reactions/%F0%9F%91%8D").status_code == 200
    assert zeph.put(f"/api/chat/messages/{answer['id']}/pin").status_code == 200
    assert {"Velocipede", "Hippocras", "Sackbut"} <= set(marks_in(app))

    assert erase(zeph).status_code == 204

    texts = ("velocipede", "hippocras", "sackbut")
    wait_until(lambda: not any(mark.lower() in texts for mark in marks_in(app)), "the last trace to go", 5)
    assert files(app) == []
    history = {message["id"]: message for message in ann.get("/api/chat/messages").json}
    assert (history[edited["id"]]["content"], history[deleted["id"]]["content"]) == ("my bicycle", "")
    assert ann.get(f"/api/chat/messages/{edited['id']}/history").json == []
    shown = history[answer["id"]]
    assert (shown["reactions"], shown["mentions"], shown["is_pinned"]) == ([], [], True)
    assert [message["content"] for message in ann.get("/api/chat/search?q=bicycle").json] == ["my bicycle"]
    for word in texts:
        assert ann.get(f"/api/chat/search?q={word}").json == []
    with app.app_context():
        for table in Base.metadata.sorted_tables:
            for key in table.foreign_keys:
                if key.column.table.name == "users" and table.name not in ("room_memberships", "audit_events"):
                    owned = select(table).where(table.c[key.parent.name] == zid)
                    assert db.session.execute(owned).all() == [], table.name


def test_records_that_arrive_during_the_erasure_are_removed_too(
    app: Flask, make: Factory, zeph: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the account is closed, a sign-in that found it may still be recorded, and a message reported."""
    from backend.accounts import erasure

    ann = make.client()
    said = zeph.post("/api/chat/send", {"content": "hello"}).json
    real = erasure.finish

    def late(user_id: int, *args: Any) -> bool:
        ann.post(f"/api/chat/messages/{said['id']}/report", {"reason": "That drinker of Hippocras"})
        db.session.execute(
            db.insert(AuditEvent).values(action="login.failed", target=f"user:{user_id}", ip_address="203.0.113.78")
        )
        db.session.commit()
        return real(user_id, *args)

    monkeypatch.setattr(erasure, "finish", late)
    assert erase(zeph).status_code == 204
    wait_until(lambda: marks_in(app) == [], "the last trace to go", 5)


def test_split_database_pages_keep_no_copy(sqlite_app: Flask) -> None:
    """`secure_delete` alone leaves copies in database pages whose rows were moved to a new page."""
    with sqlite_app.app_context():
        db.session.execute(text("CREATE TABLE crowd (id INTEGER PRIMARY KEY, email TEXT)"))
        db.session.execute(text("CREATE INDEX ix_crowd ON crowd (email)"))
        rows = [{"e": f"{(n * 7919) % 5000:04}-{'zephyrine' if n % 10 == 0 else 'other'}" * 9} for n in range(5000)]
        db.session.execute(text("INSERT INTO crowd (email) VALUES (:e)"), rows)
        db.session.commit()
        try:
            db.session.execute(text("DELETE FROM crowd WHERE email LIKE '%zephyrine%'"))
            db.session.commit()
            traces.wipe_traces_soon(db.engine)
            wait_until(lambda: b"zephyrine" not in bytes_of(sqlite_app), "the last trace to go", 5)
        finally:
            db.session.execute(text("DROP TABLE crowd"))
            db.session.commit()


def test_wiping_waits_for_readers_of_an_earlier_state(sqlite_app: Flask, zeph_on_sqlite: Client) -> None:
    path = database(sqlite_app)
    assert path is not None
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM users").fetchone()[0] > 0
        assert erase(zeph_on_sqlite).status_code == 204
        assert b"zq@example.com" in bytes_of(sqlite_app)
        reader.execute("COMMIT")
        wait_until(lambda: b"zq@example.com" not in bytes_of(sqlite_app), "the last trace to go", 5)
    assert Path(f"{path}-wal").stat().st_size == 0


def test_a_large_database_is_rewritten_by_command(
    sqlite_app: Flask, zeph_on_sqlite: Client, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(("VACUUM", "PRAGMA wal_checkpoint")):
            statements.append(statement)

    with sqlite_app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    request.addfinalizer(lambda: event.remove(engine, "before_cursor_execute", note))
    monkeypatch.setattr(traces, "MAX_REWRITE_BYTES", 0)
    assert erase(zeph_on_sqlite).status_code == 204
    assert statements == ["PRAGMA wal_checkpoint(TRUNCATE)"]
    assert sqlite_app.test_cli_runner().invoke(args=["users", "purge"]).exit_code == 0
    assert statements[1:] == ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"]


def test_the_command_reports_that_the_database_is_in_use(
    sqlite_app: Flask, zeph_on_sqlite: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.accounts.commands_admin.COMMAND_PATIENCE", 0.2)
    path = database(sqlite_app)
    assert path is not None
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM users").fetchone()
        refused = sqlite_app.test_cli_runner().invoke(args=["users", "purge"])
    assert (refused.exit_code, "in use" in refused.output) == (1, True)
    with sqlite_app.app_context():
        assert db.session.execute(text("PRAGMA busy_timeout")).scalar() == 4000


def test_a_wrong_code_is_recorded_for_the_owner_of_the_number(app: Flask, zeph: Client) -> None:
    with app.app_context():
        store_code(MOBILE, "123456")
        db.session.commit()
    Client(app).post("/api/auth/verify-otp", {"mobile": MOBILE, "code": "000000"}, environ_base=FROM)
    Client(app).post("/api/auth/verify-otp", {"mobile": "+46701740607", "code": "000000"}, environ_base=FROM)
    with app.app_context():
        targets = db.session.scalars(select(AuditEvent.target).where(AuditEvent.action == "login.failed")).all()
    assert targets == [f"user:{zeph.user.id}", None]  # type: ignore[attr-defined]
    assert PASSWORD not in dump(app)
