"""The helpers for races hold what they promise, and fail when a call does not wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from backend.database import read_all
from backend.models import Conversation, Message, User
from backend.models.base import db
from tests.client import Client
from tests.factories import Factory
from tests.races import at_once, hold_row, paused_before_commit


def writing(app: Flask, name: str) -> Callable[[], str]:
    """A call that writes the full name of every user, and returns the name that was there before."""

    def write() -> str:
        with app.app_context():
            before = db.session.scalars(select(User.full_name).with_for_update()).one()
            db.session.execute(update(User).values(full_name=name))
            db.session.commit()
            return str(before)

    return write


def name_of(app: Flask) -> Any:
    """The committed name of the only user. Reading waits for nobody."""
    with app.app_context():
        return read_all(db.engine, select(User.full_name))[0][0]


def wait_for_a_call(app: Flask, user: User, call: Callable[[], object], count: int = 1) -> None:
    with hold_row(app, User, id=user.id) as held:
        held.start(call)
        held.wait_until_blocked(count)


def fail_while_holding(app: Flask, user: User) -> None:
    with hold_row(app, User, id=user.id) as held:
        held.execute(update(User).values(full_name="held"))
        raise ZeroDivisionError


def wait_for_a_commit(app: Flask, call: Callable[[], object]) -> None:
    with paused_before_commit(app, writes=Message) as paused:
        paused.start(call)
        paused.wait_until_reached()


def test_calls_at_once_run_at_the_same_time() -> None:
    barrier = threading.Barrier(4)
    assert sorted(at_once([lambda: barrier.wait(10)] * 4)) == [0, 1, 2, 3]
    assert at_once([lambda n=n: n for n in range(9)]) == list(range(9))


def test_the_exception_of_a_call_at_once_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        at_once([lambda: 1, lambda: 1 // 0])


def test_a_held_row_is_written_after_its_release(app: Flask, make: Factory) -> None:
    user = make.user(full_name="first")
    with hold_row(app, User, id=user.id) as held:
        second = held.start(writing(app, "second"))
        held.wait_until_blocked()
        assert not second.done()
        held.execute(update(User).values(full_name="held"))
        assert name_of(app) == "first"
        held.release()
        assert second.result(10) == "held"
    assert name_of(app) == "second"


def test_calls_that_wait_behind_another_are_counted(app: Flask, make: Factory) -> None:
    user = make.user(full_name="first")
    with hold_row(app, User, id=user.id) as held:
        names = ["a", "b", "c"]
        calls = [held.start(writing(app, name)) for name in names]
        held.wait_until_blocked(3)
    assert {"first", name_of(app), *(call.result() for call in calls)} == {"first", *names}


def test_a_call_that_does_not_wait_for_the_row_fails_the_test(app: Flask, make: Factory) -> None:
    user = make.user()
    with pytest.raises(AssertionError, match="200"):
        wait_for_a_call(app, user, lambda: Client(app).get("/api/health").status_code)


def test_too_few_waiting_calls_fail_the_test(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    user = make.user(full_name="first")
    monkeypatch.setattr("tests.races.SECONDS", 0.3)
    with pytest.raises(AssertionError, match="2 calls"):
        wait_for_a_call(app, user, writing(app, "second"), count=2)


def test_a_failed_block_rolls_back(app: Flask, make: Factory) -> None:
    user = make.user(full_name="first")
    with pytest.raises(ZeroDivisionError):
        fail_while_holding(app, user)
    assert name_of(app) == "first"


def test_a_row_that_does_not_exist_cannot_be_held(app: Flask) -> None:
    with pytest.raises(Exception, match="No row was found"), hold_row(app, Conversation, id="room:404"):
        pass


def test_nothing_of_a_paused_transaction_is_seen(app: Flask, make: Factory) -> None:
    user = make.user(full_name="first")
    with paused_before_commit(app) as paused:
        call = paused.start(writing(app, "second"))
        paused.wait_until_reached()
        assert (name_of(app), call.done()) == ("first", False)
        paused.release()
        assert call.result(10) == "first"
        assert name_of(app) == "second"
        assert writing(app, "third")() == "second", "later commits pass"
    assert make.user(full_name=None).id != user.id


def test_the_pause_waits_for_a_transaction_that_writes_to_the_table(app: Flask, make: Factory) -> None:
    """The session's last use is recorded, and a name is written; the send alone is stopped, whose COMMIT ends a batch."""
    ann = make.client()
    with paused_before_commit(app, writes=Message) as paused:
        assert writing(app, "Ann")() == "None"
        sent = paused.start(lambda: ann.post("/api/chat/send", {"content": "hello"}))
        paused.wait_until_reached()
        assert make.app.test_client().get("/api/health").status_code == 200
        assert ann.get("/api/chat/messages").json == []
        paused.release()
        assert sent.result(10).status_code == 201
    assert [message["content"] for message in ann.get("/api/chat/messages").json] == ["hello"]
    assert ann.post("/api/chat/send", {"content": "again"}).status_code == 201


def test_a_writer_waits_for_a_paused_commit(app: Flask, make: Factory) -> None:
    make.user(full_name="first")
    with paused_before_commit(app, writes=User) as paused:
        first = paused.start(writing(app, "second"))
        paused.wait_until_reached()
        second = paused.start(writing(app, "third"))
        paused.wait_until_blocked()
        paused.release()
        assert (first.result(10), second.result(10)) == ("first", "second")


def test_a_commit_that_is_not_reached_fails_the_test(app: Flask, make: Factory) -> None:
    ann = make.client()
    with pytest.raises(AssertionError, match="a transaction reaches its COMMIT"):
        wait_for_a_commit(app, lambda: ann.get("/api/chat/messages").status_code)
