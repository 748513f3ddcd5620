"""The migrations up, down and up again, on both databases, with rows in every table that the API fills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, stamp, upgrade
from sqlalchemy import inspect, text

from backend.models.base import Base, db
from backend.schema.drift import find_drift
from backend.settings import MIGRATIONS
from tests.factories import Factory
from tests.services import Services


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_app(
    request: pytest.FixtureRequest, make_app: Callable[..., Flask], tmp_path: Path, services: Services, worker: str
) -> Iterator[Flask]:
    """An application with an empty database of its own."""
    if request.param == "sqlite":  # noqa: SIM108
        url = f"sqlite:///{tmp_path / 'confab.db'}"
    else:
        url = services.new_database(f"{worker}_migrations")
    app = make_app({"DATABASE_URL": url})
    yield app
    with app.app_context():
        db.engine.dispose()


def revisions() -> list[str]:
    """Every revision, the oldest first."""
    return [script.revision for script in ScriptDirectory(MIGRATIONS).walk_revisions()][::-1]


def fill(app: Flask) -> None:
    """Rows created through the API: accounts, sessions, a room, members, messages, replies, mentions, read marks."""
    make = Factory(app)
    ann, bob = make.client(make.user("ann")), make.client()
    room = make.room(ann, "room", bob)
    parent = ann.post("/api/chat/send", {"content": "hello @ann", "room_id": room["id"]}).get_json()
    bob.post("/api/chat/send", {"content": "hi", "room_id": room["id"], "parent_id": parent["id"]})
    bob.post("/api/chat/send", {"content": "direct", "recipient_id": ann.user.id, "client_message_id": "k"})  # type: ignore[attr-defined]
    assert ann.post(f"/api/chat/conversations/{room['conversation_id']}/read", {"seq": 2}).status_code == 200


def rows_of(app: Flask) -> dict[str, list[Any]]:
    with app.app_context(), db.engine.connect() as connection:
        tables = inspect(connection).get_table_names()
        return {
            name: sorted(map(str, connection.execute(text(f"SELECT * FROM {name}")).all()))
            for name in tables
            if name not in ("alembic_version", "schema_compat")
        }


def test_up_down_and_up_with_rows(empty_app: Flask) -> None:
    with empty_app.app_context():
        upgrade()
    fill(empty_app)
    with empty_app.app_context():
        for revision in [*revisions()[-2::-1], "base"]:
            downgrade(revision=revision)
        assert set(inspect(db.engine).get_table_names()) <= {"alembic_version", "schema_compat"}
        upgrade()
        with db.engine.connect() as connection:
            assert find_drift(connection) == []
    fill(empty_app)


def test_each_step_keeps_unrelated_rows(empty_app: Flask) -> None:
    with empty_app.app_context():
        upgrade()
    fill(empty_app)
    before = rows_of(empty_app)
    with empty_app.app_context():
        if len(revisions()) > 1:
            downgrade(revision=revisions()[0])
        upgrade()
    after = rows_of(empty_app)
    kept = {name: rows for name, rows in before.items() if rows}
    assert {name: len(after[name]) for name in kept} == {name: len(rows) for name, rows in kept.items()}


def test_bans_of_strangers_are_hidden(empty_app: Flask) -> None:
    """These are bans of users who were never in the room. A ban that ended a membership keeps its modseq: it is delivered as
    member.left.
    """
    with empty_app.app_context():
        upgrade()
    make = Factory(empty_app)
    owner, member, stranger = make.client(), make.client(), make.client()
    room = make.room(owner, "room", member)
    for client in (member, stranger):
        path = f"/api/rooms/{room['id']}/members/{client.user.id}"  # type: ignore[attr-defined]
        assert owner.patch(path, {"is_banned": True}).status_code == 200
    numbers = "SELECT user_id, modseq FROM room_memberships WHERE is_banned ORDER BY user_id"
    with empty_app.app_context():
        before = db.session.execute(text(numbers)).all()
        db.session.execute(text("UPDATE room_memberships SET modseq = 9 WHERE modseq = 0"))
        db.session.commit()
        downgrade(revision="0009")
        upgrade()
        assert db.session.execute(text(numbers)).all() == before
        assert [modseq for _, modseq in before] == [3, 0]


def test_models_and_migrations_agree(empty_app: Flask) -> None:
    """The same check as `flask db check`."""
    with empty_app.app_context():
        upgrade()
        with db.engine.connect() as connection:
            assert find_drift(connection) == []
        assert {*inspect(db.engine).get_table_names()} >= {table.name for table in Base.metadata.sorted_tables}


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory(MIGRATIONS).get_heads()) == 1


def test_a_stamp_is_not_enough(empty_app: Flask) -> None:
    with empty_app.app_context():
        stamp()
        with db.engine.connect() as connection:
            assert "table users is missing" in find_drift(connection)
