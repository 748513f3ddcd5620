"""What the sends of a batch get when its transaction fails, once or each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import exc

from backend.conversations.references import ConversationRef
from backend.counters import COUNTERS
from backend.messages import append
from backend.messages.append import append_messages
from backend.messages.batch_sql import begin_batch
from backend.messages.drafts import Draft, Sent
from tests.factories import Factory

LOBBY = ConversationRef("lobby", "lobby")
CONFLICT = exc.IntegrityError("INSERT", {}, Exception("another worker committed the same"))
AWAY = exc.OperationalError("BEGIN", {}, Exception("away"), connection_invalidated=True)

Fail = Callable[[Exception, int], list[bool]]


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """`fail(error, times)`: so many transactions fail. Returns a list that grows: whether each attempt had short timeouts."""

    def prepare(error: Exception, times: int) -> list[bool]:
        attempts: list[bool] = []

        def begin(engine: Any, has_timeouts: bool) -> Any:
            attempts.append(has_timeouts)
            if len(attempts) <= times:
                raise error
            return begin_batch(engine, has_timeouts)

        monkeypatch.setattr(append, "begin_batch", begin)
        return attempts

    return prepare


def drafts(make: Factory, count: int) -> list[Draft]:
    user_id = make.user().id
    return [Draft(user_id, LOBBY, f"{number}") for number in range(count)]


def test_a_send_is_tried_four_times(app: Flask, make: Factory, fail: Fail) -> None:
    with app.app_context():
        attempts = fail(CONFLICT, 3)
        [sent] = append_messages(drafts(make, 1))
        assert (type(sent), len(attempts)) == (Sent, 4)
        attempts = fail(CONFLICT, 100)
        assert append_messages(drafts(make, 1)) == [CONFLICT]
        assert len(attempts) == 4


def test_a_batch_that_fails_is_written_one_by_one_with_short_timeouts(app: Flask, make: Factory, fail: Fail) -> None:
    with app.app_context():
        attempts = fail(CONFLICT, 1)
        results = append_messages(drafts(make, 3))
        assert [type(result) for result in results] == [Sent] * 3
        assert attempts == [False, True, True, True]


def test_an_outage_at_the_start_fails_all_at_once(app: Flask, make: Factory, fail: Fail) -> None:
    with app.app_context():
        attempts = fail(AWAY, 100)
        for count in (1, 3):
            with pytest.raises(exc.OperationalError):
                append_messages(drafts(make, count))
        assert attempts == [False, False]


def test_new_messages_are_counted(app: Flask, make: Factory) -> None:
    user_id = make.user().id
    hidden = ConversationRef("room:404", "room", room_id=404)
    places = [(LOBBY, "k"), (LOBBY, "k"), (LOBBY, None), (hidden, None)]
    before = COUNTERS["messages"]
    with app.app_context():
        append_messages([Draft(user_id, place, "x", client_message_id=key) for place, key in places])
    assert COUNTERS["messages"] - before == 2
