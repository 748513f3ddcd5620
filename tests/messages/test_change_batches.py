"""No change of one caller can fail another's, and what was committed stays acknowledged."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import exc

from backend.database import is_unavailable
from backend.messages import changes
from backend.messages.change_batch import ChangeBatch
from backend.messages.change_types import Change, Changed
from backend.messages.changes import change_messages
from backend.messages.edits import Edit
from backend.messages.reactions import AddReaction
from backend.models import Conversation
from tests.factories import Factory
from tests.messages.changing import get, head, published, send, user_id
from tests.races import hold_row


class Planted(Exception):
    """An unexpected failure."""


def plant(monkeypatch: pytest.MonkeyPatch, fails_from: int | None = None) -> list[int]:
    """Let every batch fail that edits a message to `planted`, and each batch from the number *fails_from* on with an outage.

    Returns a list that collects the sizes of the batches. Its changes have as much time as they need when they are applied one
    by one, also on a machine that stops for some seconds.
    """
    monkeypatch.setattr(changes, "SINGLY_SECONDS", 600.0)
    load, sizes = ChangeBatch.load, []

    def loading(connection: Any, wanted: list[Change]) -> ChangeBatch:
        sizes.append(len(wanted))
        if fails_from is not None and len(sizes) >= fails_from:
            raise exc.OperationalError("", {}, Exception("gone"))
        if any(change.new_content == "planted" for change in wanted):
            raise Planted
        return load(connection, wanted)

    monkeypatch.setattr(ChangeBatch, "load", loading)
    return sizes


def test_an_unexpected_failure_fails_no_other_change(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = make.client()
    messages = [send(ann, f"number {n}") for n in range(3)]
    plant(monkeypatch)
    events = published(app, monkeypatch)
    contents = ["before", "planted", "behind"]
    edits = [Edit(user_id(ann), m["id"], text, None) for m, text in zip(messages, contents, strict=True)]
    with app.app_context():
        results = change_messages(edits)
    assert isinstance(results[1], Planted)
    assert [get(ann, message)["content"] for message in messages] == ["before", "number 1", "behind"]
    assert [event.body["message"]["content"] for event in events] == ["before", "behind"]
    assert head(app, "lobby") == 5


def test_in_an_outage_all_changes_fail_together(app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = make.client()
    message = send(ann)
    sizes = plant(monkeypatch, fails_from=1)
    reactions = [AddReaction(user_id(ann), message["id"], emoji) for emoji in "👍🎉"]
    with app.app_context(), pytest.raises(exc.OperationalError):
        change_messages(reactions)
    assert sizes == [2]


def test_an_outage_while_changes_are_applied_one_by_one(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes that were committed before stay acknowledged, and their events are published."""
    ann = make.client()
    messages = [send(ann, f"number {n}") for n in range(4)]
    sizes = plant(monkeypatch, fails_from=3)
    events = published(app, monkeypatch)
    contents = ["first", "planted", "third", "last"]
    edits = [Edit(user_id(ann), m["id"], text, None) for m, text in zip(messages, contents, strict=True)]
    with app.app_context():
        first, *others = change_messages(edits)
    assert isinstance(first, Changed)
    assert (first.message["content"], first.message["modseq"]) == ("first", 5)
    assert all(isinstance(other, Exception) and is_unavailable(other) for other in others)
    assert sizes == [4, 1, 1], "the outage is not rediscovered change by change"
    assert [get(ann, message)["content"] for message in messages] == ["first", "number 1", "number 2", "number 3"]
    assert [event.body["message"]["content"] for event in events] == ["first"]


def test_changes_are_not_applied_one_by_one_for_longer_than_a_caller_waits(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = make.client()
    message = send(ann)
    sizes = plant(monkeypatch)
    monkeypatch.setattr(changes, "SINGLY_SECONDS", 0.0)
    with app.app_context():
        results = change_messages([Edit(user_id(ann), message["id"], "planted", None)] * 3)
    assert sizes == [3]
    assert [type(result).__name__ for result in results] == ["Unavailable"] * 3


def test_a_locked_conversation_fails_no_change_in_another(
    postgresql_app: Flask, wiped: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own changes do not wait one after another either: the contract promises an answer within 10 s."""
    monkeypatch.setattr(changes, "SINGLY_SECONDS", 7.0)  # the machine may stop for two seconds
    make = Factory(postgresql_app)
    ann = make.client()
    room = make.room(ann)
    stuck, free = send(ann, room_id=room["id"]), send(ann)
    wanted = [AddReaction(user_id(ann), stuck["id"], emoji) for emoji in "👍🎉😀🚀❤"] * 4
    wanted.append(AddReaction(user_id(ann), free["id"], "👍"))
    with postgresql_app.app_context():
        with hold_row(postgresql_app, Conversation, id=room["conversation_id"]):
            started = time.monotonic()
            *late, reacted = change_messages(wanted)
            assert time.monotonic() - started < 8
        assert all(isinstance(result, Exception) and is_unavailable(result) for result in late)
        assert isinstance(reacted, Changed)
        assert reacted.message["reactions"] == get(ann, free)["reactions"] != []
