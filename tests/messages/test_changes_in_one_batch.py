"""Several changes in one transaction: each sees the ones before it, and a refused one leaves no trace."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from backend.database import read_all
from backend.errors import Forbidden, NotFound
from backend.events import Event
from backend.messages.change_types import Change, Changed, MessageDeleted
from backend.messages.changes import change_messages
from backend.messages.deletion import Deletion
from backend.messages.edits import Edit, EditConflict
from backend.messages.pins import SetPin
from backend.messages.reactions import MAX_EMOJI, AddReaction, RemoveReaction, TooManyReactions
from backend.models import Message, MessageEdit, MessageMention, Pin, Reaction
from backend.models.base import Base, db
from backend.state import confab_state
from tests.client import Client
from tests.factories import Factory
from tests.messages.changing import MESSAGES, delete, edit, get, head, published, react, send, user_id


def apply(app: Flask, *changes: Change) -> list[Any]:
    """The results of *changes* in one transaction: messages, or errors."""
    with app.app_context():
        return [each.message if isinstance(each, Changed) else each for each in change_messages(changes)]


def count(app: Flask, model: type[Base]) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model)) or 0


def history(client: Client, message: dict[str, Any]) -> list[str]:
    return [each["content"] for each in client.get(f"{MESSAGES}/{message['id']}/history").get_json()]


def test_each_event_has_the_state_after_its_own_change(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = make.client()
    message = send(ann, "first")
    events = published(app, monkeypatch)
    edits = [Edit(user_id(ann), message["id"], text) for text in ("second", "third")]
    results = apply(app, *edits, AddReaction(user_id(ann), message["id"], "👍"), Deletion(user_id(ann), message["id"]))
    states = [(2, "second", 0), (3, "third", 0), (4, "third", 1), (5, "", 0)]
    bodies = [event.body["message"] for event in events]
    assert [(each["modseq"], each["content"], len(each["reactions"])) for each in results] == states
    assert [(each["modseq"], each["content"], len(each["reactions"])) for each in bodies] == states
    assert [event.type for event in events] == [*["message.updated"] * 3, "message.deleted"]


def test_edits_of_one_version_conflict(app: Flask, make: Factory) -> None:
    ann = make.client()
    message = send(ann, "first")
    won, lost, last = apply(
        app,
        Edit(user_id(ann), message["id"], "second", message["modseq"]),
        Edit(user_id(ann), message["id"], "lost", message["modseq"]),
        Edit(user_id(ann), message["id"], "third", message["modseq"] + 1),
    )
    assert (won["content"], type(lost), last["content"]) == ("second", EditConflict, "third")
    assert (get(ann, message)["content"], history(ann, message)) == ("third", ["first", "second"])


@pytest.mark.parametrize("is_there", [False, True])
def test_a_reaction_that_changes_twice_ends_as_the_last_change_says(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_there: bool
) -> None:
    caplog.set_level(logging.WARNING)
    ann, ben = make.client(), make.client()
    message = send(ann)
    react(ben, message, "🎉")
    if is_there:
        react(ann, message, "👍")
    events = published(app, monkeypatch)
    add, remove = (kind(user_id(ann), message["id"], "👍") for kind in (AddReaction, RemoveReaction))
    *_, last = apply(app, *([remove, add] if is_there else [add, remove]))
    fresh = get(ann, message)
    assert {each["emoji"] for each in fresh["reactions"]} == ({"👍", "🎉"} if is_there else {"🎉"})
    assert (last["reactions"], last["modseq"]) == (fresh["reactions"], fresh["modseq"])
    assert len(events) == 2
    assert caplog.messages == [], "the batch was not applied one by one"
    assert react(ann, message, "👍").get_json()["modseq"] == fresh["modseq"] + (not is_there)


def test_the_limit_of_different_emoji_counts_those_of_the_batch(app: Flask, make: Factory) -> None:
    ann = make.client()
    message = send(ann)
    reactions = [AddReaction(user_id(ann), message["id"], chr(0x1F600 + n)) for n in range(MAX_EMOJI + 1)]
    *accepted, refused = apply(app, *reactions)
    assert all(isinstance(each, dict) for each in accepted)
    assert isinstance(refused, TooManyReactions)
    assert len(get(ann, message)["reactions"]) == MAX_EMOJI


def test_a_message_that_is_unpinned_and_deleted_is_in_no_list_of_pins(app: Flask, make: Factory) -> None:
    ann, ben = make.client(), make.client()
    message = send(ann, recipient_id=user_id(ben))
    ben.put(f"{MESSAGES}/{message['id']}/pin")
    apply(app, SetPin(user_id(ann), message["id"], is_pinned=False), Deletion(user_id(ann), message["id"]))
    assert ann.get(f"{MESSAGES}?pinned=true").get_json() == []
    assert count(app, Pin) == 0


def test_a_message_that_is_pinned_and_deleted_is_in_no_list_of_pins(app: Flask, make: Factory) -> None:
    ann, ben = make.client(), make.client()
    message = send(ann, recipient_id=user_id(ben))
    _, _, refused = apply(
        app,
        SetPin(user_id(ben), message["id"], is_pinned=True),
        Deletion(user_id(ann), message["id"]),
        SetPin(user_id(ben), message["id"], is_pinned=True),
    )
    assert isinstance(refused, MessageDeleted)
    assert ann.get(f"{MESSAGES}?pinned=true").get_json() == []


def test_a_pin_records_who_pinned_the_message(app: Flask, make: Factory) -> None:
    ann, ben = make.client(), make.client()
    message = send(ann, recipient_id=user_id(ben))
    apply(app, SetPin(user_id(ben), message["id"], is_pinned=True))
    with app.app_context():
        assert db.session.scalars(select(Pin.pinned_by_id)).all() == [user_id(ben)]


def test_a_refused_hard_deletion_wipes_nothing(app: Flask, make: Factory, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    owner, ann, stranger = make.client(), make.client(), make.client()
    room = make.room(owner, "room", ann)
    message = send(owner, "first", room_id=room["id"])
    edit(owner, message, "second")
    by_ann, by_stranger, edited = apply(
        app,
        Deletion(user_id(ann), message["id"], is_hard=True),
        Deletion(user_id(stranger), message["id"], is_hard=True),
        Edit(user_id(owner), message["id"], "third"),
    )
    assert (type(by_ann), type(by_stranger), edited["content"]) == (Forbidden, NotFound, "third")
    assert caplog.messages == [], "the refusals did not fail the batch"
    assert (get(ann, message)["content"], history(ann, message)) == ("third", ["first", "second"])


def test_only_those_who_may_delete_a_message_may_wipe_its_tombstone(app: Flask, make: Factory) -> None:
    owner, ann, ben = make.client(), make.client(), make.client()
    room = make.room(owner, "room", ann, ben)
    message = send(ann, "kept", room_id=room["id"])
    delete(ann, message)
    response = delete(ben, message, hard=True)
    assert (response.status_code, response.get_json()["code"]) == (403, "forbidden")

    def contents() -> list[str]:
        with app.app_context():
            return list(db.session.scalars(select(Message.content)))

    assert contents() == ["kept"]
    assert delete(owner, message, hard=True).status_code == 204
    assert contents() == [""]


@pytest.mark.parametrize("order", [(True, False), (False, True), (False,)])
def test_a_message_is_wiped_if_one_of_its_deletions_is_hard(app: Flask, make: Factory, order: tuple[bool, ...]) -> None:
    ann = make.client()
    message = send(ann, "content")
    apply(app, *(Deletion(user_id(ann), message["id"], is_hard=is_hard) for is_hard in order))
    with app.app_context():
        assert db.session.scalars(select(Message.content)).all() == ["" if any(order) else "content"]


def test_a_deletion_that_does_not_say_so_is_not_hard(app: Flask, make: Factory) -> None:
    ann = make.client()
    message = send(ann, "content")
    apply(app, Deletion(user_id(ann), message["id"]))
    with app.app_context():
        assert db.session.scalars(select(Message.content)).all() == ["content"]


@pytest.mark.parametrize("is_hard", [False, True])
def test_a_deletion_deletes_the_rows_of_reactions_mentions_and_pins(app: Flask, make: Factory, is_hard: bool) -> None:
    """An export or a count must not find them either."""
    ann, ben = make.client(), make.client()
    message = send(ann, f"@{ben.user.username}", recipient_id=user_id(ben))  # type: ignore[attr-defined]
    react(ben, message, "👍")
    ben.put(f"{MESSAGES}/{message['id']}/pin")
    assert [count(app, model) for model in (Reaction, MessageMention, Pin)] == [1, 1, 1]
    assert delete(ann, message, hard=is_hard).status_code == 204
    assert [count(app, model) for model in (Reaction, MessageMention, Pin)] == [0, 0, 0]


@pytest.mark.parametrize("is_soft_first", [False, True])
def test_a_hard_deletion_leaves_no_hash_of_the_content(app: Flask, make: Factory, is_soft_first: bool) -> None:
    ann = make.client()
    message = send(ann, "secret", client_message_id="k")
    edit(ann, message, "secret, edited")
    if is_soft_first:
        delete(ann, message)
    delete(ann, message, hard=True)
    with app.app_context():
        assert db.session.scalars(select(Message.request_hash)).all() == [None]
    assert count(app, MessageEdit) == 0


def test_the_message_is_committed_before_its_event_is_published(
    app: Flask, make: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that asks for the message after the event must not get an older state."""
    ann = make.client()
    message = send(ann)
    committed: list[tuple[int | None, int]] = []

    def publish(events: list[Event]) -> None:
        for event in events:
            [row] = read_all(db.engine, select(Message.modseq).where(Message.id == message["id"]))
            committed.append((event.modseq, row.modseq))

    monkeypatch.setattr(confab_state(app).bus, "publish", publish)
    edit(ann, message, "edited")
    send(ann, "reply", parent_id=message["id"])
    assert committed == [(2, 2), (3, 4), (4, 4)]
    assert head(app, "lobby") == 4
