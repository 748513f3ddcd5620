"""Batches on PostgreSQL, which send BEGIN and COMMIT themselves, leave no open transaction, however they end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import exc, select, text

from backend.conversations.references import ConversationRef
from backend.messages.append import append_messages
from backend.messages.batch_sql import NewRows, begin_batch
from backend.messages.drafts import Draft, Sent
from backend.models import Message
from backend.models.base import db
from tests.factories import Factory
from tests.queries import count_queries

LOBBY = ConversationRef("lobby", "lobby")


@pytest.fixture
def made(postgresql_app: Flask, wiped: None) -> Iterator[Factory]:
    with postgresql_app.app_context():
        yield Factory(postgresql_app)
        open_ones = text(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()"
        )
        assert db.session.execute(open_ones).scalar() == 0
        assert isinstance(append_messages([Draft(Factory(postgresql_app).user().id, LOBBY, "after")])[0], Sent)


def test_a_batch_with_only_refusals(made: Factory) -> None:
    room = ConversationRef("room:404", "room", room_id=404)
    assert not isinstance(append_messages([Draft(made.user().id, room, "x")])[0], Sent)


def test_the_first_direct_message(made: Factory) -> None:
    ann, ben = made.user(), made.user()
    place = ConversationRef(f"dm:{ann.id}:{ben.id}", "dm", peer_id=ben.id)
    assert isinstance(append_messages([Draft(ann.id, place, "x")])[0], Sent)


def test_a_send_to_a_room_takes_two_round_trips_with_and_without_a_key(made: Factory, postgresql_app: Flask) -> None:
    ann = made.user()
    room_id = made.room(made.client(ann))["id"]
    place, asked = ConversationRef(f"room:{room_id}", "room", room_id=room_id), []
    for key in (None, None, "a key", "another", "a key"):
        with count_queries(postgresql_app) as queries:
            [sent] = append_messages([Draft(ann.id, place, "x", client_message_id=key)])
        assert isinstance(sent, Sent)
        asked.append(len(queries))
    assert asked[1:] == [1, 1, 1, 1], "after the one that begins the batch: it writes, or reads the earlier message"


def test_a_row_that_the_database_refuses(made: Factory) -> None:
    row = {"conversation_id": "lobby", "seq": 1, "modseq": 1, "sender_id": made.user().id + 1000, "content": "x"}

    def attempt() -> None:
        with begin_batch(db.engine) as batch:
            state = batch.open({"lobby"}, set(), set(), 1)
            batch.write(NewRows([row | {"id": state.ids[0]}], [], []))

    with pytest.raises(exc.IntegrityError):
        attempt()
    assert db.session.execute(select(Message.id)).all() == []


def test_an_exception_between_the_round_trips(made: Factory) -> None:
    def attempt() -> None:
        with begin_batch(db.engine) as batch:
            batch.open({"lobby"}, set(), set(), 1)
            raise KeyError

    with pytest.raises(KeyError):
        attempt()


def test_a_connection_that_is_lost_between_the_round_trips(made: Factory) -> None:
    def attempt() -> None:
        with begin_batch(db.engine) as batch:
            batch.open({"lobby"}, set(), set(), 1)
            pid = batch.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
            db.session.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
            batch.write(NewRows([], [], []))

    with pytest.raises(exc.OperationalError):
        attempt()
